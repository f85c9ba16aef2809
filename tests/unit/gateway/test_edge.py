"""What goes with every answer."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from gateway.app import create_app
from services.common.config import ConfigError, Environment
from tests.unit.gateway.conftest import SETTINGS


@pytest.mark.parametrize("path", ["/healthz", "/api/docs", "/api/v1/me", "/s/confirm?token=t", "/nothing"])
def test_no_answer_lets_foreign_script_or_frames_in(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("path", ["/s/confirm?token=t", "/api/docs", "/api/docs/problems", "/nothing"])
def test_no_page_has_script_or_style_inside(client: FlaskClient, path: str) -> None:
    text = client.get(path).text
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", text)


@pytest.mark.parametrize("sent", ["", "short", "x" * 65, "line\tbreak", "<script>"])
def test_a_request_id_that_is_not_one_is_replaced(client: FlaskClient, sent: str) -> None:
    made = client.get("/healthz", headers={"X-Request-Id": sent} if sent else {}).headers["X-Request-Id"]
    assert re.fullmatch(r"[0-9a-f]{32}", made)


def test_answers_about_people_are_not_kept(client: FlaskClient) -> None:
    assert client.get("/api/v1/me").headers["Cache-Control"] == "no-store"


def test_the_process_is_alive_and_ready_while_every_service_is_away(client: FlaskClient) -> None:
    assert client.get("/healthz").status_code == 200
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert set(ready.get_json()["services"].values()) == {False}


@pytest.mark.parametrize("name", [n for n in SETTINGS if n != "ONEFOLD_LOG_LEVEL"])
def test_a_missing_setting_is_named_at_the_start(name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        create_app(Environment({k: v for k, v in SETTINGS.items() if k != name}))


def test_the_page_language_follows_query_then_cookie_then_browser(client: FlaskClient) -> None:
    chinese = {"Accept-Language": "zh-TW"}
    assert 'lang="en"' in client.get("/s/confirm").text
    assert 'lang="zh-Hant"' in client.get("/s/confirm", headers=chinese).text
    client.set_cookie("onefold_language", "en")
    assert 'lang="en"' in client.get("/s/confirm", headers=chinese).text
    assert 'lang="zh-Hant"' in client.get("/s/confirm?language=zh-Hant").text
