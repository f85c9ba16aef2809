"""Every RPC, called by everybody who may not, and what customers may have of one another: nothing (H1, OWASP API1 and API5).

Who may is in the contract, beside the RPC; a new RPC is walked by itself, and one that customers may call must be in the tables below.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from itsdangerous import TimestampSigner

from deploy.local.stack import Stack
from onefold.common.v1 import access_pb2
from onefold.membership.v1 import benefits_pb2 as benefits
from onefold.membership.v1 import levels_pb2 as levels
from onefold.membership.v1 import profiles_pb2 as profiles
from onefold.membership.v1 import registration_pb2 as registration
from onefold.membership.v1 import service_pb2 as membership
from onefold.notification.v1 import service_pb2 as notification
from onefold.orders.v1 import bulk_pb2 as bulk
from onefold.orders.v1 import carts_pb2 as carts
from onefold.orders.v1 import items_pb2 as items
from onefold.orders.v1 import payments_pb2 as payments
from onefold.orders.v1 import service_pb2 as orders
from onefold.orders.v1 import spend_pb2 as spend
from services.common import permissions
from services.common.errors import NotFound, OnefoldError, PermissionDenied, Unauthenticated
from services.common.tokens import ServiceClaims, TokenSigner
from tests.component.gateway.conftest import Store
from tests.support.contract import Doors, access_of, methods, path_of

METHODS = {path_of(method): method for method in methods()}
NOWHERE = "01a20b5b-d378-76b7-8dec-6f559c792cc0"
_UNKNOWN, _DENIED = (Unauthenticated, "credential_refused"), (PermissionDenied, "permission_denied")
PEOPLE = (*permissions.ROLES, "customer", "public", "service", "operator", "unspecified", "")


@pytest.fixture(scope="module")
def doors(stack: Stack) -> Iterator[Doors]:
    doors = Doors(stack.settings.targets, TokenSigner(stack.settings.service_key))
    yield doors
    doors.close()


def reason(call: Callable[[], object]) -> tuple[type[OnefoldError], str] | None:
    """How it was refused."""
    try:
        call()
    except OnefoldError as error:
        return type(error), error.reason
    return None


def is_shut(call: Callable[[], object], how: tuple[type[OnefoldError], str]) -> bool:
    """Whether it is refused so."""
    return reason(call) == how


# Who may call


@pytest.mark.parametrize("path", METHODS)
def test_nobody_calls_without_a_token_or_with_one_that_is_old_or_anothers(
    path: str, doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = ServiceClaims("staff:x", "owner", NOWHERE)
    foreign = TokenSigner("another installation's key, long enough").sign(owner)
    with monkeypatch.context() as back_then:
        back_then.setattr(TimestampSigner, "get_timestamp", lambda _: int(time.time()) - 301)
        assert is_shut(partial(doors.call, METHODS[path], None, owner), _UNKNOWN)
    for bearer in "", "Bearer ", f"Bearer {foreign}", f"Basic {foreign}":
        assert is_shut(partial(doors.call_with, METHODS[path], None, bearer), _UNKNOWN), bearer


@pytest.mark.parametrize("path", METHODS)
def test_whoever_may_not_call_is_refused_before_anything_is_read(path: str, doors: Doors) -> None:
    """The request is empty: whoever gets past the door would read of a wrong field, and of a store that is not there."""
    declared = access_of(METHODS[path])
    for who in shut_out(declared):
        assert is_shut(partial(doors.call, METHODS[path], None, who), _DENIED), (who.role, who.scopes)


def shut_out(declared: access_pb2.Access) -> Iterator[ServiceClaims]:
    """Everybody whom the contract does not name, reckoned here anew."""
    scopes = tuple(permissions.SCOPES)
    if not declared.anybody_of_store:
        others = [word for word in scopes if permissions.of_scopes([word]).isdisjoint(declared.permissions)]
        yield ServiceClaims("api_key:x", "api_key", NOWHERE, scopes=tuple(others))
        yield ServiceClaims("api_key:x", "api_key", NOWHERE)
    for role in PEOPLE:
        may = permissions.ROLES.get(role, frozenset())
        let_in = (
            (role in permissions.ROLES and declared.anybody_of_store)
            or not may.isdisjoint(declared.permissions)
            or (role in ("public", "customer") and declared.visitors)
            or (role == "customer" and declared.customers)
            or (role == "service" and declared.services)
            or (role == "operator" and declared.operators)
        )
        if not let_in:  # and no scope that the token claims beside the role makes a difference
            yield ServiceClaims(f"{role}:{NOWHERE}", role, NOWHERE, scopes=scopes)


# What is whose


@dataclass(frozen=True)
class Two:
    """Two customers of one store, of whom the first asks for what is the second's."""

    me: ServiceClaims
    visitor: ServiceClaims
    mine: dict[str, str]
    theirs: dict[str, str]


