"""Brings messages.po up to the sentences of code and templates: new ones come in without a translation, unused ones go.

`python -m gateway.translations.update`; the test of translations names what is still without Chinese.
"""

from __future__ import annotations

from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

GATEWAY = Path(__file__).parents[1]
CATALOGUE = GATEWAY / "translations/zh_Hant/LC_MESSAGES/messages.po"
_METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]
_KEYWORDS = {"_": None, "_l": None, "gettext": None, "ngettext": (1, 2), "lazy_gettext": None}


def sentences() -> set[str | tuple[str, ...]]:
    """Every sentence of code and templates; those that count things with their plural."""
    return {text for _, _, text, _, _ in extract_from_dir(GATEWAY, _METHODS, keywords=_KEYWORDS)}


def main() -> None:
    """Rewrites the catalogue, one sentence a line and in order, so that two branches' changes seldom meet."""
    old = CATALOGUE.read_text()
    with CATALOGUE.open("rb") as file:
        known = read_po(file, locale="zh_Hant")
    new = Catalog(locale="zh_Hant")
    for text in sentences():
        found = known.get(text[0] if isinstance(text, tuple) else text)
        new.add(
            text if isinstance(text, str) else (text[0], text[1]),
            found.string if found else "",
            flags=found.flags if found else (),
        )
    with CATALOGUE.open("wb") as file:
        file.write(old[: old.index("\n\n") + 2].encode())
        write_po(file, new, width=0, sort_output=True, omit_header=True)


if __name__ == "__main__":
    main()
