"""Stores, sessions and API keys on a real PostgreSQL, through gRPC."""

from __future__ import annotations

import asyncio
import time

import pytest
from sqlalchemy import text

from onefold.identity_merge.v1 import authentication_pb2
from onefold.identity_merge.v1 import service_pb2 as pb
from services.common.errors import AlreadyExists, InvalidInput, PermissionDenied, Unauthenticated
from services.common.tokens import ServiceClaims
from services.identity_merge.commands.passwords import Passwords
from tests.integration.identity_merge.conftest import OPERATOR, PASSWORD, PUBLIC, THOROUGH, Service, founding


async def log_in(service: Service, slug: str, email: str = "", password: str = PASSWORD) -> pb.LogInResponse:
    request = pb.LogInRequest(store_slug=slug, email=email or f"owner@{slug}.example", password=password)
    answer: pb.LogInResponse = await service.call(service.access.LogIn, request, PUBLIC)
    return answer


async def authenticate(service: Service, credential: str) -> pb.AuthenticateResponse:
    answer: pb.AuthenticateResponse = await service.call(
        service.access.Authenticate, pb.AuthenticateRequest(credential=credential), PUBLIC
    )
    return answer


async def test_an_operator_makes_a_store_whose_owner_logs_in(service: Service) -> None:
    made = await service.call(service.access.CreateStore, founding("shop"), OPERATOR)
    session = await log_in(service, "shop", "OWNER@Shop.example")
    assert session.store == made.store
    assert session.staff == made.owner
    assert session.staff.role == pb.STAFF_ROLE_OWNER
    holder = await authenticate(service, session.session_token)
    assert (holder.store, holder.staff) == (made.store, made.owner)
    events = await service.rows("SELECT type, aggregate_id FROM outbox WHERE type NOT LIKE '%audit_noted%'")
    assert [(e.type, str(e.aggregate_id)) for e in events] == [("identity_merge.store_changed.v1", made.store.store_id)]


async def test_a_store_that_exists_is_named(service: Service) -> None:
    """Two at once as well: one makes it, the other learns which it is."""
    results = await asyncio.gather(
        *(service.call(service.access.CreateStore, founding("twice"), OPERATOR) for _ in range(2)),
        return_exceptions=True,
    )
    refused = [r for r in results if isinstance(r, AlreadyExists)]
    made = [r for r in results if not isinstance(r, BaseException)]
    assert (len(refused), len(made)) == (1, 1)
    assert refused[0].reason == "store_exists"
    assert refused[0].params == {"store_id": made[0].store.store_id}
    assert len(await service.rows("SELECT 1 FROM staff")) == 1


async def test_every_fault_of_a_new_store_is_named_at_once(service: Service) -> None:
    wrong = founding(
        "No Slug!",
        name=" ",
        region="JP",
        currency="ZZZ",
        timezone="Asia/Nowhere",
        language="fr",
        owner_name="",
        owner_email="nobody",
        owner_password="eleven char",
    )
    with pytest.raises(InvalidInput) as caught:
        await service.call(service.access.CreateStore, wrong, OPERATOR)
    assert {(v.field, v.reason) for v in caught.value.violations} == {
        ("store.slug", "invalid_slug"),
        ("store.name", "required"),
        ("store.region", "unknown_value"),
        ("store.currency", "unknown_currency"),
        ("store.timezone", "unknown_value"),
        ("store.language", "unknown_value"),
        ("owner_name", "required"),
        ("owner_email", "invalid_email"),
        ("owner_password", "weak_password"),
    }
    assert await service.rows("SELECT 1 FROM stores") == []


async def test_only_operators_make_stores_and_only_owners_make_keys(service: Service) -> None:
    owner = await service.new_store()
    with pytest.raises(PermissionDenied):
        await service.call(service.access.CreateStore, founding("mine"), owner)
    cashier = ServiceClaims(actor="staff:x", role="cashier", store_id=owner.store_id)
    with pytest.raises(PermissionDenied):
        await service.call(service.access.CreateApiKey, pb.CreateApiKeyRequest(name="k", scopes=["a"]), cashier)


