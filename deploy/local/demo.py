"""The demo store: made once, through the same calls as any other store."""

from __future__ import annotations

import secrets
import uuid

import grpc

from deploy.local import till
from deploy.local.state import DataFolder, DataFolderError, RunningStack
from onefold.identity_merge.v1 import service_pb2, service_pb2_grpc
from onefold.orders.v1 import items_pb2, items_pb2_grpc
from services.common.tokens import ServiceClaims, TokenSigner

SLUG = "demo"
OWNER_EMAIL = "owner@demo.example"
_STORE = service_pb2.Store(
    slug=SLUG,
    name="Onefold 示範商店",
    region="HK",
    currency="HKD",
    timezone="Asia/Hong_Kong",
    language="zh-Hant",
)
_SCOPES = (
    "orders:read",
    "orders:write",
    "orders:refund",
    "orders:export",
    "items:read",
    "items:write",
    "members:read",
    "members:write",
    "members:export",
    "members:import",
    "merges:write",
    "levels:write",
)
# (English, Chinese, SKU, price in cents, sold online, sold at the counter).
_ITEMS = (
    ("Silk-stocking milk tea", "絲襪奶茶", "TEA-MILK", 2_800, False, True),
    ("Iced lemon tea", "凍檸茶", "TEA-LEMON", 2_600, False, True),
    ("Pineapple bun with butter", "菠蘿油", "BUN-BO", 2_200, False, True),
    ("Egg tart, box of six", "蛋撻六件裝", "TART-6", 5_400, True, True),
    ("Almond cookies, tin", "杏仁餅罐裝", "COOKIE-AL", 9_800, True, True),
    ("Butter cookies, tin", "牛油曲奇罐裝", "COOKIE-BU", 12_800, True, True),
    ("Oolong tea leaves, 150 g", "烏龍茶葉 150 克", "LEAF-OOL", 16_800, True, True),
    ("Pu-erh tea cake, 357 g", "普洱茶餅 357 克", "LEAF-PUE", 38_800, True, True),
    ("Porcelain tea pot", "瓷茶壺", "POT-POR", 48_000, True, True),
    ("Tea cup, pair", "茶杯一對", "CUP-2", 13_600, True, True),
    ("Tote bag", "帆布袋", "BAG-TOTE", 8_800, True, False),
    ("Gift wrapping", "禮品包裝", "WRAP", 1_500, True, True),
)
_API_KEY = "loader_api_key"
# Who has set the store up, as its owner would.
_ACTOR = "service:local"
_NOBODY = ServiceClaims("customer:", "public")
_SECONDS = 10


