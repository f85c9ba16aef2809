"""Forms of the customers' pages (see gateway/console/forms.py)."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import EmailField, StringField

from gateway.console.forms import KeyedForm, PlainForm


class LogInForm(KeyedForm):
    """The address that a code is to be sent to."""

    email = EmailField(_l("E-mail"))


class CodeForm(PlainForm):
    """The code of the e-mail."""

    code = StringField(_l("Code"))
