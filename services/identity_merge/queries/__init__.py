"""Reads of identity_merge."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from services.common.database import Database
from services.common.errors import InvalidInput, NotFound, Unauthenticated
from services.common.ids import parse_id
from services.common.paging import Page, PageRequest
from services.common.tokens import ServiceClaims
from services.identity_merge.domain import tokens
from services.identity_merge.domain.access import ApiKey, Store, is_slug
from services.identity_merge.domain.audit import AuditFilter, Written
from services.identity_merge.domain.batches import MOST_GROUPS, Batch, Group
from services.identity_merge.domain.callers import me
from services.identity_merge.domain.logins import Account, LoginMethod
from services.identity_merge.domain.merges import Run
from services.identity_merge.domain.proofs import Proved, browser_digest
from services.identity_merge.domain.staff import Entry, Myself
from services.identity_merge.store import (
    access,
    api_keys,
    audit,
    batches,
    logins,
    merges,
    passwords,
    proofs,
    second_factor,
    sessions,
    staff,
    staff_sessions,
)

MOST_ACTORS = 500


async def list_api_keys(database: Database, claims: ServiceClaims, size: int, token: str) -> Page[ApiKey]:
    """The store's keys, newest first. Raises InvalidInput (invalid_page_token, too_large)."""
    page = _read_page(size, token)
    async with database.transaction(claims.store) as tx:
        rows = await api_keys.page_of(tx, claims.store, page)
    return page.cut(rows, lambda key: (key.created_at.isoformat(), str(key.api_key_id)))


async def get_account(database: Database, claims: ServiceClaims, credential: str) -> Account:
    """Login methods and sessions of the account that a session belongs to. Raises Unauthenticated (session_refused)."""
    digest = tokens.read_session(credential, claims.store)
    async with database.transaction(claims.store) as tx:
        current = await sessions.find(tx, claims.store, digest) if digest else None
        if current is None:
            raise Unauthenticated("session_refused")
        customer_id = current.login_method.customer_id
        return Account(
            current,
            await logins.list_of(tx, claims.store, [customer_id]),
            await sessions.list_of(tx, claims.store, customer_id),
            await passwords.load(tx, claims.store, customer_id) is not None,
        )


async def get_proofs(database: Database, claims: ServiceClaims, browser: str) -> list[Proved]:
    """What a browser has proved and not yet used, the last first."""
    async with database.transaction(claims.store) as tx:
        return await proofs.list_of(tx, claims.store, browser_digest(browser))


async def list_staff(database: Database, claims: ServiceClaims, size: int, token: str) -> Page[Entry]:
    """Staff and open invitations by name. Raises InvalidInput (invalid_page_token, too_large)."""
    page = PageRequest.read(size, token, keys=2)
    if page.after:
        page = PageRequest(page.size, (str(page.after[0]), parse_id(str(page.after[1]), "page.token")))
    async with database.transaction(claims.store) as tx:
        found = await staff.list_entries(tx, claims.store, page)
    return page.cut(found, lambda entry: (entry.member.name, str(entry.member.staff_id)))


async def get_staff(database: Database, claims: ServiceClaims, staff_id: UUID) -> Entry:
    """One member of staff. Raises PermissionDenied, NotFound (staff_not_found)."""
    async with database.transaction(claims.store) as tx:
        entry = await staff.load_entry(tx, claims.store, staff_id)
    if entry is None:
        raise NotFound("staff_not_found")
    return entry


async def get_myself(database: Database, claims: ServiceClaims, credential: str) -> Myself:
    """The caller. Raises PermissionDenied for API keys, Unauthenticated for who has left."""
    staff_id, token = me(claims), tokens.read(credential)
    async with database.transaction(claims.store) as tx:
        entry = await staff.load_entry(tx, claims.store, staff_id)
        if entry is None:
            raise Unauthenticated("credential_refused")
        left = await second_factor.count_recovery_codes(tx, claims.store, staff_id)
        found = await staff_sessions.list_of(tx, claims.store, staff_id, token.digest if token else b"")
    return Myself(entry.member, entry.totp, left, tuple(found))


async def get_store(database: Database, slug: str) -> Store:
    """The store by its name in addresses. Raises NotFound (store_not_found)."""
    async with database.across_stores() as tx:
        found = await access.find_store(tx, slug if is_slug(slug) else "")
    if found is None:
        raise NotFound("store_not_found")
    return found


