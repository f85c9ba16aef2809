"""Making an account of what the browser has proved (A3)."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from gateway.clients import services
from gateway.console.frame import Page
from gateway.console.problems import refuse
from gateway.errors import http_status
from gateway.languages import html_language
from gateway.storefront import codes, session
from gateway.storefront.consents import chosen
from gateway.storefront.forms import LinkForm, RegisterForm
from gateway.storefront.frame import blueprint, store_at
from gateway.storefront.offers import written
from gateway.storefront.outcomes import enter, wanted
from gateway.storefront.writing import Writing
from onefold.identity_merge.v1 import accounts_pb2 as pb
from onefold.identity_merge.v1.service_pb2 import Store
from services.common.errors import InvalidInput, NotFound, OnefoldError

# How the tokens of invitations begin (services/identity_merge/domain/tokens.py).
_INVITED = "ofg_"
_FIELDS = {name: name for name in ("name", "birthday", "password")}


@blueprint.route("/<slug>/register", methods=["GET", "POST"])
def register(slug: str) -> Page:
    """Name, birthday, consents and perhaps a password, then the account. Whoever has proved nothing begins at the door."""
    store, form = store_at(slug), RegisterForm()
    session.member(store)
    if request.method == "GET" and request.args.get("token"):
        return _link_page(store, request.args["token"])
    browser = codes.secret(slug)
    proved = services().accounts.get_proofs(pb.GetProofsRequest(browser=browser)) if browser else pb.GetProofsResponse()
    if not proved.proofs:
        return _from_the_start(store)
    if request.method == "GET":
        form.name.data = proved.name
        return _page(store, form, proved)
    try:
        made = services().accounts.register(_wish(store, form, browser))
    except OnefoldError as error:
        if error.reason == "nothing_proved":
            return _from_the_start(store)
        refuse(form, error, _FIELDS)
        return _page(store, form, proved), http_status(error)
    if made.created:
        flash(_("Welcome to %(store)s. Your account is ready.", store=store.name), "good")
    return enter(store, made.session)


@blueprint.post("/<slug>/register/link")
def follow_link(slug: str) -> Page:
    """Takes the link of the mail as its proof. Only the button does: mail scanners open every link.

    Whoever has been invited, and whose link proves nothing any more, goes the usual way: a code to the address, which makes an account or
    logs in (A5, A8). Raises NotFound (confirmation_refused) in the same words for every other cause, which the error page tells.
    """
    store, browser = store_at(slug), codes.secret(slug) or codes.new_secret()
    session.member(store)
    token = LinkForm().token.data or ""
    try:
        services().accounts.follow_link(pb.FollowLinkRequest(token=token, browser=browser))
    except NotFound:
        if not token.startswith(_INVITED):
            raise
        codes.suggest(slug, _invited_address(token))
        return redirect(url_for("storefront.log_in", slug=slug))
    onward = url_for("storefront.register", slug=slug, next=codes.way(slug) or None)
    return codes.keep_secret(redirect(onward), slug, browser)


def _wish(store: Store, form: RegisterForm, browser: str) -> pb.RegisterRequest:
    """Raises InvalidInput (required): an account of the store's staff may do without a name, one that a person makes has one."""
    if not (form.name.data or "").strip():
        raise InvalidInput.of("name", "required")
    return pb.RegisterRequest(
        browser=browser,
        name=form.name.data or "",
        birthday=form.birthday.data or "",
        language=html_language(),
        consents=chosen(form),
        password=form.password.data or "",
        agent=session.agent(),
        session_token=session.token(store),
    )


def _from_the_start(store: Store) -> Response:
    flash(_("Begin with your mobile number or e-mail, so that we know that it is yours."), "warn")
    return redirect(url_for("storefront.log_in", slug=store.slug, next=wanted(store.slug)))


def _page(store: Store, form: RegisterForm, proved: pb.GetProofsResponse) -> str:
    return render_template(
        "storefront/register.html",
        store=store,
        form=form,
        proved=[written(store, proof.kind, proof.value) for proof in proved.proofs],
        next=wanted(store.slug),
        write=Writing(store),
    )


def _link_page(store: Store, token: str) -> str:
    form = LinkForm(formdata=None, token=token)
    if token.startswith(_INVITED):
        return render_template("storefront/invited.html", store=store, form=form, email=_invited_address(token))
    return render_template("storefront/register_link.html", store=store, form=form)


def _invited_address(token: str) -> str:
    """Where an invitation went, for whoever holds its link. Raises NotFound (confirmation_refused)."""
    return services().accounts.read_guest_invitation(pb.ReadGuestInvitationRequest(token=token)).email
