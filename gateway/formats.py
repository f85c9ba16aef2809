"""Money, dates and phones as people of the store read and write them. Amounts are minor units; nothing here is a float."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import phonenumbers
from babel.dates import format_date, format_datetime
from google.protobuf.timestamp_pb2 import Timestamp

from services.common.errors import InvalidInput
from services.common.money import MINOR_DIGITS

SYMBOLS = {"HKD": "HK$", "TWD": "NT$", "MOP": "MOP$", "USD": "US$", "CNY": "CN¥", "JPY": "JP¥", "SGD": "S$"}
NO_BREAK = "\u00a0"
_PLAIN = re.compile(r"(?:\d+|\d{1,3}(?:,\d{3})+)(?:\.(\d+))?")
_PATTERNS = {"en": ("d MMM y", "d MMM y, HH:mm"), "zh": ("y年M月d日", "y年M月d日 HH:mm")}


def symbol(currency: str) -> str:
    """What stands before an amount; an unknown currency is written by its code."""
    return SYMBOLS.get(currency, currency)


def digits(currency: str) -> int:
    """Digits after the point; two where the currency is unknown."""
    return MINOR_DIGITS.get(currency, 2)


def decimal_text(minor: int, currency: str) -> str:
    """An amount as it is typed into a field: 123450 HKD is "1,234.50"."""
    places = digits(currency)
    whole, fraction = divmod(abs(minor), 10**places)
    return f"{'-' if minor < 0 else ''}{whole:,}" + (f".{fraction:0{places}}" if places else "")


def money(minor: int, currency: str) -> str:
    """An amount as it is read: 123450 HKD is "HK$ 1,234.50", with a space that does not break."""
    return f"{'−' if minor < 0 else ''}{symbol(currency)}{NO_BREAK}{decimal_text(abs(minor), currency)}"


def parse_amount(text: str, currency: str, field: str) -> int:
    """Minor units of an amount as typed ("1,234.50", full-width digits, with or without the currency); blank is 0.

    Raises InvalidInput naming `field`: invalid_amount, negative_amount.
    """
    clean = unicodedata.normalize("NFKC", text).strip().upper()
    for mark in (symbol(currency), currency, "$"):
        clean = clean.removeprefix(mark).strip()
    if not clean:
        return 0
    if clean[0] in "-−" and _PLAIN.fullmatch(clean[1:]):
        raise InvalidInput.of(field, "negative_amount")
    found = _PLAIN.fullmatch(clean)
    places = digits(currency)
    fraction = (found and found[1]) or ""
    if not found or len(fraction) > places or len(clean) > 20:
        raise InvalidInput.of(field, "invalid_amount")
    return int(clean.split(".")[0].replace(",", "") + fraction.ljust(places, "0"))


def parse_whole(text: str, field: str) -> int:
    """A whole number as typed, perhaps with separators. Raises InvalidInput: required, not_a_whole_number."""
    clean = unicodedata.normalize("NFKC", text).strip().replace("−", "-")
    if not clean:
        raise InvalidInput.of(field, "required")
    if not re.fullmatch(r"-?(?:\d{1,18}|\d{1,3}(?:,\d{3}){1,5})", clean):
        raise InvalidInput.of(field, "not_a_whole_number")
    return int(clean.replace(",", ""))


def times_text(percent: int) -> str:
    """How often, as it is typed and read: 150 percent is "1.5"."""
    return f"{percent // 100}.{percent % 100:02}".rstrip("0").rstrip(".")


def parse_times(text: str, field: str) -> int:
    """Percent of what is typed as a factor ("1.5"); blank is 0. Raises InvalidInput (multiplier_out_of_range)."""
    clean = unicodedata.normalize("NFKC", text).strip().lstrip("×xX").strip()
    if not clean:
        return 0
    found = re.fullmatch(r"(\d{1,4})(?:\.(\d{1,2}))?", clean)
    if not found:
        raise InvalidInput.of(field, "multiplier_out_of_range")
    return int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))


def phone(e164: str, region: str) -> str:
    """National writing for numbers of the store's region, international for others; what is no number is left as it is."""
    try:
        number = phonenumbers.parse(e164, region)
    except phonenumbers.NumberParseException:
        return e164
    home = phonenumbers.country_code_for_region(region) == number.country_code
    kind = phonenumbers.PhoneNumberFormat.NATIONAL if home else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(number, kind)


def moment_of(stamp: Timestamp | datetime) -> datetime:
    """An aware datetime in UTC."""
    return stamp.ToDatetime(tzinfo=UTC) if isinstance(stamp, Timestamp) else stamp.astimezone(UTC)


def _pattern(locale: str, with_time: bool) -> str:
    return _PATTERNS["zh" if locale.startswith("zh") else "en"][with_time]


def moment_text(stamp: Timestamp | datetime, zone: tzinfo, locale: str) -> str:
    """Day and time in the store's zone: "24 Nov 2026, 10:05"."""
    return format_datetime(moment_of(stamp).astimezone(zone), _pattern(locale, True), locale=locale)


def day_text(value: date, locale: str) -> str:
    """A day: "24 Nov 2026"."""
    return format_date(value, _pattern(locale, False), locale=locale)


def month_text(value: date, locale: str) -> str:
    """The month of a day: January 2027, 2027年1月."""
    return format_date(value, "y年M月" if locale.startswith("zh") else "MMMM y", locale=locale)


def last_day(expires_at: Timestamp | datetime, zone: tzinfo) -> date:
    """The last day on which something is valid, given the moment from which it is not."""
    return (moment_of(expires_at) - timedelta(microseconds=1)).astimezone(zone).date()


def local_day(stamp: Timestamp | datetime, zone: tzinfo) -> date:
    """The day of a moment in the store's zone."""
    return moment_of(stamp).astimezone(zone).date()


def zone_of(name: str) -> ZoneInfo:
    """The store's time zone."""
    return ZoneInfo(name or "UTC")
