"""Whatever people do while a merge stands still at one of its steps (rows 9-14, 16 of the fault matrix; P, O, T, U, N, L)."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import grpc
import pytest
from google.protobuf.message import Message

from deploy.local.provision import run_sync
from onefold.identity_merge.v1 import accounts_pb2 as pb
from services.common.config import Environment
from services.common.tokens import TokenSigner
from services.identity_merge import main
from services.identity_merge.commands.merges import claims_of
from services.identity_merge.commands.runner import Runner
from services.identity_merge.store import merges
from tests.faults.account_flows import Registration
from tests.faults.client import Json, Person, Refused, Shop, somebody, until
from tests.faults.social import Social
from tests.faults.system import System

pytestmark = [pytest.mark.fault, pytest.mark.timeout(180)]
# How many steps of the run are done when it stands still. The last has moved its orders, which it has not noted.
STAGES = {"before the pivot": 0, "after the pivot": 1, "logins retired": 2, "orders moved": 2}
_BUSY = {"merge_in_progress", "merged_away", "registered_online"}

_STAND_STILL = "UPDATE merge_runs SET claimed_until = now() + interval '1 hour' WHERE finished_at IS NULL"


@dataclass
class Standing:
    """A merge that stands still, and what was ordered for its merged account meanwhile."""

    stage: str
    who: Person
    primary: str
    merged: str
    unpaid: list[str]
    login: Registration
    session: str
    # A code that was sent to the merged account's phone and is typed while the merge stands still.
    guest: Registration
    # By whom the merged account is known to a provider of log-ins.
    social: Social
    code: str = ""
    run: Json = field(default_factory=dict)
    paid: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)

    @property
    def after_pivot(self) -> bool:
        return STAGES[self.stage] > 0


def test_what_people_do_at_each_step_of_a_merge_finds_the_account_that_lives(system: System, shop: Shop) -> None:
    """Edited, deleted, erased, ordering, paying, redeeming, logging in, asking for codes, registering, imported, merged again: before the
    pivot the plan is stale and nothing moves, after it everything goes to the survivor and nobody gets in by what is retired.
    """
    scenes = [_prepared(system, shop, stage) for stage in STAGES]
    system.audit()
    for scene in scenes:
        with scene.guest._accounts() as call:
            scene.code = scene.guest.read_code(call).code
    plans = [shop.plan([scene.primary, scene.merged]) for scene in scenes]
    with system.without("identity_merge-work"):
        for scene, plan in zip(scenes, plans, strict=True):
            scene.run = shop.commit(plan)
        run_sync(_bring_to_their_stages(system, {UUID(s.run["merge_run_id"]): s.stage for s in scenes}))
        system.rows("identity_merge", _STAND_STILL)
    for scene in scenes:
        _everything_at_once(shop, scene)
        _knock(system, shop, scene)
    with system.without("membership-serve"):  # then nobody can tell at once where the old id leads
        for scene in scenes:
            scene.paid += [shop.order(each)["order_id"] for each in (scene.merged, scene.who)]
    system.let_merge_leases_end()
    for scene in scenes:
        done = shop.ended(scene.run)
        expected = ("completed", None) if scene.after_pivot else ("refused", "stale_plan")
        assert (done["state"], done["refusal"]) == expected, scene.stage
    system.audit()
    for scene in scenes:
        _check(shop, scene)
    system.audit()


def _prepared(system: System, shop: Shop, stage: str) -> Standing:
    """Two members with 100 points each; the one to be merged is logged in and has two unpaid orders."""
    who = somebody()
    primary, merged = shop.member(), shop.member(who)
    unpaid = [shop.order(merged, paid=False)["order_id"] for _ in range(2)]
    login = Registration(system, shop)
    login.who = who
    with login._accounts() as call:
        session = login._prove(call, email=who.email).session_token
    assert _alive(login, session)
    social = Social(system, shop)
    social.add_to(session)
    guest = Registration(system, shop)
    with guest._accounts() as call:
        guest.ask_code(call, phone=who.phone)
    return Standing(stage, who, primary, merged, unpaid, login, session, guest, social)


async def _bring_to_their_stages(system: System, wanted: dict[UUID, str]) -> None:
    """Does the worker's steps, as many of each run as its stage has."""
    settings = system.stack.settings
    environment = Environment(settings.service("identity_merge", "work"))
    context = main._context(environment, TokenSigner(settings.service_key), connections=2, name="test")
    runner, found = Runner(context), 0
    while found < len(wanted):
        async with context.database.across_stores() as tx:
            claim = await merges.claim_run(tx)
        assert claim
        found += 1
        stage = wanted[claim.run.merge_run_id]
        for _ in range(STAGES[stage]):
            await runner._step(claim)
        if stage == "orders moved":
            await context.orders.relink(claims_of(claim.store, claim.run.started_by), claim.run)
    await context.close()


