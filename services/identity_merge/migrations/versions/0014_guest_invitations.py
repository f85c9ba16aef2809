"""Links of mails that invite guests to become members (A5)."""

from pathlib import Path

from services.common.migrate import create_from

revision = "0014"
down_revision = "0011"


def upgrade() -> None:
    create_from(Path(__file__).with_suffix(".sql"), queues=["guest_invitations"])
