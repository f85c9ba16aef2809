"""Stores, staff sessions and API keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.common import clock, outbox
from services.common.contact import comparable_email, parse_email
from services.common.errors import AlreadyExists, InvalidInput, PermissionDenied, Unauthenticated
from services.common.identifiers import EMAIL
from services.common.ids import NIL, new_id
from services.common.tokens import ServiceClaims
from services.identity_merge import events
from services.identity_merge.commands import Context
from services.identity_merge.domain import tokens
from services.identity_merge.domain.access import (
    LONGEST_PASSWORD,
    ApiKey,
    Founding,
    StaffMember,
    StaffRole,
    Store,
    is_slug,
    read_key,
)
from services.identity_merge.store import access as store

MOST_ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class Session:
    """A session that has just begun; the token is known to nobody else."""

    token: str
    expires_at: datetime
    store: Store
    staff: StaffMember


async def create_store(context: Context, claims: ServiceClaims, founding: Founding) -> tuple[Store, StaffMember]:
    """Makes a store and its owner. Raises PermissionDenied, InvalidInput, AlreadyExists (store_exists, naming store_id)."""
    if claims.role != "operator":
        raise PermissionDenied("permission_denied", "only operators make stores")
    founding = founding.checked()
    new = replace(founding.store, store_id=new_id(), version=1)
    owner = StaffMember(new_id(), founding.owner_email, founding.owner_name, StaffRole.OWNER)
    password_hash = await context.passwords.hash(founding.owner_password)
    async with context.database.transaction(new.store_id) as tx:
        if not await store.add_store(tx, new):
            known = await store.find_store(tx, new.slug)
            raise AlreadyExists("store_exists", store_id=str(known.store_id) if known else "")
        await store.add_staff(tx, new.store_id, owner, comparable_email(owner.email), password_hash)
        await outbox.add(tx, new.store_id, [events.store_changed(new)])
    context.waker.wake()
    return new, owner


async def log_in(context: Context, slug: str, email: str, password: str) -> Session:
    """Begins a session of 14 days. Raises Unauthenticated (login_refused), in the same words and time for every cause.

    A store that does not exist takes the same path as one that does. After MOST_ATTEMPTS within 15 minutes under one
    e-mail even the right password is refused, until the window ends.
    """
    email_key = _email_key(email)
    subject = context.identifiers.digest(EMAIL, email_key or email[:320])
    async with context.database.across_stores() as tx:
        known_store = await store.find_store(tx, slug if is_slug(slug) else "")
    store_id = known_store.store_id if known_store else NIL
    async with context.database.transaction(store_id) as tx:
        allowed = await store.count_attempt(tx, store_id, subject) <= MOST_ATTEMPTS
        found = await store.find_staff(tx, store_id, email_key)
    member, password_hash = found if found and allowed else (None, None)
    right = await context.passwords.verify(password_hash, password[:LONGEST_PASSWORD])
    if not right or known_store is None or member is None:
        raise Unauthenticated("login_refused")
    token = tokens.mint(tokens.SESSION, store_id)
    async with context.database.transaction(store_id) as tx:
        expires_at = await store.add_session(tx, store_id, tokens.digest(token), member.staff_id)
        await store.forget_attempts(tx, store_id, subject)
    return Session(token, expires_at, known_store, member)


def _email_key(email: str) -> str:
    try:
        return comparable_email(parse_email(email))
    except InvalidInput:
        return ""  # nobody's


async def log_out(context: Context, credential: str) -> None:
    """Ends a session; anything else is no error."""
    token = tokens.read(credential)
    if token and token.purpose == tokens.SESSION:
        async with context.database.transaction(token.store_id) as tx:
            await store.end_session(tx, token.store_id, token.digest)


async def create_api_key(
    context: Context, claims: ServiceClaims, name: str, scopes: Sequence[str]
) -> tuple[ApiKey, str]:
    """Makes a key; returns it and its secret, which is kept nowhere (H4). Raises PermissionDenied, InvalidInput.

    A repeated request makes another key: an answer kept for repeating would keep the secret with it.
    """
    if claims.role != "owner":
        raise PermissionDenied("permission_denied", "only owners make API keys")
    name, known = read_key(name, scopes)
    key = ApiKey(new_id(), name, known, clock.now())
    secret = tokens.mint(tokens.API_KEY, claims.store)
    async with context.database.transaction(claims.store) as tx:
        await store.add_api_key(tx, claims.store, key, tokens.digest(secret), claims.actor)
    return key, secret
