"""Order mails by the thousand through a real SMTP server, while the sender and the server are killed again and again (E, L).

`python -m tests.bench.mails [--mails 10000] [--kills 12] [--senders 1]`: servers of its own; every tenth of a second somebody may die, one
mail in twenty is put off. At the end each mail has arrived once or is listed as unknown, or the exit code is 1. Then the same without
kills, for the rate.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import secrets
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import psutil
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import text

from deploy.local.ports import LOOPBACK, choose
from deploy.local.process import Process
from services.common import clock
from services.common.bus import Bus, Outgoing
from services.common.database import Database, connect
from services.common.ids import new_id
from services.common.outbox import type_of
from tests.integration.notification.conftest import SEALING_KEYS, order_placed, store_changed
from tests.support.stack import nats_servers, postgres_servers

TEMPORARY_ERRORS = 0.05
_FINAL = {"sent", "failed", "unknown", "cancelled"}


class Server:
    """The SMTP server's side: a mail counts once its Message-ID is in the file."""

    def __init__(self, file: Path) -> None:
        self._file = file.open("a", buffering=1)
        self._chance = random.Random()

    async def handle_RCPT(  # noqa: N802 - the name is aiosmtpd's
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """One in forty is put off here."""
        if self._chance.random() < TEMPORARY_ERRORS / 2:
            return "451 4.3.0 busy, try again"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """And one in forty after its content."""
        if self._chance.random() < TEMPORARY_ERRORS / 2:
            return "452 4.3.1 no space, try again"
        content = bytes(envelope.content or b"")
        head = content.partition(b"\r\n\r\n")[0]
        name = head.partition(b"Message-ID: <")[2].partition(b"@")[0]
        self._file.write(f"{name.decode()} {time.time()}\n")
        return "250 OK"


async def serve(port: int, file: Path) -> None:
    """Takes mails until it is killed."""
    handler = Server(file)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(handler, hostname="localhost", loop=loop), LOOPBACK, port)
    await server.serve_forever()


@dataclass
class Round:
    """What one run came to."""

    mails: int
    kills: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    largest_mb: float = 0.0
    states: Counter[str] = field(default_factory=Counter)
    arrived: int = 0
    wrong: list[str] = field(default_factory=list)

    def told(self) -> dict[str, object]:
        """For people and files."""
        return {
            "mails": self.mails,
            "kills": dict(self.kills),
            "seconds": round(self.seconds, 1),
            "per_second": round(self.arrived / self.seconds, 1),
            "states": dict(self.states),
            "arrived": self.arrived,
            "largest_sender_mb": round(self.largest_mb),
            "wrong": self.wrong[:10],
        }


