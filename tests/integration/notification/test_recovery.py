"""What a person sets right: a stream that was lost, a message that could not be digested (faults 22, 24; X)."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

import asyncpg
import pytest

from deploy.local.process import ROOT, base_environment
from deploy.local.provision import database_urls
from deploy.local.state import CONTEXTS, DatabaseUrls
from deploy.reconcile import reconcile
from services.common import outbox
from services.common.database import Database, connect
from services.common.ids import new_id
from services.common.outbox import Relay
from tests.integration.notification.conftest import Notification, order_placed
from tests.integration.notification.post_office import PostOffice
from tests.support.stack import TestServers


@dataclass
class Orders:
    """The orders service's outbox and relay, and what reconcile is given."""

    database: Database
    notification: Notification
    urls: Mapping[str, str]

    async def place(self, *addresses: str) -> None:
        """Orders that stand, with their events in the outbox."""
        async with self.database.transaction(self.notification.store_id) as tx:
            events = [outbox.event(order_placed(address), new_id(), 1) for address in addresses]
            await outbox.add(tx, self.notification.store_id, events)

    async def publish(self) -> int:
        """What the relay does when it is woken."""
        return await Relay(self.database, self.notification.bus).publish_batch()

    async def reconcile(self, older_than_seconds: float = 0) -> int:
        """How many of its events notification had no evidence of."""
        found = await reconcile(self.urls, older_than_seconds)
        assert {(f.publisher, f.reader) for f in found} >= {("orders", "notification"), ("orders", "membership")}
        return next(f.unread for f in found if (f.publisher, f.reader) == ("orders", "notification"))


@pytest.fixture
async def orders(notification: Notification, service_database: Callable[[str], DatabaseUrls]) -> AsyncIterator[Orders]:
    urls = {c: service_database(c).worker for c in CONTEXTS if c != "notification"}
    urls["notification"] = notification.process.environment["ONEFOLD_DATABASE_URL"]
    database = Database(connect(urls["orders"], connections=2, name="test"))
    yield Orders(database, notification, urls)
    await database.close()


async def test_events_of_a_deleted_stream_arrive_after_reconcile(
    notification: Notification, orders: Orders, post_office: PostOffice
) -> None:
    """Fault 22: the stream is deleted under a running reader; it finds the new one by itself."""
    await notification.open_store()
    notification.process.start()
    await orders.place("before@mail.example")
    await orders.publish()
    await notification.until_states("sent")
    notification.process.signal(signal.SIGSTOP)
    await orders.place(*(f"{n}@mail.example" for n in range(20)))
    assert await orders.publish() == 20
    js = await notification.bus.jetstream()
    await js.delete_stream("ONEFOLD_ORDERS")
    notification.process.signal(signal.SIGCONT)
    await notification.bus.ensure_streams()
    assert await orders.reconcile(older_than_seconds=300) == 0  # too young to be missed
    assert await orders.reconcile() in (19, 20)  # one may have been on its way into the reader when it was stopped
    assert await orders.publish() == 21  # all of them: membership, which is not running here, has read none
    await notification.until_states(*["sent"] * 21, seconds=60)
    assert await orders.reconcile() == 0
    recipients = [mail.recipient for mail in post_office.taken]
    assert len(set(recipients)) == len(recipients) == 21


async def test_reconcile_is_a_command_that_prints_what_it_found(notification: Notification, orders: Orders) -> None:
    await orders.place("a@mail.example", "b@mail.example")
    await orders.publish()
    environment = {f"ONEFOLD_{context.upper()}_DATABASE_URL": url for context, url in orders.urls.items()}
    told = await run(["-m", "deploy.reconcile", "--older-than", "0"], environment)
    assert "orders → notification: 2 events checked, 2 unread" in told
    assert await orders.publish() == 2


async def test_dead_letters_count_as_read(notification: Notification, orders: Orders) -> None:
    """What a person has on the list must not be pushed at the reader again and again."""
    await orders.place("a@mail.example")
    await orders.publish()
    connection = await asyncpg.connect(orders.urls["orders"])
    event_id = await connection.fetchval("SELECT event_id FROM outbox")
    await connection.close()
    connection = await asyncpg.connect(orders.urls["notification"])
    await connection.execute(
        "INSERT INTO dead_letters (store_id, event_id, subject, headers, payload, error) VALUES ($1, $2, 's', '', '', 'e')",
        notification.store_id,
        event_id,
    )
    await connection.close()
    assert await orders.reconcile() == 0


async def test_a_poison_message_is_kept_listed_and_replayed_once_its_cause_is_mended(
    notification: Notification,
    post_office: PostOffice,
    service_owner: str,
) -> None:
    """Fault 24, with the commands that a person has."""
    owner = await asyncpg.connect(service_owner)
    await owner.execute("ALTER TABLE messages ADD CONSTRAINT fault CHECK (recipient <> 'poison@mail.example')")
    await notification.open_store()
    await notification.tell(
        order_placed("first@mail.example"), order_placed("poison@mail.example"), order_placed("last@mail.example")
    )
    notification.process.start()
    await notification.until_states("sent", "sent")
    environment = {"ONEFOLD_DATABASE_URL": notification.process.environment["ONEFOLD_DATABASE_URL"]}
    command = ["-m", "services.notification.main", "dead-letters"]
    worker = await asyncpg.connect(environment["ONEFOLD_DATABASE_URL"])
    async with asyncio.timeout(40):
        while not await worker.fetchval("SELECT count(*) FROM dead_letters"):
            await asyncio.sleep(0.1)
    await worker.close()
    listed = await run(command, environment)
    assert "1 dead letters" in listed
    event_id, _, _, subject, error = listed.splitlines()[0].split(maxsplit=4)
    assert subject == "onefold.orders.order_placed.v1"
    assert "IntegrityError" in error
    await owner.execute("ALTER TABLE messages DROP CONSTRAINT fault")
    await owner.close()
    assert "1 dead letters will be replayed" in await run([*command, "replay", event_id], environment)
    await notification.until_states("sent", "sent", "sent", seconds=30)
    listed, refused, unknown, nothing = await asyncio.gather(
        run([*command, "list"], environment),
        run([*command, "replay", "nonsense"], environment, code=2),
        run([*command, "burn"], environment, code=2),
        run([*command, "replay", "all"], environment),
    )
    assert listed == "0 dead letters\n"
    assert "not an event id" in refused
    assert "usage: dead-letters" in unknown
    assert "0 dead letters will be" in nothing


@pytest.fixture
def service_owner(notification: Notification, postgres_server: TestServers) -> str:
    """The owner's URL of the service's database, for breaking and mending it."""
    name = notification.process.environment["ONEFOLD_DATABASE_URL"].rpartition("/")[2]
    return database_urls(postgres_server.admin_url, postgres_server.data, "notification", name).owner


async def run(arguments: list[str], environment: Mapping[str, str], code: int = 0) -> str:
    """What a command prints; it must end with `code`."""
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, *arguments],
        env=base_environment() | dict(environment),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr
