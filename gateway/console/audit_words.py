"""Words for what the audit log holds in codes: actions, things, fields, values."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import url_for
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from gateway import formats
from gateway.auth import principal
from gateway.console import ask, labels
from services.common import permissions

# By what they are done to; the keys of the inner tables are what follows the point.
ACTIONS: dict[str, tuple[LazyString, dict[str, LazyString]]] = {
    "customer": (
        _l("Customers"),
        {
            "profile_changed": _l("Profile edited"),
            "phone_changed": _l("Phone changed with the member’s consent"),
            "note_added": _l("Note added"),
            "note_struck": _l("Note struck"),
            "points_adjusted": _l("Points awarded or deducted"),
            "level_set": _l("Level set by hand"),
            "consents_changed": _l("Consents changed"),
            "registered": _l("Registered"),
            "invited": _l("Invited to become a member"),
            "password_set": _l("Password set"),
            "sessions_ended": _l("Logged out elsewhere"),
            "identifier_added": _l("Phone or e-mail added"),
            "provider_connected": _l("Way to log in connected"),
            "deleted": _l("Account deleted"),
            "erased": _l("Person erased"),
            "merge_started": _l("Merge started"),
            "merge_completed": _l("Merge completed"),
            "merge_refused": _l("Merge refused"),
            "duplicate_dismissed": _l("Said to be another person"),
            "duplicate_restored": _l("No longer said to be another person"),
        },
    ),
    "invitations": (_l("Many invitations"), {"started": _l("Many guests invited")}),
    "merge_batch": (_l("Many merges"), {"confirmed": _l("Many merges started")}),
    "order": (
        _l("Orders"),
        {
            "payment_confirmed": _l("Payment confirmed"),
            "advanced": _l("Status changed"),
            "cancelled": _l("Order cancelled"),
            "refunded": _l("Refunded"),
            "refund_retried": _l("Refund asked for again"),
            "contact_edited": _l("Contact edited"),
            "email_resent": _l("Order e-mail sent again"),
        },
    ),
    "message": (
        _l("Messages"),
        {"marked_sent": _l("Message noted as arrived"), "sent_again": _l("Message sent again")},
    ),
    "message_look": (_l("Look of messages"), {"changed": _l("Look of messages changed")}),
    "orders": (_l("Many orders"), {"bulk_started": _l("Many orders changed")}),
    "item": (_l("Items"), {"created": _l("Item added"), "changed": _l("Item changed")}),
    "import": (_l("Imports"), {"confirmed": _l("Import confirmed")}),
    "staff": (
        _l("Staff"),
        {
            "logged_in": _l("Logged in"),
            "login_refused": _l("Log-in refused"),
            "invited": _l("Invited"),
            "invitation_withdrawn": _l("Invitation withdrawn"),
            "joined": _l("Joined"),
            "changed": _l("Name or role changed"),
            "removed": _l("Removed"),
            "password_changed": _l("Password changed"),
            "password_reset": _l("Forgotten password replaced"),
            "sessions_ended": _l("Logged out elsewhere"),
            "totp_on": _l("Second factor turned on"),
            "totp_off": _l("Second factor turned off"),
            "totp_reset": _l("Second factor reset by somebody else"),
        },
    ),
    "api_key": (
        _l("API keys"),
        {
            "made": _l("API key made"),
            "rotated": _l("API key given another secret"),
            "revoked": _l("API key revoked"),
        },
    ),
    "webhook": (
        _l("Webhooks"),
        {
            "created": _l("Webhook added"),
            "changed": _l("Webhook changed"),
            "secret_rotated": _l("Webhook given another secret"),
            "removed": _l("Webhook removed"),
            "disabled": _l("Webhook disabled by itself"),
            "tested": _l("Test sent to webhook"),
            "replayed": _l("Webhook deliveries sent once more"),
        },
    ),
    "store": (_l("Store"), {"created": _l("Store opened")}),
    "levels": (_l("Levels"), {"saved": _l("Level rules saved")}),
    "points_settings": (_l("Points"), {"changed": _l("Points settings changed")}),
    "deletion_policy": (_l("Deletion"), {"changed": _l("Rule about deletion changed")}),
    "payment_provider": (_l("Paying online"), {"changed": _l("Payment provider changed")}),
    "payment_notice": (_l("Payments that need a look"), {"settled": _l("Payment settled")}),
}
FIELDS: dict[str, LazyString] = {
    "active": _l("Customers pay here"),
    "addresses": _l("Addresses"),
    "amount": _l("Amount"),
    "api_key": _l("Secret key"),
    "archived": _l("Archived"),
    "attempts": _l("Attempts"),
    "basis": _l("Net spend that counts"),
    "birthday": _l("Birthday"),
    "browser": _l("Browser"),
    "consent": _l("Consent given"),
    "currency": _l("Currency"),
    "customer_id": _l("Customer"),
    "deletion": _l("Deletion"),
    "deliveries": _l("Deliveries"),
    "description": _l("Description"),
    "disabled_because": _l("State of the webhook"),
    "earn_per_unit": _l("Points earned for each unit paid"),
    "email": _l("E-mail"),
    "email_marketing": _l("Offers by e-mail"),
    "event_type": _l("Type of event"),
    "event_types": _l("Types of events"),
    "expires_at": _l("Good until"),
    "expires_on": _l("Expiry date"),
    "groups": _l("Groups"),
    "guests": _l("Guests"),
    "language": _l("Language"),
    "level": _l("Level"),
    "merge_run_id": _l("Merge"),
    "merged_ids": _l("Merged accounts"),
    "accent": _l("Colour of buttons and links"),
    "reply_to": _l("Answers go to"),
    "postal_address": _l("Postal address in the last line"),
    "logo_name": _l("Logo"),
    "message_state": _l("Status"),
    "method": _l("Payment method"),
    "name": _l("Name"),
    "name_en": _l("Name in English"),
    "name_zh": _l("Name in Chinese"),
    "note": _l("Note"),
    "old_secret_until": _l("Former secret good until"),
    "order_id": _l("Order"),
    "orders": _l("Orders"),
    "other_id": _l("Other account"),
    "owner": _l("Owner"),
    "paid": _l("Received"),
    "phone": _l("Phone"),
    "pinned_until": _l("Pinned until"),
    "points": _l("Points"),
    "position": _l("Position"),
    "provider": _l("Provider"),
    "reason": _l("Reason"),
    "redeem_per_unit": _l("Points that pay for one unit"),
    "reference": _l("Reference"),
    "refund_id": _l("Refund"),
    "refunded": _l("Refunded"),
    "refusal": _l("Why refused"),
    "region": _l("Region"),
    "resends": _l("Sent again"),
    "role": _l("Role"),
    "rounding": _l("Rounding"),
    "rows": _l("Rows"),
    "scopes": _l("Scopes"),
    "second_factor": _l("Second factor"),
    "send_confirmations": _l("Confirmation e-mails"),
    "sessions": _l("Sessions"),
    "settlement": _l("What was done"),
    "shipping_address": _l("Ship to"),
    "since": _l("Since"),
    "slug": _l("Name in addresses"),
    "sku": _l("Item number"),
    "sms_marketing": _l("Offers by SMS"),
    "sold_at_counter": _l("Sold at the counter"),
    "sold_online": _l("Sold online"),
    "status": _l("Status"),
    "tags": _l("Tags"),
    "timezone": _l("Time zone"),
    "tracking": _l("Tracking number"),
    "unit_price": _l("Price"),
    "validity_months": _l("Validity in months"),
    "url": _l("Web address"),
    "webhook_secret": _l("Webhook signing secret"),
}
VALUES: dict[str, LazyString] = {
    "yes": _l("Yes"),
    "no": _l("No"),
    "cash": _l("Cash"),
    "card": _l("Card"),
    "bank_transfer": _l("Bank transfer"),
    "other": _l("Other"),
    "online": _l("Online payment"),
    "queued": _l("Queued"),
    "sent": _l("Sent"),
    "failed": _l("Failed"),
    "unknown": _l("Perhaps sent"),
    "never": _l("Nobody is deleted"),
    "unless_online": _l("Members who signed up online are not deleted"),
    "down": _l("Down"),
    "nearest": _l("To the nearest"),
    "up": _l("Up"),
    "lifetime": _l("Since the beginning"),
    "rolling_year": _l("Of the last twelve months"),
    "given_back": _l("Money given back"),
    "noted": _l("Noted"),
    "wrong": _l("Wrong"),
    "other_id": _l("Other account"),
    "enabled": _l("Enabled"),
    "staff": _l("Disabled"),
    "gone": _l("Disabled: it answered that it is gone"),
    "failing": _l("Disabled: nothing but failures for days"),
    "owner": _l("Owner"),
    "manager": _l("Manager"),
    "cashier": _l("Cashier"),
    "support": _l("Support"),
    **labels.CONSENT_GIVEN,
    **{word: labels.ORDER_STATUS[code][0] for word, code in labels.STATUS_WORDS.items()},
}
# Fields whose values are words of VALUES; a name that happens to be one of those is left alone.
_CODED = {
    *(
        "active",
        "archived",
        "basis",
        "consent",
        "deletion",
        "email_marketing",
        "message_state",
        "method",
        "role",
        "rounding",
    ),
    *("second_factor", "send_confirmations", "settlement", "sms_marketing", "sold_at_counter", "sold_online", "status"),
    "disabled_because",
}
# Pages of the things that have one: kind → endpoint, the name of its id, and who may see it.
_PAGES = {
    "customer": ("console.member", "customer_id", permissions.MEMBERS_READ),
    "order": ("console.order", "order_id", permissions.ORDERS_READ),
    "bulk_run": ("console.bulk_run", "run_id", permissions.ORDERS_READ),
    "message": ("console.message", "message_id", permissions.MEMBERS_READ),
    "invitation_run": ("console.invitation_run", "run_id", permissions.MEMBERS_READ),
    "item": ("console.edit_item", "item_id", permissions.ITEMS_WRITE),
    "import": ("console.import_", "import_id", permissions.MEMBERS_IMPORT),
    "merge": ("console.merge", "merge_id", permissions.MEMBERS_READ),
    "staff": ("console.staff_member", "staff_id", permissions.STAFF_WRITE),
}
# Fields whose values are ids of such things.
_LINKS = {"merge_run_id": "merge", "order_id": "order", "customer_id": "customer"}
_IDS = {*_LINKS, "merged_ids", "refund_id"}
_SUBJECTS: dict[str, LazyString] = {
    "message": _l("Message"),
    "customer": _l("Customer"),
    "order": _l("Order"),
    "bulk_run": _l("Many orders"),
    "invitation_run": _l("Many invitations"),
    "item": _l("Item"),
    "import": _l("Import"),
    "store": _l("Store"),
    "staff": _l("Staff"),
    "staff_invitation": _l("Invitation"),
    "api_key": _l("API key"),
    "webhook": _l("Webhook"),
    "payment_provider": _l("Payment provider"),
    "payment_notice": _l("Payment"),
}


def action(code: str) -> str:
    """What was done; a code of a later release as it is."""
    thing, _point, deed = code.partition(".")
    words = ACTIONS.get(thing)
    return str(words[1].get(deed, code)) if words else code


def field(code: str) -> str:
    """What a field is called."""
    return labels.words_of(FIELDS, code)


def value(code: str, text: str) -> str:
    """A value of the field `code` as it is read: words for codes, days and times as people of the store write them."""
    if code in _CODED:
        return labels.words_of(VALUES, text)
    if code == "expires_on":
        return ask.iso_day(text)
    if code == "pinned_until" and text:
        return formats.day_text(datetime.fromisoformat(text).astimezone(ask.zone()).date(), ask.locale())
    if code in _IDS:
        return ", ".join(f"…{each[-6:]}" for each in text.split(", ") if each)  # as much as it takes to tell two apart
    if code == "language":
        return str(labels.LANGUAGE.get(text, text))
    return text


def is_worded(code: str) -> bool:
    """Whether values of the field are words of the page, and not what somebody has written."""
    return code in _CODED or code in ("expires_on", "pinned_until", "language")


def subject(kind: str) -> str:
    """What kind of thing it was done to."""
    return labels.words_of(_SUBJECTS, kind)


def page_of(kind: str, subject_id: str) -> str:
    """The address of its page; empty where it has none that the reader may see."""
    endpoint, name, permission = _PAGES.get(kind, ("", "", ""))
    which: dict[str, Any] = {name: subject_id}
    return url_for(endpoint, **which) if endpoint and principal().may(permission) else ""


def link_of(code: str, text: str) -> str:
    """The address of what a value names; empty where it names nothing that has a page."""
    return page_of(_LINKS[code], text) if code in _LINKS and text else ""