@THOROUGH
async def test_a_refused_login_says_the_same_for_every_cause(service: Service, passwords: Passwords) -> None:
    """In words, and about in time: whoever is unknown costs a password check as well."""
    await service.new_store("shop")
    await service.new_store("other")
    causes = {
        "unknown store": ("nowhere", "owner@shop.example", PASSWORD),
        "not a slug": ("\0 Robert'); DROP", "owner@shop.example", PASSWORD),
        "unknown e-mail": ("shop", "nobody@shop.example", PASSWORD),
        "another store's": ("other", "owner@shop.example", PASSWORD),
        "not an e-mail": ("shop", "\0", PASSWORD),
        "wrong password": ("shop", "owner@shop.example", "wrong horse battery"),
        "no password": ("shop", "owner@shop.example", ""),
    }
    words, seconds = set(), {}
    for cause, (slug, email, password) in causes.items():
        started = time.perf_counter()
        with pytest.raises(Unauthenticated) as caught:
            await log_in(service, slug, email, password)
        seconds[cause] = time.perf_counter() - started
        words.add((caught.value.reason, caught.value.detail, str(caught.value.params)))
    assert len(words) == 1
    assert min(seconds.values()) > 0.015, seconds  # an argon2id verification takes longer than that
    assert await service.rows("SELECT 1 FROM staff_sessions") == []


async def test_many_failures_close_the_door_for_that_address_alone(service: Service) -> None:
    """Also when they come at once: an attempt is counted before it is judged."""
    await service.new_store("shop")
    tries = (log_in(service, "shop", password="wrong horse battery") for _ in range(12))
    assert all(isinstance(r, Unauthenticated) for r in await asyncio.gather(*tries, return_exceptions=True))
    with pytest.raises(Unauthenticated) as caught:
        await log_in(service, "shop")
    assert caught.value.reason == "login_refused"
    await service.new_store("next")
    assert (await log_in(service, "next")).session_token
    await service.rows("UPDATE login_attempts SET since = since - interval '16 minutes'")
    assert (await log_in(service, "shop")).session_token
    assert await service.rows("SELECT 1 FROM login_attempts") == []


async def test_a_session_ends_by_logging_out_and_by_time(service: Service) -> None:
    await service.new_store("shop")
    first, second = await log_in(service, "shop"), await log_in(service, "shop")
    logout = pb.LogOutRequest(session_token=first.session_token)
    await service.call(service.access.LogOut, logout, PUBLIC)
    await service.call(service.access.LogOut, logout, PUBLIC)  # no error
    with pytest.raises(Unauthenticated) as caught:
        await authenticate(service, first.session_token)
    assert caught.value.reason == "credential_refused"
    assert (await authenticate(service, second.session_token)).staff.email == "owner@shop.example"
    await service.rows("UPDATE staff_sessions SET expires_at = now() - interval '1 second'")
    with pytest.raises(Unauthenticated):
        await authenticate(service, second.session_token)


@pytest.mark.parametrize("credential", ["", "ofs_", "ofs_x_y", "ofs_" + "0" * 32 + "_\0", "ofk_" + "f" * 32 + "_abc"])
async def test_a_credential_that_nobody_gave_out_is_refused(service: Service, credential: str) -> None:
    with pytest.raises(Unauthenticated) as caught:
        await authenticate(service, credential)
    assert caught.value.reason == "credential_refused"


async def test_an_api_key_works_until_it_is_revoked_or_expires(service: Service) -> None:
    """H4"""
    owner = await service.new_store()
    request = pb.CreateApiKeyRequest(name="Till 1", scopes=["orders:write", "orders:read", "orders:read"])
    made = await service.call(service.access.CreateApiKey, request, owner)
    assert list(made.api_key.scopes) == ["orders:read", "orders:write"]
    holder = await authenticate(service, made.secret)
    assert (holder.store.store_id, holder.api_key.api_key_id) == (owner.store_id, made.api_key.api_key_id)
    for column in ("expires_at", "revoked_at"):
        await service.rows(f"UPDATE api_keys SET {column} = now() - interval '1 second'")
        with pytest.raises(Unauthenticated):
            await authenticate(service, made.secret)
        await service.rows(f"UPDATE api_keys SET {column} = NULL")
    assert await authenticate(service, made.secret)


