"""A name server on the loopback interface, which answers as a cluster's does for a headless Service: an address for each replica."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from socketserver import BaseRequestHandler, ThreadingUDPServer

import dns.flags
import dns.message
import dns.rdatatype
import dns.rrset

from deploy.local.ports import LOOPBACK


class Names:
    """Who is behind each name just now; answers are not to be kept."""

    def __init__(self) -> None:
        self._hosts: dict[str, tuple[str, ...]] = {}
        self._server = _Server(self._hosts)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, name="names", daemon=True)
        self._thread.start()

    def of(self, name: str) -> Sequence[str]:
        """The addresses behind a name, the oldest first."""
        return self._hosts.get(name, ())

    def add(self, name: str, host: str) -> None:
        """From now on, `host` is one of those behind the name."""
        self._hosts[name] = (*self.of(name), host)

    def remove(self, name: str, host: str) -> None:
        """Whoever asks from now on does not hear of `host`."""
        self._hosts[name] = tuple(each for each in self.of(name) if each != host)

    def close(self) -> None:
        """Answers nobody any more."""
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingUDPServer):
    daemon_threads = True

    def __init__(self, hosts: Mapping[str, Sequence[str]]) -> None:
        super().__init__((LOOPBACK, 0), _Request)
        self.hosts = hosts


class _Request(BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        asked, socket = self.request
        query = dns.message.from_wire(asked)
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.AA
        question = query.question[0]
        hosts = self.server.hosts.get(str(question.name).rstrip(".").lower(), ())
        if hosts and question.rdtype == dns.rdatatype.A:
            answer.answer.append(dns.rrset.from_text(question.name, 0, "IN", "A", *hosts))
        socket.sendto(answer.to_wire(), self.client_address)
