"""How a store's messages look, and each of them with made-up contents, written by the same templates as what is sent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from services.common import clock
from services.common.database import Database
from services.common.errors import InvalidInput, NotFound, Unavailable
from services.common.ids import new_id
from services.common.tokens import ServiceClaims
from services.notification import store
from services.notification.domain import MARKETING, Channel, Claimed, Look, Message, State, Store
from services.notification.templates import LANGUAGES, Templates, Written
from services.notification.templates.samples import LINK, SAMPLES, Sample

_RECIPIENTS = {Channel.EMAIL: "tai-man@mail.example", Channel.SMS: "+85294512053"}


@dataclass(frozen=True, slots=True)
class Previewer:
    """Writes samples; `public_url` is the gateway as customers reach it."""

    templates: Templates
    public_url: str

    def mail(self, of: Store, sample: Sample, language: str) -> Written:
        """The mail."""
        extra = dict(sample.extra)
        if sample.kind in MARKETING:
            extra["unsubscribe"] = LINK
        if of.look.logo_name:
            extra["logo"] = f"{self.public_url}/s/{of.slug}/logo/{of.look.logo_name}"
        return self.templates.written(_claimed(of, sample, Channel.EMAIL, language), extra)

    def sms(self, of: Store, sample: Sample, language: str) -> str:
        """The SMS; "" where it goes by e-mail alone."""
        if Channel.SMS not in sample.channels:
            return ""
        extra = {**sample.extra, "host": urlsplit(self.public_url).hostname or ""}
        return self.templates.sms(_claimed(of, sample, Channel.SMS, language), extra).text


async def get_look(database: Database, claims: ServiceClaims) -> Look:
    """The store's look."""
    async with database.transaction(claims.store) as tx:
        return await store.load_look(tx, claims.store)


async def get_logo(database: Database, claims: ServiceClaims, logo_name: str) -> tuple[bytes, str]:
    """(content, media type) of a picture. Raises NotFound (logo_not_found)."""
    async with database.transaction(claims.store) as tx:
        found = await store.load_logo(tx, claims.store, logo_name)
    if found is None:
        raise NotFound("logo_not_found")
    return found


async def sample_store(database: Database, claims: ServiceClaims, tried: Look | None) -> Store:
    """The store with the look that is saved, or the one that is tried, which has the saved one's logo.

    Raises Unavailable before the store is known here.
    """
    async with database.transaction(claims.store) as tx:
        found = await store.load_store(tx, claims.store)
    if found is None:
        raise Unavailable("service_unavailable", "the store is not known yet")
    if tried is None:
        return found
    saved = found.look
    logo = {name: getattr(saved, name) for name in ("logo_name", "logo_width", "logo_height")}
    return replace(found, look=replace(tried, **logo))


def sample_of(name: str) -> tuple[str, Sample]:
    """A sample by its name; the first for none. Raises InvalidInput."""
    chosen = name or next(iter(SAMPLES))
    if chosen not in SAMPLES:
        raise InvalidInput.of("sample", "unknown_value", known=", ".join(SAMPLES))
    return chosen, SAMPLES[chosen]


def language_named(tag: str) -> str:
    """A language that messages are written in. Raises InvalidInput."""
    if tag not in LANGUAGES:
        raise InvalidInput.of("language", "unknown_value", known=", ".join(LANGUAGES))
    return tag


def _claimed(of: Store, sample: Sample, channel: Channel, language: str) -> Claimed:
    message = Message(
        new_id(), sample.kind, channel, _RECIPIENTS[channel], State.CLAIMED, 1, "", None, None, clock.now(), None
    )
    return Claimed(new_id(), message, language, sample.params, of)
