"""One member whole, points by hand, and the live search."""

from __future__ import annotations

from uuid import UUID

from flask import flash, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from gateway.auth import requires
from gateway.console import ask, ask_duplicates, ask_person, labels, levels, profiles
from gateway.console import past as past_views
from gateway.console.forms import PointsForm
from gateway.console.frame import Page, blueprint
from gateway.console.messages import bounces_of
from gateway.console.problems import refuse
from gateway.formats import parse_whole
from gateway.items import name_of
from gateway.timeline import timeline
from onefold.membership.v1.profiles_pb2 import DeletionPolicy
from onefold.membership.v1.service_pb2 import AdjustPointsRequest, Customer, CustomerStatus
from services.common.errors import InvalidInput, OnefoldError
from services.common.permissions import MEMBERS_READ, MEMBERS_WRITE

FOUND_AT_ONCE = 8
GONE = {CustomerStatus.CUSTOMER_STATUS_DELETED, CustomerStatus.CUSTOMER_STATUS_ERASED}


@blueprint.get("/members/search.json")
@requires(MEMBERS_READ)
def customer_search() -> Response:
    """The first few customers for a part of name, phone or e-mail; `members` leaves guests out."""
    query = request.args.get("q", "").strip()
    found = (
        ask.customers(query=query, size=FOUND_AT_ONCE, members_only="members" in request.args).customers
        if query
        else []
    )
    return jsonify(customers=[_found(customer) for customer in found])


def _found(customer: Customer) -> dict[str, str | bool]:
    return {
        "id": customer.customer_id,
        "name": customer.name,
        "phone_text": ask.phone(customer.phone),
        "email": customer.email,
        "guest": customer.status == CustomerStatus.CUSTOMER_STATUS_GUEST,
        "status_text": str(labels.badge_of(labels.CUSTOMER_STATUS, customer.status)[0]),
    }


@blueprint.get("/members/<uuid:customer_id>")
@requires(MEMBERS_READ)
def member(customer_id: UUID) -> Page:
    """One member whole. A merged id leads to the account that lives on (F10)."""
    found = ask.customer(str(customer_id))
    if found.customer_id != str(customer_id):
        flash(_("The account you asked for was merged into this one."), "info")
        return redirect(url_for("console.member", customer_id=found.customer_id))
    if found.status in GONE:
        past = timeline(found, past_views.EVENTS_AT_ONCE)
        return render_template("console/tombstone.html", area="members", member=found, past=past)
    orders_page, points_page = request.args.get("orders", ""), request.args.get("points", "")
    return render_template(
        "console/member.html",
        area="members",
        member=found,
        notes=ask.if_up(lambda: ask_person.notes(found.customer_id, request.args.get("notes", ""), size=5)),
        note_form=profiles.note_form(),
        consents=ask.if_up(lambda: ask_person.consents(found.customer_id)),
        past=timeline(found, past_views.SHOWN_BESIDE),
        never=ask.if_up(ask_person.deletion_policy) == DeletionPolicy.DELETION_POLICY_NEVER,
        orders=ask.if_up(lambda: ask.orders(customer_ids=[found.customer_id], token=orders_page, size=10)),
        ledger=ask.if_up(lambda: ask.points_entries(found.customer_id, points_page, size=10)),
        logins=ask.if_up(lambda: ask.login_methods(found.customer_id)),
        bounces=ask.if_up(lambda: bounces_of(found.email, found.phone)) or (),
        messages=ask.if_up(lambda: ask.messages(customer_id=found.customer_id)),
        twins=ask_duplicates.beside(found),
        cart=ask.if_up(lambda: ask.cart_of(found.customer_id)),
        item_name=name_of,
        orders_page=orders_page,
        points_page=points_page,
        points_form=PointsForm(formdata=None),
        **levels.member_level(found),
        today=ask.today().isoformat(),
    )


@blueprint.route("/members/<uuid:customer_id>/points", methods=["GET", "POST"])
@requires(MEMBERS_WRITE)
def adjust_points(customer_id: UUID) -> Page:
    """Awards or deducts points with an expiry date and a note (B2, B3)."""
    form = PointsForm()
    if request.method == "POST":
        try:
            balance = ask.adjust_points(_adjustment(form, str(customer_id)), form.idempotency_key.data)
        except OnefoldError as error:
            refuse(form, error, {"points": "points", "expires_on": "expires_on", "note": "note"})
        else:
            flash(_("Points saved. The balance is now %(balance)s.", balance=f"{balance:,}"), "good")
            return redirect(url_for("console.member", customer_id=customer_id))
    found = ask.customer(str(customer_id))
    page = render_template(
        "console/points.html", area="members", member=found, form=form, today=ask.today().isoformat()
    )
    return page, 422 if form.faulty else 200


def _adjustment(form: PointsForm, customer_id: str) -> AdjustPointsRequest:
    """Raises InvalidInput where the number cannot be read or carries a sign of its own."""
    award = form.change.data != "deduct"
    points = signed_points(form.points.data, award, "points")
    return AdjustPointsRequest(
        customer_id=customer_id,
        points=points,
        expires_on=(form.expires_on.data or "") if award else "",
        note=form.note.data or "",
    )


def signed_points(text: str | None, award: bool, field: str) -> int:
    """Points as typed, positive for an award. Raises InvalidInput: required, not_a_whole_number, zero_points."""
    points = parse_whole(text or "", field)
    if points < 0:
        raise InvalidInput.of(field, "not_a_whole_number")
    if points == 0:
        raise InvalidInput.of(field, "zero_points")
    return points if award else -points
