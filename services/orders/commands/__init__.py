"""Writes of the orders service: one use case, one function, one transaction."""

from services.orders.commands.bulk import BulkWish, run_bulk, start_bulk_run
from services.orders.commands.carts import change_cart, claim_cart, drop_stale_carts, end_carts
from services.orders.commands.changing import confirm_payment, edit_contact, resend_email
from services.orders.commands.checking_out import check_out_cart
from services.orders.commands.checkouts import start_checkout
from services.orders.commands.context import Context, Numbers
from services.orders.commands.erasing import ERASE_BATCH, erase_contacts, queue_erasures
from services.orders.commands.giving_back import retry_refund, tend_payments
from services.orders.commands.items import change_item, check_items, create_item
from services.orders.commands.notices import receive_notice, settle_notice
from services.orders.commands.placing import create_order, read_draft
from services.orders.commands.progressing import RefundWish, advance_order, cancel_order, refund_order
from services.orders.commands.providers import set_provider, test_provider
from services.orders.commands.relinking import RELINK_BATCH, link_buyers, relink_orders
from services.orders.commands.witnessing import witness_audit

__all__ = [
    "ERASE_BATCH",
    "RELINK_BATCH",
    "BulkWish",
    "Context",
    "Numbers",
    "RefundWish",
    "advance_order",
    "cancel_order",
    "change_cart",
    "change_item",
    "check_items",
    "check_out_cart",
    "claim_cart",
    "confirm_payment",
    "create_item",
    "create_order",
    "drop_stale_carts",
    "edit_contact",
    "end_carts",
    "erase_contacts",
    "link_buyers",
    "queue_erasures",
    "read_draft",
    "receive_notice",
    "refund_order",
    "relink_orders",
    "resend_email",
    "retry_refund",
    "run_bulk",
    "set_provider",
    "settle_notice",
    "start_bulk_run",
    "start_checkout",
    "tend_payments",
    "test_provider",
    "witness_audit",
]
