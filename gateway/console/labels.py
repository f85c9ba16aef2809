"""Words for what the services say in codes, and template filters for how it is written. A badge is (words, tone)."""

from __future__ import annotations

from typing import Any

from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from onefold.identity_merge.v1.batches_pb2 import MergeBatchState, MergeGroupState
from onefold.identity_merge.v1.service_pb2 import MergeState, StaffRole
from onefold.membership.v1.directory_pb2 import CustomerSort
from onefold.membership.v1.imports_pb2 import ImportState
from onefold.membership.v1.levels_pb2 import LevelCause
from onefold.membership.v1.service_pb2 import CustomerStatus, PointsReason
from onefold.notification.v1.service_pb2 import MessageState
from onefold.orders.v1.bulk_pb2 import BulkRunState
from onefold.orders.v1.payments_pb2 import ProviderKind
from onefold.orders.v1.service_pb2 import Channel, OrderStatus, PaymentMethod, RefundState

Badge = tuple[LazyString, str]

STAFF_ROLE: dict[int, LazyString] = {
    StaffRole.STAFF_ROLE_OWNER: _l("Owner"),
    StaffRole.STAFF_ROLE_MANAGER: _l("Manager"),
    StaffRole.STAFF_ROLE_CASHIER: _l("Cashier"),
    StaffRole.STAFF_ROLE_SUPPORT: _l("Support"),
}
ORDER_STATUS: dict[int, Badge] = {
    OrderStatus.ORDER_STATUS_UNPAID: (_l("Unpaid"), "warn"),
    OrderStatus.ORDER_STATUS_PAID: (_l("Paid"), "good"),
    OrderStatus.ORDER_STATUS_PROCESSING: (_l("In preparation"), "info"),
    OrderStatus.ORDER_STATUS_SHIPPED: (_l("Shipped"), "info"),
    OrderStatus.ORDER_STATUS_COMPLETED: (_l("Completed"), "good"),
    OrderStatus.ORDER_STATUS_CANCELLED: (_l("Cancelled"), ""),
    OrderStatus.ORDER_STATUS_PARTLY_REFUNDED: (_l("Partly refunded"), "warn"),
    OrderStatus.ORDER_STATUS_REFUNDED: (_l("Refunded"), ""),
}
CUSTOMER_STATUS: dict[int, Badge] = {
    CustomerStatus.CUSTOMER_STATUS_GUEST: (_l("Guest"), ""),
    CustomerStatus.CUSTOMER_STATUS_MEMBER: (_l("Member"), "good"),
    CustomerStatus.CUSTOMER_STATUS_MERGED: (_l("Merged"), ""),
    CustomerStatus.CUSTOMER_STATUS_DELETED: (_l("Deleted"), ""),
    CustomerStatus.CUSTOMER_STATUS_ERASED: (_l("Erased"), ""),
}
MERGE_STATE: dict[int, Badge] = {
    MergeState.MERGE_STATE_PLANNED: (_l("Starting"), "info"),
    MergeState.MERGE_STATE_ABSORBED: (_l("Accounts combined"), "info"),
    MergeState.MERGE_STATE_LOGINS_RETIRED: (_l("Moving orders"), "info"),
    MergeState.MERGE_STATE_COMPLETED: (_l("Completed"), "good"),
    MergeState.MERGE_STATE_REFUSED: (_l("Refused"), "bad"),
}
IMPORT_STATE: dict[int, Badge] = {
    ImportState.IMPORT_STATE_UPLOADED: (_l("To be looked at"), "warn"),
    ImportState.IMPORT_STATE_CHECKED: (_l("To be confirmed"), "warn"),
    ImportState.IMPORT_STATE_RUNNING: (_l("Running"), "info"),
    ImportState.IMPORT_STATE_COMPLETED: (_l("Completed"), "good"),
    ImportState.IMPORT_STATE_EXPIRED: (_l("Never confirmed"), ""),
    ImportState.IMPORT_STATE_DISCARDED: (_l("Discarded"), ""),
}
BULK_STATE: dict[int, Badge] = {
    BulkRunState.BULK_RUN_STATE_QUEUED: (_l("Queued"), "info"),
    BulkRunState.BULK_RUN_STATE_RUNNING: (_l("Running"), "info"),
    BulkRunState.BULK_RUN_STATE_DONE: (_l("Completed"), "good"),
}
# What has become of an invitation; "" while the message log cannot be reached.
INVITATION_STATE: dict[str, Badge] = {
    "queued": (_l("Queued"), "info"),
    "sent": (_l("Sent"), "good"),
    "failed": (_l("Failed"), "bad"),
    "unknown": (_l("Perhaps sent"), "warn"),
    "cancelled": (_l("Not sent"), ""),
    "accepted": (_l("Has become a member"), "good"),
    "": (_l("Cannot be told right now"), ""),
}
MERGE_BATCH_STATE: dict[int, Badge] = {
    MergeBatchState.MERGE_BATCH_STATE_CHECKING: (_l("Being checked"), "info"),
    MergeBatchState.MERGE_BATCH_STATE_CHECKED: (_l("To be confirmed"), "warn"),
    MergeBatchState.MERGE_BATCH_STATE_RUNNING: (_l("Running"), "info"),
    MergeBatchState.MERGE_BATCH_STATE_DONE: (_l("Completed"), "good"),
}
MERGE_GROUP_STATE: dict[int, Badge] = {
    MergeGroupState.MERGE_GROUP_STATE_WAITING: (_l("Being checked"), "info"),
    MergeGroupState.MERGE_GROUP_STATE_READY: (_l("Can be merged"), "info"),
    MergeGroupState.MERGE_GROUP_STATE_RUNNING: (_l("Running"), "info"),
    MergeGroupState.MERGE_GROUP_STATE_MERGED: (_l("Merged"), "good"),
    MergeGroupState.MERGE_GROUP_STATE_FAILED: (_l("Not merged"), "bad"),
}
MESSAGE_STATE: dict[int, Badge] = {
    MessageState.MESSAGE_STATE_QUEUED: (_l("Queued"), "info"),
    MessageState.MESSAGE_STATE_SENDING: (_l("Being sent"), "info"),
    MessageState.MESSAGE_STATE_SENT: (_l("Sent"), "good"),
    MessageState.MESSAGE_STATE_FAILED: (_l("Failed"), "bad"),
    MessageState.MESSAGE_STATE_UNKNOWN: (_l("Perhaps sent"), "warn"),
    MessageState.MESSAGE_STATE_CANCELLED: (_l("Not needed any more"), ""),
}
POINTS_REASON: dict[int, LazyString] = {
    PointsReason.POINTS_REASON_EARNED: _l("Earned with an order"),
    PointsReason.POINTS_REASON_AWARDED: _l("Awarded"),
    PointsReason.POINTS_REASON_DEDUCTED: _l("Deducted"),
    PointsReason.POINTS_REASON_REDEEMED: _l("Redeemed"),
    PointsReason.POINTS_REASON_REVERSED: _l("Taken back by a refund"),
    PointsReason.POINTS_REASON_EXPIRED: _l("Expired"),
    PointsReason.POINTS_REASON_MERGED_OUT: _l("Moved to another account by a merge"),
    PointsReason.POINTS_REASON_MERGED_IN: _l("Brought in by a merge"),
    PointsReason.POINTS_REASON_BIRTHDAY: _l("Birthday gift"),
    PointsReason.POINTS_REASON_RETURNED: _l("Given back by a refund"),
    PointsReason.POINTS_REASON_WRITTEN_OFF: _l("Written off with the account"),
}
LEVEL_CAUSE: dict[int, LazyString] = {
    LevelCause.LEVEL_CAUSE_SPEND: _l("Net spend"),
    LevelCause.LEVEL_CAUSE_TIME: _l("Time"),
    LevelCause.LEVEL_CAUSE_RULES: _l("New rules"),
    LevelCause.LEVEL_CAUSE_STAFF: _l("By hand"),
    LevelCause.LEVEL_CAUSE_MERGE: _l("Merge"),
}
PAYMENT_METHOD: dict[int, LazyString] = {
    PaymentMethod.PAYMENT_METHOD_CASH: _l("Cash"),
    PaymentMethod.PAYMENT_METHOD_CARD: _l("Card"),
    PaymentMethod.PAYMENT_METHOD_BANK_TRANSFER: _l("Bank transfer"),
    PaymentMethod.PAYMENT_METHOD_OTHER: _l("Other"),
    PaymentMethod.PAYMENT_METHOD_ONLINE: _l("Online payment"),
}
PROVIDER_KIND: dict[int, LazyString | str] = {
    ProviderKind.PROVIDER_KIND_STRIPE: "Stripe",
    ProviderKind.PROVIDER_KIND_TEST: _l("Test payments"),
}
REFUND_STATE: dict[int, Badge] = {
    RefundState.REFUND_STATE_PENDING: (_l("Provider is asked"), "info"),
    RefundState.REFUND_STATE_DONE: (_l("Given back"), "good"),
    RefundState.REFUND_STATE_FAILED: (_l("Failed"), "bad"),
}
# Ours and the provider's words for why a refund failed; a word that is not here is shown as it is.
REFUND_FAILURE = {
    "provider_unavailable": _l("The provider could not be reached for three days."),
    "provider_not_set_up": _l("The provider is not set up any more."),
    "charge_already_refunded": _l("All of this payment has been given back already."),
    "insufficient_funds": _l("There is not enough money in the account with the provider."),
    "lost_or_stolen_card": _l("The card was lost or stolen. Give the money back another way."),
    "expired_or_canceled_card": _l("The card has ended. Give the money back another way."),
}
NOTICE_REASON = {
    "order_not_found": _l("Money came for an order that is not in this store."),
    "order_cancelled": _l("Money came for an order that is cancelled."),
    "paid_twice": _l("Money came for an order that is paid already."),
    "amount_not_of_order": _l("The amount is not the total of the order."),
    "currency_not_of_order": _l("The currency is not that of the order."),
    "refund_too_large": _l("More was given back than the order was paid."),
    "refund_failed": _l("The provider could not give the money back."),
    "not_understood": _l("This could not be worked on. Tell support the number below."),
}
CHANNEL: dict[int, LazyString] = {
    Channel.CHANNEL_CONSOLE: _l("Console"),
    Channel.CHANNEL_POS: _l("Shop counter"),
    Channel.CHANNEL_STOREFRONT: _l("Online store"),
    Channel.CHANNEL_API: _l("API"),
}
MESSAGE_KIND = {
    "order_placed": _l("Order e-mail"),
    "order_resent": _l("Order e-mail, sent again"),
    "confirm_login": _l("Confirmation e-mail"),
    "login_code": _l("Code to log in"),
    "account_notice": _l("Notice about the account’s safety"),
    "guest_invitation": _l("Invitation to become a member"),
    "staff_invitation": _l("Invitation to work here"),
    "staff_reset": _l("New password for the console"),
    "webhook_disabled": _l("Notice that a webhook was disabled"),
}
ORDER_CHANGE = {
    "placed": _l("Order placed"),
    "payment_confirmed": _l("Payment confirmed"),
    "contact_edited": _l("Contact edited"),
    "processing": _l("In preparation"),
    "shipped": _l("Shipped"),
    "completed": _l("Completed"),
    "cancelled": _l("Order cancelled"),
    "refunded": _l("Refunded"),
    "owner_changed": _l("Moved to another account"),
    "contact_erased": _l("Contact erased"),
    "email_resent": _l("Order e-mail sent again"),
}
EVENT = {
    "known": _l("First known to the store"),
    "joined": _l("Became a member"),
    "signed_up_online": _l("Signed up on the online store"),
    "merged": _l("Account merged into this one"),
    "guest_orders_joined": _l("Guest orders joined"),
    "note": _l("Note added"),
    "note_struck": _l("Note struck"),
    "phone_changed": _l("Phone changed with the member’s consent"),
    "profile_changed": _l("Profile edited"),
    "consent_given": _l("Consent to marketing given"),
    "consent_withdrawn": _l("Consent to marketing withdrawn"),
    "deletion_begun": _l("Deletion begun"),
    "deletion_refused": _l("Deletion refused"),
    "deleted": _l("Account deleted"),
    "erasure_begun": _l("Erasure begun"),
    "erasure_refused": _l("Erasure refused"),
    "erased": _l("Person erased"),
    "login_confirmed_email": _l("E-mail confirmed for logging in"),
    "login_confirmed_phone": _l("Phone confirmed for logging in"),
    "message_order_placed": _l("Order e-mail"),
    "message_order_resent": _l("Order e-mail, sent again"),
    "message_confirm_login": _l("Confirmation e-mail"),
    "message_login_code": _l("Code to log in"),
    "message_account_notice": _l("Notice about the account’s safety"),
    "message_guest_invitation": _l("Invitation to become a member"),
    "order_placed": _l("Order placed"),
    "order_payment_confirmed": _l("Payment confirmed"),
    "order_contact_edited": _l("Contact edited"),
    "order_email_resent": _l("Order e-mail sent again"),
    "order_processing": _l("Order in preparation"),
    "order_shipped": _l("Order shipped"),
    "order_completed": _l("Order completed"),
    "order_cancelled": _l("Order cancelled"),
    "order_refunded": _l("Order refunded"),
    "order_owner_changed": _l("Moved to this account"),
    "order_contact_erased": _l("Contact erased"),
}
CONSENT_GIVEN = {"in_person": _l("In person"), "by_phone": _l("By phone"), "in_writing": _l("In writing")}
CONSENT_VIA = {
    "registration": _l("when registering"),
    "account": _l("on the account page"),
    "staff": _l("recorded by staff"),
    "api": _l("through the API"),
}
TIMELINE_PART = {
    "membership": _l("Account and points"),
    "orders": _l("Orders"),
    "logins": _l("Login methods"),
    "messages": _l("Messages"),
}
ENCODING: dict[str, LazyString] = {
    "utf-8": _l("Unicode (UTF-8)"),
    "utf-16-le": _l("Unicode (UTF-16)"),
    "utf-16-be": _l("Unicode (UTF-16, big-endian)"),
    "big5-hkscs": _l("Traditional Chinese, Hong Kong (Big5-HKSCS)"),
    "cp950": _l("Traditional Chinese, Taiwan (Big5, CP950)"),
    "gb18030": _l("Chinese (GB18030)"),
}
FIELD = {
    "name": _l("Name"),
    "phone": _l("Phone"),
    "email": _l("E-mail"),
    "login": _l("Login methods"),
    "birthday": _l("Birthday"),
    "language": _l("Language"),
    "address": _l("Address"),
    "addresses": _l("Addresses"),
    "tag": _l("Tag"),
    "tags": _l("Tags"),
    "level": _l("Level"),
    "joined_at": _l("Member since"),
    "online_since": _l("Signed up online"),
    "points": _l("Points"),
    "lot": _l("Points by their expiry"),
    "orders_count": _l("Orders"),
    "net_spend": _l("Net spend"),
    "paid_orders": _l("Paid orders"),
    "unpaid_orders": _l("Unpaid orders"),
    "cart": _l("Open cart"),
    "email_marketing": _l("Marketing by e-mail"),
    "sms_marketing": _l("Marketing by SMS"),
    "note": _l("Notes"),
    "birthday_gift": _l("Birthday gifts"),
    "history": _l("Timeline"),
    "old_id": _l("Old ids and links"),
}
MERGE_WARNING = {
    "different_names": _l("The names differ. Make sure that these accounts belong to one person."),
    "different_birthdays": _l("The birthdays differ. Make sure that these accounts belong to one person."),
    "doubled_gift": _l("More than one of these accounts got birthday points of the same year. All of them are kept."),
    "doubled_welcome": _l("More than one of these accounts was given points when it joined. All of them are kept."),
    "orders_under_way": _l(
        "Orders of a merged account are under way. They move along; contact and address on each order stay as they are."
    ),
    "cart_left_out": _l(
        "The open carts hold more than one cart can. What does not fit is listed below and is not kept."
    ),
    "open_messages": _l(
        "Messages to a merged account are still on their way. They are delivered to its old phone or e-mail."
    ),
}
CUSTOMER_SORT: dict[int, LazyString] = {
    CustomerSort.CUSTOMER_SORT_NEWEST: _l("Newest first"),
    CustomerSort.CUSTOMER_SORT_OLDEST: _l("Oldest first"),
    CustomerSort.CUSTOMER_SORT_NET_SPEND_HIGH: _l("Highest net spend first"),
    CustomerSort.CUSTOMER_SORT_NET_SPEND_LOW: _l("Lowest net spend first"),
    CustomerSort.CUSTOMER_SORT_POINTS_HIGH: _l("Most points first"),
    CustomerSort.CUSTOMER_SORT_POINTS_LOW: _l("Fewest points first"),
    CustomerSort.CUSTOMER_SORT_NAME: _l("By name"),
}
MONTHS = (
    *(_l("January"), _l("February"), _l("March"), _l("April"), _l("May"), _l("June")),
    *(_l("July"), _l("August"), _l("September"), _l("October"), _l("November"), _l("December")),
)
LANGUAGE = {"en": "English", "zh-Hant": "繁體中文"}
ACTOR = {
    "api_key": _l("API"),
    "customer": _l("Customer"),
    "service": "Onefold",
    "operator": "Onefold",
    "visitor": _l("Visitor"),
}


