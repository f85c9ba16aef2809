"""What a person asks of the local stack, and what it shows them."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from deploy.local import cdnow, demo_people, demo_staff, loader
from deploy.local.demo import OWNER_EMAIL, SLUG, DemoStore
from deploy.local.members import MemberLoader
from deploy.local.process import tied, wait_until
from deploy.local.stack import Stack
from deploy.local.state import DataFolder, RunningStack, default_folder
from deploy.local.supervisor import Supervisor

# What `make up` loads by itself takes at most about this long; `make load` brings the rest.
LOADING_SECONDS = 20
console = Console(highlight=False)
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Request:
    """A wish to stop, noted by a signal handler: a plain flag, because a handler must not wait for a lock."""

    def __init__(self) -> None:
        self.made = False

    def note(self, number: int, frame: FrameType | None) -> None:
        """The signal handler."""
        self.made = True


def _on_signal(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
    for number in _SIGNALS:
        signal.signal(number, handler)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Breaks off what goes on, once: a second Ctrl-C must not break off the stopping."""
    _on_signal(signal.SIG_IGN)
    raise KeyboardInterrupt


def up() -> None:
    """Starts everything, shows the addresses, loads a part of the orders, and watches until Ctrl-C."""
    stop = _Request()
    stack = Stack(
        default_folder(),
        postgres_url=os.environ.get("ONEFOLD_POSTGRES_URL", ""),
        nats_url=os.environ.get("ONEFOLD_NATS_URL", ""),
    )
    began = time.monotonic()
    _on_signal(_interrupt)
    try:
        _start(stack, began)
        _on_signal(stop.note)
        _run(stack, stop)
    except KeyboardInterrupt:  # during the start; it is how `up` is meant to end
        console.print("Stopping …")
    finally:
        _on_signal(signal.SIG_IGN)
        stack.stop()
    console.print("Stopped. The data is kept; [bold]make up[/] goes on from here, [bold]make reset[/] deletes it.")


def _start(stack: Stack, began: float) -> None:
    def show() -> None:
        demo = DemoStore(stack.running)
        demo.ensure_store()
        demo.ensure_items()
        waiting.stop()
        _show_addresses(stack.running, demo.password)
        console.print(f"[dim]First page after {time.monotonic() - began:.1f} s.[/]")

    with console.status("Starting PostgreSQL, NATS, the services and the gateway …") as waiting:
        stack.start(on_page=show)
    demo = DemoStore(stack.running)
    demo.ensure_payments()
    demo_staff.ensure(stack.running, SLUG, OWNER_EMAIL, demo.password)
    demo_people.ensure(stack.running.gateway_url, demo.ensure_api_key())
    if stack.notice:
        console.print(Text(stack.notice, style="yellow"))


def _run(stack: Stack, stop: _Request) -> None:
    supervisor = Supervisor(stack, lambda line: console.print(Text(line, style="yellow")))
    loading = _begin_loading(stack.running)
    try:
        while not stop.made:
            time.sleep(0.3)
            supervisor.look()
            if loading and loading.poll() is not None:
                loading = None
                console.print("Ready. Ctrl-C stops everything.")
    finally:
        if loading and loading.poll() is None:
            loading.terminate()
            wait_until(lambda: loading.poll() is not None, 5)
            loading.kill()
            loading.wait()


def _begin_loading(running: RunningStack) -> subprocess.Popen[bytes] | None:
    """Loads in a process of its own, which takes its memory with it when it is done."""
    if loader.Progress(_progress_file(running.data)).complete:
        console.print("The orders are there. Ctrl-C stops everything.")
        return None
    command = [sys.executable, "-m", "deploy.local", "load", "--seconds", str(LOADING_SECONDS)]
    return subprocess.Popen(tied(command, signal.SIGTERM), env=os.environ | {"ONEFOLD_DATA": str(running.data)})


