"""Customers register and log in by what a provider vouches for (A3, A8).

    begin ──▶ attempt of this browser ──▶ the provider's page ──▶ finish ──▶ who it is
       somebody's login ──────────────────────────▶ session
       asked for by who is logged in ─────────────▶ one more login method
       the provider vouches for an account's e-mail ▶ a code to that, which connects the two
       nobody's ──────────────────────────────────▶ proofs, for `register`

Nothing secret is kept of an attempt: the nonce, and the verifier that the code is bound to, are made again from its state and the
browser's secret by a key that is not in the database.
"""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64encode
from dataclasses import replace

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.errors import StateConflict, Unauthenticated, Unavailable
from services.common.identifiers import EMAIL
from services.common.tokens import ServiceClaims
from services.identity_merge.commands import Context
from services.identity_merge.commands.accounts.codes import send_code
from services.identity_merge.commands.accounts.owning import account_of, add_logins
from services.identity_merge.commands.accounts.proofs import put_proof
from services.identity_merge.commands.accounts.sessions import begin_session, session_of
from services.identity_merge.domain import tokens
from services.identity_merge.domain.codes import CodeRequest
from services.identity_merge.domain.logins import LoginState, Visit
from services.identity_merge.domain.proofs import Outcome, Proved, browser_digest
from services.identity_merge.domain.social import Attempt, Departure, Met, NotVouched, Return, Vouched
from services.identity_merge.store import access, logins, proving, social

log = structlog.get_logger()


async def begin(context: Context, claims: ServiceClaims, wanted: Departure) -> str:
    """Where to send the browser. The state begins with the store's name in addresses, by which its page is found again.

    Raises NotFound (provider_not_found), InvalidInput, Unauthenticated (session_refused), Unavailable (provider_away).
    """
    provider = context.social.find(wanted.provider_id)
    context.social.check_return(wanted.redirect_uri)
    browser = browser_digest(wanted.browser)
    async with context.database.transaction(claims.store) as tx:
        adds_to = None
        if wanted.credential:
            adds_to = (await session_of(tx, claims.store, wanted.credential)).login_method.customer_id
        slug = (await access.load_store(tx, claims.store)).slug
        state = f"{slug}.{secrets.token_urlsafe(32)}"
        attempt = Attempt(provider.provider_id, wanted.redirect_uri, wanted.language, adds_to)
        await social.put(tx, claims.store, browser, tokens.digest(state), attempt)
    nonce, verifier = _secrets(context, wanted.browser, state)
    return await context.social.authorization_url(provider, wanted.redirect_uri, state, nonce, verifier)


async def finish(context: Context, claims: ServiceClaims, brought: Return) -> Met:
    """Takes what the browser came back with, once. The provider is asked between two transactions, and in none.

    Raises Unauthenticated (social_refused), in the same words for every cause, a provider that is away among them: the state is used up,
    so that the same question can never be answered again. StateConflict (too_many_codes).
    """
    browser = browser_digest(brought.browser)
    async with context.database.transaction(claims.store) as tx:
        attempt = await social.take(tx, claims.store, browser, tokens.digest(brought.state))
    try:
        if attempt is None:
            raise NotVouched("no_attempt")
        person = await _ask(context, attempt, brought)
        async with context.database.transaction(claims.store) as tx:
            met = await _meet(context, tx, claims, attempt, person, brought)
    except (NotVouched, Unavailable) as error:
        log.warning("social_refused", provider=attempt.provider_id if attempt else "", cause=str(error))
        raise Unauthenticated("social_refused") from error
    context.waker.wake()
    return met


async def _ask(context: Context, attempt: Attempt, brought: Return) -> Vouched:
    if brought.error or not any(p.provider_id == attempt.provider_id for p in context.social.offered):
        raise NotVouched("refused_there" if brought.error else "not_offered")
    provider = context.social.find(attempt.provider_id)
    nonce, verifier = _secrets(context, brought.browser, brought.state)
    return await context.social.identify(provider, brought.code, brought.issuer, attempt.redirect_uri, nonce, verifier)


async def _meet(
    context: Context,
    tx: AsyncConnection,
    claims: ServiceClaims,
    attempt: Attempt,
    person: Vouched,
    brought: Return,
) -> Met:
    """What a provider's word leads to. Raises NotVouched, StateConflict (too_many_codes)."""
    digest = context.identifiers.digest(person.provider_id, person.subject)
    proved = Proved(person.provider_id, digest, person.subject, person.label, person.name)
    try:
        if attempt.adds_to:
            return await _add(tx, claims, attempt, proved, brought.visit)
        if method := await account_of(tx, claims.store, proved.kind, proved.digest):
            return Met(Outcome.LOGGED_IN, begun=await begin_session(tx, claims.store, method, brought.visit))
    except StateConflict as error:  # the provider's identity, or the account, was merged away or deleted for good (F6)
        raise NotVouched(error.reason) from error
    return await _meet_stranger(context, tx, claims, attempt, person, proved, brought)


async def _add(tx: AsyncConnection, claims: ServiceClaims, attempt: Attempt, proved: Proved, visit: Visit) -> Met:
    if attempt.adds_to is None:
        raise NotVouched("nothing_to_add_to")
    await logins.hold_owners(tx, claims.store, [attempt.adds_to])
    try:
        session = await session_of(tx, claims.store, visit.earlier)
    except Unauthenticated as error:
        raise NotVouched("logged_out") from error
    if session.login_method.customer_id != attempt.adds_to:
        raise NotVouched("another_account")
    added = await add_logins(tx, claims.store, attempt.adds_to, [proved], tell=True)
    return Met(Outcome.ADDED, added=added[0]) if added else Met(Outcome.HELD, proof=proved)


async def _meet_stranger(
    context: Context,
    tx: AsyncConnection,
    claims: ServiceClaims,
    attempt: Attempt,
    person: Vouched,
    proved: Proved,
    brought: Return,
) -> Met:
    """Somebody whom nobody logs in as. Of an e-mail that the provider does not vouch for nothing is kept.

    One that is an account's gets a code, for a provider's word alone opens no account that it did not make (A8). One that was merged away
    or deleted for good is left out: the person is new, and the address stays what it is (F6, T).
    """
    email = Proved(EMAIL, b"", "")
    state: LoginState | None = LoginState.RETIRED
    if person.email_vouched:
        email = replace(email, digest=context.identifiers.digest(EMAIL, person.email), value=person.email)
        email = replace(email, label=person.provider_id)
        state = (await proving.states_of(tx, claims.store, [email])).get(email.digest)
    if state in (LoginState.UNCONFIRMED, LoginState.CONFIRMED):
        asked = CodeRequest(EMAIL, email.value, brought.browser, attempt.language, brought.source)
        pending = await send_code(context, tx, claims.store, asked)
        await put_proof(tx, claims.store, brought.browser, proved, pending.code_id)
        return Met(Outcome.PROVE, proof=email)
    if state is None:
        await put_proof(tx, claims.store, brought.browser, email)
    await put_proof(tx, claims.store, brought.browser, proved)
    return Met(Outcome.REGISTER, proof=proved)


def _secrets(context: Context, browser: str, state: str) -> tuple[str, str]:
    """Nonce and verifier of an attempt (RFC 7636: 43 characters)."""
    nonce, verifier = (
        urlsafe_b64encode(context.identifiers.digest(f"social_{of}", f"{browser}:{state}")).rstrip(b"=").decode()
        for of in ("nonce", "verifier")
    )
    return nonce, verifier
