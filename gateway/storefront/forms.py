"""Forms of the customers' pages (see gateway/console/forms.py)."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import EmailField, HiddenField, SelectField, StringField

from gateway.console.forms import KeyedForm, PlainForm
from gateway.console.person_forms import LANGUAGES


class LogInForm(KeyedForm):
    """The address that a code is to be sent to."""

    email = EmailField(_l("E-mail"))


class CodeForm(PlainForm):
    """The code of the e-mail."""

    code = StringField(_l("Code"))


class ProfileForm(KeyedForm):
    """What customers edit of themselves (C6). `seen` holds the values that were shown, so that only what was changed is sent."""

    name = StringField(_l("Name"))
    birthday = StringField(_l("Birthday"))
    language = SelectField(_l("Language of messages"), choices=LANGUAGES, validate_choice=False)
    seen = HiddenField()
