"""Tables of the notification service, and all its SQL."""

from services.notification.store.log import add_change, changes_of, decide, list_page, load, messages_of_events
from services.notification.store.looks import add_logo, load_logo, load_look, load_store, save_look
from services.notification.store.messages import forget, forget_due, insert_intents, save_store
from services.notification.store.sending import claim, expire_leases, mark_sending, release, settle
from services.notification.store.suppressions import is_suppressed, suppress, suppressed_among, unsuppress
from services.notification.store.tables import metadata

__all__ = [
    "add_change",
    "add_logo",
    "changes_of",
    "claim",
    "decide",
    "expire_leases",
    "forget",
    "forget_due",
    "insert_intents",
    "is_suppressed",
    "list_page",
    "load",
    "load_logo",
    "load_look",
    "load_store",
    "mark_sending",
    "messages_of_events",
    "metadata",
    "release",
    "save_look",
    "save_store",
    "settle",
    "suppress",
    "suppressed_among",
    "unsuppress",
]
