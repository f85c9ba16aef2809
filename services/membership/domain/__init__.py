"""Customers, members, points and merges: the rules, without storage or transport."""

from services.membership.domain.customers import Customer, MergedAccount, Status, StoreSettings
from services.membership.domain.enrolment import (
    Buyer,
    Decision,
    Enrolled,
    Hold,
    Holder,
    Identifier,
    decide,
    identifiers_of,
)
from services.membership.domain.merge import (
    Account,
    FieldOutcome,
    Merge,
    Outcome,
    RetiredIdentifier,
    check_participants,
    merge_outcome,
)
from services.membership.domain.orders import OrderState
from services.membership.domain.points import (
    Adjustment,
    Award,
    Entry,
    Ledger,
    Lot,
    Reason,
    end_of_day,
    points_for,
    read_adjustment,
    spendable,
)
from services.membership.domain.searching import Query, SearchText, read_query, search_text

__all__ = [
    "Account",
    "Adjustment",
    "Award",
    "Buyer",
    "Customer",
    "Decision",
    "Enrolled",
    "Entry",
    "FieldOutcome",
    "Hold",
    "Holder",
    "Identifier",
    "Ledger",
    "Lot",
    "Merge",
    "MergedAccount",
    "OrderState",
    "Outcome",
    "Query",
    "Reason",
    "RetiredIdentifier",
    "SearchText",
    "Status",
    "StoreSettings",
    "check_participants",
    "decide",
    "end_of_day",
    "identifiers_of",
    "merge_outcome",
    "points_for",
    "read_adjustment",
    "read_query",
    "search_text",
    "spendable",
]
