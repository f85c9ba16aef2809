"""The store's members at a glance: how many, how they spend, what points are out, and the settings behind it (C1)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from babel.dates import format_date
from flask import render_template
from flask_babel import gettext as _

from gateway import formats
from gateway.auth import requires
from gateway.console import ask, ask_directory, charts
from gateway.console.frame import blueprint
from gateway.console.listings import WITHOUT_LEVEL
from onefold.membership.v1 import directory_pb2 as pb
from onefold.membership.v1 import levels_pb2 as levels_api
from services.common.permissions import MEMBERS_READ


@blueprint.get("/members/overview")
@requires(MEMBERS_READ)
def overview() -> str:
    """Figures and settings, each shown as far as it can be reached."""
    figures = ask.if_up(ask_directory.overview)
    levels = ask.if_up(ask_directory.levels)
    months = (
        [(_month(m.month), m.net_spend_minor, ask.money(m.net_spend_minor), m) for m in figures.months]
        if figures
        else []
    )
    return render_template(
        "console/overview.html",
        area="members",
        figures=figures,
        by_level=_by_level(figures, levels or ()) if figures else [],
        levels=levels,
        points_settings=ask.if_up(ask_directory.points_settings),
        unit=ask.money(10 ** formats.digits(ask.store().currency)),
        months=[(_month(m.month, whole=True), m) for *_rest, m in months],
        columns=charts.columns([(label, number, text) for label, number, text, _m in months]),
        height=charts.HEIGHT,
        spent=sum(number for _label, number, *_rest in months),
        expiring=[(_month(each.month, whole=True), each.points) for each in figures.expiring] if figures else [],
    )


def _month(month: str, *, whole: bool = False) -> str:
    """A month as it is read: "Nov" below a column, "November 2026" in a table."""
    first, locale = date.fromisoformat(f"{month}-01"), ask.locale()
    if whole:
        return formats.month_text(first, locale)
    return str(format_date(first, "M月" if locale.startswith("zh") else "MMM", locale=locale))


def _by_level(figures: pb.GetOverviewResponse, levels: Sequence[levels_api.Level]) -> list[tuple[str, str, int, float]]:
    """(id as in a list's address, name, members, percent) of each level from the highest down, and of those without one."""
    counts = {count.level_id: count.members for count in figures.levels}
    named = [(level.level_id, level.name, counts.pop(level.level_id, 0)) for level in reversed(levels)]
    # A level that was taken out of the rules and whose members have not moved yet.
    rest = [
        (level or WITHOUT_LEVEL, _("Unknown level") if level else _("No level"), members)
        for level, members in counts.items()
    ]
    return [(*level, members, charts.share(members, figures.members)) for *level, members in (*named, *rest)]
