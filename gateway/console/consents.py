"""What a person has agreed to, and staff who record it (C6)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from gateway.auth import requires
from gateway.console import ask_person, labels
from gateway.console.forms import KeyedForm
from gateway.console.frame import blueprint
from services.common.permissions import MEMBERS_WRITE


@blueprint.post("/members/<uuid:customer_id>/consents/<any(email_marketing, sms_marketing):kind>")
@requires(MEMBERS_WRITE)
def set_consent(customer_id: UUID, kind: str) -> Response:
    """Records that the person has agreed, or does not agree any more."""
    given = request.form.get("given") == "yes"
    ask_person.set_consent(str(customer_id), kind, given, KeyedForm().idempotency_key.data)
    flash(_("The consent is recorded.") if given else _("The withdrawal is recorded."), "good")
    return redirect(url_for("console.member", customer_id=customer_id, _anchor="consents-title"))


def via_words(use: Any) -> str:
    """Where it was given or withdrawn."""
    return labels.words_of(labels.CONSENT_VIA, use.via)


blueprint.add_app_template_filter(via_words, "consent_via")