def load(orders: int, seconds: float) -> None:
    """Loads the first `orders` purchases into the demo store of the running stack, with a progress bar.

    Raises LoadError, DataFolderError when nothing runs, DataMissing, KeyboardInterrupt after a signal.
    """
    stop = _Request()
    _on_signal(stop.note)
    running = RunningStack.load()
    api_key = DemoStore(running).ensure_api_key()
    progress = loader.Progress(_progress_file(running.data))
    before, began = progress.count, time.monotonic()
    columns = (TextColumn("Loading CDNOW orders"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"))
    timed = seconds != float("inf")
    last = TextColumn(f"(a part, {seconds:.0f} s)") if timed else TimeRemainingColumn()
    with Progress(*columns, TaskProgressColumn(), last, console=console) as bar:
        task = bar.add_task("", total=orders, rate="")

        def report() -> None:
            rate = (progress.count - before) / max(0.1, time.monotonic() - began)
            bar.update(task, completed=progress.count, rate=f"{rate:.0f}/s")

        loader.Loader(running.gateway_url, api_key, progress).load(orders, seconds, report, lambda: stop.made)
    if stop.made:
        raise KeyboardInterrupt
    progress.save(complete=True)
    _summary(progress, time.monotonic() - began, progress.count - before)


def _summary(progress: loader.Progress, seconds: float, added: int) -> None:
    totals = cdnow.expected_totals(progress.done)
    console.print(
        f"{added:,} orders loaded in {seconds:.0f} s; the store holds {totals.orders:,} CDNOW orders of"
        f" {len(totals.by_phone):,} customers, HK${totals.value_minor / 100:,.2f} in all."
        + ("" if totals.orders == cdnow.ORDERS_COUNT else " [bold]make load ORDERS=all[/] brings the rest.")
    )


def members(count: int, slug: str) -> None:
    """Fills a store of the running stack until it has so many made-up customers. Raises DataFolderError when nothing runs."""
    running = RunningStack.load()
    identifier_key = DataFolder(running.data).secret("identifier_key")
    began = time.monotonic()
    columns = (TextColumn("Making up customers"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=count)
        loading = MemberLoader(running, identifier_key, slug or SLUG)
        added = asyncio.run(loading.load(count, lambda there: bar.update(task, completed=there)))
    console.print(f"{added:,} customers added in {time.monotonic() - began:.0f} s.")


def status() -> None:
    """Shows addresses and processes of the running stack. Raises DataFolderError when none runs."""
    running = RunningStack.load()
    _show_addresses(running, DemoStore(running).password)
    table = Table("process", "pid", "memory (MiB)", "metrics", box=None, header_style="dim")
    total = 0
    for name, pid in running.processes.items():
        memory = _memory(pid)
        total += memory
        table.add_row(
            name, str(pid) if memory else "[red]gone[/]", str(memory) if memory else "", running.metrics.get(name, "")
        )
    table.add_row("all", "", str(total), style="bold")
    console.print(table)


def _memory(pid: int) -> int:
    """Proportional memory of a process and its children, in MiB; 0 when it is gone."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    own = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return own // 1024 + sum(_memory(int(child)) for child in children)


def reset() -> None:
    """Deletes the data folder. Raises DataFolderError while a stack runs from it."""
    data = DataFolder(default_folder())
    console.print(f"{data.path} is deleted." if data.remove() else "There is no data to delete.")


def _progress_file(data: Path) -> Path:
    return data / "cdnow.json"


def _show_addresses(running: RunningStack, password: str) -> None:
    data = DataFolder(running.data)
    rows = {
        "Console": f"[bold]{running.gateway_url}/[/]",
        "  log in": f"store [bold]{SLUG}[/], e-mail [bold]{OWNER_EMAIL}[/], password [bold]{password}[/]",
        **{
            f"  {each.role}": f"e-mail [bold]{each.email}[/], password [bold]{each.password(data)}[/]"
            for each in demo_staff.COLLEAGUES
        },
        "Till": f"{running.gateway_url}/pos/",
        "Online store": f"{running.gateway_url}/s/{SLUG}/",
        "API": f"{running.gateway_url}/api/v1, described at {running.gateway_url}/api/docs",
        "Mails": f"{running.mail_url}/",
        "Payments": f"{running.payments_url}/, where the demo store's customers pay without money",
        "Providers": f"{running.social_url}/, a local test provider that stands in for Google and Facebook",
        "PostgreSQL": running.postgres_url,
        "NATS": running.nats_url,
        "gRPC": ", ".join(f"{context} {target}" for context, target in running.targets.items()),
        "Logs": str(running.data / "log"),
    }
    for name, value in rows.items():
        console.print(f"[dim]{name:<13}[/]{value}", soft_wrap=True)
