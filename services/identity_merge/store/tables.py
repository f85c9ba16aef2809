"""Tables. `store_id` leads every key; only `stores` is a directory, for it is what tells whose data lie where."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from services.common.database import TIMESTAMPTZ, Plumbing

metadata = MetaData()
plumbing = Plumbing(metadata)

stores = Table(
    "stores",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("slug", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("timezone", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("created_at", TIMESTAMPTZ, nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("store_id"),
    Index("stores_slug", "slug", unique=True),
)
staff = Table(
    "staff",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("staff_id", Uuid, nullable=False),
    Column("email", Text, nullable=False),
    # The comparable form (rule 11).
    Column("email_key", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("role", SmallInteger, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("created_at", TIMESTAMPTZ, nullable=False, server_default=func.now()),
    # Who has left keeps the name, for what they did. Their address is free again: email_key is nobody's then.
    Column("removed_at", TIMESTAMPTZ),
    PrimaryKeyConstraint("store_id", "staff_id"),
    ForeignKeyConstraint(["store_id"], ["stores.store_id"]),
    Index("staff_email", "store_id", "email_key", unique=True),
)
staff_sessions = Table(
    "staff_sessions",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("token_digest", LargeBinary, nullable=False),
    Column("staff_id", Uuid, nullable=False),
    # What pages call the session, which must not show its token.
    Column("session_id", Uuid, nullable=False, server_default=text("gen_random_uuid()")),
    Column("agent", Text, nullable=False, server_default=""),
    Column("created_at", TIMESTAMPTZ, nullable=False, server_default=func.now()),
    Column("last_seen", TIMESTAMPTZ, nullable=False, server_default=func.now()),
    Column("expires_at", TIMESTAMPTZ, nullable=False),
    PrimaryKeyConstraint("store_id", "token_digest"),
    ForeignKeyConstraint(["store_id", "staff_id"], ["staff.store_id", "staff.staff_id"]),
    Index("staff_sessions_by_staff", "store_id", "staff_id"),
    Index("staff_sessions_expired", "expires_at"),
)
# One for each address: of somebody who is to join, or of a member of staff (staff_id) who has forgotten the password.
staff_invitations = Table(
    "staff_invitations",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("invitation_id", Uuid, nullable=False),
    Column("email", Text, nullable=False),
    Column("email_key", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("role", SmallInteger, nullable=False),
    Column("staff_id", Uuid),
    Column("invited_by", Text, nullable=False),
    # Unset until the mail is sent.
    Column("token_digest", LargeBinary),
    Column("created_at", TIMESTAMPTZ, nullable=False, server_default=func.now()),
    Column("expires_at", TIMESTAMPTZ, nullable=False),
    PrimaryKeyConstraint("store_id", "invitation_id"),
    ForeignKeyConstraint(["store_id"], ["stores.store_id"]),
    ForeignKeyConstraint(["store_id", "staff_id"], ["staff.store_id", "staff.staff_id"]),
    Index("staff_invitations_email", "store_id", "email_key", unique=True),
    Index("staff_invitations_token", "store_id", "token_digest", unique=True),
    Index("staff_invitations_expired", "expires_at"),
)
# The second factor (RFC 6238): on once a code of it was seen, sealed, and with the newest step of time whose code was used.
staff_totp = Table(
    "staff_totp",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("staff_id", Uuid, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("last_step", BigInteger, nullable=False, server_default="0"),
    Column("created_at", TIMESTAMPTZ, nullable=False, server_default=func.now()),
    Column("confirmed_at", TIMESTAMPTZ),
    PrimaryKeyConstraint("store_id", "staff_id"),
    ForeignKeyConstraint(["store_id", "staff_id"], ["staff.store_id", "staff.staff_id"]),
)
staff_recovery_codes = Table(
    "staff_recovery_codes",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("staff_id", Uuid, nullable=False),
    # Keyed.
    Column("code_digest", LargeBinary, nullable=False),
    PrimaryKeyConstraint("store_id", "staff_id", "code_digest"),
    ForeignKeyConstraint(["store_id", "staff_id"], ["staff.store_id", "staff.staff_id"]),
)
# Log-ins whose password was right and whose second step is to come.
staff_challenges = Table(
    "staff_challenges",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("token_digest", LargeBinary, nullable=False),
    Column("staff_id", Uuid, nullable=False),
    Column("tries", SmallInteger, nullable=False, server_default="0"),
    Column("expires_at", TIMESTAMPTZ, nullable=False),
    PrimaryKeyConstraint("store_id", "token_digest"),
    ForeignKeyConstraint(["store_id", "staff_id"], ["staff.store_id", "staff.staff_id"]),
    Index("staff_challenges_by_staff", "store_id", "staff_id"),
    Index("staff_challenges_expired", "expires_at"),
)
api_keys = Table(
    "api_keys",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("api_key_id", Uuid, nullable=False),
    Column("key_digest", LargeBinary, nullable=False),
    Column("name", Text, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", TIMESTAMPTZ, nullable=False, server_default=func.now()),
    Column("expires_at", TIMESTAMPTZ),
    Column("revoked_at", TIMESTAMPTZ),
    # Noted at most every 5 minutes.
    Column("last_used", TIMESTAMPTZ),
    PrimaryKeyConstraint("store_id", "api_key_id"),
    ForeignKeyConstraint(["store_id"], ["stores.store_id"]),
    Index("api_keys_digest", "store_id", "key_digest", unique=True),
    Index("api_keys_by_age", "store_id", "created_at", "api_key_id", postgresql_where=text("revoked_at IS NULL")),
)
# Secrets before the newest, which go on for a day.
api_key_old_secrets = Table(
    "api_key_old_secrets",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("key_digest", LargeBinary, nullable=False),
    Column("api_key_id", Uuid, nullable=False),
    Column("good_until", TIMESTAMPTZ, nullable=False),
    PrimaryKeyConstraint("store_id", "key_digest"),
    ForeignKeyConstraint(["store_id", "api_key_id"], ["api_keys.store_id", "api_keys.api_key_id"]),
    Index("api_key_old_secrets_by_key", "store_id", "api_key_id"),
    Index("api_key_old_secrets_expired", "good_until"),
)
# Attempts to log in, by the digest of the e-mail typed, and codes asked for, by whom and from where; store NIL stands for stores that do
# not exist.
login_attempts = Table(
    "login_attempts",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("subject", LargeBinary, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("since", TIMESTAMPTZ, nullable=False),
    PrimaryKeyConstraint("store_id", "subject"),
    Index("login_attempts_old", "since"),
)
login_methods = Table(
    "login_methods",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("login_method_id", Uuid, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("value", Text),
    # What a provider calls the person; empty for phones and addresses.
    Column("label", Text, nullable=False, server_default=""),
    Column("state", SmallInteger, nullable=False),
    Column("created_at", TIMESTAMPTZ, nullable=False, server_default=func.now()),
    Column("confirmed_at", TIMESTAMPTZ),
    Column("retired_at", TIMESTAMPTZ),
    PrimaryKeyConstraint("store_id", "login_method_id"),
    CheckConstraint("(state = 3) = (value IS NULL)", name="login_methods_retired_keep_no_value"),
    # Retired ones included: an identifier that was retired never comes back (T).
    Index("login_methods_identifier", "store_id", "kind", "digest", unique=True),
    Index("login_methods_by_customer", "store_id", "customer_id"),
)
# Members whose identifiers have changed since they enrolled, and customers who are gone: what membership said of them before is
# stale, in whatever order it arrives.
login_owners = Table(
    "login_owners",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    # The customer's, after the change.
    Column("version", BigInteger, nullable=False),
    # Deleted or erased: nothing is made for it any more.
    Column("gone", Boolean, nullable=False, server_default=text("false")),
    PrimaryKeyConstraint("store_id", "customer_id"),
)
confirmations = Table(
    "confirmations",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("token_digest", LargeBinary, nullable=False),
    Column("login_method_id", Uuid, nullable=False),
    Column("created_at", TIMESTAMPTZ, nullable=False, server_default=func.now()),
    Column("expires_at", TIMESTAMPTZ, nullable=False),
    Column("used_at", TIMESTAMPTZ),
    PrimaryKeyConstraint("store_id", "token_digest"),
    ForeignKeyConstraint(["store_id", "login_method_id"], ["login_methods.store_id", "login_methods.login_method_id"]),
    Index("confirmations_by_method", "store_id", "login_method_id"),
    Index("confirmations_expired", "expires_at"),
)
# One live code for each browser: whoever else asks for one to the same identifier has another row, with tries of its own.
codes = Table(
    "codes",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("browser_digest", LargeBinary, nullable=False),
    Column("code_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("value", Text, nullable=False, server_default=""),
    # The account that the identifier is to be added to; unset to log in or register.
    Column("adding_to", Uuid),
    # Keyed; unset until the code is sent, and for ever where the identifier is retired.
    Column("code_digest", LargeBinary),
    Column("tries", SmallInteger, nullable=False, server_default="0"),
    # Of the mail's link to register by, and of the browser that has opened it: no other may.
    Column("link_digest", LargeBinary),
    Column("link_browser", LargeBinary),
    Column("expires_at", TIMESTAMPTZ, nullable=False),
    PrimaryKeyConstraint("store_id", "browser_digest"),
    Index("codes_id", "store_id", "code_id", unique=True),
    Index("codes_link", "store_id", "link_digest", unique=True, postgresql_where=text("link_digest IS NOT NULL")),
    Index("codes_expired", "expires_at"),
)
# What browsers have proved and what is to become an account.
proofs = Table(
    "proofs",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("browser_digest", LargeBinary, nullable=False),
    Column("kind", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("value", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("name", Text, nullable=False),
    # The code that must come first: it connects this with the account of the identifier that it was sent to.
    Column("code_id", Uuid),
    # The id of the account to be, from the first attempt to make it.
    Column("customer_id", Uuid),
    # When the account was made of it.
    Column("used_at", TIMESTAMPTZ),
    Column("created_at", TIMESTAMPTZ, nullable=False, server_default=func.now()),
    Column("expires_at", TIMESTAMPTZ, nullable=False),
    PrimaryKeyConstraint("store_id", "browser_digest", "kind", "digest"),
    Index("proofs_expired", "expires_at"),
)
customer_passwords = Table(
    "customer_passwords",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("set_at", TIMESTAMPTZ, nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("store_id", "customer_id"),
)
# Whose a session is, its login method says; with that it ends (F13).
customer_sessions = Table(
    "customer_sessions",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("token_digest", LargeBinary, nullable=False),
    Column("session_id", Uuid, nullable=False, server_default=text("gen_random_uuid()")),
    Column("login_method_id", Uuid, nullable=False),
    # phone, email, password, or a provider's id; empty: by the login method.
    Column("begun_by", Text, nullable=False, server_default=""),
    Column("agent", Text, nullable=False, server_default=""),
    Column("created_at", TIMESTAMPTZ, nullable=False, server_default=func.now()),
    Column("last_seen", TIMESTAMPTZ, nullable=False, server_default=func.now()),
    Column("expires_at", TIMESTAMPTZ, nullable=False),
    PrimaryKeyConstraint("store_id", "token_digest"),
    ForeignKeyConstraint(["store_id", "login_method_id"], ["login_methods.store_id", "login_methods.login_method_id"]),
    Index("customer_sessions_by_method", "store_id", "login_method_id"),
    Index("customer_sessions_expired", "expires_at"),
)
# Browsers that were sent to a provider.
social_attempts = Table(
    "social_attempts",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("state_digest", LargeBinary, nullable=False),
    Column("browser_digest", LargeBinary, nullable=False),
    Column("provider_id", Text, nullable=False),
    Column("redirect_uri", Text, nullable=False),
    Column("language", Text, nullable=False),
    # The customer to whom the provider is to be added; unset to log in or register.
    Column("adds_to", Uuid),
    Column("expires_at", TIMESTAMPTZ, nullable=False),
    PrimaryKeyConstraint("store_id", "state_digest"),
    Index("social_attempts_expired", "expires_at"),
)
merge_plans = Table(
    "merge_plans",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("plan_id", Uuid, nullable=False),
    Column("plan_hash", Text, nullable=False),
    Column("primary_id", Uuid, nullable=False),
    Column("merged_ids", ARRAY(Uuid), nullable=False),
    Column("adjustment_points", BigInteger, nullable=False),
    Column("adjustment_expires_on", Text, nullable=False),
    Column("adjustment_description", Text, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", TIMESTAMPTZ, nullable=False, server_default=func.now()),
    Column("expires_at", TIMESTAMPTZ, nullable=False),
    # By "account field" a salted digest of what was seen.
    Column("marks", JSONB, nullable=False, server_default="{}"),
    # The run that it became.
    Column("merge_run_id", Uuid),
    PrimaryKeyConstraint("store_id", "plan_id"),
    Index("merge_plans_expired", "expires_at"),
)
merge_runs = Table(
    "merge_runs",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("merge_run_id", Uuid, nullable=False),
    Column("plan_id", Uuid, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("primary_id", Uuid, nullable=False),
    Column("merged_ids", ARRAY(Uuid), nullable=False),
    Column("adjustment_points", BigInteger, nullable=False),
    Column("adjustment_expires_on", Text, nullable=False),
    Column("adjustment_description", Text, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("started_by", Text, nullable=False),
    Column("started_at", TIMESTAMPTZ, nullable=False),
    Column("orders_moved", BigInteger, nullable=False),
    Column("orders_expected", BigInteger),
    # Accounts that had been merged into the merged ones before (F10).
    Column("earlier_ids", ARRAY(Uuid), nullable=False, server_default="{}"),
    # [customer, kind, mask, proved at]: nothing in it has to be erased (C12).
    Column("ended_logins", JSONB, nullable=False, server_default="[]"),
    Column("refusal", Text, nullable=False),
    Column("finished_at", TIMESTAMPTZ),
    Column("version", BigInteger, nullable=False),
    Column("traceparent", Text, nullable=False),
    # Who works on it and until when; in the past: whoever wants to may. While a dependency is away: when to try again.
    Column("claimed_by", Uuid),
    Column("claimed_until", TIMESTAMPTZ, nullable=False, server_default=func.now()),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("last_error", Text, nullable=False, server_default=""),
    PrimaryKeyConstraint("store_id", "merge_run_id"),
    Index("merge_runs_plan", "store_id", "plan_id", unique=True),
    Index("merge_runs_newest", "store_id", text("started_at DESC"), text("merge_run_id DESC")),
    Index("merge_runs_unfinished", "claimed_until", postgresql_where=text("finished_at IS NULL")),
)
merge_participants = Table(
    "merge_participants",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("merge_run_id", Uuid, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    # False for the primary.
    Column("merged", Boolean, nullable=False),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    Column("logins_retired", Boolean, nullable=False, server_default=text("false")),
    PrimaryKeyConstraint("store_id", "merge_run_id", "customer_id"),
    ForeignKeyConstraint(["store_id", "merge_run_id"], ["merge_runs.store_id", "merge_runs.merge_run_id"]),
    Index(
        "merge_participants_active",
        "store_id",
        "customer_id",
        unique=True,
        postgresql_where=text("active"),
    ),
    Index("merge_participants_by_customer", "store_id", "customer_id"),
)
# What everybody did (H1). Rows are added by one writer at a time for each store, and never changed; words are looked for in `search`.
audit_entries = Table(
    "audit_entries",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("service", Text, nullable=False),
    Column("at", TIMESTAMPTZ, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject_kind", Text, nullable=False),
    Column("subject_id", Uuid, nullable=False),
    Column("changes", JSONB, nullable=False),
    Column("request_id", Text, nullable=False),
    # SHA-256 over the hash before it and the entry (domain/audit.py).
    Column("hash", LargeBinary, nullable=False),
    Column(
        "search",
        Text,
        Computed("audit_text(actor, action, subject_kind, subject_id, changes, request_id)", persisted=True),
    ),
    PrimaryKeyConstraint("store_id", "seq"),
    CheckConstraint("octet_length(hash) = 32", name="audit_entries_hash"),
    Index("audit_entries_event", "store_id", "event_id", unique=True),
    Index("audit_entries_newest", "store_id", text("at DESC"), text("seq DESC")),
    Index("audit_entries_by_actor", "store_id", "actor", text("at DESC"), text("seq DESC")),
    Index("audit_entries_by_action", "store_id", "action", text("at DESC"), text("seq DESC")),
    Index("audit_entries_by_subject", "store_id", "subject_id", text("at DESC"), text("seq DESC")),
    Index("audit_entries_words", "search", postgresql_using="gin", postgresql_ops={"search": "gin_trgm_ops"}),
)
