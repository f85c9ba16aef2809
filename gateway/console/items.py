"""The price list: what the store sells, online and at the counter."""

from __future__ import annotations

from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, HiddenField, StringField

from gateway.auth import requires
from gateway.clients import services
from gateway.console import ask
from gateway.console.forms import KeyedForm, version_of
from gateway.console.frame import Page, blueprint
from gateway.console.level_forms import small_number
from gateway.console.problems import refuse
from gateway.formats import decimal_text, parse_amount, symbol
from gateway.items import name_of
from onefold.common.v1.common_pb2 import PageRequest
from onefold.orders.v1 import items_pb2 as pb
from services.common.errors import Conflict, InvalidInput, OnefoldError, Violations
from services.common.ids import new_id
from services.common.permissions import ITEMS_READ, ITEMS_WRITE

FIELDS = {name: name for name in ("name_en", "name_zh", "sku", "position")} | {"unit_price_minor": "unit_price"}
_SIZE = 50


class ItemForm(KeyedForm):
    """One item; `expected_version` is the one that its editor saw."""

    name_en = StringField(_l("Name in English"))
    name_zh = StringField(_l("Name in Chinese"))
    sku = StringField(_l("SKU"))
    unit_price = StringField(_l("Unit price"))
    sold_online = BooleanField(_l("Sold online"))
    sold_at_counter = BooleanField(_l("Sold at the counter"))
    position = StringField(_l("Position in lists"))
    expected_version = HiddenField()

    def show(self, item: pb.Item) -> None:
        """Fills the fields from the item as it is."""
        self.name_en.data, self.name_zh.data, self.sku.data = item.name_en, item.name_zh, item.sku
        self.unit_price.data = decimal_text(item.unit_price_minor, ask.store().currency)
        self.sold_online.data, self.sold_at_counter.data = item.sold_online, item.sold_at_counter
        self.position.data, self.expected_version.data = str(item.position), str(item.version)

    def read(self) -> pb.ItemDraft:
        """The item as typed. Raises InvalidInput where something cannot be sent."""
        faults = Violations()
        draft = pb.ItemDraft(
            name_en=self.name_en.data or "",
            name_zh=self.name_zh.data or "",
            sku=self.sku.data or "",
            sold_online=self.sold_online.data,
            sold_at_counter=self.sold_at_counter.data,
        )
        with ask.noting(faults):
            draft.unit_price_minor = parse_amount(self.unit_price.data or "", ask.store().currency, "unit_price_minor")
        if not (self.unit_price.data or "").strip():
            faults.add("unit_price_minor", "required")
        if (self.position.data or "").strip():
            with ask.noting(faults):
                draft.position = small_number(self.position.data, "position")
        faults.check()
        return draft


@blueprint.get("/items")
@requires(ITEMS_READ)
def items() -> str:
    """Items in the store's order, by a part of name or SKU; the archived ones apart."""
    query, token = (request.args.get(name, "").strip() for name in ("q", "page"))
    archived = request.args.get("archived") == "1"
    wish = pb.ListItemsRequest(page=PageRequest(size=_SIZE, token=token), query=query, archived=archived)
    found = services().items.list(wish)
    return render_template(
        "console/items.html",
        area="items",
        items=found.items,
        next_token=found.next_page_token,
        later_page=bool(token),
        query=query,
        archived=archived,
        name_of=name_of,
        key_form=KeyedForm(formdata=None),
    )


@blueprint.route("/items/new", methods=["GET", "POST"])
@requires(ITEMS_WRITE)
def new_item() -> Page:
    """Adds an item."""
    form = ItemForm()
    if request.method == "GET":
        form.sold_online.data = form.sold_at_counter.data = True
        return _show(form)
    try:
        wish = pb.CreateItemRequest(item=form.read())
        item = services().items.create(wish, key=form.idempotency_key.data).item
    except OnefoldError as error:
        refuse(form, _by_field(error), FIELDS)
        return _show(form)
    return _done(_("“%(name)s” is on the list.", name=name_of(item)))


@blueprint.route("/items/<uuid:item_id>", methods=["GET", "POST"])
@requires(ITEMS_WRITE)
def edit_item(item_id: UUID) -> Page:
    """Changes an item; orders that stand keep their copies. Whoever is late sees that, and may then save over it."""
    form, item = ItemForm(), _item(item_id)
    if request.method == "GET":
        form.show(item)
        return _show(form, item)
    version = version_of(form.expected_version.data)
    try:
        draft = form.read()
        draft.archived = item.archived
        wish = pb.ChangeItemRequest(item_id=item.item_id, item=draft, expected_version=version)
        item = services().items.change(wish, key=form.idempotency_key.data).item
    except OnefoldError as error:
        refuse(form, _by_field(error), FIELDS)
        if isinstance(error, Conflict):
            form.expected_version.data, form.idempotency_key.data = str(item.version), str(new_id())
        return _show(form, item)
    return _done(_("“%(name)s” is saved.", name=name_of(item)))


@blueprint.post("/items/<uuid:item_id>/archive")
@requires(ITEMS_WRITE)
def archive_item(item_id: UUID) -> Page:
    """Takes an item off the list, or puts it back."""
    form, item = KeyedForm(), _item(item_id)
    archived = request.form.get("archived") == "1"
    draft = pb.ItemDraft(
        name_en=item.name_en,
        name_zh=item.name_zh,
        sku=item.sku,
        unit_price_minor=item.unit_price_minor,
        sold_online=item.sold_online,
        sold_at_counter=item.sold_at_counter,
        archived=archived,
    )
    if item.archived != archived:
        wish = pb.ChangeItemRequest(item_id=item.item_id, item=draft, expected_version=item.version)
        services().items.change(wish, key=form.idempotency_key.data)
    if archived:
        return _done(_("“%(name)s” is archived. It is not sold any more.", name=name_of(item)))
    return _done(_("“%(name)s” is on the list again.", name=name_of(item)))


def _item(item_id: UUID) -> pb.Item:
    return services().items.get(pb.GetItemRequest(item_id=str(item_id))).item


def _by_field(error: OnefoldError) -> OnefoldError:
    return InvalidInput.of("sku", error.reason) if error.reason == "sku_taken" else error


def _done(sentence: str) -> Page:
    flash(sentence, "good")
    return redirect(url_for("console.items"))


def _show(form: ItemForm, item: pb.Item | None = None) -> Page:
    page = render_template(
        "console/item.html",
        area="items",
        form=form,
        item=item,
        name=name_of(item) if item else "",
        currency_symbol=symbol(ask.store().currency),
        key_form=KeyedForm(formdata=None),
    )
    return page, 422 if form.faulty else 200
