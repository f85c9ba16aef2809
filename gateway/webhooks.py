"""Where providers tell of payments and of SMS. No cookie and no form token: the signature says who it is, over the body as it came."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from flask import Blueprint, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from gateway.clients import services
from gateway.context import NOBODY
from gateway.errors import http_status
from onefold.notification.v1 import service_pb2 as notification
from onefold.orders.v1 import payments_pb2 as pb
from services.common.errors import InvalidInput, OnefoldError

blueprint = Blueprint("webhooks", __name__, url_prefix="/webhooks")
# Far above what Stripe and Twilio send.
LARGEST_NOTICE = 256 * 1024
# What the contract has room for.
_MOST_ATTEMPTS = 2**31 - 1
log = structlog.get_logger()


@blueprint.post("/payments/<uuid:provider_id>")
def payment_notice(provider_id: object) -> Response:
    """200 once the notice is kept, whatever is to become of it. Anything else lets the sender try again.

    400: not signed by the provider, or no notice; 404: nobody's address; 413: too large; 503: cannot be kept now.
    """

    def keep(body: bytes) -> None:
        notice = pb.ReceiveNoticeRequest(
            provider_id=str(provider_id), body=body, signature=request.headers.get("Stripe-Signature", "")
        )
        services().payments.receive_notice(notice, claims=NOBODY)

    return _taken(keep)


@blueprint.post("/sms/<uuid:store_id>/<uuid:message_id>/<int:attempt>")
def sms_status(store_id: object, message_id: object, attempt: int) -> Response:
    """What became of an SMS: 200 once it is written down, or says nothing new; otherwise as above."""
    if attempt > _MOST_ATTEMPTS:
        return _answer("not_found", 404)

    def keep(body: bytes) -> None:
        notice = notification.ReceiveSmsStatusRequest(
            store_id=str(store_id),
            message_id=str(message_id),
            attempt=attempt,
            body=body,
            signature=request.headers.get("X-Twilio-Signature", ""),
        )
        services().notifications.receive_sms_status(notice, claims=NOBODY)

    return _taken(keep)


def _taken(keep: Callable[[bytes], None]) -> Response:
    try:
        # Read to its end, which is never far (MAX_CONTENT_LENGTH): what is left unread breaks the connection that others wait on.
        body = request.get_data(cache=False)
        if len(body) > LARGEST_NOTICE:
            raise RequestEntityTooLarge
        keep(body)
    except RequestEntityTooLarge:
        return _answer("request_too_large", 413)
    except InvalidInput as error:
        return _answer(error.violations[0].reason, 400)
    except OnefoldError as error:
        return _answer(error.reason, http_status(error))
    return _answer("", 200)


def _answer(reason: str, status: int) -> Response:
    """For a machine and its operators; the sentence for people is the console's."""
    if reason:
        log.warning("notice_refused", reason=reason)
    return Response(reason or "kept", status, mimetype="text/plain")
