"""PostgreSQL: connections, transactions bound to one store, and the plumbing tables that each service has."""

from services.common.database.connections import (
    BOUND,
    WAIT_SECONDS,
    Database,
    Statement,
    address_of,
    connect,
    driver_of,
    is_transient,
)
from services.common.database.plumbing import TIMESTAMPTZ, Plumbing, plumbing

__all__ = [
    "BOUND",
    "TIMESTAMPTZ",
    "WAIT_SECONDS",
    "Database",
    "Plumbing",
    "Statement",
    "address_of",
    "connect",
    "driver_of",
    "is_transient",
    "plumbing",
]
