"""Forms of the customers' pages (see gateway/console/forms.py)."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, HiddenField, PasswordField, SelectField, StringField

from gateway.console.forms import KeyedForm, PlainForm
from gateway.console.person_forms import LANGUAGES


class IdentifierForm(KeyedForm):
    """A phone or an address that a code is to be sent to."""

    identifier = StringField(_l("Mobile number or e-mail"))


class PasswordLogInForm(PlainForm):
    """The other way in."""

    identifier = StringField(_l("Mobile number or e-mail"))
    password = PasswordField(_l("Password"))


class CodeForm(PlainForm):
    """The code of the message."""

    code = StringField(_l("Code"))


class LinkForm(PlainForm):
    """The token of a mail's link, for the button that uses it."""

    token = HiddenField()


class ConsentFields:
    """What may be agreed to; nothing is ticked for anybody."""

    email_marketing = BooleanField(_l("News and offers by e-mail"))
    sms_marketing = BooleanField(_l("News and offers by text message"))


class RegisterForm(PlainForm, ConsentFields):
    """The account to be (A3)."""

    name = StringField(_l("Name"))
    birthday = StringField(_l("Birthday"))
    password = PasswordField(_l("Password"))


class ConsentForm(KeyedForm, ConsentFields):
    """What a member agrees to (C6)."""


class PasswordForm(PlainForm):
    """Another password; the one of now where it must vouch for the change."""

    current_password = PasswordField(_l("Current password"))
    new_password = PasswordField(_l("New password"))


class SessionForm(PlainForm):
    """Which session is to end; none: all but this one."""

    session_id = HiddenField()


class ProfileForm(KeyedForm):
    """What customers edit of themselves (C6). `seen` holds the values that were shown, so that only what was changed is sent."""

    name = StringField(_l("Name"))
    birthday = StringField(_l("Birthday"))
    language = SelectField(_l("Language of messages"), choices=LANGUAGES, validate_choice=False)
    seen = HiddenField()
