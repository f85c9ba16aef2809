"""Made-up contents for each kind of message, so that a store sees what its customers get; tests write all of them, too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.notification.domain import Channel, Kind, Purpose

LINK = "https://shop.example/s/demo/page?token=sample"


@dataclass(frozen=True, slots=True)
class Sample:
    """`params` are those of the row, `extra` what is asked for when it is sent; `channels` are those by which it goes."""

    kind: Kind
    params: Mapping[str, Any]
    extra: Mapping[str, str] = field(default_factory=dict)
    channels: tuple[Channel, ...] = (Channel.EMAIL,)


_BOTH = (Channel.EMAIL, Channel.SMS)
_LINK = {"link": LINK}
_ORDER = {
    "name": "陳大文 Chan Tai Man",
    "number": 1001,
    "placed_at": "2026-11-23T18:05:00+00:00",
    "currency": "HKD",
    "lines": [
        {"title": "凍頂烏龍茶 Tung Ting Oolong, 150 g", "quantity": 2, "total": 25_600},
        {
            "title": "青花瓷杯 Blue and white porcelain cup, hand-painted, with lid and saucer",
            "quantity": 1,
            "total": 118_450,
        },
    ],
    "subtotal": 144_050,
    "discount": 1_000,
    "level_discount": 7_000,
    "points_discount": 500,
    "shipping": 3_000,
    "total": 138_550,
    "paid": True,
    "ended": "",
}
_NOTICE = {"name": "", "what": "password_set", "detail": ""}
_STAFF = {"name": "Ada", "invitation_id": "", "role": "cashier", "invited_by": "陳大文"}

_WEBHOOK = {"name": "Ada", "url": "https://shop.example.com/webhooks", "because": "failing", "webhook_id": ""}


def _code(purpose: Purpose, link: str = "") -> Sample:
    code = "" if purpose is Purpose.REFUSED else "012345"
    extra = {"code": code, "purpose": purpose, "link": link}
    return Sample(Kind.LOGIN_CODE, {"name": "", "code_id": ""}, extra, _BOTH)


# By name: the kind, and what is special about it.
SAMPLES: Mapping[str, Sample] = {
    "order_placed": Sample(Kind.ORDER_PLACED, _ORDER, _LINK),
    "order_placed.unpaid": Sample(Kind.ORDER_PLACED, _ORDER | {"paid": False}, _LINK),
    "order_resent": Sample(Kind.ORDER_RESENT, _ORDER, _LINK),
    "order_resent.cancelled": Sample(Kind.ORDER_RESENT, _ORDER | {"ended": "cancelled"}, _LINK),
    "order_resent.refunded": Sample(Kind.ORDER_RESENT, _ORDER | {"ended": "refunded"}, _LINK),
    "confirm_login": Sample(Kind.CONFIRM_LOGIN, {"name": "陳大文", "login_method_id": ""}, _LINK),
    "login_code.log_in": _code(Purpose.LOG_IN),
    "login_code.register": _code(Purpose.REGISTER, LINK),
    "login_code.add": _code(Purpose.ADD),
    "login_code.refused": _code(Purpose.REFUSED),
    "account_notice.password_set": Sample(Kind.ACCOUNT_NOTICE, _NOTICE, {}, _BOTH),
    "account_notice.login_added": Sample(
        Kind.ACCOUNT_NOTICE, _NOTICE | {"what": "login_added", "detail": "Google"}, {}, _BOTH
    ),
    "account_notice.sessions_ended": Sample(Kind.ACCOUNT_NOTICE, _NOTICE | {"what": "sessions_ended"}, {}, _BOTH),
    "guest_invitation": Sample(
        Kind.GUEST_INVITATION, {"name": "陳大文", "invitation_id": "", "greeting": "新茶已到，歡迎品嚐！"}, _LINK
    ),
    "staff_invitation": Sample(Kind.STAFF_INVITATION, _STAFF, _LINK),
    "webhook_disabled": Sample(Kind.WEBHOOK_DISABLED, _WEBHOOK, _LINK),
    "webhook_disabled.gone": Sample(Kind.WEBHOOK_DISABLED, _WEBHOOK | {"because": "gone"}, _LINK),
    "staff_reset": Sample(Kind.STAFF_RESET, {"name": "Ada", "invitation_id": ""}, _LINK),
}
