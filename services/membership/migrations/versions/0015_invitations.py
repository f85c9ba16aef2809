"""Guests who are invited to become members: the last invitation to each address, and runs that invite many (A5)."""

from pathlib import Path

from services.common.migrate import create_from

revision = "0015"
down_revision = "0013"


def upgrade() -> None:
    create_from(Path(__file__).with_suffix(".sql"), queues=["invitation_runs"])
