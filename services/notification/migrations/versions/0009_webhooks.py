"""Webhooks: endpoints of merchants' own systems, and deliveries to them."""

from pathlib import Path

from services.common.migrate import create_from

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    # One sender serves all stores; in each of its claims every endpoint has its turn.
    create_from(Path(__file__).with_suffix(".sql"), queues=["webhooks", "webhook_deliveries"])
