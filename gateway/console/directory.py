"""The members list with its search, filters and picks; filters that have a name; the list as a file (C2, C3, C11)."""

from __future__ import annotations

from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from gateway import exports
from gateway.auth import requires
from gateway.console import ask, ask_directory
from gateway.console.forms import FilterChangeForm, FilterForm, MembersForm, version_of
from gateway.console.frame import Page, blueprint
from gateway.console.listings import FIELDS, WITHOUT_LEVEL, Listing
from gateway.console.problems import refuse
from onefold.membership.v1 import directory_pb2 as pb
from services.common.errors import Conflict, InvalidInput, OnefoldError
from services.common.ids import new_id
from services.common.permissions import MEMBERS_EXPORT, MEMBERS_READ, MEMBERS_WRITE

MOST_PICKS = 10  # more than a merge takes, so that one too many is seen and can be taken back
_LOST_PLACE = "page.token"


@blueprint.get("/members")
@requires(MEMBERS_READ)
def members() -> Page:
    """Members by search and filters, in an order of choice; picked accounts stay picked over searches and filters (F1)."""
    listing, token = Listing.read(request.args), request.args.get("page", "").strip()
    form, asked, found = listing.form(), pb.CustomerFilter(), pb.ListCustomersResponse()
    try:
        asked = listing.filter()
        found, token = _found(asked, listing.sort, token)
    except InvalidInput as error:
        refuse(form, error, FIELDS)
    levels = _offer_levels(form)
    saved, opened = _saved(listing, asked)
    shown = {member.customer_id for member in found.customers}
    ids = list(dict.fromkeys(request.args.getlist("id")))[:MOST_PICKS]
    page = render_template(
        "console/members.html",
        area="members",
        form=form,
        listing=listing,
        chips=list(listing.chips(levels, ids)),
        has_levels=bool(levels),
        saved=saved,
        opened=opened,
        members=found.customers,
        members_total=found.members_total,
        picked_ids=ids,
        picked=list(ask.customers_by_id(customer_id for customer_id in ids if customer_id not in shown).values()),
        next_token=found.next_page_token,
        later_page=bool(token),
    )
    return page, 422 if form.faulty else 200


def _saved(
    listing: Listing, asked: pb.CustomerFilter
) -> tuple[list[tuple[pb.SavedFilter, Listing, bool]], pb.SavedFilter | None]:
    """The saved filters with their lists, and whether this is theirs; the one that was opened, if it asks something else now."""
    saved = [(each, Listing.of(each)) for each in ask.if_up(ask_directory.saved_filters) or ()]
    found = [(each, of, (of.filter(), of.sort) == (asked, listing.sort)) for each, of in saved]
    opened = (each for each, _of, current in found if each.filter_id == listing.one("saved") and not current)
    return found, next(opened, None)


def _found(
    asked: pb.CustomerFilter, sort: pb.CustomerSort.ValueType, token: str
) -> tuple[pb.ListCustomersResponse, str]:
    """The page, and the token that led to it. Whoever changes the filter and then turns the page begins the new list."""
    try:
        return ask_directory.customers(asked, sort, token), token
    except InvalidInput as error:
        if not token or [violation.field for violation in error.violations] != [_LOST_PLACE]:
            raise
        return ask_directory.customers(asked, sort), ""


def _offer_levels(form: MembersForm) -> dict[str, str]:
    """The store's levels, as choices of the form; without any level there is nothing to choose."""
    levels = {level.level_id: level.name for level in ask.if_up(ask_directory.levels) or ()}
    form.level.choices = [*levels.items(), (WITHOUT_LEVEL, _("No level"))] if levels else []
    return levels


@blueprint.get("/members/export.csv")
@requires(MEMBERS_EXPORT)
def export_members() -> Response:
    """The whole list as CSV."""
    listing = Listing.read(request.args)
    return exports.customers_csv(listing.filter(), listing.sort)