# Words of an address.
STATUS_WORDS = {
    OrderStatus.Name(OrderStatus.ValueType(code)).removeprefix("ORDER_STATUS_").lower(): code for code in ORDER_STATUS
}
CHANNEL_WORDS = {Channel.Name(Channel.ValueType(code)).removeprefix("CHANNEL_").lower(): code for code in CHANNEL}


def sort_word(code: int) -> str:
    """The word of an order in an address; empty for the usual one."""
    usual = code in (CustomerSort.CUSTOMER_SORT_UNSPECIFIED, CustomerSort.CUSTOMER_SORT_NEWEST)
    return "" if usual else CustomerSort.Name(CustomerSort.ValueType(code)).removeprefix("CUSTOMER_SORT_").lower()


def sort_code(word: str) -> CustomerSort.ValueType:
    """The order of a word; one that does not exist for a word that does not, which the service refuses."""
    # The usual one has no word; of the two numbers that mean it, the one that filters are saved with.
    codes = {sort_word(code): code for code in CustomerSort.values()}
    return codes.get(word, CustomerSort.ValueType(99))


def month_name(number: str) -> str:
    """The name of a month; what is none stays as it is."""
    return str(MONTHS[int(number) - 1]) if number.isdecimal() and 0 < int(number) <= 12 else number


def badge_of(table: dict[int, Badge], code: int) -> tuple[Any, str]:
    """Words and tone; a code of a later release is shown as "Other" instead of failing the page."""
    return table.get(code, (_("Other"), ""))


def words_of(table: dict[Any, Any], code: Any) -> str:
    """Words for a code, or the code itself when it is text that a later release sends."""
    return str(table.get(code) or (code if isinstance(code, str) else _("Other")))
