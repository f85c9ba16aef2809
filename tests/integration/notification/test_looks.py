"""A store chooses how its messages look (G1, S)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from uuid import UUID

import pytest
from sqlalchemy import text

from deploy.local.state import DatabaseUrls
from services.common.database import Database, connect
from services.common.errors import Conflict, NotFound
from services.common.idempotency import Once, Replayed, fingerprint
from services.common.ids import new_id
from services.common.outbox import Waker
from services.common.tokens import ServiceClaims
from services.notification import commands, store
from services.notification.domain import Channel, Intent, Kind, Logo, Look, Store
from services.notification.queries import looks
from tests.support.calls import claims
from tests.support.pictures import png


@pytest.fixture
async def database(service_database: Callable[[str], DatabaseUrls]) -> AsyncIterator[Database]:
    database = Database(connect(service_database("notification").worker, connections=2, name="test"))
    yield database
    await database.close()


def use(who: ServiceClaims, body: bytes, key: str = "") -> Once[Look]:
    return Once(who.store, key or str(new_id()), fingerprint("SaveLook", body), lambda look: look.logo_name.encode())


async def test_a_store_chooses_its_look_and_the_next_mail_has_it(database: Database) -> None:
    """E7: a repeat changes nothing; who saw an older look changes nothing; a logo stays until it is taken away."""
    who, other = claims(str(new_id())), claims(str(new_id()))
    waker, key, picture = Waker(database), str(new_id()), png()

    async def save(wish: Look, logo: bytes = b"", key: str = "", *, remove: bool = False) -> Look:
        once = use(who, logo, key)
        return await commands.save_look(database, waker, who, once, wish, logo, remove_logo=remove)

    saved = await save(Look("#ffe100", "shop@tea.example", "1 Tea Road"), picture, key)
    with pytest.raises(Replayed):
        await save(Look("#ffe100", "shop@tea.example", "1 Tea Road"), picture, key)
    name = Logo.read(picture).name
    assert saved == Look("#ffe100", "shop@tea.example", "1 Tea Road", name, 200, 60, 1)
    assert await looks.get_logo(database, who, name) == (picture, "image/png")
    with pytest.raises(NotFound, match="logo_not_found"):
        await looks.get_logo(database, other, name)
    with pytest.raises(Conflict, match="look_changed"):
        await save(Look("#000000"))
    async with database.transaction(who.store) as tx:
        known = Store("tea", "Tea", "en", "Asia/Hong_Kong", "HKD", "HK")
        await store.save_store(tx, who.store, known, 1)
        await store.insert_intents(tx, who.store, [Intent(new_id(), Kind.ORDER_PLACED, "a@mail.example", "", {})])
    async with database.across_stores() as tx:
        [claimed] = await store.claim(tx, Channel.EMAIL, 10, 60)
    assert claimed.store.look == saved
    tried = await looks.sample_store(database, who, Look("#123456"))
    assert (tried.look.accent, tried.look.logo_name) == ("#123456", name)
    assert (await save(Look("#123456", version=1))).logo_name == name
    assert (await save(Look("#123456", version=2), remove=True)) == Look("#123456", version=3)
    assert await looks.get_look(database, other) == Look()
    assert await noted(database, who.store) == 3


async def noted(database: Database, store_id: UUID) -> int:
    """H1."""
    async with database.transaction(store_id) as tx:
        return int(await tx.scalar(text("SELECT count(*) FROM outbox WHERE type LIKE '%audit_noted%'")) or 0)
