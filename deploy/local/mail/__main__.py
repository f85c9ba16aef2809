"""`python -m deploy.local.mail --folder DIR --smtp-port N --web-port N [--payments-port N] [--social-port N]`: runs until SIGTERM.

The test payment provider and the test log-in provider live here, too: one process for what is outside is enough, and memory is short.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import BaseServer

import uvloop

from deploy.local.mail.mailbox import Mailbox
from deploy.local.mail.smtp import factory
from deploy.local.mail.web import pages
from deploy.local.payments.book import Book
from deploy.local.payments.courier import Courier
from deploy.local.payments.web import pages as payment_pages
from deploy.local.ports import LOOPBACK
from deploy.local.social.server import serve as serve_social


async def serve_smtp(mailbox: Mailbox, host: str, port: int) -> None:
    """Takes mails until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = await loop.create_server(factory(mailbox), host, port, backlog=512)
    await stop.wait()
    server.close()


def main() -> None:
    """Web in a thread, SMTP in the event loop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--host", default=LOOPBACK, help="of mails and their pages; all else is for this machine alone")
    parser.add_argument("--smtp-port", type=int, required=True)
    parser.add_argument("--web-port", type=int, required=True)
    parser.add_argument("--payments-port", type=int)
    parser.add_argument("--social-port", type=int)
    options = parser.parse_args()
    mailbox = Mailbox(options.folder)
    servers: list[BaseServer] = [serve_web(options.web_port, pages(mailbox), options.host)]
    if options.payments_port:
        servers.append(serve_payments(options.folder.parent / "payments", options.payments_port))
    if options.social_port:
        servers.append(serve_social(options.social_port))
    uvloop.run(serve_smtp(mailbox, options.host, options.smtp_port))
    for server in servers:
        server.shutdown()


def serve_web(port: int, handler: type[BaseHTTPRequestHandler], host: str = LOOPBACK) -> ThreadingHTTPServer:
    """Answers in threads of its own."""
    web = ThreadingHTTPServer((host, port), handler)
    web.daemon_threads = True
    threading.Thread(target=web.serve_forever, daemon=True).start()
    return web


def serve_payments(folder: Path, port: int) -> ThreadingHTTPServer:
    """The provider's API and pages, and the bringer of its notices."""
    courier = Courier()
    book = Book(folder, courier.tell)
    threading.Thread(target=courier.run, args=(book,), daemon=True).start()
    return serve_web(port, payment_pages(book))


if __name__ == "__main__":
    main()
