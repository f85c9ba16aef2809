"""What a message becomes on its way out: the secrets that it needs are asked for now, and kept nowhere (rule 10)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import quote, urlsplit

from services.common import clock
from services.common.database import Database
from services.common.identifiers import EMAIL, IdentifierHasher
from services.common.links import Links
from services.notification import store as tables
from services.notification.clients import IssuedCode, Secrets
from services.notification.commands.sms_status import status_url
from services.notification.domain import MARKETING, Claimed, Kind, Mail, Sms, Store, Unwanted
from services.notification.templates import Templates

_INVITATIONS = (Kind.STAFF_INVITATION, Kind.STAFF_RESET)


@dataclass(frozen=True, slots=True)
class Writer:
    """`mail_from` is an address, `public_url` the gateway as customers reach it, `links` signs the ways to their orders and out of
    advertising, for which `hasher` knows addresses and `database` who has gone it.
    """

    templates: Templates
    secrets: Secrets
    links: Links
    database: Database
    hasher: IdentifierHasher
    mail_from: str
    public_url: str

    async def mail(self, claimed: Claimed) -> Mail | None:
        """The mail; None when nobody needs it any more.

        Raises Unwanted, ValueError when there can be none, Unavailable and others.
        """
        way_out = await self._way_out(claimed) if claimed.message.kind in MARKETING else {}
        extra = await self._extra(claimed)
        if extra is None:
            return None
        return self.templates.mail(claimed, self.mail_from, extra | way_out | logo_of(self.public_url, claimed.store))

    async def sms(self, claimed: Claimed) -> Sms | None:
        """The same as an SMS."""
        extra = await self._extra(claimed)
        if extra is None:
            return None
        sms = self.templates.sms(claimed, extra | {"host": urlsplit(self.public_url).hostname or ""})
        message = claimed.message
        url = status_url(self.public_url, claimed.store_id, message.message_id, message.attempts)
        return replace(sms, status_url=url)

    async def _extra(self, claimed: Claimed) -> dict[str, str] | None:
        """What is in no row: links and codes."""
        store_id, kind, params = claimed.store_id, claimed.message.kind, claimed.params
        if kind is Kind.CONFIRM_LOGIN:
            return self._page("s/confirm", await self.secrets.confirmation(store_id, params["login_method_id"]))
        if kind is Kind.LOGIN_CODE:
            return self._code(claimed, await self.secrets.code(store_id, params["code_id"]))
        if kind is Kind.GUEST_INVITATION:
            return self._page(f"s/{claimed.store.slug}/register", await self._guest_token(claimed))
        if kind in _INVITATIONS:
            return self._page("console/join", await self.secrets.invitation(store_id, params["invitation_id"]))
        if kind is Kind.WEBHOOK_DISABLED:
            return {"link": f"{self.public_url}/console/settings/webhooks/{params['webhook_id']}"}
        if claimed.message.order_id:
            slug = claimed.store.slug
            token = self.links.order(slug, store_id, claimed.message.order_id, clock.now())
            return {"link": f"{self.public_url}/s/{slug}/orders/{token}"}
        return {}

    async def _way_out(self, claimed: Claimed) -> dict[str, str]:
        """How whoever gets this ends advertising by the store. Raises Unwanted for somebody who has."""
        digest = self.hasher.digest(EMAIL, claimed.message.recipient)
        async with self.database.transaction(claimed.store_id) as tx:
            if await tables.is_suppressed(tx, claimed.store_id, digest):
                raise Unwanted("unsubscribed")
        slug = claimed.store.slug
        token = self.links.unsubscribe(slug, claimed.store_id, digest)
        return {"unsubscribe": f"{self.public_url}/s/{slug}/unsubscribe/{token}"}

    async def _guest_token(self, claimed: Claimed) -> str:
        message = claimed.message
        return await self.secrets.guest_invitation(
            claimed.store_id, claimed.params["invitation_id"], str(message.customer_id), message.recipient
        )

    def _code(self, claimed: Claimed, issued: IssuedCode | None) -> dict[str, str] | None:
        if issued is None:
            return None
        page = self._page(f"s/{claimed.store.slug}/register", issued.link_token) or {"link": ""}
        return page | {"code": issued.code, "purpose": issued.purpose}

    def _page(self, path: str, token: str) -> dict[str, str] | None:
        return {"link": f"{self.public_url}/{path}?token={quote(token, safe='')}"} if token else None


def logo_of(public_url: str, store: Store) -> dict[str, str]:
    """Where mail programs find the store's logo, if it has one."""
    return {"logo": f"{public_url}/s/{store.slug}/logo/{store.look.logo_name}"} if store.look.logo_name else {}
