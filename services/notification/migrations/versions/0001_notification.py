"""Messages, the stores that they speak for, and plumbing."""

from services.common.migrate import create_all
from services.notification.store import metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    # One sender serves all stores, so that a quiet store's message goes out between those of a busy one.
    create_all(metadata, queues=["messages", "stores"])
