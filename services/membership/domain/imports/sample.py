"""The format: its columns, and the sample file with them (D1)."""

from __future__ import annotations

import codecs
import csv
import io
from datetime import date

from services.common.contact import parse_mobile

COLUMNS = (
    "Name",
    "Phone",
    "Email",
    "Birthday",
    "Language",
    "Tags",
    "Address",
    "Member Points",
    "Points Expiry",
    "Note",
)
# Our own files of failed rows carry it at the end; it is not read.
PROBLEM_COLUMN = "Problem"
NAMES = ("陳大文", "Lam Siu Ling")
# The domain is reserved for examples, so no customer has these addresses.
EMAILS = ("taiman.chan@example.com", "siuling.lam@example.com")
PHONES = {"HK": ("9123 4567", "6123 4567"), "TW": ("0912 345 678", "0987 654 321")}
_STREETS = {
    "HK": ("旺角彌敦道 610 號 5 樓", "1 Queen's Road Central, Central"),
    "TW": ("台北市信義區市府路 1 號", "高雄市四維三路 2 號"),
}


def sample_file(region: str, today: date) -> bytes:
    """The header and two examples, in UTF-8 with the mark by which spreadsheets know it."""
    phones, streets = PHONES.get(region, PHONES["HK"]), _STREETS.get(region, _STREETS["HK"])
    expiry = f"{today.year + 1}-12-31"
    rows = (
        (NAMES[0], phones[0], EMAILS[0], "1990-03-31", "zh-Hant", "VIP; 熟客", streets[0], "120", expiry, "WhatsApp"),
        (NAMES[1], phones[1], EMAILS[1], "", "en", "", streets[1], "", "", ""),
    )
    text = io.StringIO()
    csv.writer(text).writerows((COLUMNS, *rows))
    return codecs.BOM_UTF8 + text.getvalue().encode()


def is_sample(name: str, phone: str, email: str, region: str) -> bool:
    """Whether a row is one of the examples, left in (D2); also with the address taken out. `phone` is E.164."""
    if email in EMAILS:
        return True
    phones = [parse_mobile(text, region) for text in PHONES.get(region, PHONES["HK"])]
    return (name, phone) in zip(NAMES, phones, strict=True)
