"""Lists of customers by filter, their export, saved filters, and the store's figures (C1-C3, C11)."""

from __future__ import annotations

from flask import Response
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel

from gateway import exports
from gateway.api.base import CSV, PREFIX, blueprint
from gateway.api.checked import answer, checked, created
from gateway.api.customer_models import CustomerList, summary_json
from gateway.api.customers import TAGS as CUSTOMERS
from gateway.api.directory_models import (
    CustomerFilter,
    CustomersQuery,
    FilterChangeIn,
    FilterIn,
    FilterNameIn,
    Overview,
    SavedFilter,
    SavedFilterList,
    named_as_sent,
    overview_json,
    saved_json,
    sort_of,
)
from gateway.api.fields import Id, IdempotencyHeader, PageQuery
from gateway.auth import principal
from gateway.clients import services
from onefold.membership.v1 import directory_pb2 as pb
from onefold.membership.v1 import levels_pb2 as levels
from services.common import permissions

_FILTERS = [Tag(name="Filters", description="Filters of the list of customers that staff have named.")]


class FilterPath(BaseModel):
    """Which saved filter."""

    filter_id: Id


@blueprint.get("/customers", tags=CUSTOMERS, responses={200: CustomerList})
@checked(permissions.MEMBERS_READ)
def list_customers(query: CustomersQuery) -> Response:
    """List customers by search and filters, in an order of choice (C2, C3)"""
    with named_as_sent():
        found = services().directory.list(
            pb.ListCustomersRequest(filter=query.message(), sort=sort_of(query.sort), page=query.page())
        )
    currency = principal().store.currency
    told = not query.page_token and query.message() in (_MEMBERS, _EVERYBODY)
    return answer(
        {
            "items": [summary_json(customer, currency) for customer in found.customers],
            "next_page_token": found.next_page_token or None,
            "members_total": found.members_total if told else None,
        }
    )


_EVERYBODY = CustomerFilter().message()
_MEMBERS = CustomerFilter(members_only=True).message()


@blueprint.get("/customers/export.csv", tags=CUSTOMERS, responses={200: CSV})
@checked(permissions.MEMBERS_EXPORT)
def export_customers(query: CustomerFilter) -> Response:
    """Export a list of customers as CSV (C11)

    UTF-8 with a byte order mark; the header in the language of Accept-Language. Text that a spreadsheet would take for a formula
    has an apostrophe in front.
    """
    with named_as_sent():
        return exports.customers_csv(query.message(), sort_of(query.sort))


@blueprint.get("/saved-filters", tags=_FILTERS, responses={200: SavedFilterList})
@checked(permissions.MEMBERS_READ)
def list_filters(query: PageQuery) -> Response:
    """List saved filters by name"""
    found = services().directory.list_filters(pb.ListFiltersRequest(page=query.page()))
    return answer(
        {
            "items": [saved_json(saved) for saved in found.saved_filters],
            "next_page_token": found.next_page_token or None,
        }
    )


@blueprint.post("/saved-filters", tags=_FILTERS, responses={201: SavedFilter})
@checked(permissions.MEMBERS_WRITE)
def save_filter(header: IdempotencyHeader, body: FilterIn) -> Response:
    """Save a filter under a name; at most 50 in a store"""
    request = pb.SaveFilterRequest(name=body.name, filter=body.filter.message(), sort=sort_of(body.filter.sort))
    saved = services().directory.save_filter(request, key=header.idempotency_key).saved_filter
    return created(saved_json(saved), f"{PREFIX}/saved-filters/{saved.filter_id}")


@blueprint.get("/saved-filters/<filter_id>", tags=_FILTERS, responses={200: SavedFilter})
@checked(permissions.MEMBERS_READ)
def get_filter(path: FilterPath) -> Response:
    """Read a saved filter"""
    return answer(
        saved_json(services().directory.get_filter(pb.GetFilterRequest(filter_id=path.filter_id)).saved_filter)
    )


@blueprint.patch("/saved-filters/<filter_id>", tags=_FILTERS, responses={200: SavedFilter})
@checked(permissions.MEMBERS_WRITE)
def rename_filter(header: IdempotencyHeader, path: FilterPath, body: FilterNameIn) -> Response:
    """Give a saved filter another name"""
    request = pb.RenameFilterRequest(filter_id=path.filter_id, name=body.name)
    return answer(saved_json(services().directory.rename_filter(request, key=header.idempotency_key).saved_filter))


@blueprint.put("/saved-filters/<filter_id>", tags=_FILTERS, responses={200: SavedFilter})
@checked(permissions.MEMBERS_WRITE)
def change_filter(header: IdempotencyHeader, path: FilterPath, body: FilterChangeIn) -> Response:
    """Change what a saved filter asks, and its name

    409 `stale_version`: somebody else was faster. Read the filter again and repeat the change.
    """
    request = pb.ChangeFilterRequest(
        filter_id=path.filter_id,
        name=body.name,
        filter=body.filter.message(),
        sort=sort_of(body.filter.sort),
        expected_version=body.expected_version,
    )
    return answer(saved_json(services().directory.change_filter(request, key=header.idempotency_key).saved_filter))


@blueprint.delete("/saved-filters/<filter_id>", tags=_FILTERS, responses={204: None})
@checked(permissions.MEMBERS_WRITE)
def delete_filter(header: IdempotencyHeader, path: FilterPath) -> Response:
    """Delete a saved filter"""
    services().directory.delete_filter(pb.DeleteFilterRequest(filter_id=path.filter_id), key=header.idempotency_key)
    return Response(status=204)


@blueprint.get("/overview", tags=CUSTOMERS, responses={200: Overview})
@checked(permissions.MEMBERS_READ)
def get_overview() -> Response:
    """Read the store's members in figures (C1)"""
    found = services().directory.get_overview(pb.GetOverviewRequest())
    rules = services().levels.get(levels.GetLevelsRequest()).rules
    return answer(overview_json(found, rules, principal().store.currency))
