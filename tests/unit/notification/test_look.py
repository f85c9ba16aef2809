"""How messages look: colours that can be read, and logos that are pictures and nothing else (G1)."""

from __future__ import annotations

import random

import pytest

from services.common.errors import InvalidInput
from services.notification.commands import read_look
from services.notification.domain import Logo, Look
from services.notification.domain.look import contrast
from tests.support.pictures import jpeg, png

COLOURS = ["#ffffff", "#000000", "#ffff00", "#808080", "#767676", "#ff0000", "#0b5d5b", "#00ff00", "#9fd3cb"]
COLOURS += [f"#{random.Random(n).randrange(1 << 24):06x}" for n in range(200)]


def test_whatever_colour_is_chosen_words_on_it_and_links_can_be_read() -> None:
    """WCAG 1.4.3."""
    for colour in COLOURS:
        look = Look(accent=colour)
        assert contrast(look.colour, look.on_colour) >= 4.5, colour
        assert contrast(look.ink, "#ffffff") >= 4.5, colour
    assert Look().colour == Look().ink == "#0b5d5b"
    assert round(contrast("#000000", "#ffffff"), 2) == 21


def test_a_logo_keeps_what_makes_the_picture_and_nothing_else() -> None:
    """What is hidden in it, and where a photograph was taken, is nobody's business."""
    hidden = png(300, 100, (b"tEXt", b"Comment\0<script>"), (b"eXIf", b"where"))
    logo = Logo.read(hidden + b"<html>behind it</html>")
    assert logo.content == png(300, 100)
    assert (logo.media_type, logo.width, logo.height) == ("image/png", 300, 100)
    assert Logo.read(png()).name != logo.name == Logo.read(hidden).name
    photo = Logo.read(jpeg(90, 30, b"<script>"))
    assert (photo.media_type, photo.width, photo.height, photo.name[-4:]) == ("image/jpeg", 90, 30, ".jpg")
    assert b"where" not in photo.content
    assert b"script" not in photo.content
    assert Look(logo_width=300, logo_height=100).logo_size == (192, 64)
    assert Look(logo_width=20, logo_height=10).logo_size == (20, 10)


WRONG = {
    "nothing of a picture": (b"hello", "not_a_picture"),
    "gif": (b"GIF89a" + b"\0" * 50, "not_a_picture"),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "not_a_picture"),
    "half a png": (png()[:60], "not_a_picture"),
    "png without a head": (png()[:8] + png()[33:], "not_a_picture"),
    "png's first letters": (png()[:8], "not_a_picture"),
    "half a jpeg": (jpeg()[:40], "not_a_picture"),
    "jpeg without points": (b"\xff\xd8\xff\xd9", "not_a_picture"),
    "too wide": (png(1_201, 1), "picture_too_large"),
    "too high": (jpeg(10, 1_201), "picture_too_large"),
    "no size": (jpeg(0, 10), "picture_too_large"),
    "too large": (png() + b"\0" * 262_144, "logo_too_large"),
}


@pytest.mark.parametrize(("file", "reason"), WRONG.values(), ids=WRONG)
def test_what_is_no_picture_or_too_large_a_one_is_refused_by_name(file: bytes, reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Logo.read(file)
    assert [(v.field, v.reason) for v in caught.value.violations] == [("logo", reason)]


def test_a_look_is_taken_by_what_it_says_and_all_its_faults_are_told_at_once() -> None:
    """Header injection has no way in."""
    look = read_look(Look(" #0B5D5B ", " Shop@Tea.Example ", "1 Tea\r\nBcc: all@mail.example  Road"))
    assert look == Look("#0b5d5b", "Shop@tea.example", "1 TeaBcc: all@mail.example Road")
    with pytest.raises(InvalidInput) as caught:
        read_look(Look("red;}", "nobody", "x" * 201))
    assert [(v.field, v.reason) for v in caught.value.violations] == [
        ("look.accent", "invalid_colour"),
        ("look.reply_to", "invalid_email"),
        ("look.postal_address", "too_long"),
    ]