async def test_a_key_of_no_or_unknown_scope_is_not_made(service: Service) -> None:
    owner = await service.new_store()
    for scopes, expected in ([], ("scopes", "required")), (["orders:read", "all"], ("scopes[1]", "unknown_value")):
        with pytest.raises(InvalidInput) as caught:
            await service.call(service.access.CreateApiKey, pb.CreateApiKeyRequest(name="k", scopes=scopes), owner)
        assert [(v.field, v.reason) for v in caught.value.violations] == [expected]


async def test_no_secret_is_kept(service: Service) -> None:
    """Rule 10: neither token nor password is found anywhere in the database."""
    owner = await service.new_store("shop")
    token = (await log_in(service, "shop")).session_token
    secret = (
        await service.call(service.access.CreateApiKey, pb.CreateApiKeyRequest(name="k", scopes=["orders:read"]), owner)
    ).secret
    tables = await service.rows(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    for table in tables:
        dump = str(await service.rows(f"SELECT t::text FROM {table.relname} t"))
        for word in (token, secret, PASSWORD, token.encode().hex(), secret.encode().hex()):
            assert word not in dump, table.relname


async def test_another_stores_rows_are_out_of_reach(service: Service) -> None:
    """S: even a statement without a WHERE clause sees one store; the directory of stores alone is read whole."""
    mine, other = await service.new_store(), await service.new_store()
    async with service.app.database.transaction(mine.store) as tx:
        assert (await tx.execute(text("SELECT DISTINCT store_id FROM staff"))).scalars().all() == [mine.store]
        assert len((await tx.execute(text("SELECT 1 FROM stores"))).all()) == 2
        changed = await tx.execute(text("UPDATE stores SET name = 'taken' WHERE store_id = :id"), {"id": other.store})
        assert changed.rowcount == 0
    async with service.app.database.across_stores() as tx:
        assert (await tx.execute(text("SELECT 1 FROM staff"))).all() == []


async def test_many_are_asked_about_at_once_by_handles_that_open_nothing(service: Service) -> None:
    """Staff, programs and strangers side by side; who has been logged out is nobody, and a handle is no credential."""
    made = await service.call(service.access.CreateStore, founding("again"), OPERATOR)
    one, two = await log_in(service, "again"), await log_in(service, "again")
    owner = ServiceClaims(actor=f"staff:{made.owner.staff_id}", role="owner", store_id=made.store.store_id)
    wish = pb.CreateApiKeyRequest(name="Till", scopes=["orders:read"])
    key = await service.call(service.access.CreateApiKey, wish, owner)
    answers = [await authenticate(service, c) for c in (one.session_token, two.session_token, key.secret)]
    assert len({answer.handle for answer in answers}) == 3
    await service.call(service.access.LogOut, pb.LogOutRequest(session_token=two.session_token), PUBLIC)
    handles = [*(answer.handle for answer in answers), b"", b"ofs_nothing", answers[0].handle[:-1] + b"x"]
    again = authentication_pb2.AuthenticateAgainRequest(handles=handles)
    found = await service.call(service.authentication.AuthenticateAgain, again, PUBLIC)
    assert [verdict.WhichOneof("holder") for verdict in found.verdicts] == [
        "of_store",
        None,
        "of_store",
        None,
        None,
        None,
    ]
    assert (found.verdicts[0].of_store.staff, found.verdicts[0].of_store.store) == (made.owner, made.store)
    assert found.verdicts[2].of_store.api_key.api_key_id == key.api_key.api_key_id
    for handle in handles[:3]:
        with pytest.raises(Unauthenticated):
            await authenticate(service, handle.decode(errors="replace"))
    too_many = authentication_pb2.AuthenticateAgainRequest(handles=handles * 40)
    with pytest.raises(InvalidInput):
        await service.call(service.authentication.AuthenticateAgain, too_many, PUBLIC)