@blueprint.get("/members/filters")
@requires(MEMBERS_READ)
def filters() -> str:
    """The saved filters, to be applied, renamed or deleted."""
    saved = [(each, Listing.of(each)) for each in ask_directory.saved_filters()]
    return render_template("console/filters.html", area="members", saved=saved, form=FilterForm(formdata=None))


@blueprint.route("/members/filters/new", methods=["GET", "POST"])
@requires(MEMBERS_WRITE)
def new_filter() -> Page:
    """Gives the list's filter a name."""
    form = FilterForm()
    listing = Listing.read(request.form if request.method == "POST" else request.args)
    if request.method == "POST":
        try:
            saved = ask_directory.save_filter(form.name.data or "", listing, form.idempotency_key.data)
        except OnefoldError as error:
            refuse(form, error, {"name": "name"})
        else:
            flash(_("The filter “%(name)s” is saved.", name=saved.name), "good")
            return redirect(Listing.of(saved).address("console.members"))
    return _filter_page(form, listing)


@blueprint.route("/members/filters/<uuid:filter_id>/change", methods=["GET", "POST"])
@requires(MEMBERS_WRITE)
def change_filter(filter_id: UUID) -> Page:
    """Lets a saved filter ask what the list asks now; both are shown, for everybody in the store uses it."""
    listing = Listing.read(request.form if request.method == "POST" else request.args)
    saved = ask_directory.saved_filter(str(filter_id))
    form = FilterChangeForm(name=saved.name, expected_version=saved.version)
    if request.method == "POST":
        version, name = version_of(form.expected_version.data), form.name.data or ""
        try:
            saved = ask_directory.change_filter(saved, name, listing, version, form.idempotency_key.data)
        except OnefoldError as error:
            refuse(form, error, {"name": "name"})
            if isinstance(error, Conflict):
                # What somebody else has made of it meanwhile is shown now; saving again is a choice, and another write.
                form.expected_version.data, form.idempotency_key.data = str(saved.version), str(new_id())
        else:
            flash(_("The filter “%(name)s” is updated.", name=saved.name), "good")
            return redirect(Listing.of(saved).address("console.members"))
    return _filter_page(form, listing, saved)


def _filter_page(form: FilterForm, listing: Listing, saved: pb.SavedFilter | None = None) -> Page:
    """What is to be saved, and what the filter `saved` has asked until now."""
    levels = {level.level_id: level.name for level in ask.if_up(ask_directory.levels) or ()}
    before = Listing.of(saved) if saved else None
    page = render_template(
        "console/filter.html",
        area="members",
        form=form,
        saved=saved,
        listing=listing,
        chips=list(listing.chips(levels, [])),
        before=before,
        chips_before=list(before.chips(levels, [])) if before else [],
        back=listing.address("console.members"),
    )
    return page, 422 if form.faulty else 200


@blueprint.route("/members/filters/<uuid:filter_id>", methods=["GET", "POST"])
@requires(MEMBERS_WRITE)
def rename_filter(filter_id: UUID) -> Page:
    """Another name for a saved filter."""
    saved = ask_directory.saved_filter(str(filter_id))
    form = FilterForm(name=saved.name)
    if request.method == "POST":
        try:
            ask_directory.rename_filter(saved.filter_id, form.name.data or "", form.idempotency_key.data)
        except OnefoldError as error:
            refuse(form, error, {"name": "name"})
        else:
            flash(_("The filter has its new name."), "good")
            return redirect(url_for("console.filters"))
    page = render_template(
        "console/filter.html",
        area="members",
        form=form,
        saved=saved,
        listing=None,
        back=url_for("console.filters"),
    )
    return page, 422 if form.faulty else 200


@blueprint.post("/members/filters/<uuid:filter_id>/delete")
@requires(MEMBERS_WRITE)
def delete_filter(filter_id: UUID) -> Response:
    """Forgets a saved filter; the members stay as they are."""
    form = FilterForm()
    ask_directory.delete_filter(str(filter_id), form.idempotency_key.data)
    flash(_("The filter is deleted."), "good")
    return redirect(url_for("console.filters"))
