"""Tables of the membership service, and all its SQL."""

from services.membership.store.customers import (
    load,
    load_many,
    load_whole,
    lock_account,
    lock_owner,
)
from services.membership.store.directory import (
    add_filter,
    delete_filter,
    filters_page,
    hold_filters,
    load_filter,
    name_is_taken,
    rename_filter,
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
from services.membership.store.history import history_page
from services.membership.store.logins import note_confirmed
from services.membership.store.merging import Run, claim_run, earlier_run, finish_run, load_accounts, save_outcome
from services.membership.store.notes import add_note, notes_page, strike_note
from services.membership.store.orders import Applied, apply_orders, enrolled_orders, lock_buyers
from services.membership.store.overview import load_overview, reckon, save_overview
from services.membership.store.points import entries_page, expired_owners, lots_of, save_ledger
from services.membership.store.profiles import (
    add_consent,
    free_identifier,
    hold_identifiers,
    note_change,
    owned_identifiers,
    save_profile,
    take_identifier,
)
from services.membership.store.removals import (
    being_removed,
    claim_removal,
    finish_removal,
    hold_removal,
    latest_removal,
    load_policy,
    merged_into,
    save_policy,
    take_due_removals,
    wipe,
)
from services.membership.store.searching import Key, count_members, find
from services.membership.store.settings import load_settings, save_settings
from services.membership.store.tables import metadata

__all__ = [
    "Applied",
    "Attempt",
    "Key",
    "Run",
    "add_consent",
    "add_fact",
    "add_filter",
    "add_many_to_known",
    "add_note",
    "add_to_holder",
    "add_to_known",
    "apply_orders",
    "being_removed",
    "claim_removal",
    "claim_run",
    "count_members",
    "delete_filter",
    "earlier_run",
    "enrolled_orders",
    "entries_page",
    "expired_owners",
    "filters_page",
    "find",
    "find_enrolled",
    "finish_removal",
    "finish_run",
    "free_identifier",
    "history_page",
    "hold_filters",
    "hold_identifiers",
    "hold_removal",
    "holders_of",
    "insert_new",
    "latest_removal",
    "load",
    "load_accounts",
    "load_filter",
    "load_many",
    "load_overview",
    "load_policy",
    "load_settings",
    "load_whole",
    "lock_account",
    "lock_buyers",
    "lock_owner",
    "lots_of",
    "merged_into",
    "metadata",
    "name_is_taken",
    "note_change",
    "note_confirmed",
    "notes_page",
    "owned_identifiers",
    "reckon",
    "rename_filter",
    "save_ledger",
    "save_outcome",
    "save_overview",
    "save_policy",
    "save_profile",
    "save_settings",
    "strike_note",
    "take_due_removals",
    "take_identifier",
    "wipe",
]
