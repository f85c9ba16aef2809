"""Words of webhooks: what each type of event tells, why an endpoint is disabled, what became of a delivery."""

from __future__ import annotations

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from gateway.console.labels import Badge
from onefold.notification.v1.webhooks_pb2 import DeliveryState, DisabledBecause

# By what they are about, in the order in which a form shows them. A type that is not here is shown as it is.
EVENT_TYPES: tuple[tuple[LazyString, dict[str, LazyString]], ...] = (
    (
        _l("Members"),
        {
            "member.enrolled": _l("A customer became a member"),
            "member.changed": _l("A profile was changed"),
            "member.deleted": _l("A member was deleted"),
            "member.erased": _l("A person is to be forgotten"),
            "member.merged": _l("Accounts were merged"),
            "member.guests_joined": _l("Guests turned out to be a member"),
        },
    ),
    (
        _l("Points and levels"),
        {
            "points.posted": _l("Points were posted"),
            "level.changed": _l("A member has another level"),
        },
    ),
    (
        _l("Orders"),
        {
            "order.placed": _l("An order was placed"),
            "order.paid": _l("An unpaid order was paid"),
            "order.status_changed": _l("An order is in preparation, shipped or completed"),
            "order.cancelled": _l("An order was cancelled"),
            "order.refunded": _l("Money was given back"),
            "order.contact_edited": _l("The contact on an order was edited"),
            "order.customer_changed": _l("Orders are another customer’s"),
        },
    ),
    (_l("Messages"), {"message.failed": _l("A message was given up")}),
)
TEST = "webhook.test"
_SENTENCES = {
    TEST: _l("Test"),
    **{word: said for _about, words in EVENT_TYPES for word, said in words.items()},
}
DISABLED_BECAUSE: dict[int, LazyString] = {
    DisabledBecause.DISABLED_BECAUSE_STAFF: _l("Somebody disabled it."),
    DisabledBecause.DISABLED_BECAUSE_GONE: _l("It answered 410 Gone: it wants no more webhooks."),
    DisabledBecause.DISABLED_BECAUSE_FAILING: _l("Nothing but failures for five days."),
}
DELIVERY_STATE: dict[int, Badge] = {
    DeliveryState.DELIVERY_STATE_QUEUED: (_l("Waiting"), "info"),
    DeliveryState.DELIVERY_STATE_DELIVERED: (_l("Delivered"), "good"),
    DeliveryState.DELIVERY_STATE_FAILED: (_l("Failed"), "bad"),
}
# Words of an address.
STATES: dict[str, DeliveryState.ValueType] = {
    "queued": DeliveryState.DELIVERY_STATE_QUEUED,
    "delivered": DeliveryState.DELIVERY_STATE_DELIVERED,
    "failed": DeliveryState.DELIVERY_STATE_FAILED,
}
FAILURE: dict[str, LazyString] = {
    "status": _l("It did not answer with 2xx."),
    "redirect": _l("It leads elsewhere. Redirects are not followed; change the address instead."),
    "timeout": _l("No answer in time."),
    "connection_failed": _l("Nobody answers there."),
    "tls_failed": _l("Its certificate is not valid for this name."),
    "host_unknown": _l("Its name is not known."),
    "address_private": _l("Its name leads to an address that is not on the public internet."),
    "no_http": _l("What it answered is no HTTP."),
    "secret_unreadable": _l("Its secret cannot be read here. Give it a new one."),
    "webhook_disabled": _l("The webhook was disabled meanwhile."),
}


def is_event_type(word: str) -> bool:
    """Whether there is such a type."""
    return word in _SENTENCES


def event_type(word: str) -> str:
    """What a type of event tells."""
    return str(_SENTENCES.get(word, word))