@pytest.fixture(scope="module")
def two(store: Store) -> Two:
    store_id = store.get("/me").json()["store"]["store_id"]
    found = []
    for _ in range(2):
        order = store.order(paid=False)
        customer = order["customer"]["customer_id"]
        cart = store.post("/carts", {"customer_id": customer}).json()["cart_id"]
        found.append({"customer": customer, "order": order["order_id"], "cart": cart})
    me = ServiceClaims(f"customer:{found[0]['customer']}", "customer", store_id)
    return Two(me, ServiceClaims("customer:", "public", store_id), *found)


def _profile(customer: str, **fields: object) -> Message:
    return profiles.ChangeProfileRequest(customer_id=customer, **fields)


def _cart(**ref: str) -> carts.CartRef:
    return carts.CartRef(**ref)


_RETURN = "https://shop.example/"
_TOKEN = "v" * 32
Wish = Callable[[dict[str, str], dict[str, str]], Message]
# RPC → what the one asks of the other's. All are refused, and change nothing.
WISHES: dict[str, list[Wish]] = {
    "membership.v1.MembershipService/GetCustomer": [
        lambda _, x: membership.GetCustomerRequest(customer_id=x["customer"]),
    ],
    "membership.v1.MembershipService/GetBuyer": [
        lambda _, x: membership.GetBuyerRequest(customer_id=x["customer"], amount_minor=100),
    ],
    "membership.v1.MembershipService/ListPointsEntries": [
        lambda _, x: membership.ListPointsEntriesRequest(customer_id=x["customer"])
    ],
    "membership.v1.BenefitsService/QuoteBenefits": [
        lambda _, x: benefits.QuoteBenefitsRequest(customer_id=x["customer"], amount_minor=100)
    ],
    "membership.v1.BenefitsService/ReservePoints": [
        lambda _, x: benefits.ReservePointsRequest(customer_id=x["customer"], points=1, due_minor=100)
    ],
    "membership.v1.ProfilesService/ChangeProfile": [
        lambda _, x: _profile(x["customer"], name="Eve"),
        lambda me, _: _profile(me["customer"], tags=profiles.Tags(tags=["vip"])),
    ],
    "membership.v1.RegistrationService/GetConsents": [
        lambda _, x: registration.GetConsentsRequest(customer_id=x["customer"])
    ],
    "membership.v1.RegistrationService/SetConsents": [
        lambda _, x: registration.SetConsentsRequest(customer_id=x["customer"])
    ],
    "orders.v1.OrdersService/GetOrder": [lambda _, x: orders.GetOrderRequest(order_id=x["order"])],
    "orders.v1.OrdersService/ListOrders": [
        lambda _, x: orders.ListOrdersRequest(customer_ids=[x["customer"]]),
        lambda me, x: orders.ListOrdersRequest(customer_ids=[me["customer"], x["customer"]]),
        lambda *_: orders.ListOrdersRequest(),
    ],
    "orders.v1.SpendService/ExplainSpend": [lambda _, x: spend.ExplainSpendRequest(customer_id=x["customer"])],
    "membership.v1.LevelsService/ListLevelChanges": [
        lambda _, x: levels.ListLevelChangesRequest(customer_id=x["customer"])
    ],
    "notification.v1.NotificationService/ListMessages": [
        lambda _, x: notification.ListMessagesRequest(customer_id=x["customer"]),
        lambda me, x: notification.ListMessagesRequest(customer_id=me["customer"], customer_ids=[x["customer"]]),
        lambda _, x: notification.ListMessagesRequest(order_id=x["order"]),
    ],
    "orders.v1.PaymentService/StartCheckout": [
        lambda _, x: payments.StartCheckoutRequest(order_id=x["order"], return_address=_RETURN)
    ],
    "orders.v1.CartService/GetCart": [
        lambda _, x: carts.GetCartRequest(cart=_cart(customer_id=x["customer"])),
        lambda _, x: carts.GetCartRequest(cart=_cart(cart_id=x["cart"])),
        lambda me, x: carts.GetCartRequest(cart=_cart(cart_id=x["cart"], customer_id=me["customer"])),
        lambda _, x: carts.GetCartRequest(cart=_cart(cart_id=x["cart"], visitor_token=_TOKEN)),
    ],
    "orders.v1.CartService/ChangeCart": [
        lambda _, x: carts.ChangeCartRequest(cart=_cart(customer_id=x["customer"])),
        lambda _, x: carts.ChangeCartRequest(cart=_cart(cart_id=x["cart"])),
        lambda me, x: carts.ChangeCartRequest(cart=_cart(cart_id=x["cart"], customer_id=me["customer"])),
        lambda *_: carts.ChangeCartRequest(),
    ],
    "orders.v1.CartService/ClaimCart": [
        lambda _, x: carts.ClaimCartRequest(cart=_cart(visitor_token=_TOKEN), customer_id=x["customer"]),
        lambda me, x: carts.ClaimCartRequest(cart=_cart(cart_id=x["cart"]), customer_id=me["customer"]),
    ],
    "orders.v1.CartService/CheckOutCart": [
        lambda _, x: carts.CheckOutCartRequest(cart=_cart(customer_id=x["customer"])),
        lambda _, x: carts.CheckOutCartRequest(cart=_cart(cart_id=x["cart"])),
        lambda me, x: carts.CheckOutCartRequest(cart=_cart(cart_id=x["cart"], customer_id=me["customer"])),
        lambda me, _: carts.CheckOutCartRequest(
            cart=_cart(customer_id=me["customer"]), order=orders.CreateOrderRequest(discount_minor=1)
        ),
        lambda *_: carts.CheckOutCartRequest(
            cart=_cart(visitor_token=_TOKEN), order=orders.CreateOrderRequest(level_discount_minor=1, discount_minor=1)
        ),
    ],
}
# The same for everybody, or proved by what the request brings: a password, a code, a token, a signature.
NOBODYS = {
    "membership.v1.LevelsService/GetLevels",
    "orders.v1.ItemService/ListItems",
    "notification.v1.LookService/GetLogo",
    "notification.v1.SmsStatusService/ReceiveSmsStatus",
    "orders.v1.PaymentService/GetProviders",
    "orders.v1.PaymentService/ReceiveNotice",
    *(f"identity_merge.v1.AccessService/{name}" for name in ("LogIn", "LogOut", "Authenticate", "GetStore")),
    "identity_merge.v1.AuthenticationService/AuthenticateAgain",
    "identity_merge.v1.LoginService/ConfirmLogin",
    *(path.removeprefix("/onefold.") for path in METHODS if "CustomerAccountService" in path),
    *(path.removeprefix("/onefold.") for path in METHODS if "SocialLoginService" in path),
    *(f"identity_merge.v1.StaffService/{name}" for name in ("ReadInvitation", "AcceptInvitation", "RequestReset")),
    "identity_merge.v1.StaffService/LogInWithTotp",
}
_REFUSED = {
    _DENIED,
    (NotFound, "order_not_found"),
    (NotFound, "cart_not_found"),
}


