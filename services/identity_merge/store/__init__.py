"""Tables of identity_merge, and all its SQL."""

from services.identity_merge.store.batch_tables import merge_batches, merge_groups
from services.identity_merge.store.duplicate_tables import duplicate_pairs, duplicate_scans
from services.identity_merge.store.tables import metadata

__all__ = ["duplicate_pairs", "duplicate_scans", "merge_batches", "merge_groups", "metadata"]
