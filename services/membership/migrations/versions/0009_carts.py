"""Members' carts, so that one left unchecked can be found."""

from pathlib import Path

from services.common.migrate import create_from

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    create_from(Path(__file__).with_suffix(".sql"))
