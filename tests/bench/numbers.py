"""NUMBERS.md: the figures of record, written from one run's result so that nobody copies them by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.bench.page import TITLES, minutes, moment, number
from tests.bench.record import Figure, Part, Record

FILE = Path(__file__).with_name("NUMBERS.md")
_BUSY = 0.2
# What is too much for a page that people read; the run's own page has all of it.
_LEFT_OUT = ("index ",)


def render(record: Record) -> str:
    """The whole file."""
    parts = [part for part in record.parts if any(figure.part == part for figure in record.figures)]
    blocks = [_head(record), _goals(record), *(_part(record, part) for part in parts)]
    return "\n\n".join(blocks) + "\n"


def _head(record: Record) -> str:
    machine = record.machine
    command = {"usual": "make bench", "quick": "make bench ARGS=--quick", "full": "make bench ARGS=--full"}[record.mode]
    spin = record.spin_ms or (0.0, 0.0, 0.0)
    versions = f"Python {machine.python}, PostgreSQL {machine.postgres}, NATS {machine.nats}, {machine.server}"
    commit = f"{machine.commit or 'unknown'}{' and changes' if machine.changed else ''}"
    lines = [
        "# Numbers",
        "",
        'Written by `make bench ARGS="--numbers bench-results/….json"` from one run; [README.md](README.md) says what the words mean.',
        f"To reproduce: `{command}`.",
        "",
        f"{moment(record.at)}, a {record.mode} run of {minutes(record.seconds)} (parts: {', '.join(record.parts)}),",
        f"{machine.cores} cores of {machine.cpu}, {machine.memory_mib:,} MiB, {machine.system}; {versions}; commit {commit}.",
        "The load generator ran on the same cores.",
        f"A fixed loop of Python took {number(spin[0])} to {number(spin[2])} ms of CPU, median {number(spin[1])}.",
        *_company(record),
        "",
        "| members, and as many orders | added | filled in | all databases |",
        "|---|---|---|---|",
        *(
            f"| {fill.members:,} | {fill.added:,} | {minutes(fill.seconds)} | {fill.database_bytes / 2**30:,.1f} GiB |"
            for fill in record.fills
        ),
    ]
    return "\n".join(lines)


def _company(record: Record) -> list[str]:
    """Who used the machine meanwhile, and what went wrong."""
    _, median, most = record.others or (0.0, 0.0, 0.0)
    told = [f"Others used {number(median)} of the cores at the median, {number(most)} at the most."]
    if median > _BUSY:
        told.append("**So rates are too low and times too long**; ratios are nearer the truth.")
    if record.faults:
        told.append(f"**{len(record.faults)} faults under load**: {'; '.join(record.faults)}")
    return told


def _goals(record: Record) -> str:
    met = sum(bool(figure.met) for figure in record.goals)
    missed = [figure for figure in record.goals if not figure.met]
    head = f"## Goals\n{met} of {len(record.goals)} are met."
    if not missed:
        return head
    return f"{head} Missed:\n\n{_table(missed)}"


def _part(record: Record, part: Part) -> str:
    figures = [each for each in record.figures if each.part == part and not each.name.startswith(_LEFT_OUT)]
    return f"## {TITLES[part]}\n{_table(figures)}"


def _table(figures: Sequence[Figure]) -> str:
    rows = [
        f"| {figure.name} | {figure.conditions} | {number(figure.value)} {figure.unit} | {_goal(figure)} | {_or(figure.floor_value)}"
        f" | {_or(figure.ratio)} | {_latency(figure)} |"
        for figure in figures
    ]
    return "\n".join(
        ["| what | under | value | goal | floor | ratio | p50 / p95 / p99 ms |", "|---|---|---|---|---|---|---|", *rows]
    )


def _goal(figure: Figure) -> str:
    if figure.goal is None:
        return ""
    told = f"{figure.goal.must_be} {number(figure.goal.value)}"
    return told if figure.met else f"{told}: **missed**"


def _or(value: float | None) -> str:
    return "" if value is None else number(value)


def _latency(figure: Figure) -> str:
    return (
        ""
        if figure.latency is None
        else " / ".join(map(number, (figure.latency.p50, figure.latency.p95, figure.latency.p99)))
    )
