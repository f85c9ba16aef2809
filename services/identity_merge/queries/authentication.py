"""Who holds credentials: asked before every request of somebody who is logged in, and of every program."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.database import Database
from services.common.errors import InvalidInput, Unauthenticated
from services.common.tokens import ServiceClaims
from services.identity_merge.domain import tokens
from services.identity_merge.domain.access import Holder
from services.identity_merge.domain.logins import CustomerSession
from services.identity_merge.store import api_keys, sessions, staff_sessions

MOST_HANDLES = 200
_Find = Callable[[AsyncConnection, UUID, Sequence[bytes]], Awaitable[Mapping[bytes, Holder | CustomerSession]]]
_FIND: Mapping[str, _Find] = {
    tokens.SESSION: staff_sessions.holders_of_sessions,
    tokens.API_KEY: api_keys.holders,
    tokens.MEMBER_SESSION: sessions.find_at_once,
}


async def authenticate(database: Database, credential: str) -> Holder:
    """Who holds a session token or an API key. Raises Unauthenticated (credential_refused)."""
    token = tokens.read(credential)
    if token and token.purpose in (tokens.SESSION, tokens.API_KEY):
        find = staff_sessions.holders_of_sessions if token.purpose == tokens.SESSION else api_keys.holders
        async with database.at_once() as connection:
            found = await find(connection, token.store_id, [token.digest])
        if token.digest in found:
            return found[token.digest]
    raise Unauthenticated("credential_refused")


async def authenticate_customer(database: Database, claims: ServiceClaims, credential: str) -> CustomerSession:
    """Whose session of the caller's store it is. Raises Unauthenticated (session_refused), in the same words for every cause."""
    if digest := tokens.read_session(credential, claims.store):
        async with database.at_once() as connection:
            found = await sessions.find_at_once(connection, claims.store, [digest])
        if digest in found:
            return found[digest]
    raise Unauthenticated("session_refused")


async def authenticate_again(database: Database, handles: Sequence[bytes]) -> list[Holder | CustomerSession | None]:
    """Who holds the credential behind each handle, None where it has ended. One statement for each store and kind.

    Raises InvalidInput (too_large).
    """
    if len(handles) > MOST_HANDLES:
        raise InvalidInput.of("handles", "too_large", largest=str(MOST_HANDLES))
    wanted = [tokens.read_handle(handle) for handle in handles]
    crowds: dict[tuple[str, UUID], list[bytes]] = defaultdict(list)
    for token in wanted:
        if token and token.purpose in _FIND:
            crowds[token.purpose, token.store_id].append(token.digest)
    found: dict[tuple[str, UUID, bytes], Holder | CustomerSession] = {}
    async with database.at_once() as connection:
        for (purpose, store_id), digests in crowds.items():
            for digest, holder in (await _FIND[purpose](connection, store_id, digests)).items():
                found[purpose, store_id, digest] = holder
    return [found.get((token.purpose, token.store_id, token.digest)) if token else None for token in wanted]
