"""How a store's messages look: colours that can be read, and pictures that are what they say."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from services.common.errors import InvalidInput

DEFAULT_ACCENT = "#0b5d5b"
LARGEST_LOGO = 256 * 1024
LARGEST_SIDE = 1_200
LONGEST_POSTAL_ADDRESS = 200
# Room for a logo at the head of a mail, in points.
_LOGO_WIDTH, _LOGO_HEIGHT = 220, 64
# WCAG 2.2, 1.4.3.
_ENOUGH_CONTRAST = 4.5
_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
# What a picture is made of; everything else in a PNG is about it, or hidden in it.
_PNG_CHUNKS = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"gAMA", b"sRGB"}
_START_OF_FRAME = {0xC0, 0xC1, 0xC2}
_START_OF_SCAN = 0xDA


@dataclass(frozen=True, slots=True)
class Look:
    """What a store has chosen; "" for what it has not. `logo_name` is that of a file which never changes."""

    accent: str = ""
    reply_to: str = ""
    postal_address: str = ""
    logo_name: str = ""
    logo_width: int = 0
    logo_height: int = 0
    version: int = 0

    @property
    def colour(self) -> str:
        """Of buttons."""
        return self.accent or DEFAULT_ACCENT

    @property
    def on_colour(self) -> str:
        """Of words on buttons: white or black, whichever is read better. One of the two always has the contrast that is asked for."""
        return max("#ffffff", "#000000", key=lambda ink: contrast(self.colour, ink))

    @property
    def ink(self) -> str:
        """Of links on white: the colour, as dark as it must be to be read."""
        red, green, blue = _parts(self.colour)
        for percent in range(100, -1, -5):
            darker = "#" + "".join(f"{part * percent // 100:02x}" for part in (red, green, blue))
            if contrast(darker, "#ffffff") >= _ENOUGH_CONTRAST:
                return darker
        return "#000000"

    @property
    def logo_size(self) -> tuple[int, int]:
        """Width and height at the head of a mail."""
        scale = min(1.0, _LOGO_WIDTH / (self.logo_width or 1), _LOGO_HEIGHT / (self.logo_height or 1))
        return max(1, round(self.logo_width * scale)), max(1, round(self.logo_height * scale))


@dataclass(frozen=True, slots=True)
class Logo:
    """A picture that may be shown to everybody; its name says its content."""

    content: bytes
    media_type: str
    width: int
    height: int

    @property
    def name(self) -> str:
        """Another picture has another name, so that whoever keeps it never shows an old one."""
        suffix = "png" if self.media_type == "image/png" else "jpg"
        return f"{hashlib.sha256(self.content).hexdigest()[:32]}.{suffix}"

    @classmethod
    def read(cls, file: bytes) -> Logo:
        """A PNG or JPEG by what it holds, whatever it calls itself; of it is kept what makes the picture.

        Raises InvalidInput (logo_too_large, not_a_picture, picture_too_large).
        """
        if len(file) > LARGEST_LOGO:
            raise InvalidInput.of("logo", "logo_too_large", largest=f"{LARGEST_LOGO // 1024} KB")
        try:
            logo = _png(file) if file.startswith(_PNG) else _jpeg(file)
        except (IndexError, ValueError):
            raise InvalidInput.of("logo", "not_a_picture") from None
        if not 0 < logo.width <= LARGEST_SIDE or not 0 < logo.height <= LARGEST_SIDE:
            raise InvalidInput.of("logo", "picture_too_large", largest=str(LARGEST_SIDE))
        return logo


def contrast(one: str, other: str) -> float:
    """From 1 to 21, as WCAG reckons it."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _parts(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (p / 255 for p in _parts(colour))]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _png(file: bytes) -> Logo:
    kept, place, kind = [_PNG], len(_PNG), b""
    width = height = 0
    while kind != b"IEND":
        length, kind = int.from_bytes(file[place : place + 4], "big"), file[place + 4 : place + 8]
        end = place + 12 + length
        if len(kind) != 4 or end > len(file) or (place == len(_PNG)) != (kind == b"IHDR"):
            raise ValueError("no PNG")
        if kind == b"IHDR":
            width, height = (int.from_bytes(file[place + 8 + n : place + 12 + n], "big") for n in (0, 4))
        if kind in _PNG_CHUNKS:
            kept.append(file[place:end])
        place = end
    return Logo(b"".join(kept), "image/png", width, height)


def _jpeg(file: bytes) -> Logo:
    if not file.startswith(_JPEG) or not file.rstrip(b"\0").endswith(b"\xff\xd9"):
        raise ValueError("no JPEG")
    kept, place, size = [file[:2]], 2, (0, 0)
    while True:
        if file[place] != 0xFF:
            raise ValueError("no JPEG")
        marker, length = file[place + 1], int.from_bytes(file[place + 2 : place + 4], "big")
        if length < 2 or place + 2 + length > len(file):
            raise ValueError("no JPEG")
        if marker in _START_OF_FRAME:
            size = (
                int.from_bytes(file[place + 7 : place + 9], "big"),
                int.from_bytes(file[place + 5 : place + 7], "big"),
            )
        # APP0 and APP14 say how colours are meant; the other applications' parts and comments are about the picture.
        if not (0xE1 <= marker <= 0xED or marker in (0xEF, 0xFE)):
            kept.append(file[place : place + 2 + length])
        place += 2 + length
        if marker == _START_OF_SCAN:
            kept.append(file[place : file.rindex(b"\xff\xd9") + 2])
            return Logo(b"".join(kept), "image/jpeg", *size)
