"""What the orders service asks of others, with a deadline each; never inside a transaction."""

from services.orders.clients.membership import Membership
from services.orders.clients.payments import PaymentClient, Providers
from services.orders.clients.returned import Returned
from services.orders.clients.stripe import StripeClient

__all__ = ["Membership", "PaymentClient", "Providers", "Returned", "StripeClient"]
