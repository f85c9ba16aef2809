"""All services of a process, over one channel to each."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import grpc
from flask import current_app
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gateway.calls import Tokens
from gateway.clients.identity_merge import (
    Access,
    Accounts,
    ApiKeys,
    Audit,
    Authentication,
    Duplicates,
    Logins,
    MergeBatches,
    Merges,
    SocialLogins,
    Staff,
)
from gateway.clients.membership import (
    Benefits,
    Consents,
    Directory,
    Imports,
    Invitations,
    Levels,
    Membership,
    Merging,
    Profiles,
)
from gateway.clients.notification import Looks, Notifications, Subscriptions, Webhooks
from gateway.clients.orders import Bulk, Carts, Items, Orders, Payments, Spend
from gateway.config import Settings, Targets
from services.common.channel import CHANNEL_OPTIONS, address_of
from services.common.tokens import TokenSigner


class Services:
    """All services, over one channel to each."""

    def __init__(self, targets: Targets, signer: TokenSigner) -> None:
        tokens = Tokens(signer)
        self._channels = {name: _open(getattr(targets, name)) for name in Targets.__slots__}
        channels = self._channels
        self.orders = Orders(tokens, channels["orders"])
        self.carts = Carts(tokens, channels["orders"])
        self.items = Items(tokens, channels["orders"])
        self.payments = Payments(tokens, channels["orders"])
        self.bulk = Bulk(tokens, channels["orders"])
        self.spend = Spend(tokens, channels["orders"])
        self.membership = Membership(tokens, channels["membership"])
        self.imports = Imports(tokens, channels["membership"])
        self.merging = Merging(tokens, channels["membership"])
        self.profiles = Profiles(tokens, channels["membership"])
        self.consents = Consents(tokens, channels["membership"])
        self.benefits = Benefits(tokens, channels["membership"])
        self.levels = Levels(tokens, channels["membership"])
        self.directory = Directory(tokens, channels["membership"])
        self.invitations = Invitations(tokens, channels["membership"])
        self.access = Access(tokens, channels["identity_merge"])
        self.authentication = Authentication(tokens, channels["identity_merge"])
        self.audit = Audit(tokens, channels["identity_merge"])
        self.staff = Staff(tokens, channels["identity_merge"])
        self.api_keys = ApiKeys(tokens, channels["identity_merge"])
        self.logins = Logins(tokens, channels["identity_merge"])
        self.accounts = Accounts(tokens, channels["identity_merge"])
        self.social_logins = SocialLogins(tokens, channels["identity_merge"])
        self.merges = Merges(tokens, channels["identity_merge"])
        self.merge_batches = MergeBatches(tokens, channels["identity_merge"])
        self.duplicates = Duplicates(tokens, channels["identity_merge"])
        self.notifications = Notifications(tokens, channels["notification"])
        self.looks = Looks(tokens, channels["notification"])
        self.subscriptions = Subscriptions(tokens, channels["notification"])
        self.webhooks = Webhooks(tokens, channels["notification"])

    def health(self, seconds: float) -> Iterator[tuple[str, bool]]:
        """Name of each service, and whether it says that it serves; asked side by side."""
        request = health_pb2.HealthCheckRequest()
        asked = {
            name: health_pb2_grpc.HealthStub(channel).Check.future(request, timeout=seconds)
            for name, channel in self._channels.items()
        }
        for name, answer in asked.items():
            yield name, answer.exception() is None and answer.result().status == health_pb2.HealthCheckResponse.SERVING

    def close(self) -> None:
        """Closes the channels; calls under way fail."""
        for channel in self._channels.values():
            channel.close()


def _open(target: str) -> grpc.Channel:
    return grpc.insecure_channel(address_of(target), options=CHANNEL_OPTIONS)


class ServicesOfProcess:
    """Opens the channels at the first use in this process; a forked child opens its own, for gRPC does not survive a fork."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._pid = 0
        self._services: Services | None = None

    def get(self) -> Services:
        """The services of this process."""
        if self._services is None or self._pid != os.getpid():
            with self._lock:
                if self._services is None or self._pid != os.getpid():
                    self._services = Services(self._settings.targets, TokenSigner(self._settings.service_key))
                    self._pid = os.getpid()
        return self._services


def services() -> Services:
    """The services, for the application under way."""
    of_process: ServicesOfProcess = current_app.extensions["onefold_services"]
    return of_process.get()
