"""Alembic's entry for the membership database."""

from services.common.migrate import run_env
from services.membership.store import metadata

run_env(metadata)
