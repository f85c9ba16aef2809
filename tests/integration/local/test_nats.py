"""The nats-server of the local runner."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import nats
import nats.errors
import psutil
import pytest
from nats.aio.client import Client

from deploy.local.nats import Nats
from deploy.local.ports import choose
from deploy.local.state import DataFolder


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Nats]:
    """A server that runs."""
    data = DataFolder(tmp_path / "data")
    data.acquire()
    ports = choose(["nats", "monitor"], {})
    server = Nats(data, ports["nats"], ports["monitor"])
    server.start()
    yield server
    server.process.kill()
    data.release()


async def test_an_acknowledged_message_outlives_a_kill(server: Nats) -> None:
    client = await nats.connect(server.url, allow_reconnect=False)
    await client.jetstream().add_stream(name="KEPT", subjects=["kept"])
    await client.jetstream().publish("kept", b"7")
    await client.close()
    server.process.kill()
    server.start()
    client = await nats.connect(server.url, allow_reconnect=False)
    message = await client.jetstream().get_last_msg("KEPT", "kept")
    await client.close()
    assert message.data == b"7"


async def test_a_stranger_is_refused(server: Nats) -> None:
    address = server.url.rpartition("@")[2]
    errors: list[Exception] = []

    async def note(error: Exception) -> None:
        errors.append(error)

    client = Client()
    with pytest.raises(nats.errors.Error):
        await client.connect(f"nats://{address}", allow_reconnect=False, max_reconnect_attempts=0, error_cb=note)
    await client.close()
    assert any("authorization" in str(error).lower() for error in errors)


async def test_it_listens_on_the_loopback_interface_only(server: Nats) -> None:
    listening = [one for one in psutil.Process(server.process.pid).net_connections() if one.status == "LISTEN"]
    assert {one.laddr.ip for one in listening} == {"127.0.0.1"}
    assert len(listening) == 2
