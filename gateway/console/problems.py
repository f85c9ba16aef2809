"""Brings what the services refuse back onto the form, field by field, with everything typed kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

from gateway import reasons
from gateway.errors import http_status
from services.common.errors import InvalidInput, OnefoldError, Violation

# What reads otherwise on a form than to a program, and what only a form can find.
_ON_FORMS = {
    "idempotency_key_reused": _l(
        "This form was sent before with other contents, and that was saved. Look at the list before you enter anything again."
    ),
    # A form carries its key, so here a second try is safe (E7).
    "deadline_exceeded": _l(
        "This took too long, and may have been saved already. Save again: what was saved once is not saved twice."
    ),
    "customer_not_chosen": _l("Pick a customer from the search, or create a new one."),
    "not_a_whole_number": _l("Write a whole number above zero, such as 250."),
}
_PLACE = re.compile(r"\[\d+\]$")
_ROW = re.compile(r"(lines|levels)\[(\d+)\]\.?(\w*)")
# Fields of repeated rows, and where what names none of them is shown.
ROW_FIELDS = {
    "lines": (
        {"quantity": "quantity", "unit_price_minor": "unit_price", "discount_minor": "discount", "title": "title"},
        "total",
    ),
    "levels": (
        {
            "threshold_minor": "threshold",
            "discount_percent": "discount",
            "points_multiplier_percent": "multiplier",
            "birthday_points": "birthday_points",
            "validity_months": "validity_months",
            "lapse": "lapse",
        },
        "name",
    ),
}


def sentence_of(reason: str, params: Mapping[str, str] | None = None) -> str:
    """The sentence for a reason, as it fits a person at a form."""
    return str(_ON_FORMS[reason]) if reason in _ON_FORMS else reasons.sentence_of(reason, params)


def status_of(error: OnefoldError) -> int:
    """Of a form that is shown again: 422, unless it is not the form's fault that it was not taken (503, 504, 500)."""
    return max(422, http_status(error))


def refuse(form: Any, error: OnefoldError, fields: Mapping[str, str]) -> None:
    """Notes the error on the form. `fields` maps the service's field paths to form fields; others go to the top of the form."""
    form.faulty = True
    if not isinstance(error, InvalidInput):
        form.form_errors = [*form.form_errors, sentence_of(error.reason, error.params)]
        return
    for violation in error.violations:
        _note(form, violation, fields)


def _note(form: Any, violation: Violation, fields: Mapping[str, str]) -> None:
    sentence = sentence_of(violation.reason, violation.params)
    target = _field(form, violation.field, fields)
    if target is None:
        form.form_errors = [*form.form_errors, sentence]
    else:
        target.errors = [*target.errors, sentence]


def _field(form: Any, path: str, fields: Mapping[str, str]) -> Any:
    row = _ROW.fullmatch(path)
    if row and row[1] in form:
        filled, (names, other) = getattr(form, f"filled_{row[1]}")(), ROW_FIELDS[row[1]]
        number = int(row[2])
        return filled[number][names.get(row[3], other)] if number < len(filled) else None
    # Of an address each line has a path of its own, and all are typed in one field.
    outer, _dot, inner = fields.get(path, fields.get(_PLACE.sub("", path), "")).partition(".")
    field = form[outer] if outer else None
    return field.form[inner] if field is not None and inner else field