def method(name: str) -> MethodDescriptor:
    return METHODS[f"/onefold.{name}"]


def test_every_rpc_that_customers_may_call_is_in_the_tables() -> None:
    open_to_them = {
        path.removeprefix("/onefold.")
        for path, each in METHODS.items()
        if (said := access_of(each)).own or said.customers or said.visitors
    }
    assert open_to_them - NOBODYS == set(WISHES)


@pytest.mark.parametrize("name", WISHES)
def test_a_customer_gets_at_nothing_of_another(name: str, doors: Doors, two: Two, store: Store) -> None:
    before = state(store, two.theirs)
    for wish in WISHES[name]:
        for who, mine in (two.me, two.mine), (two.visitor, two.theirs):
            request = wish(mine, two.theirs)
            assert reason(partial(doors.call, method(name), request, who)) in _REFUSED, (request, who.role)
    assert state(store, two.theirs) == before


def state(store: Store, who: dict[str, str]) -> list[object]:
    """What there is to know of a customer, their order and cart."""
    paths = (f"/customers/{who['customer']}", f"/orders/{who['order']}", f"/carts/{who['cart']}")
    return [store.get(path).json() for path in paths]


def test_a_customer_has_what_is_their_own(doors: Doors, two: Two) -> None:
    me, mine = two.me, two.mine
    person = doors.call(
        method("membership.v1.MembershipService/GetCustomer"),
        membership.GetCustomerRequest(customer_id=mine["customer"]),
        me,
    )
    assert person.customer.customer_id == mine["customer"]
    order = doors.call(
        method("orders.v1.OrdersService/GetOrder"), orders.GetOrderRequest(order_id=mine["order"]), me
    ).order
    assert order.order_id == mine["order"]
    listed = doors.call(
        method("orders.v1.OrdersService/ListOrders"), orders.ListOrdersRequest(customer_ids=[mine["customer"]]), me
    )
    assert [each.order_id for each in listed.orders] == [mine["order"]]
    cart = doors.call(
        method("orders.v1.CartService/GetCart"), carts.GetCartRequest(cart=_cart(customer_id=mine["customer"])), me
    ).cart
    assert cart.cart_id == mine["cart"]


