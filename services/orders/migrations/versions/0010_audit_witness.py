"""How far the audit log had come, and its hashes: kept apart from the log, so that whoever alters one has to alter both."""

from pathlib import Path

from services.common.migrate import create_from, never_changed

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    create_from(Path(__file__).with_suffix(".sql"))
    never_changed("audit_witness")
