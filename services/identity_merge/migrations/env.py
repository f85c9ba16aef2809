"""Alembic's entry for the identity_merge database."""

from services.common.migrate import run_env
from services.identity_merge.store import metadata

run_env(metadata)
