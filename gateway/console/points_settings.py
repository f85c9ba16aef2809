"""How points are earned, redeemed and run out, and those that run out soon (B2)."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from gateway.auth import requires
from gateway.console import ask, ask_levels
from gateway.console.forms import code_of
from gateway.console.frame import Page, blueprint
from gateway.console.level_forms import PointsSettingsForm, small_number
from gateway.console.problems import refuse, status_of
from onefold.membership.v1 import levels_pb2 as pb
from services.common.errors import OnefoldError, Violations
from services.common.permissions import LEVELS_WRITE, MEMBERS_READ

_NUMBERS = ("earn_per_unit", "redeem_per_unit", "validity_months")


@blueprint.get("/points")
@requires(MEMBERS_READ)
def points_settings() -> str:
    """The settings as they are, and the points that run out within 30 days."""
    settings, token = ask_levels.points_settings(), request.args.get("page", "")
    form = PointsSettingsForm(formdata=None)
    for name in _NUMBERS:
        form[name].data = str(getattr(settings, name))
    form.rounding.data, form.version.data = str(int(settings.rounding)), str(settings.version)
    return _page(form, settings, ask.if_up(lambda: ask_levels.expiring(token)), bool(token))


@blueprint.post("/points")
@requires(LEVELS_WRITE)
def save_points_settings() -> Page:
    """What is earned from now on; points that there are stay as they are."""
    form = PointsSettingsForm()
    try:
        ask_levels.save_points_settings(_settings(form), form.idempotency_key.data)
    except OnefoldError as error:
        refuse(form, error, {name: name for name in (*_NUMBERS, "rounding")})
        return _page(form, ask_levels.points_settings(), ask.if_up(ask_levels.expiring), False), status_of(error)
    flash(_("Points settings saved. They hold for orders paid from now on."), "good")
    return redirect(url_for("console.points_settings"))


def _page(
    form: PointsSettingsForm, settings: pb.PointsSettings, expiring: pb.ListExpiringPointsResponse | None, later: bool
) -> str:
    return render_template(
        "console/points_settings.html",
        area="members",
        form=form,
        settings=settings,
        expiring=expiring,
        later_page=later,
        one=10 ** ask.minor_digits(),
    )


def _settings(form: PointsSettingsForm) -> pb.PointsSettings:
    """Raises InvalidInput where a number cannot be read."""
    faults = Violations()
    settings = pb.PointsSettings(version=small_number(form.version.data, "version"))
    for name in _NUMBERS:
        with ask.noting(faults):
            setattr(settings, name, small_number(form[name].data, name))
    settings.rounding = code_of(form.rounding.data)  # type: ignore[assignment]  # an open enum
    faults.check()
    return settings