async def list_login_methods(database: Database, claims: ServiceClaims, customer_id: UUID) -> list[LoginMethod]:
    """A customer's login methods, oldest first, retired ones left out."""
    async with database.transaction(claims.store) as tx:
        return await logins.list_of(tx, claims.store, [customer_id])


async def get_merge(database: Database, claims: ServiceClaims, merge_run_id: UUID) -> Run:
    """Where a merge stands. Raises NotFound (merge_not_found)."""
    async with database.transaction(claims.store) as tx:
        run = await merges.load_run(tx, claims.store, merge_run_id)
    if run is None:
        raise NotFound("merge_not_found", merge_run_id=str(merge_run_id))
    return run


async def list_merges(
    database: Database, claims: ServiceClaims, size: int, token: str, customer_id: UUID | None
) -> Page[Run]:
    """Merges newest first, all or those in which a customer took part. Raises InvalidInput (invalid_page_token, too_large)."""
    page = _read_page(size, token)
    async with database.transaction(claims.store) as tx:
        runs = await merges.list_runs(tx, claims.store, page, customer_id)
    return page.cut(runs, lambda run: (run.started_at.isoformat(), str(run.merge_run_id)))


async def get_batch(database: Database, claims: ServiceClaims, batch_id: UUID) -> Batch:
    """Many merges as they stand. Raises NotFound (merge_batch_not_found)."""
    async with database.transaction(claims.store) as tx:
        batch = await batches.load_batch(tx, claims.store, batch_id)
    if batch is None:
        raise NotFound("merge_batch_not_found", batch_id=str(batch_id))
    return batch


async def list_batches(database: Database, claims: ServiceClaims, size: int, token: str) -> Page[Batch]:
    """Batches of the store, newest first. Raises InvalidInput (invalid_page_token, too_large)."""
    page = _read_page(size, token)
    async with database.transaction(claims.store) as tx:
        rows = await batches.list_batches(tx, claims.store, page)
    return page.cut(rows, lambda batch: (batch.requested_at.isoformat(), str(batch.batch_id)))


async def list_groups(
    database: Database, claims: ServiceClaims, batch_id: UUID, size: int, token: str, *, failed_only: bool
) -> Page[Group]:
    """A batch's groups in their places. Raises NotFound (merge_batch_not_found), InvalidInput (invalid_page_token, too_large)."""
    page = PageRequest.read(size, token, keys=1)
    if page.after and not (isinstance(page.after[0], int) and 0 <= page.after[0] <= MOST_GROUPS):
        raise InvalidInput.of("page.token", "invalid_page_token")
    async with database.transaction(claims.store) as tx:
        if await batches.load_batch(tx, claims.store, batch_id) is None:
            raise NotFound("merge_batch_not_found", batch_id=str(batch_id))
        rows = await batches.list_groups(tx, claims.store, batch_id, page, failed_only=failed_only)
    return page.cut(rows, lambda group: (group.place,))


async def list_audit_entries(
    database: Database, claims: ServiceClaims, size: int, token: str, asked: AuditFilter
) -> Page[Written]:
    """What everybody did, newest first. Raises InvalidInput (invalid_page_token, too_large)."""
    page = PageRequest.read(size, token, keys=2)
    if page.after is not None:
        try:
            page = PageRequest(page.size, (datetime.fromisoformat(page.after[0]), int(page.after[1])))
        except (TypeError, ValueError):
            raise InvalidInput.of("page.token", "invalid_page_token") from None
    async with database.transaction(claims.store) as tx:
        entries = await audit.find_entries(tx, asked, page)
    return page.cut(entries, lambda found: (found.entry.doing.at.isoformat(), found.entry.link.seq))


async def list_audit_actors(database: Database, claims: ServiceClaims) -> list[tuple[str, str]]:
    """(actor, name) of whoever may stand in the log, by name."""
    async with database.transaction(claims.store) as tx:
        return await audit.list_actors(tx, claims.store, MOST_ACTORS)


def _read_page(size: int, token: str) -> PageRequest:
    page = PageRequest.read(size, token, keys=2)
    if page.after is None:
        return page
    try:
        return PageRequest(page.size, (datetime.fromisoformat(page.after[0]), UUID(page.after[1])))
    except (TypeError, ValueError, AttributeError):
        raise InvalidInput.of("page.token", "invalid_page_token") from None
