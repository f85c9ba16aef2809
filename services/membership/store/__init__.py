"""Tables of the membership service, and all its SQL."""

from services.membership.store.customers import (
    load,
    load_many,
    load_whole,
    lock_owner,
)
from services.membership.store.enrolment import (
    Attempt,
    add_fact,
    add_many_to_known,
    add_to_holder,
    add_to_known,
    find_enrolled,
    holders_of,
    insert_new,
)
from services.membership.store.merging import Run, claim_run, earlier_run, finish_run, load_accounts, save_outcome
from services.membership.store.orders import Applied, apply_orders, enrolled_orders, lock_buyers
from services.membership.store.points import entries_page, expired_owners, lots_of, save_ledger
from services.membership.store.searching import count_members, find, newest
from services.membership.store.settings import load_settings, save_settings
from services.membership.store.tables import metadata

__all__ = [
    "Applied",
    "Attempt",
    "Run",
    "add_fact",
    "add_many_to_known",
    "add_to_holder",
    "add_to_known",
    "apply_orders",
    "claim_run",
    "count_members",
    "earlier_run",
    "enrolled_orders",
    "entries_page",
    "expired_owners",
    "find",
    "find_enrolled",
    "finish_run",
    "holders_of",
    "insert_new",
    "load",
    "load_accounts",
    "load_many",
    "load_settings",
    "load_whole",
    "lock_buyers",
    "lock_owner",
    "lots_of",
    "metadata",
    "newest",
    "save_ledger",
    "save_outcome",
    "save_settings",
]
