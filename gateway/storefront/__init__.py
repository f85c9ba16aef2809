"""Pages for the store's customers."""

from gateway.storefront import confirm, orders
from gateway.storefront.frame import blueprint

__all__ = ["blueprint", "confirm", "orders"]
