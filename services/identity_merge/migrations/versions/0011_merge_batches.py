"""Many merges at once."""

from pathlib import Path

from services.common.migrate import create_from

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    create_from(Path(__file__).with_suffix(".sql"), queues=["merge_batches"])
