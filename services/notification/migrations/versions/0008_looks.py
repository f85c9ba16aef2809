"""How stores' messages look."""

from pathlib import Path

from services.common.migrate import create_from

revision = "0008"
down_revision = "0006"


def upgrade() -> None:
    # One sender writes for all stores.
    create_from(Path(__file__).with_suffix(".sql"), queues=["looks"])
