"""A merge's plan with what the gateway alone can gather about it, for pages and programs alike (F4)."""

from __future__ import annotations

from gateway.clients import services
from onefold.common.v1.common_pb2 import PageRequest
from onefold.identity_merge.v1.service_pb2 import MergePlan, PlanMergeRequest
from onefold.notification.v1.service_pb2 import ListMessagesRequest, MessageState
from services.common.errors import Unavailable

# The newest messages of the accounts; one that waits longer than all of these is in the message log as failing.
_LOOKED_AT = 100
_OPEN = {MessageState.MESSAGE_STATE_QUEUED, MessageState.MESSAGE_STATE_SENDING}


def plan(wish: PlanMergeRequest, key: str) -> MergePlan:
    """What the merge would do, with all that a person should look at among its warnings: stable words.

    orders_under_way, cart_left_out, open_messages beside membership's; the last is of this moment, also in the answer to a repeat.
    """
    found = services().merges.plan(wish, key=key).plan
    warnings = found.preview.warnings
    if any(account.under_way_count for account in found.relink.accounts if account.customer_id != found.primary_id):
        warnings.append("orders_under_way")
    if found.relink.left_out:
        warnings.append("cart_left_out")
    if _open_messages(list(found.merged_ids)):
        warnings.append("open_messages")
    return found


def _open_messages(customer_ids: list[str]) -> bool:
    """Whether messages to these accounts are still on their way; not known, and no reason to stop, while notification is away."""
    wish = ListMessagesRequest(page=PageRequest(size=_LOOKED_AT), customer_ids=customer_ids)
    try:
        messages = services().notifications.list_messages(wish).messages
    except Unavailable:
        return False
    return any(message.state in _OPEN for message in messages)
