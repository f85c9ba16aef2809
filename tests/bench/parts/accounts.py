"""What logging in takes apart from the password's hash, and what the check of a session adds to a request (A3, F13).

One browser, one request after the other. Figures in milliseconds: at the gateway's edge for the forms; for the check, the call that the
gateway makes for each request of somebody who is logged in, by the gateway's own client.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from uuid import UUID

import httpx

from deploy.local.stack import Stack
from gateway.auth import ask_again
from gateway.clients import Services
from gateway.config import Targets
from gateway.context import NOBODY
from gateway.keeper import MOST_KEPT, Keeper
from gateway.storefront.session import member_in
from onefold.identity_merge.v1 import accounts_pb2 as pb
from onefold.identity_merge.v1 import service_pb2 as identity
from services.common.ids import new_id
from services.common.tokens import PUBLIC, ServiceClaims, TokenSigner
from services.identity_merge.commands.passwords import HASHER
from tests.bench.job import percentiles
from tests.bench.parts.directory import empty_hop
from tests.bench.site import Site
from tests.component.gateway.conftest import Store
from tests.component.gateway.customer import Customer, customer
from tests.support.forms import csrf_token

LOG_IN_GOAL, CHECK_GOAL = {"must_be": "at most", "value": 60.0}, {"must_be": "at most", "value": 1.0}
_BETWEEN_SECONDS = (0.2, 2.0)
_MANY = 50
_WARM = 5
_PASSWORD = "correct horse battery staple"


def timed(each: Callable[[], Iterator[None]], count: int) -> list[float]:
    """`each` prepares, yields, does what is timed, and ends; the first few are not counted."""
    took = []
    for _ in range(count):
        step = each()
        next(step)
        began = time.perf_counter()
        next(step, None)
        took.append((time.perf_counter() - began) * 1e3)
    return took[_WARM:]


def _hashing(count: int) -> list[float]:
    known = HASHER.hash(_PASSWORD)

    def verify() -> Iterator[None]:
        yield
        HASHER.verify(known, _PASSWORD)

    return timed(verify, count)


def _by_password(browser: Customer, address: str, count: int) -> list[float]:
    def log_in() -> Iterator[None]:
        browser.http.cookies.delete(f"onefold_member_{browser.store.slug}")
        fields = browser.hidden("login/password")
        yield
        answer = browser.post("login/password", fields, identifier=address, password=_PASSWORD)
        assert answer.status_code == 302, answer.text

    return timed(log_in, count)


def _by_code(stack: Stack, store: Store, count: int) -> list[float]:
    def enter() -> Iterator[None]:
        with customer(stack, store) as browser:
            code = browser.ask(str(store.person()["email"]))
            fields = browser.hidden("login/code")
            yield
            assert browser.post("login/code", fields, code=code).status_code == 302

    return timed(enter, count)


def _staff(store: Store, count: int) -> list[float]:
    with httpx.Client(base_url=store.url, timeout=30, trust_env=False) as http:

        def log_in() -> Iterator[None]:
            http.cookies.clear()
            token = csrf_token(http.get("/console/login").text)
            form = {"csrf_token": token, "store": store.slug, "email": store.email, "password": store.password}
            yield
            assert http.post("/console/login", data=form).status_code == 302

        return timed(log_in, count)


def _checks(stack: Stack, store: Store, session: str, count: int) -> list[float]:
    services = Services(Targets(**stack.settings.targets), TokenSigner(stack.settings.service_key))
    claims = ServiceClaims("customer:", PUBLIC, store_id=str(UUID(session.split("_")[1])))
    wish = pb.AuthenticateCustomerRequest(session_token=session)

    def check() -> Iterator[None]:
        yield
        services.accounts.authenticate(wish, claims=claims, seconds=2.0)

    took = timed(check, count)
    services.close()
    return took


def _believed(stack: Stack, store: Store, session: str, count: int) -> list[float]:
    """The same as the gateway's pages do it for somebody who turns them: kept informed between requests, and believed."""
    services = Services(Targets(**stack.settings.targets), TokenSigner(stack.settings.service_key))
    claims = ServiceClaims("customer:", PUBLIC, store_id=str(UUID(session.split("_")[1])))
    pauses = random.Random(2026)

    def ask(credential: str, seconds: float) -> pb.AuthenticateCustomerResponse:
        wish = pb.AuthenticateCustomerRequest(session_token=credential)
        return services.accounts.authenticate(wish, claims=claims, seconds=seconds)

    keeper = Keeper(lambda handles: ask_again(services, handles))
    authenticator = keeper.authenticator(ask, member_in, stale_seconds=0)

    def check() -> Iterator[None]:
        time.sleep(pauses.uniform(*_BETWEEN_SECONDS))
        yield
        authenticator.holder(session)

    took = timed(check, count)
    keeper.close()
    services.close()
    return took


