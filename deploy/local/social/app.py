"""The provider: oidc-provider-mock with pages that say what they are, offered once as OpenID Connect and once as plain OAuth 2."""

from __future__ import annotations

import json
import os
import threading
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

# Whom it vouches for when nobody has been made up yet: with an address that is proved, with one that is not, with none.
PEOPLE: dict[str, dict[str, Any]] = {
    "mei": {"name": "陳美玲", "email": "mei@people.example", "email_verified": True},
    "kai": {"name": "Kai Lee", "email": "kai@people.example", "email_verified": False},
    "noa": {"name": "Noa Wong"},
}
# By what an application calls itself, its pages know in whose place they stand.
CLIENTS = {"onefold-google": "Google", "onefold-facebook": "Facebook"}


def settings(address: str) -> str:
    """ONEFOLD_SOCIAL_PROVIDERS for a provider at this address."""
    google, facebook = CLIENTS
    return json.dumps(
        [
            {
                "preset": "google",
                "client_id": google,
                "client_secret": "local",
                "issuer": address,
                "parameters": {},
                "email_domains": [],
                "email_domain_field": "",
            },
            {
                "preset": "facebook",
                "client_id": facebook,
                "client_secret": "local",
                "authorize_url": f"{address}/oauth2/authorize",
                "token_url": f"{address}/oauth2/token",
                "userinfo_url": f"{address}/userinfo",
                "scopes": ["openid", "profile", "email"],
                "id_field": "sub",
            },
        ]
    )


class Late:
    """The application, loaded when somebody first asks: few runs need it, and it takes 30 MiB."""

    def __init__(self, load: Callable[[], WSGIApplication]) -> None:
        self._load = load
        self._lock = threading.Lock()
        self._app: WSGIApplication | None = None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """A WSGI application."""
        with self._lock:
            app = self._app = self._app or self._load()
        return app(environ, start_response)


def load() -> WSGIApplication:
    """The provider with PEOPLE. `PUT /users/<subject>` with claims in JSON makes up more."""
    # On this machine alone, so without TLS.
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
    with warnings.catch_warnings():
        # What the package does with Authlib is its affair.
        warnings.simplefilter("ignore")
        import authlib.deprecate  # noqa: F401 - it lets its own warnings through from here on

        warnings.simplefilter("ignore")
        import flask
        import oidc_provider_mock
        from jinja2 import ChoiceLoader, FileSystemLoader, PackageLoader

        app = flask.Flask(__name__, template_folder="templates")
        people = [oidc_provider_mock.User(sub=subject, claims=claims) for subject, claims in PEOPLE.items()]
        oidc_provider_mock.init_app(app, user_claims=people)
    mail = Path(__file__).parents[1] / "mail" / "templates"
    ours = FileSystemLoader([Path(__file__).parent / "templates", mail])
    app.jinja_loader = ChoiceLoader([ours, PackageLoader("oidc_provider_mock")])
    app.jinja_env.globals["clients"] = CLIENTS
    # The package turns a debugger on, which would let whoever reaches the port run code.
    app.debug = False
    return app.wsgi_app.app  # type: ignore[attr-defined, no-any-return]
