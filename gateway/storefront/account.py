"""A customer's own account (C6, C7)."""

from __future__ import annotations

from flask import render_template

from gateway.storefront import session
from gateway.storefront.frame import blueprint, store_at


@blueprint.get("/<slug>/account")
def account(slug: str) -> str:
    """The account as its owner sees it."""
    store = store_at(slug)
    who = session.members_only(store)
    return render_template("storefront/account.html", store=store, who=who, person=session.profile(who))
