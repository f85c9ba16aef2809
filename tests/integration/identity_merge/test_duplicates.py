"""Suggestions of accounts that may be one person's: found, judged, kept up to date, gone with their accounts (F12, C12)."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from onefold.identity_merge.v1 import duplicates_pb2 as pb
from onefold.identity_merge.v1 import service_pb2 as identity
from onefold.membership.v1 import events_pb2 as membership_events
from onefold.membership.v1 import likeness_pb2
from services.common.errors import InvalidInput, NotFound, Unavailable
from services.common.ids import new_id
from services.common.tokens import ServiceClaims
from services.identity_merge.commands import scan
from services.identity_merge.commands.scan import Memory, scan_due
from tests.integration.identity_merge.conftest import SERVICE_KEY, Service
from tests.integration.identity_merge.test_logins import deliver, enrolled

BY_HAND, AT_ONCE = timedelta(0), timedelta(microseconds=1)
ROOT = Path(__file__).parents[3]


def person(name: str, **more: Any) -> likeness_pb2.Person:
    return likeness_pb2.Person(customer_id=str(new_id()), name=name, **more)


def twice() -> list[likeness_pb2.Person]:
    """One person with two accounts, and two others."""
    return [
        person("陳大文", birthday="1980-05-12", phones=["+85291234567"], emails=["taiman@gmail.com"]),
        person("CHAN Tai Man", birthday="1980-05-12", phones=["+85291234568"]),
        person("黃美玲", birthday="1991-01-30", phones=["+85291234569"]),
        person("Peter Lee", phones=["+85261234569"]),
    ]


async def ask(service: Service, who: ServiceClaims) -> pb.DuplicateScan:
    """ "Scan now"."""
    return (await service.call(service.duplicates.StartDuplicateScan, pb.StartDuplicateScanRequest(), who)).scan


async def scanned(service: Service, who: ServiceClaims) -> pb.DuplicateScan:
    """How the scan stands after it was asked for and carried out."""
    await ask(service, who)
    assert await scan_due(service.worker, BY_HAND, Memory()) == 1
    return (await service.call(service.duplicates.GetDuplicateScan, pb.GetDuplicateScanRequest(), who)).scan


async def listed(service: Service, who: ServiceClaims, **wish: Any) -> list[pb.Duplicate]:
    answer = await service.call(service.duplicates.ListDuplicates, pb.ListDuplicatesRequest(**wish), who)
    return list(answer.duplicates)


async def dismiss(service: Service, who: ServiceClaims, ids: Any, key: str = "") -> pb.Duplicate:
    request = pb.DismissDuplicateRequest(customer_ids=ids)
    return (await service.call(service.duplicates.DismissDuplicate, request, who, key or str(new_id()))).duplicate


async def asked(service: Service, method: str) -> None:
    """Waits until a scan under way has asked for something."""
    async with asyncio.timeout(60):
        while not service.script.asked(method):
            await asyncio.sleep(0.05)


@pytest.fixture
async def who(service: Service) -> ServiceClaims:
    """The owner of a store in which one person has two accounts."""
    service.script.people = twice()
    return await service.new_store()


async def test_a_scan_suggests_who_is_alike_and_says_why(service: Service, who: ServiceClaims) -> None:
    assert (await ask(service, who)).state == pb.DUPLICATE_SCAN_STATE_WAITING
    done = await scanned(service, who)
    assert (done.state, done.members_total, done.members_read) == (pb.DUPLICATE_SCAN_STATE_DONE, 4, 4)
    assert done.suggested_count == 1
    (pair,) = await listed(service, who)
    first, second = service.script.people[:2]
    assert sorted(pair.customer_ids) == sorted([first.customer_id, second.customer_id])
    assert list(pair.reasons) == ["name_script", "birthday_same", "phone_typo"]
    assert 0.9 < pair.score <= 1
    assert len(await listed(service, who, customer_id=first.customer_id)) == 1
    assert await listed(service, who, customer_id=service.script.people[2].customer_id) == []
    assert await listed(service, await service.new_store()) == []


async def test_not_the_same_person_is_remembered_until_one_of_them_changes(
    service: Service, who: ServiceClaims
) -> None:
    await scanned(service, who)
    (pair,) = await listed(service, who)
    dismissed = await dismiss(service, who, pair.customer_ids, "once")
    assert dismissed.dismissed_by == who.actor
    assert await dismiss(service, who, pair.customer_ids, "once") == dismissed
    other = ServiceClaims(actor="api_key:x", role="api_key", store_id=who.store_id, scopes=("merges:write",))
    assert (await dismiss(service, other, reversed(pair.customer_ids))).dismissed_by == who.actor
    assert (await scanned(service, who)).suggested_count == 0
    assert await listed(service, who) == []
    assert await listed(service, who, state=pb.DUPLICATE_STATE_DISMISSED) == [dismissed]
    service.script.people[0].addresses.add(lines=["彌敦道 1 號"])  # no more than a new address
    assert (await scanned(service, who)).suggested_count == 0
    service.script.people[0].phones[0] = "+85261234568"
    assert (await scanned(service, who)).suggested_count == 1
    noted = await service.rows(
        "SELECT payload FROM outbox WHERE type LIKE '%audit_noted%' AND payload LIKE '%duplicate%'"
    )
    assert len(noted) == 2  # on the record of each of the two, once


async def test_a_dismissal_is_taken_back(service: Service, who: ServiceClaims) -> None:
    await scanned(service, who)
    (pair,) = await listed(service, who)
    await dismiss(service, who, pair.customer_ids)
    request = pb.RestoreDuplicateRequest(customer_ids=pair.customer_ids)
    await service.call(service.duplicates.RestoreDuplicate, request, who, "back")
    assert await listed(service, who) == [pair]


async def test_what_cannot_be_judged_is_refused(service: Service, who: ServiceClaims) -> None:
    with pytest.raises(NotFound, match="duplicate_not_found"):
        await dismiss(service, who, [str(new_id()), str(new_id())])
    mine = str(new_id())
    for ids in ([mine], [mine, mine], [mine, str(new_id()), str(new_id())]):
        with pytest.raises(InvalidInput):
            await dismiss(service, who, ids)
    for token in ("x", "W10=", "WzEsICJ4IiwgInkiXQ=="):
        with pytest.raises(InvalidInput):
            await listed(service, who, page={"token": token})


async def test_what_holds_no_more_disappears(service: Service, who: ServiceClaims) -> None:
    await scanned(service, who)
    service.script.people[1].name = "Wong Siu Fan"
    assert (await scanned(service, who)).suggested_count == 0


async def test_pairs_are_gone_with_their_accounts_and_do_not_come_back(service: Service, who: ServiceClaims) -> None:
    """Merged, or deleted: at once, also where a scan under way has read them before (C12)."""
    one, other = service.script.people[:2]
    for end in (merged, deleted):
        service.script.people[:2] = [one, other] = [person(p.name, birthday=p.birthday) for p in (one, other)]
        await scanned(service, who)
        assert len(await listed(service, who)) == 1
        await end(service, who, UUID(one.customer_id), UUID(other.customer_id))
        assert await service.rows("SELECT 1 FROM duplicate_pairs") == []
        assert (await scanned(service, who)).suggested_count == 0


async def merged(service: Service, who: ServiceClaims, one: UUID, other: UUID) -> None:
    await service.commit(who, await service.plan(who, one, other))
    assert await service.runner().work_one()


async def deleted(service: Service, who: ServiceClaims, _one: UUID, other: UUID) -> None:
    end = identity.EndLoginsRequest(customer_ids=[str(other)], how=identity.LOGINS_END_RETIRED)
    await service.call(service.logins.EndLogins, end, ServiceClaims("service:membership", "service", who.store_id))


async def test_many_pairs_are_read_page_by_page(service: Service, who: ServiceClaims) -> None:
    service.script.people = [person("陳大文", birthday="1980-05-12") for _ in range(5)]
    await scanned(service, who)
    seen, token = [], ""
    while True:
        request = pb.ListDuplicatesRequest(page={"size": 3, "token": token})
        page = await service.call(service.duplicates.ListDuplicates, request, who)
        seen += page.duplicates
        if not (token := page.next_page_token):
            break
    assert len({tuple(pair.customer_ids) for pair in seen}) == len(seen) == 10
    assert [pair.score for pair in seen] == sorted((pair.score for pair in seen), reverse=True)


async def test_a_change_makes_a_store_due_in_its_time_and_nothing_else_does(
    service: Service, who: ServiceClaims
) -> None:
    assert await scan_due(service.worker, AT_ONCE, Memory()) == 0
    await deliver(service, who, enrolled(new_id()))
    assert await scan_due(service.worker, BY_HAND, Memory()) == 0
    assert await scan_due(service.worker, timedelta(hours=1), Memory()) == 0  # changes mostly come together
    assert await scan_due(service.worker, AT_ONCE, Memory()) == 1
    assert await scan_due(service.worker, AT_ONCE, Memory()) == 0
    changed = membership_events.MemberChanged(customer_id=str(new_id()), fields=["addresses"])
    await deliver(service, who, changed)
    assert await scan_due(service.worker, timedelta(hours=1), Memory()) == 0


async def test_two_do_not_scan_one_store(service: Service, who: ServiceClaims) -> None:
    """While the one waits for members the other finds nothing to do."""
    service.script.gates["ListPeople"] = asyncio.Event()
    await ask(service, who)
    scanning = asyncio.create_task(scan_due(service.worker, BY_HAND, Memory()))
    await asked(service, "ListPeople")
    assert (await ask(service, who)).state == pb.DUPLICATE_SCAN_STATE_RUNNING
    assert await scan_due(service.worker, BY_HAND, Memory()) == 0
    service.script.gates["ListPeople"].set()
    assert await scanning == 1
    assert len(await listed(service, who)) == 1


async def test_who_has_lost_a_scan_writes_nothing(service: Service, who: ServiceClaims) -> None:
    service.script.gates["ListPeople"] = asyncio.Event()
    await ask(service, who)
    slow = asyncio.create_task(scan_due(service.worker, BY_HAND, Memory()))
    await asked(service, "ListPeople")
    await service.rows("UPDATE duplicate_scans SET scan_id = gen_random_uuid()")  # as another's claim does
    service.script.gates.pop("ListPeople").set()
    assert await slow == 1
    assert await listed(service, who) == []


async def test_a_scan_that_fails_is_tried_again(service: Service, who: ServiceClaims) -> None:
    service.script.errors["ListContacts"] = Unavailable("service_unavailable")
    await ask(service, who)
    with pytest.raises(Unavailable):
        await scan_due(service.worker, BY_HAND, Memory())
    service.script.errors.clear()
    assert await scan_due(service.worker, BY_HAND, Memory()) == 1
    assert len(await listed(service, who)) == 1


@pytest.mark.fault
async def test_a_killed_scan_is_finished_by_another_process(service: Service, who: ServiceClaims) -> None:
    """L: the real process, as `work` starts it."""
    service.script.gates["ListPeople"] = asyncio.Event()
    await ask(service, who)
    doomed = await start_scan(service)
    await asked(service, "ListPeople")
    os.kill(doomed.pid, signal.SIGKILL)
    assert await doomed.wait() == -signal.SIGKILL
    service.script.gates.pop("ListPeople").set()
    assert (await ask(service, who)).state == pb.DUPLICATE_SCAN_STATE_RUNNING
    await service.rows("UPDATE duplicate_scans SET claimed_until = now() - interval '1 hour'")
    assert await (await start_scan(service)).wait() == 0
    assert len(await listed(service, who)) == 1


@pytest.mark.fault
async def test_a_scan_that_others_keep_from_its_end_is_begun_anew_and_no_defect(
    service: Service, who: ServiceClaims
) -> None:
    """E6, L: what an alert tells of is a process that failed by itself."""
    await ask(service, who)
    child = await start_scan(service, MEMBERSHIP_TARGET="127.0.0.1:1")
    said, _ = await child.communicate()
    assert child.returncode == 0
    lines = [json.loads(line) for line in said.splitlines() if line.startswith(b"{")]
    assert [line["level"] for line in lines if line["event"] == "scan_broken_off"] == ["warning"]
    assert not [line for line in lines if line["level"] in ("error", "critical")]
    await service.rows("UPDATE duplicate_scans SET claimed_until = now() - interval '1 hour'")
    assert await (await start_scan(service)).wait() == 0
    assert len(await listed(service, who)) == 1


async def start_scan(service: Service, **changes: str) -> asyncio.subprocess.Process:
    settings = {
        "DATABASE_URL": service.urls.worker,
        "MEMBERSHIP_TARGET": service.others,
        "ORDERS_TARGET": service.others,
        "SERVICE_KEY": SERVICE_KEY,
        "IDENTIFIER_KEY": "identifier key of the tests, long enough",
        "SEALING_KEYS": "test:" + "c2VhbGluZyBrZXkgb2YgdGVzdHMsIDMyIGJ5dGVzLi4=",
        "SCAN_SECONDS": "0",
    } | changes
    environment = {f"ONEFOLD_{name}": value for name, value in settings.items()}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.identity_merge.main", "scan"),
        cwd=ROOT,
        env={**os.environ, **environment, "PYTHONPATH": f"{ROOT}:{ROOT / 'proto'}"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


def test_batches_are_no_larger_than_membership_gives() -> None:
    assert scan.PEOPLE_AT_ONCE <= 2_000
