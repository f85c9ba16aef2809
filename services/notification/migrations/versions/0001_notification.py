"""Messages, the stores that they speak for, and plumbing."""

from pathlib import Path

from services.common.migrate import create_from

revision = "0001"
down_revision = None


def upgrade() -> None:
    # One sender serves all stores, so that a quiet store's message goes out between those of a busy one.
    create_from(Path(__file__).with_suffix(".sql"), queues=["messages", "stores"])
