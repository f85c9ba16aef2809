"""The till: one page for a tablet, what its script asks for, and the service worker that lets it go on without a line (C8, E8, H2)."""

from gateway.pos import items, members, page, receipts, sales, session
from gateway.pos.frame import blueprint

__all__ = ["blueprint", "items", "members", "page", "receipts", "sales", "session"]
