"""Phones, e-mails and names as every context reads them (architecture, rule 11)."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from services.common.errors import InvalidInput, Violations

LONGEST_NAME = 120
LONGEST_TEXT = 2_000
_MOBILE = {phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE}
# Of what is read several times on its way through a process. More would be memory: some 400 bytes for each.
_REMEMBERED = 2_000


@dataclass(frozen=True, slots=True)
class Contact:
    """How one person can be reached. Phone is E.164, e-mail as written but for the domain's case; both may be empty."""

    name: str = ""
    phone: str = ""
    email: str = ""

    def __bool__(self) -> bool:
        return bool(self.name or self.phone or self.email)


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address as the customer writes it."""

    recipient: str = ""
    phone: str = ""
    lines: tuple[str, ...] = ()
    district: str = ""
    city: str = ""
    postal_code: str = ""
    country: str = ""

    def __bool__(self) -> bool:
        return bool(self.recipient or self.lines or self.city or self.postal_code)


@lru_cache(maxsize=_REMEMBERED)
def _e164(text: str, region: str) -> tuple[str, str]:
    """(E.164, "") or ("", reason)."""
    try:
        number = phonenumbers.parse(unicodedata.normalize("NFKC", text), region)
    except phonenumbers.NumberParseException:
        return "", "invalid_phone"
    if not phonenumbers.is_valid_number(number):
        return "", "invalid_phone"
    if phonenumbers.number_type(number) not in _MOBILE:
        return "", "not_a_mobile_phone"
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), ""


def parse_mobile(text: str, region: str, field: str = "phone") -> str:
    """E.164 of a mobile number in any usual writing; "" stays "". `region` (HK, TW) is assumed where no country code stands.

    Raises InvalidInput (invalid_phone, not_a_mobile_phone).
    """
    if not text.strip():
        return ""
    number, reason = _e164(text.strip()[:64], region)
    if reason:
        raise InvalidInput.of(field, reason, region=region)
    return number


@lru_cache(maxsize=_REMEMBERED)
def region_of(number: str) -> str:
    """ISO 3166 of the country that a number in E.164 belongs to; "" for none."""
    return phonenumbers.region_code_for_number(phonenumbers.parse(number)) or ""


@lru_cache(maxsize=_REMEMBERED)
def _address_of(text: str) -> str:
    try:
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError:
        return ""


def parse_email(text: str, field: str = "email") -> str:
    """The normalised address; "" stays "". No DNS is asked. Raises InvalidInput (invalid_email)."""
    if not text.strip():
        return ""
    address = _address_of(text.strip()[:320])
    if not address:
        raise InvalidInput.of(field, "invalid_email")
    return address


def comparable_email(address: str) -> str:
    """The form under which two addresses are the same login: NFKC and case-folded (architecture, rule 11)."""
    return unicodedata.normalize("NFKC", address).casefold()


def clean_text(text: str, field: str, longest: int = LONGEST_TEXT, multiline: bool = False) -> str:
    """Trimmed text in NFC. Raises InvalidInput (too_long); control characters are dropped, for they only ever do harm."""
    kept = "".join(c for c in text if (c in ("\n", "\t") and multiline) or unicodedata.category(c) not in ("Cc", "Cs"))
    value = unicodedata.normalize("NFC", kept).strip()
    # What is dropped counts: the document of the API says how long a text may be that is sent.
    if max(len(value), len(text.strip())) > longest:
        raise InvalidInput.of(field, "too_long", longest=str(longest))
    return value


def read_contact(name: str, phone: str, email: str, region: str, prefix: str = "contact.") -> Contact:
    """A contact from a request. Raises InvalidInput naming every wrong field, each under `prefix`."""
    found = Violations()
    contact = Contact(
        name=found.gather(lambda: clean_text(name, "name", LONGEST_NAME), "", prefix),
        phone=found.gather(lambda: parse_mobile(phone, region), "", prefix),
        email=found.gather(lambda: parse_email(email), "", prefix),
    )
    found.check()
    return contact


def read_address(address: Address, prefix: str = "shipping_address.") -> Address:
    """An address from a request, trimmed. Raises InvalidInput (too_long, too_large) under `prefix`."""
    if len(address.lines) > 5:
        raise InvalidInput.of(prefix + "lines", "too_large", largest="5")
    return Address(
        recipient=clean_text(address.recipient, prefix + "recipient", LONGEST_NAME),
        phone=clean_text(address.phone, prefix + "phone", 40),
        lines=tuple(clean_text(line, f"{prefix}lines[{n}]", 200) for n, line in enumerate(address.lines)),
        district=clean_text(address.district, prefix + "district", 80),
        city=clean_text(address.city, prefix + "city", 80),
        postal_code=clean_text(address.postal_code, prefix + "postal_code", 20),
        country=clean_text(address.country, prefix + "country", 2),
    )
