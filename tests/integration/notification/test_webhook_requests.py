"""One request to a merchant's system: the address that was judged is the one that is connected to, the name is whom one speaks to (H4)."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.common.errors import InvalidInput
from services.common.ids import new_id
from services.notification.clients import Receivers, Resolver, Targets
from services.notification.domain import Answer, Failure, Policy, new_secret
from tests.integration.notification.receiver import Receiver, verify

HOST = "hooks.merchant.example"
PUBLIC = "93.184.216.34"


class Names:
    """A resolver that says what it is told, each answer once, the last one ever after."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def certificate(folder: Path, name: str) -> ssl.SSLContext:
    """A server's TLS with a certificate for this name, signed by itself; `folder`/ca.pem is what to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    (folder / "ca.pem").write_bytes(pem)
    plain = serialization.NoEncryption()
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (folder / "server.pem").write_bytes(pem + secret)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context


@pytest.fixture
async def receiver(tmp_path: Path) -> AsyncIterator[Receiver]:
    receiver = Receiver(tls=certificate(tmp_path, HOST))
    await receiver.open()
    yield receiver
    await receiver.close()


async def post(names: Names, url: str, policy: Policy, secret: str = "") -> Answer:
    return await Receivers(Targets(policy, names), 5).post(url, str(new_id()), '{"type":"t"}', [secret or new_secret()])


async def test_a_name_that_stands_for_something_inside_a_moment_later_leads_nowhere(receiver: Receiver) -> None:
    """DNS rebinding: public when it is saved, our own machine when it is used; and one bad address among good ones spoils them all."""
    policy = Policy(frozenset({receiver.port}))
    url = f"https://{HOST}:{receiver.port}/hook"
    names = Names([PUBLIC], ["127.0.0.1"])
    assert await Targets(policy, names).check(url) == url
    assert await post(names, url, policy) == Answer(error=Failure.PRIVATE)
    for inside in (["127.0.0.1"], [PUBLIC, "10.0.0.1"], ["::ffff:169.254.169.254"], ["fe80::1%lo"]):
        assert await post(Names(inside), url, policy) == Answer(error=Failure.PRIVATE)
        with pytest.raises(InvalidInput):
            await Targets(policy, Names(inside)).check(url)
    assert receiver.posted == {}
    assert await post(Names([]), url, policy) == Answer(error=Failure.UNKNOWN_HOST)


async def test_the_name_is_asked_once_and_stands_in_certificate_and_host(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, secret = f"https://{HOST}:{receiver.port}/hook", new_secret()
    policy = Policy(frozenset({receiver.port}), loopback=True)
    assert await post(Names(["127.0.0.1"]), url, policy) == Answer(error=Failure.TLS)  # nobody we trust has signed it
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    names = Names(["127.0.0.1"], ["10.0.0.1"])
    assert await post(names, url, policy, secret) == Answer(204)
    assert names.asked == 1
    (posted,) = receiver.posted["/hook"]
    assert posted.headers["host"] == f"{HOST}:{receiver.port}"
    assert posted.headers["content-type"] == "application/json"
    assert verify(posted.headers, posted.body, secret) == 1
    other = f"https://other.merchant.example:{receiver.port}/hook"
    assert await post(Names(["127.0.0.1"]), other, policy) == Answer(error=Failure.TLS)
    closed = await post(Names(["127.0.0.1"]), f"http://localhost:{receiver.port}/", policy)
    assert closed.error in (Failure.PROTOCOL, Failure.CONNECTION)


async def test_a_name_server_that_never_answers_holds_up_its_own_names_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(host: str, port: int) -> list[str]:
        if host == "slow.example":
            time.sleep(1)
        return [PUBLIC]

    monkeypatch.setattr("services.notification.clients.webhooks._look_up", look_up)
    resolver = Resolver(4)
    slow = [asyncio.create_task(resolver("slow.example", 443)) for _ in range(3)]
    started = time.monotonic()
    assert await resolver("quick.example", 443) == [PUBLIC]
    assert time.monotonic() - started < 0.8
    await asyncio.gather(*slow)
    resolver.close()
