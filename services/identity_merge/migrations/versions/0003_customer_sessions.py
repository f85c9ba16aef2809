"""Customers log in by one-time codes: the codes, and the sessions that they begin."""

from pathlib import Path

from services.common.migrate import create_from

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    create_from(Path(__file__).with_suffix(".sql"), queues=["codes", "customer_sessions"])
