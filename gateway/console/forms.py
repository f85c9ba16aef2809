"""The console's forms. They carry what was typed; what is right or wrong about it, the services say (see problems.py)."""

from __future__ import annotations

from typing import Any

import orjson
from flask import abort
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    EmailField,
    FieldList,
    FileField,
    Form,
    FormField,
    HiddenField,
    PasswordField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TelField,
    TextAreaField,
)

from gateway.addresses import AddressFields
from gateway.console import labels
from services.common.ids import new_id

BLANK_LINES = 4
PAYMENT_METHODS = (
    ("1", _l("Cash")),
    ("2", _l("Card")),
    ("3", _l("Bank transfer")),
    ("4", _l("Other")),
)


def code_of(choice: str | None) -> int:
    """The code of a choice; what is none becomes 0, which the service refuses by field."""
    return int(choice) if choice and choice.isdecimal() and len(choice) < 3 else 0


def version_of(text: str | None) -> int:
    """The version that an editor saw, from the form's hidden field. Aborts (400) where no page of ours has written it."""
    if not text or not text.isdecimal() or len(text) > 18:
        abort(400)
    return int(text)


def seen_of(text: str | None) -> dict[str, str]:
    """The values that an editor saw, from the form's hidden field. Aborts (400) where no page of ours has written it."""
    try:
        seen = orjson.loads(text or "{}")
    except orjson.JSONDecodeError:
        abort(400)
    if not isinstance(seen, dict):
        abort(400)
    return {str(name): str(value) for name, value in seen.items()}


class PlainForm(FlaskForm):  # type: ignore[misc]
    """A form of ours; `faulty` once something was refused (problems.py)."""

    faulty = False


class KeyedForm(PlainForm):
    """A form whose sending twice is one write (E7): the key is minted when the form is first shown, and comes back with it."""

    idempotency_key = HiddenField(default=lambda: str(new_id()))


class LogInForm(PlainForm):
    """Store, e-mail, password."""

    store = StringField(_l("Store"))
    email = EmailField(_l("E-mail"))
    password = PasswordField(_l("Password"))


class LineForm(Form):  # type: ignore[misc]  # WTForms has no types
    """One line of an order; a line with nothing but a quantity counts as blank."""

    title = StringField(_l("Item"))
    quantity = StringField(_l("Quantity"), default="1")
    unit_price = StringField(_l("Unit price"))
    discount = StringField(_l("Less"))
    total = HiddenField()  # never sent: where the service's errors about the sum of a line are shown

    def is_blank(self) -> bool:
        """True where nobody typed anything that matters."""
        return not (self.title.data or "").strip() and not (self.unit_price.data or "").strip()


class OrderForm(KeyedForm):
    """A paid or unpaid order entered by staff (A4). `customer_mode` is search, picked or new."""

    customer_mode = HiddenField(default="search")
    customer_id = HiddenField()
    customer_query = StringField(_l("Customer"))
    name = StringField(_l("Name"))
    phone = TelField(_l("Mobile phone"))
    email = EmailField(_l("E-mail"))
    add_as_member = BooleanField(_l("Add as a member"))
    lines = FieldList(FormField(LineForm), min_entries=1)
    discount = StringField(_l("Discount"))
    shipping = StringField(_l("Shipping"))
    level_discount = BooleanField(_l("Level discount"))
    redeem_points = StringField(_l("Use points"))
    ship_to = FormField(AddressFields)
    note = TextAreaField(_l("Note"))
    payment_method = SelectField(_l("Paid by"), choices=PAYMENT_METHODS, validate_choice=False)
    payment_reference = StringField(_l("Payment reference"))

    def add_blank_lines(self, count: int = BLANK_LINES) -> None:
        """Room to type for those without script."""
        for _ in range(count):
            self.lines.append_entry()

    def filled_lines(self) -> list[Any]:
        """The lines that count, in order."""
        return [line.form for line in self.lines if not line.form.is_blank()]


class PaymentForm(KeyedForm):
    """How an unpaid order was paid."""

    method = SelectField(_l("Paid by"), choices=PAYMENT_METHODS, validate_choice=False)
    reference = StringField(_l("Payment reference"))


STEPS = (("3", _l("In preparation")), ("4", _l("Shipped")), ("5", _l("Completed")))


class StepForm(KeyedForm):
    """How far a paid order has come (E1)."""

    status = SelectField(_l("New status"), choices=STEPS, validate_choice=False)
    tracking = StringField(_l("Tracking number"))
    note = StringField(_l("Reason"))


PICKED, ALL = "picked", "all"


class BulkForm(KeyedForm):
    """Which orders of a list, and why. `expected_count` is how many the person saw that the list has."""

    scope = RadioField(
        _l("Which orders"),
        choices=((PICKED, _l("The picked orders")), (ALL, _l("All orders of the list"))),
        validate_choice=False,
    )
    note = StringField(_l("Reason"))
    expected_count = HiddenField()


class BulkStepForm(BulkForm):
    """How far many orders have come (E1)."""

    goal = SelectField(_l("New status"), choices=STEPS, validate_choice=False)


