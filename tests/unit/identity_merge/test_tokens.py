"""Tokens carry their store and are recognised by a digest (rule 10)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.ids import new_id
from services.identity_merge.domain import tokens


@pytest.mark.parametrize("purpose", [tokens.SESSION, tokens.API_KEY, tokens.CONFIRMATION])
def test_a_token_is_read_back_with_its_purpose_and_store(purpose: str) -> None:
    store_id = new_id()
    text = tokens.mint(purpose, store_id)
    read = tokens.read(text)
    assert read == tokens.Token(purpose, store_id, tokens.digest(text))
    assert len(text.split("_", 2)[2]) >= 43  # 256 bits
    assert tokens.mint(purpose, store_id) != text


@given(st.text())
def test_any_other_text_is_no_token(text: str) -> None:
    assert tokens.read(text) is None


@given(st.sampled_from(["ofs_", "ofk_", "ofc_", "ofx_"]), st.text(min_size=32, max_size=32), st.text(max_size=300))
def test_what_only_looks_like_a_token_is_none_or_nobodys(prefix: str, store: str, random: str) -> None:
    read = tokens.read(f"{prefix}{store}_{random}")
    assert read is None or (prefix != "ofx_" and random)
