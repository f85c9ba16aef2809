"""NotificationService of the contract."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from grpc import aio

from onefold.notification.v1 import service_pb2 as pb
from onefold.notification.v1 import service_pb2_grpc
from services.common import rpc
from services.common.contact import clean_text
from services.common.database import Database
from services.common.errors import InvalidInput, PermissionDenied
from services.common.idempotency import Once
from services.common.ids import parse_id
from services.common.outbox import Waker
from services.common.wire import moment, timestamp
from services.notification import commands, queries
from services.notification.domain import Channel, Decision, Kind, LogFilter, Message, State
from services.notification.events import change_message, to_proto

MOST_CUSTOMERS = 50
Context = aio.ServicerContext[object, object]
_STATES: Mapping[int, State] = {
    pb.MESSAGE_STATE_QUEUED: State.QUEUED,
    pb.MESSAGE_STATE_SENDING: State.SENDING,
    pb.MESSAGE_STATE_SENT: State.SENT,
    pb.MESSAGE_STATE_FAILED: State.FAILED,
    pb.MESSAGE_STATE_UNKNOWN: State.UNKNOWN,
    pb.MESSAGE_STATE_CANCELLED: State.CANCELLED,
}
_DECISIONS: Mapping[int, Decision] = {
    pb.MESSAGE_DECISION_ARRIVED: Decision.ARRIVED,
    pb.MESSAGE_DECISION_SEND_AGAIN: Decision.SEND_AGAIN,
}
Word = TypeVar("Word", bound=StrEnum)


class NotificationApi(service_pb2_grpc.NotificationServiceServicer):
    """NotificationService of the contract."""

    def __init__(self, database: Database, waker: Waker) -> None:
        self._database = database
        self._waker = waker

    async def ListMessages(self, request: pb.ListMessagesRequest, _: Context) -> pb.ListMessagesResponse:
        if rpc.caller().is_outsider and request.customer_ids:  # beside themselves
            raise PermissionDenied("permission_denied")
        page = await queries.list_messages(
            self._database, rpc.caller(), request.page.size, request.page.token, _filter(request)
        )
        answer = pb.ListMessagesResponse(
            messages=[to_proto(message) for message in page.items], next_page_token=page.next_token
        )
        if not rpc.caller().is_outsider and not request.page.token:
            answer.outages.extend(
                pb.Outage(channel=outage.channel, since=timestamp(outage.since))
                for outage in await queries.list_outages(self._database, rpc.caller())
            )
        return answer

    async def GetMessage(self, request: pb.GetMessageRequest, _: Context) -> pb.GetMessageResponse:
        message_id = parse_id(request.message_id, "message_id")
        message, changes = await queries.get_message(self._database, rpc.caller(), message_id)
        return pb.GetMessageResponse(message=to_proto(message), changes=map(change_message, changes))

    async def DecideMessage(self, request: pb.DecideMessageRequest, _: Context) -> pb.DecideMessageResponse:
        if request.decision not in _DECISIONS:
            raise InvalidInput.of("decision", "required")
        once: Once[Message] = rpc.once(request, lambda message: pb.DecideMessageResponse(message=to_proto(message)))
        message = await commands.decide_message(
            self._database,
            self._waker,
            rpc.caller(),
            once,
            parse_id(request.message_id, "message_id"),
            _DECISIONS[request.decision],
            request.attempts,
        )
        return pb.DecideMessageResponse(message=to_proto(message))

    async def ListMessagesOfEvents(
        self, request: pb.ListMessagesOfEventsRequest, _: Context
    ) -> pb.ListMessagesOfEventsResponse:
        ids = [parse_id(text, f"event_ids[{n}]") for n, text in enumerate(request.event_ids)]
        found = await queries.messages_of_events(self._database, rpc.caller(), ids)
        return pb.ListMessagesOfEventsResponse(
            messages=[pb.MessageOfEvent(event_id=str(event), message=to_proto(message)) for event, message in found]
        )


def _filter(request: pb.ListMessagesRequest) -> LogFilter:
    return LogFilter(
        order_id=parse_id(request.order_id, "order_id") if request.order_id else None,
        customers=_customers(request),
        recipient=clean_text(request.recipient, "recipient"),
        whole=request.whole_recipient,
        kinds=[_word(Kind, text, "kinds") for text in request.kinds],
        channel=_word(Channel, request.channel, "channel") if request.channel else None,
        states=[_state(code) for code in request.states],
        since=moment(request.since) if request.HasField("since") else None,
        before=moment(request.before) if request.HasField("before") else None,
    )


def _customers(request: pb.ListMessagesRequest) -> list[UUID]:
    if len(request.customer_ids) > MOST_CUSTOMERS:
        raise InvalidInput.of("customer_ids", "too_large", largest=str(MOST_CUSTOMERS))
    alone = [parse_id(request.customer_id, "customer_id")] if request.customer_id else []
    return alone + [parse_id(text, f"customer_ids[{n}]") for n, text in enumerate(request.customer_ids)]


def _word(words: type[Word], text: str, field: str) -> Word:
    try:
        return words(text)
    except ValueError:
        raise InvalidInput.of(field, "unknown_value", known=", ".join(words)) from None


def _state(code: int) -> State:
    try:
        return _STATES[code]
    except KeyError:
        raise InvalidInput.of("states", "unknown_value", known=", ".join(_STATES.values())) from None
