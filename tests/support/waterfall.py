"""A trace as a picture: `python -m tests.support.waterfall` starts a stack, creates an order, merges two members, and draws both.

The pictures of deploy/observability are made so, from what the collector got.
"""

from __future__ import annotations

import html
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from deploy.local.process import ROOT
from tests.faults.client import somebody, until
from tests.faults.system import QuickStack, System
from tests.support.collector import Collector, Recorded, collector

FOLDER = ROOT / "deploy" / "observability"
WIDTH, LINE, NAMES, TOP = 1_000, 17, 430, 64
# One hue for each process; those of one service are alike.
COLOURS = {
    "gateway-serve": "#57606a",
    "orders-serve": "#0969da",
    "orders-work": "#54aeff",
    "membership-serve": "#1a7f37",
    "membership-work": "#4ac26b",
    "identity_merge-serve": "#8250df",
    "identity_merge-work": "#c297ff",
    "notification-serve": "#bc4c00",
    "notification-work": "#fb8f44",
}
_STYLE = """text { font: 11px ui-sans-serif, system-ui, sans-serif; fill: #1f2328 } .title { font-size: 15px; font-weight: 600 }
.small { font-size: 10px; fill: #59636e } .line { stroke: #d1d9e0; stroke-width: 1 }"""


def draw(title: str, spans: Sequence[Recorded]) -> str:
    """The trace as SVG: one line for each span, below the one that caused it; statements of one span are one line."""
    rows = list(_rows(spans))
    began = min(span.started for span in spans)
    whole = max(span.ended for span in spans) - began
    scale = (WIDTH - NAMES - 70) / whole
    height = TOP + LINE * len(rows) + 34
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
        f' role="img" aria-label="{html.escape(title)}"><style>{_STYLE}</style><rect width="100%" height="100%" fill="#fff"/>',
        f'<text class="title" x="12" y="22">{html.escape(title)}</text>',
        *_axis(whole, scale, height),
    ]
    for place, (depth, name, service, started, ended) in enumerate(rows):
        y, x = TOP + LINE * place, NAMES + (started - began) * scale
        parts += [
            f'<text x="{12 + 11 * depth}" y="{y + 12}">{html.escape(_short(name, 62 - 2 * depth))}</text>',
            f'<rect x="{x:.1f}" y="{y + 3}" width="{max(1.5, (ended - started) * scale):.1f}" height="11" rx="2"'
            f' fill="{COLOURS[service]}"/>',
            f'<text class="small" x="{x + (ended - started) * scale + 4:.1f}" y="{y + 12}">{_ms(ended - started)}</text>',
        ]
    return "\n".join([*parts, *_legend({row[2] for row in rows}, height), "</svg>\n"])


def _rows(spans: Sequence[Recorded]) -> Iterator[tuple[int, str, str, int, int]]:
    children: dict[str, list[Recorded]] = {}
    for span in spans:
        children.setdefault(span.parent_id, []).append(span)

    def below(parent: str, depth: int) -> Iterator[tuple[int, str, str, int, int]]:
        found = children.get(parent, [])
        statements = [span for span in found if "db.system.name" in span.attributes]
        if statements:
            tables = list(dict.fromkeys(s.name for s in statements if " " in s.name))
            words = f"SQL × {len(statements)}: {'; '.join(tables)}" if len(statements) > 1 else f"SQL: {tables[0]}"
            first, last = min(s.started for s in statements), max(s.ended for s in statements)
            yield depth, words, statements[0].service, first, last
        for span in found:
            if "db.system.name" not in span.attributes:
                yield depth, f"{span.service}  {_method(span.name)}", span.service, span.started, span.ended
                yield from below(span.span_id, depth + 1)

    yield from below("", 0)


def _method(name: str) -> str:
    """Of onefold.orders.v1.OrdersService/CreateOrder what tells it from others."""
    return name.rpartition(".")[2] if "/" in name and name.startswith("onefold.") else name


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _ms(nanoseconds: float) -> str:
    return f"{nanoseconds / 1e6:.1f} ms"


def _axis(whole: int, scale: float, height: int) -> Iterator[str]:
    step = next(step for step in (5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000) if whole / 1e6 / step <= 8)
    for at in range(0, int(whole / 1e6) + 1, step):
        x = NAMES + at * 1e6 * scale
        yield f'<line class="line" x1="{x:.1f}" y1="{TOP - 8}" x2="{x:.1f}" y2="{height - 30}"/>'
        yield f'<text class="small" x="{x + 2:.1f}" y="{TOP - 12}">{at} ms</text>'


def _legend(services: set[str], height: int) -> Iterator[str]:
    x = 12
    for service in (service for service in COLOURS if service in services):
        yield f'<rect x="{x}" y="{height - 20}" width="10" height="10" rx="2" fill="{COLOURS[service]}"/>'
        yield f'<text class="small" x="{x + 14}" y="{height - 11}">{service}</text>'
        x += 22 + 6 * len(service)


def _settled(spans: Collector, root: str, last: str) -> list[Recorded]:
    """The newest trace that began so, once what ends it has come and nothing has been added for a second."""

    def whole() -> list[Recorded]:
        ids = [span.trace_id for span in spans.spans() if span.name == root and not span.parent_id]
        found = spans.trace(ids[-1]) if ids else []
        return found if any(span.name == last for span in found) else []

    return spans.whole(until(whole, 60, f"{root} leads to {last}")[0].trace_id, 2)


def main() -> None:
    """Draws both, after each has been done once before, so that nothing is done for the first time."""
    folder = Path(tempfile.mkdtemp(prefix="onefold-waterfall-"))
    with collector() as spans:
        os.environ |= {"OTEL_EXPORTER_OTLP_ENDPOINT": spans.url, "OTEL_BSP_SCHEDULE_DELAY": "200"}
        with QuickStack(folder) as stack:
            shop = System(stack).open_shop()
            for _ in range(15):
                shop.member(somebody())
            shop.merge(shop.members(2))
            shop.order(somebody())
            order = _settled(spans, "POST /api/v1/orders", "SMTP DATA")
            shop.merge(shop.members(3), points=10, expires_on="2099-12-31")
            merge = _settled(spans, "POST /api/v1/merges", "process identity_merge.merge_completed.v1")
            shop.close()
    shutil.rmtree(folder)
    for name, title, trace in (
        ("create-order", "Create order, paid, by somebody new: from the request to the mail", order),
        ("merge", "Merge of three accounts: from the button to the last who hears of it", merge),
    ):
        (FOLDER / f"trace-{name}.svg").write_text(draw(title, trace))


if __name__ == "__main__":
    main()
