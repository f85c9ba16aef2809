"""`python -m deploy.local.mail --folder DIR --smtp-port N --web-port N`: runs until SIGTERM."""

from __future__ import annotations

import argparse
import asyncio
import signal
import threading
from http.server import ThreadingHTTPServer
from pathlib import Path

import uvloop

from deploy.local.mail.mailbox import Mailbox
from deploy.local.mail.smtp import factory
from deploy.local.mail.web import pages
from deploy.local.ports import LOOPBACK


async def serve_smtp(mailbox: Mailbox, port: int) -> None:
    """Takes mails until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = await loop.create_server(factory(mailbox), LOOPBACK, port, backlog=512)
    await stop.wait()
    server.close()


def main() -> None:
    """Web in a thread, SMTP in the event loop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--smtp-port", type=int, required=True)
    parser.add_argument("--web-port", type=int, required=True)
    options = parser.parse_args()
    mailbox = Mailbox(options.folder)
    web = ThreadingHTTPServer((LOOPBACK, options.web_port), pages(mailbox))
    web.daemon_threads = True
    threading.Thread(target=web.serve_forever, daemon=True).start()
    uvloop.run(serve_smtp(mailbox, options.smtp_port))
    web.shutdown()


if __name__ == "__main__":
    main()
