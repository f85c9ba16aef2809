"""Pages for the store's customers."""

from gateway.storefront import account, carts, checkout, confirm, login, orders, pay, profile
from gateway.storefront.frame import blueprint

__all__ = ["account", "blueprint", "carts", "checkout", "confirm", "login", "orders", "pay", "profile"]
