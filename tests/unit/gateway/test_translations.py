"""Every sentence of the pages is there in Traditional Chinese, and fits what is filled into it (G3)."""

from __future__ import annotations

import re

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from gateway.translations.update import CATALOGUE, sentences

PLACEHOLDER = re.compile(r"%%.|%\(\w+\)s")
# Kept as they are in Chinese too.
SAME = {"API"}


def extracted() -> set[str]:
    """The first form of every sentence in code and templates."""
    return {text[0] if isinstance(text, tuple) else text for text in sentences()}


def catalogue() -> Catalog:
    with CATALOGUE.open("rb") as file:
        return read_po(file, locale="zh_Hant")


def key(message: Message) -> str:
    return message.id[0] if isinstance(message.id, tuple) else message.id


def strings(message: Message) -> tuple[str, ...]:
    return message.string if isinstance(message.string, tuple) else (message.string,)


def test_no_sentence_lacks_its_translation_and_none_is_left_over() -> None:
    translated = {key(message) for message in catalogue() if message.id and all(strings(message))}
    assert extracted() - translated == set()
    assert translated - extracted() == set()


def test_nothing_is_marked_as_doubtful() -> None:
    assert [key(message) for message in catalogue() if message.id and message.fuzzy] == []


@pytest.mark.parametrize("message", [m for m in catalogue() if m.id], ids=key)
def test_a_translation_is_chinese_and_names_the_same_things(message: Message) -> None:
    for text in strings(message):
        assert sorted(PLACEHOLDER.findall(text)) == sorted(PLACEHOLDER.findall(key(message)))
        assert re.search(r"[\u4e00-\u9fff]", text) or key(message) in SAME
        assert not re.search(r"[\u4e00-\u9fff][,;:?]", text), "Chinese takes its own punctuation"
