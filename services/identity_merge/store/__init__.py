"""Tables of identity_merge, and all its SQL."""

from services.identity_merge.store.tables import metadata

__all__ = ["metadata"]
