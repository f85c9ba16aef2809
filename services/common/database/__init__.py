"""PostgreSQL: connections, transactions bound to one store, and the plumbing tables that each service has."""

from services.common.database.connections import WAIT_SECONDS, Database, address_of, connect, is_transient
from services.common.database.plumbing import TIMESTAMPTZ, Plumbing, plumbing
from services.common.database.statements import BOUND, BOUND_TOGETHER, LOCK_TIMEOUT, Statement, Together, driver_of

__all__ = [
    "BOUND",
    "BOUND_TOGETHER",
    "LOCK_TIMEOUT",
    "TIMESTAMPTZ",
    "WAIT_SECONDS",
    "Database",
    "Plumbing",
    "Statement",
    "Together",
    "address_of",
    "connect",
    "driver_of",
    "is_transient",
    "plumbing",
]
