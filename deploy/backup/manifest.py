"""What a backup says of itself: `onefold.json` beside PostgreSQL's own files and manifest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deploy.backup.programs import BackupError
from deploy.local.state import write_private

FORMAT = 1
NAME = "onefold.json"
# What was sealed, hashed or signed with these is worth nothing without them; and nothing tells that they are wrong.
KEYS = ("identifier_key", "sealing_key", "service_key")


@dataclass(frozen=True, slots=True)
class Manifest:
    """Times are ISO 8601 in UTC, log positions PostgreSQL's, `revisions` those of the migrations, `files` SHA-256.

    `keys` are fingerprints of the keys that the data need, which are not in a backup.
    """

    began_at: str
    ended_at: str
    server_version: str
    from_position: str
    to_position: str
    bytes: int
    revisions: dict[str, list[str]]
    keys: dict[str, str]
    files: dict[str, str]
    format: int = FORMAT

    @property
    def major(self) -> int:
        """Of the server that can read the files."""
        return int(self.server_version.partition(".")[0])

    def write(self, folder: Path) -> None:
        """Into a backup's folder, readable by its owner alone."""
        write_private(folder / NAME, asdict(self))

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Of a backup. Raises BackupError."""
        try:
            found: dict[str, Any] = json.loads((folder / NAME).read_text())
            manifest = cls(**found)
        except (OSError, ValueError, TypeError) as error:
            raise BackupError(f"{folder} holds no backup of Onefold: {error}") from error
        if manifest.format != FORMAT:
            raise BackupError(f"{folder} is of format {manifest.format}; this program reads {FORMAT}")
        return manifest

    def check_files(self, folder: Path) -> None:
        """Raises BackupError naming the files that are missing or not what was written."""
        wrong = [name for name, digest in self.files.items() if digest_of(folder / name) != digest]
        if wrong:
            raise BackupError(f"{folder} is damaged: {', '.join(wrong)}")

    def check_keys(self, secrets: Mapping[str, str]) -> None:
        """Raises BackupError naming the keys that are not those of the data."""
        wrong = [name for name, mark in self.keys.items() if fingerprint(secrets.get(name, "")) != mark]
        if wrong:
            raise BackupError(f"the keys {', '.join(wrong)} are not those that the data were written with")


def digest_of(path: Path) -> str:
    """SHA-256 of a file; empty where there is none."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fingerprint(key: str) -> str:
    """Tells keys apart and gives nothing away of them, since they are random."""
    return hashlib.sha256(b"onefold-backup\0" + key.encode()).hexdigest()[:16]
