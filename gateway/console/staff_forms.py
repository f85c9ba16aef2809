"""Forms about staff and one's own account (see forms.py)."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import EmailField, HiddenField, PasswordField, SelectField, StringField

from gateway.console import labels
from gateway.console.forms import KeyedForm, PlainForm

ROLES = tuple((str(code), words) for code, words in labels.STAFF_ROLE.items())
# The least that can do most of a shop's work.
USUAL_ROLE = "3"


class SecondStepForm(PlainForm):
    """A code of the app, or one for recovery."""

    code = StringField(_l("Code"))


class JoinForm(PlainForm):
    """What whoever is invited says of themselves."""

    token = HiddenField()
    name = StringField(_l("Your name"))
    password = PasswordField(_l("Password"))


class ForgottenForm(PlainForm):
    """Who has forgotten the password."""

    store = StringField(_l("Store"))
    email = EmailField(_l("E-mail"))


class InviteForm(KeyedForm):
    """Somebody who is to work for the store."""

    name = StringField(_l("Name"))
    email = EmailField(_l("E-mail"))
    role = SelectField(_l("Role"), choices=ROLES, default=USUAL_ROLE, validate_choice=False)


class StaffForm(KeyedForm):
    """Name and role of somebody who works for the store."""

    name = StringField(_l("Name"))
    role = SelectField(_l("Role"), choices=ROLES, validate_choice=False)


class MyNameForm(PlainForm):
    """One's own name."""

    name = StringField(_l("Name"))


class MyPasswordForm(PlainForm):
    """One's own password."""

    current = PasswordField(_l("Current password"))
    new = PasswordField(_l("New password"))


class BeginTotpForm(PlainForm):
    """The password, before a new second factor."""

    password = PasswordField(_l("Password"))


class ConfirmTotpForm(PlainForm):
    """A code of the new secret, which comes back with it: the page keeps it, and nothing else does."""

    code = StringField(_l("Code"))
    secret = HiddenField()
    uri = HiddenField()


class EndTotpForm(PlainForm):
    """Both factors."""

    password = PasswordField(_l("Password"))
    code = StringField(_l("Code"))