def _everything_at_once(shop: Shop, scene: Standing) -> None:
    """One after the other, each by the old id or by what the merged account was known by."""
    merged, path = scene.merged, f"/customers/{scene.merged}"
    version = shop.customer(merged)["version"]
    edit = {"expected_version": version, "name": f"Edited {scene.stage}"}
    assert shop.api.sure("PATCH", path, edit)["customer_id"] == (scene.primary if scene.after_pivot else merged)
    scene.paid += [shop.order(each)["order_id"] for each in (merged, scene.who)]
    scene.paid.append(shop.order(merged, redeem_points=60)["order_id"])
    scene.paid.append(shop.pay(scene.unpaid[0])["order_id"])
    scene.waiting += [shop.order(merged, paid=False)["order_id"], scene.unpaid[1]]
    shop.adjust(merged, 7)
    for customer_id, typed in ((merged, scene.who.phone), (scene.primary, shop.customer(scene.primary)["phone"])):
        assert _reason(lambda c=customer_id, t=typed: shop.delete(c, t)) in _BUSY, scene.stage  # type: ignore[misc]
        assert _reason(lambda c=customer_id, t=typed: shop.erase(c, t)) in _BUSY | {"open_orders"}, scene.stage  # type: ignore[misc]
    assert _reason(lambda: shop.commit(shop.plan([shop.member(), merged]))) == "merge_in_progress"
    assert _imported(shop, scene.who) == ("used_before" if scene.after_pivot else "already_a_member")
    # Behind the pivot the run ends the session or, where that stands still, the news of the pivot (F13).
    until(lambda: _alive(scene.login, scene.session) != scene.after_pivot, 20, f"the session, {scene.stage}")


def _knock(system: System, shop: Shop, scene: Standing) -> None:
    """Codes, old and new, to what the merged account was known by, and a provider's word for it: they let in before the pivot, and behind
    it nobody (F6, F13).
    """
    with scene.guest._accounts() as call:
        entered = scene.guest.type_code(call, scene.code)
    assert entered or scene.after_pivot, scene.stage
    for asked in ({"email": scene.who.email}, {"phone": scene.who.phone}):
        stranger = Registration(system, shop)
        with stranger._accounts() as call:
            stranger.ask_code(call, **asked)
            until(lambda s=stranger, c=call: _lets_in(scene, s, c), 20, f"a code to {asked}, {scene.stage}")  # type: ignore[misc]
    until(lambda: _comes_in(scene) != scene.after_pivot, 20, f"by a provider, {scene.stage}")
    # One typed at the very moment may have let in: then it is out again as soon as every other session of the account is.
    if entered and scene.after_pivot:
        until(lambda: not _alive(scene.guest, entered), 20, f"the session of a code, {scene.stage}")


def _comes_in(scene: Standing) -> bool:
    """Whether the provider's word lets in, for longer than the news of the pivot takes."""
    session = scene.social.log_in()
    return bool(session) and _alive(scene.login, session)


def _lets_in(scene: Standing, stranger: Registration, call: Callable[[str, Message], Any]) -> bool:
    """Whether a code does what it should: the sender of the message makes another, so it may take a second look."""
    issued = stranger.read_code(call)
    if scene.after_pivot:
        return issued.purpose == pb.CODE_PURPOSE_REFUSED and not issued.code
    assert issued.purpose == pb.CODE_PURPOSE_LOG_IN
    session = stranger.type_code(call, issued.code)
    return bool(session) and _alive(stranger, session)


def _reason(ask: Callable[[], Json]) -> str:
    with pytest.raises(Refused) as refusal:
        ask()
    return refusal.value.reason


def _imported(shop: Shop, who: Person) -> str:
    """Why a row with the phone is refused."""
    header = "Name,Phone,Email,Birthday,Language,Tags,Address,Member Points,Points Expiry,Note"
    file = f"{header}\r\nSomebody,{who.phone},,,,,,,,".encode()
    found = shop.api.sure("POST", "/imports", key=str(uuid.uuid4()), file=file)
    [row] = shop.api.get(f"/imports/{found['import_id']}/rows")["items"]
    [problem] = row["problems"]
    return str(problem["reason"])


def _alive(login: Registration, session: str) -> bool:
    with login._accounts() as call:
        try:
            call("AuthenticateCustomer", pb.AuthenticateCustomerRequest(session_token=session))
        except grpc.RpcError as error:
            if error.code() is not grpc.StatusCode.UNAUTHENTICATED:
                raise
            return False
    return True


def _check(shop: Shop, scene: Standing) -> None:
    """Every order has its owner, every point its place; who was merged is out for good."""
    owner = scene.primary if scene.after_pivot else scene.merged
    for order_id in scene.paid:
        assert shop.api.get(f"/orders/{order_id}")["customer_id"] == owner, scene.stage
    for order_id in scene.waiting:
        assert shop.pay(order_id)["customer_id"] == owner, scene.stage
    found = shop.customer(scene.merged)
    assert (found["customer_id"], found["name"]) == (owner, f"Edited {scene.stage}")
    assert _alive(scene.login, scene.session) != scene.after_pivot
    known = [member["customer_id"] for member in shop.members_with(scene.who.phone)]
    assert known == ([] if scene.after_pivot else [scene.merged])
