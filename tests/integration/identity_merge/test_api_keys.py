"""API keys: seen, used, given another secret, ended (H4)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from onefold.identity_merge.v1 import keys_pb2 as pb
from onefold.identity_merge.v1 import service_pb2 as access
from services.common.errors import NotFound, Unauthenticated
from services.common.ids import new_id
from services.common.tokens import ServiceClaims
from services.identity_merge.commands.housekeeping import delete_expired
from tests.integration.identity_merge.conftest import PUBLIC, Service


async def make(service: Service, who: ServiceClaims, name: str = "Till", **wishes: Any) -> access.CreateApiKeyResponse:
    request = access.CreateApiKeyRequest(**{"name": name, "scopes": ["orders:read"]} | wishes)
    made: access.CreateApiKeyResponse = await service.call(service.access.CreateApiKey, request, who)
    return made


async def rotate(service: Service, who: ServiceClaims, key: access.ApiKey) -> pb.RotateApiKeyResponse:
    request = pb.RotateApiKeyRequest(api_key_id=key.api_key_id)
    rotated: pb.RotateApiKeyResponse = await service.call(service.keys.RotateApiKey, request, who)
    return rotated


async def revoke(service: Service, who: ServiceClaims, key: access.ApiKey) -> None:
    await service.call(service.keys.RevokeApiKey, pb.RevokeApiKeyRequest(api_key_id=key.api_key_id), who)


async def listed(service: Service, who: ServiceClaims, size: int = 0, token: str = "") -> pb.ListApiKeysResponse:
    request = pb.ListApiKeysRequest()
    request.page.size, request.page.token = size, token
    page: pb.ListApiKeysResponse = await service.call(service.keys.ListApiKeys, request, who)
    return page


async def holder(service: Service, secret: str) -> str:
    """The key behind a secret; empty where it opens nothing."""
    request = access.AuthenticateRequest(credential=secret)
    try:
        answer = await service.call(service.access.Authenticate, request, PUBLIC)
    except Unauthenticated:
        return ""
    return str(answer.api_key.api_key_id)


async def test_keys_are_listed_newest_first_with_who_made_them_and_how_long_they_are_good(service: Service) -> None:
    owner, other = await service.new_store(), await service.new_store()
    await make(service, other)
    names = ["First", "Second", "Third"]
    for name in names:
        await make(service, owner, name, valid_days=30 if name == "Third" else 0)
    first = await listed(service, owner, 2)
    rest = await listed(service, owner, 2, first.next_page_token)
    found = [*first.api_keys, *rest.api_keys]
    assert ([key.name for key in found], rest.next_page_token) == (names[::-1], "")
    assert {key.created_by for key in found} == {owner.actor}
    assert [key.HasField("expires_at") for key in found] == [True, False, False]
    lives = found[0].expires_at.ToSeconds() - found[0].created_at.ToSeconds()
    assert lives == 30 * 86_400
    assert not any(key.HasField("last_used_at") for key in found)


async def test_a_use_is_noted_and_not_again_within_five_minutes(service: Service) -> None:
    owner = await service.new_store()
    made = await make(service, owner)
    noted = []
    for ago in (None, "4 minutes", "6 minutes"):
        if ago:
            await service.rows(f"UPDATE api_keys SET last_used = now() - interval '{ago}'")
        before = (await listed(service, owner)).api_keys[0].last_used_at.ToNanoseconds()
        assert await holder(service, made.secret)
        noted.append((await listed(service, owner)).api_keys[0].last_used_at.ToNanoseconds() > before)
    assert noted == [True, False, True]


async def test_another_secret_leaves_the_one_before_a_day(service: Service) -> None:
    owner = await service.new_store()
    made = await make(service, owner)
    first, second = made.secret, (rotated := await rotate(service, owner, made.api_key)).secret
    third = (await rotate(service, owner, made.api_key)).secret
    assert len({first, second, third}) == 3
    for secret in first, second, third:
        assert await holder(service, secret) == made.api_key.api_key_id
    [key] = (await listed(service, owner)).api_keys
    assert key.old_secret_until.ToSeconds() >= rotated.old_secret_until.ToSeconds()
    day = rotated.old_secret_until.ToSeconds() - key.last_used_at.ToSeconds()
    assert abs(day - 86_400) < 60
    await service.rows("UPDATE api_key_old_secrets SET good_until = now() - interval '1 second'")
    assert [bool(await holder(service, secret)) for secret in (first, second, third)] == [False, False, True]
    assert not (await listed(service, owner)).api_keys[0].HasField("old_secret_until")
    await delete_expired(service.worker.database)
    assert await service.rows("SELECT 1 FROM api_key_old_secrets") == []


async def test_secrets_asked_for_at_once_all_work(service: Service) -> None:
    """A double click takes nothing from programs."""
    owner = await service.new_store()
    made = await make(service, owner)
    answers = await asyncio.gather(*(rotate(service, owner, made.api_key) for _ in range(5)))
    for secret in (made.secret, *(answer.secret for answer in answers)):
        assert await holder(service, secret) == made.api_key.api_key_id


async def test_a_revoked_key_is_gone_with_all_its_secrets(service: Service) -> None:
    owner = await service.new_store()
    made, stays = await make(service, owner), await make(service, owner, "Other")
    second = (await rotate(service, owner, made.api_key)).secret
    await revoke(service, owner, made.api_key)
    await revoke(service, owner, made.api_key)  # no error
    assert [await holder(service, secret) for secret in (made.secret, second)] == ["", ""]
    assert [key.name for key in (await listed(service, owner)).api_keys] == ["Other"]
    assert await holder(service, stays.secret)
    with pytest.raises(NotFound, match="api_key_not_found"):
        await rotate(service, owner, made.api_key)
    noted = await service.rows(
        "SELECT count(*) AS n FROM outbox WHERE convert_from(payload, 'LATIN1') LIKE '%api_key.revoked%'"
    )
    assert noted[0].n == 1


async def test_an_expired_key_opens_nothing_with_any_secret(service: Service) -> None:
    owner = await service.new_store()
    made = await make(service, owner, valid_days=1)
    second = (await rotate(service, owner, made.api_key)).secret
    await service.rows("UPDATE api_keys SET expires_at = now() - interval '1 second'")
    assert [await holder(service, secret) for secret in (made.secret, second)] == ["", ""]
    assert [key.name for key in (await listed(service, owner)).api_keys] == ["Till"]


async def test_another_stores_keys_are_not_there(service: Service) -> None:
    """S."""
    owner, other = await service.new_store(), await service.new_store()
    made = await make(service, owner)
    assert not (await listed(service, other)).api_keys
    for key in made.api_key, access.ApiKey(api_key_id=str(new_id())):
        for call in rotate, revoke:
            with pytest.raises(NotFound, match="api_key_not_found"):
                await call(service, other, key)
    assert await holder(service, made.secret)
