"""Runs that change many orders."""

from pathlib import Path

from services.common.migrate import create_from

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    create_from(Path(__file__).with_suffix(".sql"), queues=["bulk_runs"])
