"""LookService of the contract."""

from __future__ import annotations

from grpc import aio

from onefold.notification.v1 import look_pb2 as pb
from onefold.notification.v1 import look_pb2_grpc
from services.common import rpc
from services.common.database import Database
from services.common.idempotency import Once
from services.common.outbox import Waker
from services.notification import commands
from services.notification.domain import Look
from services.notification.queries import looks
from services.notification.templates.samples import SAMPLES

Context = aio.ServicerContext[object, object]


class LookApi(look_pb2_grpc.LookServiceServicer):
    """How messages look. `mail_from` is the address that mails come from."""

    def __init__(self, database: Database, waker: Waker, previewer: looks.Previewer, mail_from: str) -> None:
        self._database = database
        self._waker = waker
        self._previewer = previewer
        self._mail_from = mail_from

    async def GetLook(self, _request: pb.GetLookRequest, _: Context) -> pb.GetLookResponse:
        return pb.GetLookResponse(look=_message(await looks.get_look(self._database, rpc.caller())))

    async def SaveLook(self, request: pb.SaveLookRequest, _: Context) -> pb.SaveLookResponse:
        once: Once[Look] = rpc.once(request, lambda look: pb.SaveLookResponse(look=_message(look)))
        look = await commands.save_look(
            self._database,
            self._waker,
            rpc.caller(),
            once,
            _look(request.look, request.expected_version),
            request.logo,
            remove_logo=request.remove_logo,
        )
        return pb.SaveLookResponse(look=_message(look))

    async def GetLogo(self, request: pb.GetLogoRequest, _: Context) -> pb.GetLogoResponse:
        content, media_type = await looks.get_logo(self._database, rpc.caller(), request.logo_name)
        return pb.GetLogoResponse(content=content, media_type=media_type)

    async def PreviewMessage(self, request: pb.PreviewMessageRequest, _: Context) -> pb.PreviewMessageResponse:
        name, sample = looks.sample_of(request.sample)
        language = looks.language_named(request.language)
        tried = commands.read_look(_look(request.look)) if request.HasField("look") else None
        store = await looks.sample_store(self._database, rpc.caller(), tried)
        mail = self._previewer.mail(store, sample, language)
        return pb.PreviewMessageResponse(
            samples=SAMPLES,
            sample=name,
            sender=f"{store.name} <{self._mail_from}>",
            reply_to=store.look.reply_to,
            subject=mail.subject,
            html=mail.html,
            text=mail.text,
            sms=self._previewer.sms(store, sample, language),
        )


def _look(message: pb.Look, version: int = 0) -> Look:
    return Look(message.accent, message.reply_to, message.postal_address, version=version)


def _message(look: Look) -> pb.Look:
    return pb.Look(
        accent=look.accent,
        reply_to=look.reply_to,
        postal_address=look.postal_address,
        logo_name=look.logo_name,
        version=look.version,
    )
