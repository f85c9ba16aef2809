"""Saving level rules as a run of the worker."""

from pathlib import Path

from services.common.migrate import create_from

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    create_from(Path(__file__).with_suffix(".sql"), queues=["level_runs"])