class Bench:
    """Servers, senders, and who kills them."""

    def __init__(self, database_url: str, nats_url: str, folder: Path, senders: int) -> None:
        self.file = folder / f"taken-{secrets.token_hex(4)}"
        self.file.touch()
        ports = choose(["smtp", *(f"work{n}" for n in range(senders))], {})
        self.database = Database(connect(database_url, connections=2, name="bench"))
        self.bus = Bus(nats_url, name="bench")
        self.store_id = new_id()
        self.smtp = Process(
            name="smtp",
            argv=[sys.executable, "-m", "tests.bench.mails", "--serve", str(ports["smtp"]), "--file", str(self.file)],
            log=folder / "smtp.log",
            environment={},
        )
        settings = {
            "ONEFOLD_DATABASE_URL": database_url,
            "ONEFOLD_NATS_URL": nats_url,
            "ONEFOLD_SERVICE_KEY": secrets.token_urlsafe(32),
            "ONEFOLD_IDENTIFIER_KEY": secrets.token_urlsafe(32),
            "ONEFOLD_SEALING_KEYS": SEALING_KEYS,
            "ONEFOLD_IDENTITY_MERGE_TARGET": f"{LOOPBACK}:1",
            "ONEFOLD_SMTP_URL": f"smtp://{LOOPBACK}:{ports['smtp']}",
            "ONEFOLD_SMTP_SECONDS": "2",
            "ONEFOLD_MAIL_RETRY_SECONDS": "1",
            "ONEFOLD_MAIL_CONNECTIONS": "4",
            "ONEFOLD_MAIL_PER_SECOND": "10000",
            "ONEFOLD_MAIL_FROM": "Onefold <no-reply@onefold.example>",
            "ONEFOLD_PUBLIC_URL": "https://shop.example",
            "ONEFOLD_LOG_LEVEL": "warning",
        }
        self.work = [
            Process(
                name=f"work{n}",
                argv=[sys.executable, "-m", "services.notification.main", "work"],
                log=folder / f"work{n}.log",
                environment=settings | {"ONEFOLD_LISTEN": f"{LOOPBACK}:{ports[f'work{n}']}"},
            )
            for n in range(senders)
        ]

    async def run(self, mails: int, kills: int) -> Round:
        """Queues the orders' events, lets them be sent and somebody be killed, and waits until every message has its end."""
        done = Round(mails)
        await self.bus.ensure_streams()
        await self._tell([store_changed()])
        for first in range(0, mails, 500):
            await self._tell(
                [order_placed(f"{n}@mail.example", number=n) for n in range(first, min(first + 500, mails))]
            )
        self.smtp.start()
        for process in self.work:
            process.start()
        watching = asyncio.create_task(self._watch(done))
        await self._kill(done, kills)
        await self._until_ended(mails)
        watching.cancel()
        self._judge(done, await self._messages())
        return done

    async def _tell(self, events: Sequence[object]) -> None:
        outgoing = [
            Outgoing(type_of(event), event.SerializeToString(), new_id(), self.store_id, new_id(), 1, clock.now(), "")  # type: ignore[attr-defined, arg-type]
            for event in events
        ]
        await self.bus.publish(outgoing)

    async def _kill(self, done: Round, kills: int) -> None:
        chance = random.Random()
        for n in range(kills):
            await asyncio.sleep(chance.uniform(1.5, 3.5))
            victim = self.smtp if n % 2 else chance.choice(self.work)
            victim.signal(signal.SIGKILL)
            await asyncio.to_thread(victim.wait)
            done.kills[victim.name] += 1
            await asyncio.sleep(chance.uniform(0.0, 1.0))
            victim.start(wait=False)

    async def _watch(self, done: Round) -> None:
        """The largest sender, in MB that are its own or its share."""
        while True:
            for process in self.work:
                with contextlib.suppress(psutil.Error):
                    info = await asyncio.to_thread(psutil.Process(process.pid).memory_full_info)
                    done.largest_mb = max(done.largest_mb, info.pss / 2**20)
            await asyncio.sleep(0.5)

    async def _until_ended(self, mails: int) -> None:
        ended = 0
        while ended < mails:
            await asyncio.sleep(0.5)
            ended = sum(count for state, count in (await self._states()).items() if state in _FINAL)

    async def _states(self) -> Counter[str]:
        async with self.database.across_stores() as tx:
            query = text("SELECT state, count(*) FROM messages WHERE store_id = :store_id GROUP BY 1")
            return Counter({row[0]: row[1] for row in await tx.execute(query, {"store_id": self.store_id})})

    async def _messages(self) -> dict[UUID, str]:
        async with self.database.across_stores() as tx:
            query = text("SELECT message_id, state FROM messages WHERE store_id = :store_id")
            return {row[0]: row[1] for row in await tx.execute(query, {"store_id": self.store_id})}

    def _judge(self, done: Round, messages: dict[UUID, str]) -> None:
        """E: what is sent arrived once, what is unknown once at most, and nothing else arrived."""
        lines = [line.split() for line in self.file.read_text().splitlines()]
        copies = Counter(UUID(name) for name, _at in lines)
        done.states, done.arrived = Counter(messages.values()), len(copies)
        moments = [float(at) for _name, at in lines]
        done.seconds = max(moments) - min(moments)
        allowed = {"sent": {1}, "unknown": {0, 1}}
        done.wrong = [
            f"{message_id}: {state}, {copies[message_id]} copies"
            for message_id, state in messages.items()
            if copies[message_id] not in allowed.get(state, {0})
        ]
        done.wrong += [f"{stranger}: nobody's" for stranger in copies.keys() - messages.keys()]

    async def close(self) -> None:
        """Ends everything."""
        for process in (*self.work, self.smtp):
            process.kill()
        await self.bus.close()
        await self.database.close()


@contextlib.contextmanager
def _servers() -> Iterator[tuple[str, str, Path]]:
    with (
        postgres_servers() as postgres,
        nats_servers() as nats,
        tempfile.TemporaryDirectory(prefix="onefold-mails-") as folder,
    ):
        yield postgres.fresh_database("notification").worker, nats.url, Path(folder)


async def _both(database_url: str, nats_url: str, folder: Path, options: argparse.Namespace) -> list[Round]:
    rounds = []
    for kills in (options.kills, 0):
        bench = Bench(database_url, nats_url, folder, options.senders)
        try:
            rounds.append(await bench.run(options.mails, kills))
        finally:
            await bench.close()
        print(json.dumps(rounds[-1].told()))
    return rounds


def main() -> int:
    """0 when every mail arrived once or is listed as unknown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mails", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=12)
    parser.add_argument("--senders", type=int, default=1)
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve(options.serve, options.file))
        return 0
    with _servers() as (database_url, nats_url, folder):
        rounds = asyncio.run(_both(database_url, nats_url, folder, options))
    return int(any(done.wrong for done in rounds))


if __name__ == "__main__":
    sys.exit(main())
