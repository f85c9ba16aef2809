"""Carts of visitors and members."""

from pathlib import Path

from services.common.migrate import create_from

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    create_from(Path(__file__).with_suffix(".sql"), queues=["carts"])
