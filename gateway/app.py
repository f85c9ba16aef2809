"""The composition root of the gateway: one Flask application from the environment."""

from __future__ import annotations

from flask import Flask
from flask_bootstrap import Bootstrap5
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from gateway import api, edge, errors, languages, limits, pos, probes, storefront, webhooks
from gateway.auth import ask_again, ask_identity, principal, principal_in
from gateway.clients import ServicesOfProcess
from gateway.config import Settings
from gateway.console import blueprint as console
from gateway.keeper import Keeper
from services.common import logging
from services.common.config import Environment
from services.common.links import Links
from services.common.telemetry import process

# Forms and orders are small; edge.py says which routes take more.
LARGEST_BODY = 1024 * 1024


def create_app(environment: Environment | None = None) -> Flask:
    """The application. Raises ConfigError naming a variable that is missing or wrong."""
    environment = environment or Environment()
    settings = Settings.read(environment)
    logging.configure(environment, service="gateway", process="serve")
    process.record_spans("gateway", "serve")
    app = api.application("gateway")
    _configure(app, settings)
    if settings.proxies:
        # Whom a request comes from, which the limits on codes count by. Not believed without a proxy: anybody may write the header.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.proxies)  # type: ignore[method-assign]
    of_process = ServicesOfProcess(settings)
    app.extensions["onefold_services"] = of_process
    app.extensions["onefold_links"] = Links(settings.service_key)
    keeper = Keeper(lambda handles: ask_again(of_process.get(), handles))
    app.extensions["onefold_authenticator"] = keeper.authenticator(ask_identity, principal_in)
    # A member whose session nobody can vouch for right now is a guest meanwhile, who can order all the same.
    app.extensions["onefold_member_sessions"] = keeper.authenticator(
        storefront.session.ask_whose, storefront.session.member_in, stale_seconds=0
    )
    edge.install(app)
    limits.install(app, settings.rates)
    languages.install(app)
    errors.install(app)
    Bootstrap5(app)
    app.before_request(_know_who_brings_a_file)
    csrf = CSRFProtect(app)
    api.install(app, csrf)
    # All are proved by something that no other site's page has: a signature, a signed link.
    csrf.exempt(webhooks.blueprint)
    csrf.exempt(storefront.pay.order_pay)
    csrf.exempt(storefront.unsubscribe.unsubscribe_now)
    # Does nothing but come again; what is brought is proved by its state.
    csrf.exempt(storefront.social.social_back)
    app.register_blueprint(storefront.blueprint)
    app.register_blueprint(console)
    app.register_blueprint(pos.blueprint)
    app.register_blueprint(webhooks.blueprint)
    app.register_blueprint(probes.blueprint)
    return app


def _know_who_brings_a_file() -> None:
    """Before the form's token is looked for, which reads the whole file. Raises Unauthenticated."""
    if edge.takes_file():
        principal()


def _configure(app: Flask, settings: Settings) -> None:
    app.config.update(
        SECRET_KEY=settings.secret_key,
        PUBLIC_URL=settings.public_url,
        MAX_CONTENT_LENGTH=LARGEST_BODY,
        # Flask's own session carries the form token and notices only; who is logged in stands in a cookie of its own.
        SESSION_COOKIE_NAME="onefold_forms",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.secure,
        SEND_FILE_MAX_AGE_DEFAULT=3_600,
        # A form may stay open over a working day.
        WTF_CSRF_TIME_LIMIT=12 * 3_600,
        BOOTSTRAP_SERVE_LOCAL=True,
    )
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
