"""Links of mails that invite guests: made at the moment of sending, followed by whoever reads the mail (A5)."""

from __future__ import annotations

from uuid import UUID

from services.common.contact import parse_email
from services.common.errors import NotFound
from services.common.identifiers import EMAIL
from services.common.tokens import ServiceClaims
from services.identity_merge.commands import Context
from services.identity_merge.domain import tokens
from services.identity_merge.domain.proofs import Proved
from services.identity_merge.store import inviting, logins, merges


async def issue_guest_invitation(
    context: Context, claims: ServiceClaims, invitation_id: UUID, customer_id: UUID, email: str
) -> str | None:
    """A new token, good for 14 days beside earlier ones; None when the address is somebody's by now, or the guest is gone.

    Raises InvalidInput (invalid_email).
    """
    address = parse_email(email)
    token = tokens.mint(tokens.GUEST_INVITATION, claims.store)
    proved = Proved(EMAIL, context.identifiers.digest(EMAIL, address), address)
    async with context.database.transaction(claims.store) as tx:
        # Whoever removes the guest is waited for, or finds what is written here.
        await logins.hold_owners(tx, claims.store, [customer_id])
        known = await logins.known_owners(tx, claims.store, [customer_id])
        gone = known.get(customer_id, 0) >= logins.GONE
        if gone or await merges.customers_with_retired_logins(tx, claims.store, [customer_id]):
            return None
        digest = tokens.digest(token)
        added = await inviting.add(tx, claims.store, digest, invitation_id, customer_id, proved)
    return token if added else None


async def read_guest_invitation(context: Context, claims: ServiceClaims, text: str) -> str:
    """The address that the invitation went to. Raises NotFound (confirmation_refused), in the same words for every cause."""
    token = tokens.read(text)
    if token is None or token.purpose != tokens.GUEST_INVITATION or token.store_id != claims.store:
        raise NotFound("confirmation_refused")
    async with context.database.transaction(claims.store) as tx:
        found = await inviting.read(tx, claims.store, token.digest)
    if found is None:
        raise NotFound("confirmation_refused")
    return found
