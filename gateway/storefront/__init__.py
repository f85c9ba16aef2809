"""Pages for the store's customers."""

from gateway.storefront import (
    account,
    carts,
    checkout,
    confirm,
    consents,
    download,
    login,
    logins,
    logo,
    orders,
    passwords,
    pay,
    points,
    profile,
    register,
    social,
    unsubscribe,
)
from gateway.storefront.frame import blueprint

__all__ = [
    "account",
    "blueprint",
    "carts",
    "checkout",
    "confirm",
    "consents",
    "download",
    "login",
    "logins",
    "logo",
    "orders",
    "passwords",
    "pay",
    "points",
    "profile",
    "register",
    "social",
    "unsubscribe",
]