class DemoStore:
    """The store, its owner's password and an API key for the loader; what is there already is left alone."""

    def __init__(self, running: RunningStack) -> None:
        self._data = DataFolder(running.data)
        self._running = running
        self._targets = running.targets
        self._signer = TokenSigner(running.service_key)

    @property
    def password(self) -> str:
        """The owner's password, made at random for this data folder."""
        return self._data.secret("owner_password", lambda: secrets.token_urlsafe(12))

    def ensure_store(self) -> None:
        """Makes the store unless it exists. Raises grpc.RpcError."""
        request = service_pb2.CreateStoreRequest(
            store=_STORE, owner_name="Demo Owner", owner_email=OWNER_EMAIL, owner_password=self.password
        )
        with self._channel() as channel:
            try:
                self._access(channel).CreateStore(
                    request, timeout=_SECONDS, metadata=self._metadata(ServiceClaims("operator", "operator"))
                )
            except grpc.RpcError as error:
                if error.code() is not grpc.StatusCode.ALREADY_EXISTS:
                    raise

    def ensure_items(self) -> None:
        """Fills the price list unless something is on it. Raises grpc.RpcError."""
        with self._channel() as channel:
            store = (
                self._access(channel)
                .GetStore(
                    service_pb2.GetStoreRequest(slug=SLUG),
                    timeout=_SECONDS,
                    metadata=self._metadata(_NOBODY),
                )
                .store
            )
        claims = ServiceClaims(_ACTOR, "owner", store.store_id, store.region, store.currency)
        with self._channel("orders") as channel:
            stub = items_pb2_grpc.ItemServiceStub(channel)
            listed = stub.ListItems(items_pb2.ListItemsRequest(), timeout=_SECONDS, metadata=self._metadata(claims))
            for name_en, name_zh, sku, price, online, counter in () if listed.items else _ITEMS:
                draft = items_pb2.ItemDraft(
                    name_en=name_en,
                    name_zh=name_zh,
                    sku=sku,
                    unit_price_minor=price,
                    sold_online=online,
                    sold_at_counter=counter,
                )
                stub.CreateItem(
                    items_pb2.CreateItemRequest(item=draft), timeout=_SECONDS, metadata=self._metadata(claims)
                )

    def ensure_payments(self) -> None:
        """Lets customers of the store pay at the test provider, which needs the store's id alone. Raises grpc.RpcError."""
        with self._channel() as channel:
            anonymous = self._metadata(_NOBODY)
            store = (
                self._access(channel)
                .GetStore(service_pb2.GetStoreRequest(slug=SLUG), timeout=_SECONDS, metadata=anonymous)
                .store
            )
        till.set_up(self._running, ServiceClaims(_ACTOR, "owner", store.store_id))

    def ensure_api_key(self) -> str:
        """A working API key of the store. Raises grpc.RpcError, or DataFolderError when the password is another's."""
        with self._channel() as channel:
            access = self._access(channel)
            known = self._data.known_secret(_API_KEY)
            if known is None or not self._is_good(access, known):
                known = self._make_api_key(access)
                self._data.keep_secret(_API_KEY, known)
            return known

    def _is_good(self, access: service_pb2_grpc.AccessServiceStub, credential: str) -> bool:
        try:
            access.Authenticate(
                service_pb2.AuthenticateRequest(credential=credential),
                timeout=_SECONDS,
                metadata=self._metadata(_NOBODY),
            )
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.UNAUTHENTICATED:
                return False
            raise
        return True

    def _make_api_key(self, access: service_pb2_grpc.AccessServiceStub) -> str:
        anonymous = self._metadata(_NOBODY)
        try:
            session = access.LogIn(
                service_pb2.LogInRequest(store_slug=SLUG, email=OWNER_EMAIL, password=self.password),
                timeout=_SECONDS,
                metadata=anonymous,
            )
        except grpc.RpcError as error:
            if error.code() is not grpc.StatusCode.UNAUTHENTICATED:
                raise
            raise DataFolderError(
                "the databases hold a demo store whose password is not in this data folder; drop the databases, or use"
                " the data folder that they were made with"
            ) from None
        store = session.store
        owner = ServiceClaims(
            actor=f"staff:{session.staff.staff_id}",
            role="owner",
            store_id=store.store_id,
            region=store.region,
            currency=store.currency,
            timezone=store.timezone,
            language=store.language,
        )
        request = service_pb2.CreateApiKeyRequest(name="CDNOW loader", scopes=_SCOPES)
        answer = access.CreateApiKey(request, timeout=_SECONDS, metadata=self._metadata(owner))
        access.LogOut(
            service_pb2.LogOutRequest(session_token=session.session_token), timeout=_SECONDS, metadata=anonymous
        )
        return answer.secret

    def _channel(self, service: str = "identity_merge") -> grpc.Channel:
        return grpc.insecure_channel(self._targets[service], options=[("grpc.enable_http_proxy", 0)])

    @staticmethod
    def _access(channel: grpc.Channel) -> service_pb2_grpc.AccessServiceStub:
        return service_pb2_grpc.AccessServiceStub(channel)

    def _metadata(self, claims: ServiceClaims) -> tuple[tuple[str, str], ...]:
        return (
            ("authorization", f"Bearer {self._signer.sign(claims)}"),
            ("idempotency-key", str(uuid.uuid4())),
            ("x-request-id", str(uuid.uuid4())),
        )