def _many(stack: Stack, session: str) -> list[float]:
    """What asking about as many as are kept takes, twice a second: beside the requests, not in them. Here they are API keys."""
    services = Services(Targets(**stack.settings.targets), TokenSigner(stack.settings.service_key))
    owner = ServiceClaims(f"staff:{new_id()}", "owner", store_id=str(UUID(session.split("_")[1])))
    handles = []
    for number in range(MOST_KEPT):
        wish = identity.CreateApiKeyRequest(name=f"Till {number}", scopes=["orders:read"])
        secret = services.access.create_api_key(wish, claims=owner).secret
        asked = identity.AuthenticateRequest(credential=secret)
        handles.append(services.access.authenticate(asked, claims=NOBODY).handle)

    def again() -> Iterator[None]:
        yield
        assert all(verdict.HasField("of_store") for verdict in ask_again(services, handles))

    took = timed(again, _MANY)
    services.close()
    return took


def _measure(stack: Stack, log_ins: int, checks: int) -> dict[str, list[float]]:
    store = Store(stack)
    address = str(store.person()["email"])
    with customer(stack, store) as browser:
        browser.register(address)
        assert browser.send("account/password", new_password=_PASSWORD).status_code == 302
        found = {
            "the password's hash alone": _hashing(log_ins),
            "log in by password": _by_password(browser, address, log_ins),
            "staff log in by password": _staff(store, log_ins),
            "log in by code: the code typed": _by_code(stack, store, log_ins // 2),
            "check of a session, asked": _checks(stack, store, browser.session, checks),
            "check of a session, kept informed": _believed(stack, store, browser.session, log_ins // 2),
            f"asking about {MOST_KEPT} at once": _many(stack, browser.session),
        }
    store.http.close()
    return found


def measure(site: Site) -> None:
    """The whole part, once, for accounts are of a store of their own, and the limits count everybody who logs in from here."""
    if not site.last:
        return
    site.say("logging in")
    with site.watched() as watched:
        found = _measure(site.stack, site.pace.log_ins, site.pace.checks)
    hashing = percentiles(found.pop("the password's hash alone"))
    hashed = site.floor("the password's hash alone", hashing["p50"], "ms", hashing)
    hop = empty_hop(site)
    for name, took in found.items():
        latency = percentiles(took)
        by_password, typed = "by password" in name, "typed" in name
        floor = hashed if by_password else hop if typed else None
        values = {"part": "login", "name": f"{name}: 95th percentile", "unit": "ms", "better": "lower", "clients": 1}
        goal = CHECK_GOAL if "kept informed" in name else None
        site.figure(values | watched | {"value": latency["p95"], "goal": goal}, took=latency, floor=floor)
        if by_password:
            apart = {
                "name": f"{name}, apart from the hash: 95th percentile",
                "value": round(latency["p95"] - hashing["p50"], 2),
            }
            site.figure(values | watched | apart | {"goal": LOG_IN_GOAL}, floor=hop)
