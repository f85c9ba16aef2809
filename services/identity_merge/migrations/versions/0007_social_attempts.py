"""Customers log in by providers: the browsers that were sent there."""

from pathlib import Path

from services.common.migrate import create_from

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    create_from(Path(__file__).with_suffix(".sql"), queues=["social_attempts"])
