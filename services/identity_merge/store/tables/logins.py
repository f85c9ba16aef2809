"""How customers get in, and what they have proved."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    func,
    text,
)

from services.common.database import TIMESTAMPTZ
from services.identity_merge.store.tables.base import metadata

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
