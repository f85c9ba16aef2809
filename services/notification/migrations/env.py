"""Alembic's entry for the notification database."""

from services.common.migrate import run_env
from services.notification.store import metadata

run_env(metadata)