class BulkRefundForm(BulkForm):
    """Money of many orders given back whole (E1)."""

    method = SelectField(_l("Given back by"), choices=PAYMENT_METHODS, validate_choice=False)


class InviteForm(KeyedForm):
    """Which guests are invited, and what the store says to them (A5)."""

    scope = RadioField(
        _l("Which guests"),
        choices=((PICKED, _l("The picked guests")), (ALL, _l("All guests of the list"))),
        validate_choice=False,
    )
    greeting = StringField(_l("A line from you"))


class CancelForm(KeyedForm):
    """Why an order ends unpaid (E1)."""

    reason = StringField(_l("Reason"))


class RefundForm(KeyedForm):
    """Money given back (E1)."""

    amount = StringField(_l("Amount"))
    method = SelectField(_l("Given back by"), choices=PAYMENT_METHODS, validate_choice=False)
    reference = StringField(_l("Payment reference"))
    reason = StringField(_l("Reason"))


class ContactForm(KeyedForm):
    """Contact and shipping address on one order (E2). `expected_version` is the version that the editor saw."""

    name = StringField(_l("Name"))
    phone = TelField(_l("Mobile phone"))
    email = EmailField(_l("E-mail"))
    ship_to = FormField(AddressFields)
    expected_version = HiddenField()


CHANGES = (("award", _l("Award")), ("deduct", _l("Deduct")))


class PointsForm(KeyedForm):
    """Points given or taken by hand (B2, B3)."""

    change = RadioField(_l("Award or deduct"), choices=CHANGES, default="award", validate_choice=False)
    points = StringField(_l("Points"))
    expires_on = StringField(_l("Last day of validity"))
    note = StringField(_l("Note"))


class MembersForm(PlainForm):
    """Search box, filters and order of the members list (C2, C3). Sent by GET; the levels are the store's own."""

    class Meta:
        csrf = False

    q = StringField(_l("Name, phone or e-mail"))
    kind = SelectField(
        _l("Who"), choices=(("", _l("Members")), ("invitable", _l("Guests who can be invited"))), validate_choice=False
    )
    level = SelectMultipleField(_l("Level"), choices=(), validate_choice=False)
    recent = BooleanField(_l("Registered within 7 days"))
    cart = BooleanField(_l("Unchecked cart within 7 days"))
    spend_from = StringField(_l("Net spend from"))
    spend_to = StringField(_l("Net spend up to"))
    month = SelectField(
        _l("Birthday month"),
        choices=(("", _l("Any month")), *((str(n + 1), name) for n, name in enumerate(labels.MONTHS))),
        validate_choice=False,
    )
    tags = StringField(_l("Tags"))
    sort = SelectField(
        _l("Sort by"),
        choices=[(labels.sort_word(code), words) for code, words in labels.CUSTOMER_SORT.items()],
        validate_choice=False,
    )


class OrdersForm(PlainForm):
    """Search box and filters of the orders list. Sent by GET."""

    class Meta:
        csrf = False

    q = StringField(_l("Order number, name, phone or e-mail"))
    state = SelectMultipleField(
        _l("Status"),
        choices=[(word, labels.ORDER_STATUS[code][0]) for word, code in labels.STATUS_WORDS.items()],
        validate_choice=False,
    )
    channel = SelectMultipleField(
        _l("Channel"),
        choices=[(word, labels.CHANNEL[code]) for word, code in labels.CHANNEL_WORDS.items()],
        validate_choice=False,
    )
    member = HiddenField()
    placed_from = StringField(_l("Placed from"))
    placed_to = StringField(_l("Placed up to"))
    total_from = StringField(_l("Total from"))
    total_to = StringField(_l("Total up to"))


class FilterForm(KeyedForm):
    """The name of a saved filter (C11)."""

    name = StringField(_l("Name of the filter"))


class FilterChangeForm(FilterForm):
    """A saved filter that is to ask something else; the version is the one that was shown."""

    expected_version = HiddenField()


class MergeForm(PlainForm):
    """Which account stays, and the points that go with the merge (F2, F3). Sent by GET: nothing is written yet."""

    class Meta:
        csrf = False

    primary = RadioField(_l("Primary account"), validate_choice=False)
    change = RadioField(
        _l("Points with this merge"),
        choices=(("none", _l("Leave as they are")), *CHANGES),
        default="none",
        validate_choice=False,
    )
    points = StringField(_l("Points"))
    expires_on = StringField(_l("Last day of validity"))
    description = StringField(_l("Description"))


class MergeBatchForm(KeyedForm):
    """Groups of accounts, as a file or pasted (F1)."""

    file = FileField(_l("CSV file"))
    pasted = TextAreaField(_l("Or paste the groups here"))


class ImportForm(KeyedForm):
    """A file of members (D1)."""

    file = FileField(_l("CSV file"))


class CheckForm(KeyedForm):
    """How the file is to be read (D5)."""

    encoding = SelectField(_l("Encoding"), choices=tuple(labels.ENCODING.items()), validate_choice=False)


class ConfirmImportForm(KeyedForm):
    """The report that was seen, and whether new members are written to (A4)."""

    check_number = HiddenField()
    send_confirmations = BooleanField(_l("Send confirmation e-mails"), default=True)
