"""How a store's messages look is chosen by the store."""

from __future__ import annotations

import re
from dataclasses import replace

from services.common import audit, outbox
from services.common.contact import clean_text, parse_email
from services.common.database import Database
from services.common.errors import Conflict, Violations
from services.common.idempotency import Once
from services.common.outbox import Waker
from services.common.tokens import ServiceClaims
from services.notification import events, store
from services.notification.domain import LONGEST_POSTAL_ADDRESS, Logo, Look, one_line

_PREFIX = "look."
_COLOUR = re.compile(r"#[0-9a-f]{6}")


async def save_look(
    database: Database,
    waker: Waker,
    claims: ServiceClaims,
    once: Once[Look],
    wish: Look,
    logo: bytes,
    *,
    remove_logo: bool,
) -> Look:
    """Replaces the store's look; the logo stays unless another one comes or it is taken away. `wish.version` is what the editor saw.

    Raises InvalidInput, Conflict (look_changed).
    """
    wanted, picture = read_look(wish), Logo.read(logo) if logo else None
    async with database.transaction(claims.store) as tx:
        await once.begin(tx)
        before = await store.load_look(tx, claims.store, lock=True)
        if before.version != wish.version:
            raise Conflict("look_changed")
        look = replace(_with_logo(wanted, before, picture, remove_logo), version=before.version + 1)
        if picture:
            await store.add_logo(tx, claims.store, picture)
        await store.save_look(tx, claims.store, look)
        names = ("accent", "reply_to", "postal_address", "logo_name")
        changes = [audit.change(name, getattr(before, name), getattr(look, name)) for name in names]
        noted = events.noted(claims.actor, "message_look.changed", "store", claims.store, changes)
        await outbox.add(tx, claims.store, [noted])
        await once.finish(tx, look)
    waker.wake()
    return look


def read_look(wish: Look) -> Look:
    """A look as it may be used. Raises InvalidInput naming the fields."""
    faults, accent = Violations(), wish.accent.strip().lower()
    if accent and not _COLOUR.fullmatch(accent):
        faults.add(f"{_PREFIX}accent", "invalid_colour")
    reply_to = faults.gather(lambda: parse_email(wish.reply_to, "reply_to"), "", _PREFIX)
    if not reply_to.rpartition("@")[0].isascii():
        # It stands in every mail, also in those that go by servers without SMTPUTF8.
        faults.add(f"{_PREFIX}reply_to", "invalid_email")
    postal_address = faults.gather(
        lambda: one_line(clean_text(wish.postal_address, "postal_address", LONGEST_POSTAL_ADDRESS)), "", _PREFIX
    )
    faults.check()
    return Look(accent, reply_to, postal_address)


def _with_logo(wanted: Look, before: Look, picture: Logo | None, remove_logo: bool) -> Look:
    if picture:
        return replace(wanted, logo_name=picture.name, logo_width=picture.width, logo_height=picture.height)
    if remove_logo:
        return wanted
    return replace(wanted, logo_name=before.logo_name, logo_width=before.logo_width, logo_height=before.logo_height)
