"""Talking to mail servers that ask for TLS and a password."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from deploy.local.ports import choose
from services.notification.clients import Away, Connection, MailServer, Refused
from services.notification.domain import Mail

MAIL = Mail("no-reply@onefold.example", "a@mail.example", b"Subject: dots\r\n\r\n.\r\n..two\r\n.end\r\n")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate of "localhost" that signs itself, in one file."""
    folder = tmp_path_factory.mktemp("tls")
    key, cert = str(folder / "key.pem"), str(folder / "cert.pem")
    request = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(["openssl", *request, *names, "-keyout", key, "-out", cert], check=True, capture_output=True)
    (folder / "both.pem").write_bytes((folder / "key.pem").read_bytes() + (folder / "cert.pem").read_bytes())
    return folder / "both.pem"


class Keeper:
    """Takes mails and remembers whether they came encrypted."""

    def __init__(self) -> None:
        self.taken: list[tuple[bool, bytes]] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        encrypted = server.transport.get_extra_info("sslcontext") is not None if server.transport else False
        self.taken.append((encrypted, envelope.content))
        return "250 OK"


def check_password(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object) -> AuthResult:
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (b"shop", b"p@ss word")
    return AuthResult(success=good, handled=False)


@asynccontextmanager
async def mail_server(make: Callable[[], SMTP], tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    port = choose(["smtp"], {})["smtp"]
    server = await asyncio.get_running_loop().create_server(make, "localhost", port, ssl=tls)
    try:
        yield port
    finally:
        server.close()


def server_side(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


async def send(url: str) -> None:
    connection = Connection(MailServer.parse(url, 5), "onefold.example")
    try:
        await connection.open(MAIL)
        await connection.transmit(MAIL)
    finally:
        await connection.close()


@pytest.mark.parametrize("scheme", ["starttls", "smtps"])
async def test_mail_goes_encrypted_and_with_a_password(
    certificate: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    keeper, tls = Keeper(), server_side(certificate)

    def make() -> SMTP:
        if scheme == "smtps":
            return SMTP(keeper, authenticator=check_password, auth_require_tls=False, hostname="localhost")
        return SMTP(
            keeper,
            tls_context=tls,
            require_starttls=True,
            authenticator=check_password,
            auth_required=True,
            hostname="localhost",
        )

    def url(password: str, port: int) -> str:
        tail = f"shop:{password}@localhost:{port}"
        return f"smtp://{tail}?starttls=true" if scheme == "starttls" else f"smtps://{tail}"

    async with mail_server(make, tls if scheme == "smtps" else None) as port:
        await send(url("p%40ss%20word", port))
        assert keeper.taken == [(True, MAIL.content)]  # lines that begin with dots arrive as they were
        with pytest.raises(Away, match="535"):  # a wrong password is our fault, not the message's
            await send(url("wrong", port))


async def test_a_certificate_that_nobody_vouches_for_is_not_trusted(certificate: Path) -> None:
    keeper, tls = Keeper(), server_side(certificate)
    async with mail_server(lambda: SMTP(keeper, hostname="localhost"), tls) as port:
        with pytest.raises(Away, match="cannot connect"):
            await send(f"smtps://localhost:{port}")
    assert keeper.taken == []


async def test_a_server_without_encryption_gets_nothing_when_it_is_asked_for() -> None:
    """STARTTLS that an attacker has struck out of the greeting must not lead to plain text."""
    keeper = Keeper()
    async with mail_server(lambda: SMTP(keeper, hostname="localhost")) as port:
        with pytest.raises(Away, match="cannot connect"):
            await send(f"smtp://localhost:{port}?starttls=true")
    assert keeper.taken == []


async def test_a_server_that_knows_only_ascii_refuses_other_addresses_for_good() -> None:
    async with mail_server(lambda: SMTP(Keeper(), hostname="localhost", enable_SMTPUTF8=False)) as port:
        connection = Connection(MailServer.parse(f"smtp://localhost:{port}", 5), "onefold.example")
        with pytest.raises(Refused, match="SMTPUTF8") as caught:
            await connection.open(replace(MAIL, recipient="小明@mail.example"))
        await connection.close()
    assert caught.value.permanent
