"""No credential stands in the files of the repository, nor in any state that they ever had.

kingfisher looks, with the rules of secrets.yaml beside its own; it asks nobody whether what it finds is good for anything.
"""

from __future__ import annotations

import json
import shutil
import string
import subprocess
import sys
from base64 import b64encode, urlsafe_b64encode
from dataclasses import dataclass
from pathlib import Path
from random import Random

from services.common.ids import new_id
from services.identity_merge.domain import tokens
from tests.attack.conftest import LONG_FORM

ROOT = Path(__file__).parents[2]
RULES = Path(__file__).with_name("secrets.yaml")
SCANNER = Path(sys.executable).with_name("kingfisher")
# Its answers: nothing was found, something was.
NOTHING, SOMETHING = 0, 200
# What stands where a secret would, and is none.
KNOWN = {
    **dict.fromkeys(("local", "password", "pw", "secret", "word"), "a word in the address of an example or a double"),
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw": "the example of the Standard Webhooks specification",
}


@dataclass(frozen=True)
class Finding:
    """Where something was found; `text` is what, whole."""

    rule: str
    path: str
    line: int
    text: str


def scan(folder: Path, history: str = "none") -> list[Finding]:
    """Whatever looks like a credential in a folder, or in all commits of a repository. Raises AssertionError when nothing was looked at."""
    # Its rules are compiled once for each environment, which takes five seconds.
    compiled = ["--rules-path", RULES, "--rule-cache-dir", Path(sys.prefix) / "kingfisher"]
    alone = ["--no-validate", "--no-update-check"]
    everything = ["--confidence", "low", "--no-dedup", "--git-history", history]
    command = [SCANNER, "scan", folder, *compiled, *alone, *everything, "--format", "jsonl"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=110)
    assert done.returncode in (NOTHING, SOMETHING), done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    (summary,) = [line for line in lines if "blobs_scanned" in line]
    assert summary["blobs_scanned"] > 0, done.stderr
    return [
        Finding(line["rule"]["id"], line["finding"]["path"], line["finding"]["line"], line["finding"]["snippet"])
        for line in lines
        if "finding" in line
    ]


def unknown(findings: list[Finding]) -> list[Finding]:
    return [found for found in findings if found.text not in KNOWN]


def git(*words: str | Path, folder: Path = ROOT) -> str:
    return subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True).stdout


def planted(chance: Random) -> dict[str, str]:
    """Files with a credential each, made up on the spot, so that this file has none."""

    def made(letters: str, length: int) -> str:
        return "".join(chance.choices(letters, k=length))

    hexadecimal, usual = "0123456789abcdef", string.ascii_letters + string.digits
    sealing, pem = urlsafe_b64encode(chance.randbytes(32)).decode(), b64encode(chance.randbytes(48)).decode()
    capitals = string.ascii_uppercase + "234567"
    return {
        "key.pem": f"-----BEGIN PRIVATE KEY-----\n{pem}\n-----END PRIVATE KEY-----",
        "session.py": f'token = "{tokens.mint(tokens.SESSION, new_id())}"',
        "api_key.md": f"curl -H 'Authorization: Bearer {tokens.mint(tokens.API_KEY, new_id())}'",
        "sealing.yaml": f"ONEFOLD_SEALING_KEYS: k1:{sealing}",
        "webhook.py": f"x = 'whsec_{made(usual, 32)}'",
        "onefold.env": f"ONEFOLD_SERVICE_KEY={made(usual, 43)}",
        "settings.json": json.dumps({"smtp_password": made(hexadecimal, 32)}),
        "database.py": f'URL = "postgresql://onefold_app:{made(usual, 32)}@db.shop.internal:5432/orders"',
        "broker.yaml": f"url: nats://orders:{made(usual, 32)}@nats.shop.internal:4222",
        "cloud.ini": f"aws_access_key_id = AKIA{made(capitals, 16)}\naws_secret_access_key = {made(usual, 40)}",
        "stripe.js": f'const stripe = "sk_live_{made(usual, 24)}";',
        "forge.txt": f"ghp_{made(usual, 36)}",
    }


def plant(folder: Path) -> set[str]:
    """Their names; in two folders each, one of which is of tests."""
    names, chance = set(), Random(1)
    for parent in "services", "tests":
        (folder / parent).mkdir()
        for name, text in planted(chance).items():
            (folder / parent / name).write_text(text + "\n")
            names.add(f"{parent}/{name}")
    return names


def test_no_file_has_a_credential(tmp_path: Path) -> None:
    """As the files are now, whether committed or not."""
    names = [name for name in git("ls-files", "-z").split("\0") if (ROOT / name).is_file()]
    for name in names:
        copy = tmp_path / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, copy)
    assert len(names) > 1_000
    assert unknown(scan(tmp_path)) == []


def test_a_credential_in_a_file_would_be_seen(tmp_path: Path) -> None:
    names = plant(tmp_path)
    seen = {str(Path(found.path).relative_to(tmp_path)) for found in unknown(scan(tmp_path))}
    assert seen == names


@LONG_FORM
def test_no_file_ever_had_a_credential(tmp_path: Path) -> None:
    """All commits that led to this one."""
    assert git("rev-parse", "--is-shallow-repository").strip() == "false", "the history is not here to be looked at"
    git("init", "--quiet", "--bare", tmp_path)
    git("fetch", "--quiet", "--no-tags", ROOT, "HEAD:refs/heads/scanned", folder=tmp_path)
    found = scan(tmp_path, "full")
    assert found, "words of examples are there to be seen"
    assert unknown(found) == []


@LONG_FORM
def test_a_credential_that_was_taken_out_again_would_be_seen(tmp_path: Path) -> None:
    git("init", "--quiet", tmp_path)
    names = plant(tmp_path)
    by = ("-c", "user.name=x", "-c", "user.email=x@mail.example", "-c", "commit.gpgsign=false")
    git("add", ".", folder=tmp_path)
    git(*by, "commit", "--quiet", "-m", "with", folder=tmp_path)
    git("rm", "--quiet", "-r", "services", "tests", folder=tmp_path)
    git(*by, "commit", "--quiet", "--allow-empty", "-m", "without", folder=tmp_path)
    seen = {found.path for found in unknown(scan(tmp_path / ".git", "full"))}
    assert seen == names
