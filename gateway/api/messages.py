"""/messages: the log of messages, and what a person decides about one (G2)."""

from __future__ import annotations

from flask import Response
from flask_openapi3.models.tag import Tag

from gateway.api.base import blueprint
from gateway.api.checked import answer, checked
from gateway.api.fields import IdempotencyHeader
from gateway.api.message_models import (
    DECISIONS,
    DecisionIn,
    Message,
    MessageList,
    MessagePath,
    MessageQuery,
    MessageWithChanges,
    change_json,
    message_json,
)
from gateway.clients import services
from onefold.notification.v1 import service_pb2 as pb
from services.common import permissions

_TAGS = [Tag(name="Messages", description="E-mails and SMS to customers and staff, and what became of them.")]


@blueprint.get("/messages", tags=_TAGS, responses={200: MessageList})
@checked(permissions.MEMBERS_READ)
def search_messages(query: MessageQuery) -> Response:
    """Search the log of messages, newest first (G2)"""
    found = services().notifications.list_messages(query.message())
    return answer(
        {
            "items": [message_json(message) for message in found.messages],
            "next_page_token": found.next_page_token or None,
        }
    )


@blueprint.get("/messages/<message_id>", tags=_TAGS, responses={200: MessageWithChanges})
@checked(permissions.MEMBERS_READ)
def get_message(path: MessagePath) -> Response:
    """One message and what became of it (G2)"""
    found = services().notifications.get_message(pb.GetMessageRequest(message_id=str(path.message_id)))
    return answer(message_json(found.message) | {"changes": [change_json(change) for change in found.changes]})


@blueprint.post("/messages/<message_id>/decision", tags=_TAGS, responses={200: Message})
@checked(permissions.ORDERS_WRITE)
def decide_message(path: MessagePath, header: IdempotencyHeader, body: DecisionIn) -> Response:
    """Say that a message arrived, or have it sent once more (G2)

    For one whose fate is `unknown`, or one that `failed`. Refused with `message_changed` once its state is another, with
    `message_not_resendable` for codes and links that are good for minutes, and for messages whose content is forgotten.
    """
    wish = pb.DecideMessageRequest(
        message_id=str(path.message_id), decision=DECISIONS[body.decision], attempts=body.attempts
    )
    return answer(message_json(services().notifications.decide_message(wish, key=header.idempotency_key).message))
