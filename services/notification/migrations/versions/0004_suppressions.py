"""Who wants no advertising."""

from pathlib import Path

from services.common.migrate import create_from

revision = "0004"
down_revision = "0002"


def upgrade() -> None:
    create_from(Path(__file__).with_suffix(".sql"))
