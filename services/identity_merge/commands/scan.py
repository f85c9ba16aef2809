"""One scan of one store, from its members to suggestions (F12). Runs in a process of its own: see `scanning`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import structlog

from services.common.identifiers import IdentifierHasher
from services.common.tokens import ServiceClaims
from services.identity_merge.commands import Context
from services.identity_merge.commands.likeness import Linking, reasons
from services.identity_merge.commands.merges import claims_of
from services.identity_merge.domain.duplicates import LEAST, Found, Known
from services.identity_merge.store import duplicates, scans
from services.identity_merge.store.scans import ScanClaim, ScanLost

PEOPLE_AT_ONCE = 1_000
RENEW_SECONDS = 5.0
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Memory:
    """What the linkage may take of the machine."""

    limit: str = "320MB"
    threads: int = 2


async def scan_due(context: Context, every: timedelta, memory: Memory) -> int:
    """Scans stores until none is due; how many it were. Raises whatever kept one from ending; that store is begun anew later."""
    done = 0
    while True:
        async with context.database.across_stores() as tx:
            claim = await scans.claim_scan(tx, every)
        if claim is None:
            return done
        await _guarded(context, claim, memory)
        done += 1


async def _guarded(context: Context, claim: ScanClaim, memory: Memory) -> None:
    try:
        await _Scan(context, claim, memory).run()
    except ScanLost:
        log.warning("scan_taken_over", store_id=str(claim.store.store_id))
    except BaseException:
        async with context.database.transaction(claim.store.store_id) as tx:
            await asyncio.shield(scans.give_back(tx, claim))
        raise


@dataclass(slots=True)
class _Scan:
    context: Context
    claim: ScanClaim
    memory: Memory
    members: int = 0
    read: int = 0

    async def run(self) -> None:
        """Reads, links, writes; the lease is renewed all the while."""
        with Linking(memory=self.memory.limit, threads=self.memory.threads) as linking:
            async with self._renewed():
                async for people in self._people():
                    await asyncio.to_thread(linking.add, people)
                    self.read += len(people)
                    await self._save()
                await self._write(linking)
            await self._finish()

    async def _people(self) -> AsyncIterator[Sequence[Known]]:
        """Batches of members; the next is on its way while one is looked at."""
        coming = asyncio.create_task(self._batch(""))
        try:
            while people := await coming:
                if len(people) == PEOPLE_AT_ONCE:
                    coming = asyncio.create_task(self._batch(str(people[-1].customer_id)))
                yield people
                if len(people) < PEOPLE_AT_ONCE:
                    return
        finally:
            coming.cancel()

    async def _batch(self, after: str) -> list[Known]:
        claims = _claims(self.claim)
        people, members = await self.context.membership.people(claims, after, PEOPLE_AT_ONCE)
        self.members = members or self.members
        contacts = await self.context.orders.contacts(claims, [each.customer_id for each in people]) if people else {}
        return [replace(each, reach=tuple(contacts.get(each.customer_id, ()))) for each in people]

    async def _write(self, linking: Linking) -> None:
        """Batch by batch, as they are found; nothing is kept in memory."""
        store_id, identifiers = self.claim.store.store_id, self.context.identifiers
        batches: Iterator[list[Found]] = iter(_found(linking, identifiers))
        while batch := await asyncio.to_thread(next, batches, None):
            async with self.context.database.transaction(store_id) as tx:
                await duplicates.hold_pairs(tx, store_id)
                await scans.save_progress(tx, self.claim, self.members, self.read)
                await duplicates.write_pairs(tx, store_id, self.claim.scan_id, batch)

    async def _finish(self) -> None:
        store_id, more = self.claim.store.store_id, True
        while more:
            async with self.context.database.transaction(store_id) as tx:
                await scans.save_progress(tx, self.claim, self.members, self.read)
                more = await duplicates.drop_others(tx, store_id, self.claim.scan_id)
        async with self.context.database.transaction(store_id) as tx:
            await scans.finish_scan(tx, self.claim)

    async def _save(self) -> None:
        async with self.context.database.transaction(self.claim.store.store_id) as tx:
            await scans.save_progress(tx, self.claim, max(self.members, self.read), self.read)

    @asynccontextmanager
    async def _renewed(self) -> AsyncIterator[None]:
        """Renews the lease while something else takes its time. Whether it is lost, the next write will see."""

        async def renew() -> None:
            while True:
                await asyncio.sleep(RENEW_SECONDS)
                await self._save()

        renewing = asyncio.create_task(renew())
        try:
            yield
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)


def _found(linking: Linking, identifiers: IdentifierHasher) -> Iterator[list[Found]]:
    for batch in linking.pairs(LEAST):
        yield [
            Found.of(
                (one.customer_id, _digest(identifiers, one)),
                (other.customer_id, _digest(identifiers, other)),
                probability,
                reasons(one, other),
            )
            for one, other, probability in batch
        ]


def _digest(identifiers: IdentifierHasher, known: Known) -> bytes:
    """What a member is known by, so that "not the same person" can end with a change of it; keyed, for it says who it is."""
    return identifiers.digest("known", "\n".join([known.name, known.birthday, *known.phones, "", *known.emails]))


def _claims(claim: ScanClaim) -> ServiceClaims:
    """This service itself, in the store."""
    return claims_of(claim.store, "service:identity_merge")
