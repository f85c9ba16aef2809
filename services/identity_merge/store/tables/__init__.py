"""Tables, by area. `store_id` leads every key; only `stores` is a directory, for it is what tells whose data lie where."""

from services.identity_merge.store.tables.audit import audit_entries
from services.identity_merge.store.tables.base import metadata
from services.identity_merge.store.tables.batches import merge_batches, merge_groups
from services.identity_merge.store.tables.duplicates import duplicate_pairs, duplicate_scans
from services.identity_merge.store.tables.invitations import guest_invitations
from services.identity_merge.store.tables.keys import api_key_old_secrets, api_keys
from services.identity_merge.store.tables.logins import (
    codes,
    confirmations,
    customer_passwords,
    customer_sessions,
    login_attempts,
    login_methods,
    login_owners,
    proofs,
    social_attempts,
)
from services.identity_merge.store.tables.merges import merge_participants, merge_plans, merge_runs
from services.identity_merge.store.tables.staff import (
    staff,
    staff_challenges,
    staff_invitations,
    staff_recovery_codes,
    staff_sessions,
    staff_totp,
)
from services.identity_merge.store.tables.stores import stores

__all__ = [
    "api_key_old_secrets",
    "api_keys",
    "audit_entries",
    "codes",
    "confirmations",
    "customer_passwords",
    "customer_sessions",
    "duplicate_pairs",
    "duplicate_scans",
    "guest_invitations",
    "login_attempts",
    "login_methods",
    "login_owners",
    "merge_batches",
    "merge_groups",
    "merge_participants",
    "merge_plans",
    "merge_runs",
    "metadata",
    "proofs",
    "social_attempts",
    "staff",
    "staff_challenges",
    "staff_invitations",
    "staff_recovery_codes",
    "staff_sessions",
    "staff_totp",
    "stores",
]
