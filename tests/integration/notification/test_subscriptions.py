"""Advertising goes to nobody who has unsubscribed, and every mail of it says how one does (RFC 8058)."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from uuid import UUID

import pytest

from deploy.local.state import DatabaseUrls
from services.common import rpc
from services.common.database import Database, connect
from services.common.errors import InvalidInput
from services.common.identifiers import EMAIL, IdentifierHasher
from services.common.ids import new_id
from services.common.links import Links
from services.common.tokens import SERVICE, ServiceClaims, TokenSigner
from services.notification import commands, queries
from services.notification.clients import Secrets
from services.notification.commands import Writer, writing
from services.notification.domain import Kind, Unwanted
from services.notification.templates import Templates
from tests.unit.notification.test_templates import claimed

HASHER = IdentifierHasher(secrets.token_urlsafe(32))
LINKS = Links(secrets.token_urlsafe(32))


@pytest.fixture
async def writer(
    service_database: Callable[[str], DatabaseUrls], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Writer]:
    """Of a service in which account notices are advertising."""
    monkeypatch.setattr(writing, "MARKETING", frozenset({Kind.ACCOUNT_NOTICE}))
    database = Database(connect(service_database("notification").worker, connections=2, name="test"))
    async with rpc.channel("127.0.0.1:1") as channel:
        asked = Secrets(rpc.Caller(TokenSigner(secrets.token_urlsafe(32)), "notification"), channel)
        sender, url = "no-reply@onefold.example", "https://shop.example"
        yield Writer(Templates(), asked, LINKS, database, HASHER, sender, url)
    await database.close()


def claims(store_id: UUID) -> ServiceClaims:
    return ServiceClaims("customer:", SERVICE, str(store_id))


async def test_whoever_unsubscribes_gets_no_advertising_of_that_store_until_they_take_it_back(writer: Writer) -> None:
    """In any writing of the address; and other mails all the same."""
    notice = replace(claimed(Kind.ACCOUNT_NOTICE, {"name": "", "what": "password_set"}), store_id=new_id())
    mail = await writer.mail(notice)
    assert mail is not None
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in mail.content
    token = LINKS.unsubscribe("demo", notice.store_id, HASHER.digest(EMAIL, "Tai-Man@MAIL.example"))
    assert f" <https://shop.example/s/demo/unsubscribe/{token}>\r\n".encode() in mail.content
    store_id, digest = LINKS.read_unsubscribe("demo", token)
    for _ in range(2):
        await commands.set_subscription(writer.database, claims(store_id), digest, subscribed=False)
    assert not await queries.is_subscribed(writer.database, claims(store_id), digest)
    with pytest.raises(Unwanted, match=r"^unsubscribed$"):
        await writer.mail(notice)
    assert await writer.mail(replace(notice, store_id=new_id())) is not None
    other = await writer.mail(replace(claimed(Kind.ORDER_PLACED), store_id=notice.store_id))
    assert other is not None
    assert b"List-Unsubscribe" not in other.content
    for _ in range(2):
        await commands.set_subscription(writer.database, claims(store_id), digest, subscribed=True)
    assert await queries.is_subscribed(writer.database, claims(store_id), digest)
    assert await writer.mail(notice) is not None


async def test_what_is_no_digest_is_refused(writer: Writer) -> None:
    with pytest.raises(InvalidInput):
        await commands.set_subscription(writer.database, claims(new_id()), b"short", subscribed=False)
