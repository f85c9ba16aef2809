"""The security tables of identity_merge's README name tests that are there (H1, H3, H4)."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TABLES = ROOT / "services" / "identity_merge" / "README.md"


def test_every_test_that_the_security_tables_name_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", TABLES.read_text()))
    written = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(), re.M)
    }
    assert len(named) > 50
    assert named <= written, sorted(named - written)
