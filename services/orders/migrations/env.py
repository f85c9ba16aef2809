"""Alembic's entry for the orders database."""

from services.common.migrate import run_env
from services.orders.store import metadata

run_env(metadata)
