"""Every reason is a sentence in both languages (G3)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from gateway.languages import catalogue
from gateway.reasons import FIELDS, REASONS, UNKNOWN, sentence_of

ROOT = Path(__file__).parents[3]
# Raised with the reason as the first argument; `of` and `add` have the field before it.
_TREE = {
    "Unauthenticated",
    "PermissionDenied",
    "NotFound",
    "AlreadyExists",
    "StateConflict",
    "Conflict",
    "Unavailable",
    "Internal",
}
_PARAM = re.compile(r"%\((\w+)\)s")


def _reasons_raised() -> Iterator[tuple[str, str]]:
    """(reason, where) of every error made in the services and the gateway."""
    for path in [*(ROOT / "services").rglob("*.py"), *(ROOT / "gateway").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and (argument := _reason_argument(node)) is not None:
                for constant in ast.walk(argument):
                    if isinstance(constant, ast.Constant) and isinstance(constant.value, str):
                        yield constant.value, f"{path.relative_to(ROOT)}:{node.lineno}"


def _reason_argument(call: ast.Call) -> ast.expr | None:
    name = (
        call.func.attr
        if isinstance(call.func, ast.Attribute)
        else call.func.id
        if isinstance(call.func, ast.Name)
        else ""
    )
    owner = call.func.value.id if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name) else ""
    if name in _TREE and call.args and owner != "grpc":
        return call.args[0]
    of_fields = (name == "of" and owner == "InvalidInput") or (
        name == "add" and owner in {"found", "faults", "violations"}
    )
    return call.args[1] if of_fields and len(call.args) > 1 else None


def test_every_reason_that_anything_raises_has_a_sentence() -> None:
    words = {(reason, where) for reason, where in _reasons_raised() if re.fullmatch(r"[a-z]+(_[a-z]+)*", reason)}
    assert len({reason for reason, _ in words}) > 40, "the search for reasons has gone blind"
    assert {(reason, where) for reason, where in words if reason not in REASONS} == set()


@pytest.mark.parametrize("reason", sorted(REASONS))
def test_every_sentence_has_its_chinese_with_the_same_particulars(reason: str) -> None:
    for english in filter(None, (REASONS[reason].plain, REASONS[reason].exact)):
        chinese = catalogue("zh_Hant", "reasons").gettext(english)
        assert re.search(r"[\u4e00-\u9fff]", chinese), f"{english!r} has no Chinese"
        assert sorted(_PARAM.findall(english)) == sorted(_PARAM.findall(chinese))


def test_a_sentence_without_particulars_stands_by_itself() -> None:
    assert [r for r, s in REASONS.items() if _PARAM.search(s.plain) or (s.exact and not _PARAM.search(s.exact))] == []


def test_the_chinese_catalogue_holds_nothing_that_is_not_said_any_more() -> None:
    said = {text for s in (*REASONS.values(), UNKNOWN) for text in (s.plain, s.exact) if text}
    text = (ROOT / "gateway/translations/zh_Hant/LC_MESSAGES/reasons.po").read_text()
    assert set(re.findall(r'^msgid "(.+)"$', text, re.MULTILINE)) == said


def test_particulars_are_told_when_they_are_known_and_left_out_when_not(app: Flask) -> None:
    with app.test_request_context():
        assert "120" in sentence_of("too_long", {"longest": "120"})
        assert sentence_of("too_long") == FIELDS["too_long"].plain
        assert sentence_of("too_long", {"other": "1"}) == FIELDS["too_long"].plain


def test_a_reason_of_a_newer_service_still_gets_a_sentence(app: Flask) -> None:
    with app.test_request_context():
        assert sentence_of("reason_of_next_year") == UNKNOWN.plain


@pytest.mark.parametrize(
    ("language", "part"),
    [("zh-Hant", "請填寫"), ("zh-TW", "請填寫"), ("zh-HK,en;q=0.5", "請填寫"), ("en-GB", "fill"), ("fr", "fill")],
)
def test_sentences_come_in_the_readers_language(app: Flask, language: str, part: str) -> None:
    with app.test_request_context(headers={"Accept-Language": language}):
        assert part in sentence_of("required")