def test_a_link_opens_its_order_and_no_other(doors: Doors, two: Two) -> None:
    """C7."""
    get, who = method("orders.v1.OrdersService/GetOrder"), two.visitor.with_order(two.theirs["order"])
    found = doors.call(get, orders.GetOrderRequest(order_id=two.theirs["order"]), who)
    assert found.order.order_id == two.theirs["order"]
    with pytest.raises(NotFound):
        doors.call(get, orders.GetOrderRequest(order_id=two.mine["order"]), who)
    with pytest.raises(PermissionDenied):
        doors.call(
            method("membership.v1.MembershipService/GetCustomer"),
            membership.GetCustomerRequest(customer_id=two.theirs["customer"]),
            who,
        )


def test_visitors_see_of_the_price_list_what_is_in_the_window(doors: Doors, two: Two, store: Store) -> None:
    for name, online in ("Window tea", True), ("Counter tea", False):
        store.post("/items", {"name_en": name, "unit_price_minor": 100, "sold_online": online, "sold_at_counter": True})
    wish = items.ListItemsRequest(query="tea", sold_at_counter=True)
    found = doors.call(method("orders.v1.ItemService/ListItems"), wish, two.visitor)
    assert [item.name_en for item in found.items] == ["Window tea"]


def test_a_key_that_refunds_starts_no_other_run_and_one_that_does_not_refunds_nothing(doors: Doors, two: Two) -> None:

    chosen = bulk.OrderSelection(order_ids=[two.mine["order"]])
    for scope, goal in (
        ("orders:refund", orders.ORDER_STATUS_SHIPPED),
        ("orders:write", orders.ORDER_STATUS_REFUNDED),
    ):
        key = ServiceClaims("api_key:x", "api_key", two.me.store_id, scopes=(scope,))
        with pytest.raises(PermissionDenied):
            doors.call(
                method("orders.v1.BulkService/StartBulkRun"),
                bulk.StartBulkRunRequest(selection=chosen, goal=goal),
                key,
            )


def test_whoever_writes_notes_changes_tags_and_nothing_else_of_a_profile(doors: Doors, two: Two) -> None:
    """C4: support has members:note and not members:write."""
    change, support = (
        method("membership.v1.ProfilesService/ChangeProfile"),
        ServiceClaims("staff:x", "support", two.me.store_id),
    )
    tagged = doors.call(change, _profile(two.mine["customer"], tags=profiles.Tags(tags=["regular"])), support)
    assert list(tagged.customer.tags) == ["regular"]
    with pytest.raises(PermissionDenied):
        doors.call(change, _profile(two.mine["customer"], name="Eve"), support)
