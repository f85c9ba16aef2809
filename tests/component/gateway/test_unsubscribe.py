"""Out of advertising by a link, and in again (RFC 8058)."""

from __future__ import annotations

from uuid import UUID

import httpx

from deploy.local.stack import Stack
from services.common.links import Links
from tests.component.gateway.conftest import Store


def test_a_mail_program_ends_advertising_by_one_click_and_a_person_takes_it_back(stack: Stack, store: Store) -> None:
    """Opening the page ends nothing; no cookie, no form token, no login; another store's name opens nothing."""
    store_id = UUID(store.get("/me").json()["store"]["store_id"])
    token = Links(stack.settings.service_key).unsubscribe(store.slug, store_id, bytes(range(32)))
    with httpx.Client(base_url=f"{store.url}/s", trust_env=False, headers={"Accept-Language": "en"}) as nobody:
        page = f"/{store.slug}/unsubscribe/{token}"
        assert nobody.get(page).status_code == nobody.get(page).status_code == 200
        assert "按下按鈕" in nobody.get(page).text
        clicked = nobody.post(page, data={"List-Unsubscribe": "One-Click"})
        assert clicked.status_code == 200
        assert "本店不會再向您的電郵地址傳送優惠或邀請" in nobody.get(page).text
        assert "您將會再次收到" in nobody.post(page, data={"again": "1"}).text
        assert "按下按鈕" in nobody.get(page).text
        for wrong in (f"/demo/unsubscribe/{token}", f"/{store.slug}/unsubscribe/{token[:-1]}"):
            assert nobody.post(wrong).status_code == nobody.get(wrong).status_code == 404
