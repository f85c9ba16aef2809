"""Forms about one person (see forms.py)."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import EmailField, HiddenField, RadioField, SelectField, StringField, TelField, TextAreaField

from gateway.addresses import AddressFields
from gateway.console.forms import KeyedForm

LANGUAGES = (("", _l("The store’s language")), ("zh-Hant", "繁體中文"), ("en", "English"))
GIVEN = (("in_person", _l("In person")), ("by_phone", _l("By phone")), ("in_writing", _l("In writing")))
POLICIES = (
    ("1", _l("Members who have not signed up on the online store can be deleted")),
    ("2", _l("No member can be deleted")),
)


class ProfileForm(KeyedForm):
    """A profile (C4). `seen` holds the values that the editor saw, so that only what was changed is sent."""

    name = StringField(_l("Name"))
    phone = TelField(_l("Mobile phone"))
    email = EmailField(_l("E-mail"))
    birthday = StringField(_l("Birthday"))
    language = SelectField(_l("Language of messages"), choices=LANGUAGES, validate_choice=False)
    tags = StringField(_l("Tags"))
    expected_version = HiddenField()
    seen = HiddenField()


class TagsForm(KeyedForm):
    """The tags alone, for who may change nothing else; otherwise as ProfileForm."""

    tags = StringField(_l("Tags"))
    expected_version = HiddenField()
    seen = HiddenField()


class AddressForm(KeyedForm, AddressFields):
    """One address of a member."""


class NoteForm(KeyedForm):
    """A note about a person."""

    text = TextAreaField(_l("New note"))


class PhoneForm(KeyedForm):
    """Another phone for a member, and how the member agreed (C5)."""

    phone = TelField(_l("New mobile phone"))
    given = RadioField(_l("How did the member agree?"), choices=GIVEN, validate_choice=False)
    note = TextAreaField(_l("Note on the consent"))
    expected_version = HiddenField()


class ConfirmForm(KeyedForm):
    """What is typed again before something that cannot be undone."""

    confirmation = StringField()


class PolicyForm(KeyedForm):
    """Whom staff may delete (C10)."""

    policy = RadioField(_l("Deleting members"), choices=POLICIES, validate_choice=False)
