"""The gateway's application with no service behind it: what it does by itself."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from gateway.app import create_app
from services.common.config import Environment

# Ports on which nobody listens.
NOWHERE = "127.0.0.1:1"
SETTINGS = {
    "ONEFOLD_SERVICE_KEY": "s" * 32,
    "ONEFOLD_SECRET_KEY": "f" * 32,
    "ONEFOLD_PUBLIC_URL": "http://shop.example",
    "ONEFOLD_MEMBERSHIP_TARGET": NOWHERE,
    "ONEFOLD_ORDERS_TARGET": NOWHERE,
    "ONEFOLD_IDENTITY_MERGE_TARGET": NOWHERE,
    "ONEFOLD_NOTIFICATION_TARGET": NOWHERE,
    "ONEFOLD_LOG_LEVEL": "error",
}
# For tests that all come from one address.
NO_LIMITS = {f"ONEFOLD_RATE_{name}": "0" for name in ("KEY", "SESSION", "ADDRESS")}


@pytest.fixture(scope="session")
def app() -> Flask:
    """One application for the run; it keeps no state between requests but caches."""
    return create_app(Environment(SETTINGS | NO_LIMITS))


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser or a program, as the test pleases."""
    return app.test_client()
