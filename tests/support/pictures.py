"""Pictures made on the spot, as bytes of their files."""

from __future__ import annotations

import struct
import zlib


def png(width: int = 200, height: int = 60, *extra: tuple[bytes, bytes]) -> bytes:
    """A grey PNG; `extra` are further chunks behind its head."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    points = zlib.compress((b"\0" + b"\x80" * width) * height)
    chunks = ((b"IHDR", head), *extra, (b"IDAT", points), (b"IEND", b""))
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


def jpeg(width: int = 200, height: int = 60, comment: bytes = b"") -> bytes:
    """The parts of a JPEG, in their order; its points are none that anybody could show."""

    def part(marker: int, data: bytes) -> bytes:
        return bytes((0xFF, marker)) + struct.pack(">H", len(data) + 2) + data

    frame = struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00"
    parts = part(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0") + part(0xE1, b"Exif\0\0where it was taken")
    parts += part(0xFE, comment) + part(0xC0, frame) + part(0xDA, b"\x01\x01\0\0\x3f\0")
    return b"\xff\xd8" + parts + b"points\xff\xd9"
