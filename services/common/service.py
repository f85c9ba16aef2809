"""The life of a process: start, run, end within the grace period (rule 9)."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

import structlog
import uvloop

from services.common import deadletters, logging, provision
from services.common.config import ConfigError, Environment
from services.common.telemetry import process

log = structlog.get_logger()
# What else there is runs for a moment, mostly beside one of these, in its environment.
WATCHED = ("serve", "work")
# For how long a thread goes on while another wants to: who works on much (a plan of thousands of lots, a file) does so in a thread, and the
# loop, which everybody else waits for, has its turn after that. Python's own 5 ms add up to more than an order takes.
_SWITCH_SECONDS = 0.001
Command = Callable[[Environment, asyncio.Event], Awaitable[None]]


def main(context: str, commands: Mapping[str, Command]) -> None:
    """Runs `python -m services.<context>.main <command>`; `dead-letters` and `provision` are commands of all.

    Exits 2 on wrong configuration.
    """
    commands = {**commands, "dead-letters": deadletters.command, "provision": provision.command}
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in commands:
        sys.exit(f"usage: python -m services.{context}.main {' | '.join(commands)}")
    environment = Environment()
    sys.setswitchinterval(_SWITCH_SECONDS)
    try:
        logging.configure(environment, service=context, process=name)
        if name in WATCHED:
            process.start(environment, context, name)
        uvloop.run(_run(commands[name], environment))
    except ConfigError as error:
        sys.stderr.write(f"{context}: {error}\n")
        sys.exit(2)
    except Exception:
        log.critical("process_failed", exc_info=True)
        sys.exit(1)


async def _run(command: Command, environment: Environment) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await command(environment, stop)


async def until(stop: asyncio.Event, *loops: Coroutine[Any, Any, None]) -> None:
    """Runs endless loops until `stop` is set. A loop that ends or fails by itself ends the process, which is then started again."""
    # What has been loaded stays. Looking through it for garbage would hold up every call for a tenth of a second, again and again.
    gc.collect()
    gc.freeze()
    tasks = [asyncio.create_task(loop) for loop in loops]
    stopping = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for task in (stopping, *tasks):
        task.cancel()
    await asyncio.gather(stopping, *tasks, return_exceptions=True)
    for task in done - {stopping}:
        if error := task.exception():
            log.error("loop_failed", exc_info=error)
            raise error
    log.info("stopped")


def migrate_command(migrations: Path) -> Command:
    """The `migrate` command of a service's main.py, on the history in the folder `migrations`."""

    async def run(environment: Environment, _: asyncio.Event) -> None:
        # Imported here: Alembic would cost every serve and work process a tenth of its memory.
        from services.common.migrate import upgrade

        await upgrade(environment, migrations)

    return run
