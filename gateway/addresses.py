"""A postal address in forms and on pages: a member's, or the one that an order goes to."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import Form, StringField, TelField, TextAreaField

from onefold.common.v1.common_pb2 import Address

_NAMES = ("recipient", "phone", "district", "city", "postal_code", "country")


class AddressFields(Form):  # type: ignore[misc]  # WTForms has no types
    """One address; its lines are typed one below the other."""

    recipient = StringField(_l("Recipient"))
    phone = TelField(_l("Phone"))
    lines = TextAreaField(_l("Street, building, floor"))
    district = StringField(_l("District"))
    city = StringField(_l("City"))
    postal_code = StringField(_l("Postal code"))
    country = StringField(_l("Country code"))


def paths(prefix: str, field: str = "") -> dict[str, str]:
    """The contract's paths of an address → the form's fields, which are those of its form field `field`, if it has one."""
    return {f"{prefix}{name}": f"{field}.{name}" if field else name for name in (*_NAMES, "lines")}


def text(address: Address) -> str:
    """The address in one line, as it is read; without its phone."""
    parts = [address.recipient, *address.lines, address.district, address.city, address.postal_code, address.country]
    return ", ".join(part for part in parts if part)


def show(form: Any, address: Address) -> None:
    """Fills the fields."""
    for name in _NAMES:
        form[name].data = getattr(address, name)
    form["lines"].data = "\n".join(address.lines)


def typed(form: Any) -> Address:
    """What the fields hold; empty where nobody typed anything."""
    texts = {name: (form[name].data or "").strip() for name in _NAMES}
    texts["country"] = texts["country"].upper()
    lines = [line.strip() for line in (form["lines"].data or "").splitlines() if line.strip()]
    return Address(lines=lines, **texts)
