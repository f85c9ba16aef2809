"""Who may be the same person (F12). Imported by the scan's own process alone: the libraries behind it take 200 MB."""

from services.identity_merge.commands.likeness.linking import Linking
from services.identity_merge.commands.likeness.reasons import reasons

__all__ = ["Linking", "reasons"]
