"""Folding accounts of one person into one: what goes in, the table of rules, and what comes out."""

from services.membership.domain.merge.accounts import (
    Account,
    Fact,
    FieldOutcome,
    Merge,
    Outcome,
    RetiredIdentifier,
)
from services.membership.domain.merge.outcome import (
    MANY_LOTS,
    MOST_ACCOUNTS,
    MOST_MOMENTS,
    check_participants,
    merge_outcome,
)
from services.membership.domain.merge.record import MergeRecord, read_facts, read_fields, write_down
from services.membership.domain.merge.rules import MERGE_RULES, MergeRule, MergeWay

__all__ = [
    "MANY_LOTS",
    "MERGE_RULES",
    "MOST_ACCOUNTS",
    "MOST_MOMENTS",
    "Account",
    "Fact",
    "FieldOutcome",
    "Merge",
    "MergeRecord",
    "MergeRule",
    "MergeWay",
    "Outcome",
    "RetiredIdentifier",
    "check_participants",
    "merge_outcome",
    "read_facts",
    "read_fields",
    "write_down",
]
