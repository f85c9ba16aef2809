"""What the pages about all members ask: lists, saved filters, figures, and the settings that go with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gateway.clients import services
from onefold.common.v1.common_pb2 import PageRequest
from onefold.membership.v1 import directory_pb2 as pb
from onefold.membership.v1 import levels_pb2 as levels_api

if TYPE_CHECKING:
    from gateway.console.listings import Listing

# More than a store can have.
_ALL_FILTERS = 100


def customers(
    asked: pb.CustomerFilter, sort: pb.CustomerSort.ValueType, token: str = "", size: int = 0
) -> pb.ListCustomersResponse:
    """A page of customers."""
    page = PageRequest(size=size, token=token)
    return services().directory.list(pb.ListCustomersRequest(filter=asked, sort=sort, page=page))


def saved_filters() -> Sequence[pb.SavedFilter]:
    """All of the store's, by name."""
    return services().directory.list_filters(pb.ListFiltersRequest(page=PageRequest(size=_ALL_FILTERS))).saved_filters


def saved_filter(filter_id: str) -> pb.SavedFilter:
    """One of them."""
    return services().directory.get_filter(pb.GetFilterRequest(filter_id=filter_id)).saved_filter


def save_filter(name: str, listing: Listing, key: str) -> pb.SavedFilter:
    """The list's filter by its new name."""
    wish = pb.SaveFilterRequest(name=name, filter=listing.filter(), sort=listing.sort)
    return services().directory.save_filter(wish, key=key).saved_filter


def rename_filter(filter_id: str, name: str, key: str) -> None:
    """Another name."""
    services().directory.rename_filter(pb.RenameFilterRequest(filter_id=filter_id, name=name), key=key)


def change_filter(saved: pb.SavedFilter, name: str, listing: Listing, version: int, key: str) -> pb.SavedFilter:
    """Other contents, if nobody has changed it since `version`."""
    wish = pb.ChangeFilterRequest(
        filter_id=saved.filter_id, name=name, filter=listing.filter(), sort=listing.sort, expected_version=version
    )
    return services().directory.change_filter(wish, key=key).saved_filter


def delete_filter(filter_id: str, key: str) -> None:
    """Gone."""
    services().directory.delete_filter(pb.DeleteFilterRequest(filter_id=filter_id), key=key)


def overview() -> pb.GetOverviewResponse:
    """The store's members in figures."""
    return services().directory.get_overview(pb.GetOverviewRequest())


def levels() -> Sequence[levels_api.Level]:
    """The store's levels, the lowest first."""
    return services().levels.get(levels_api.GetLevelsRequest()).rules.levels


def points_settings() -> levels_api.PointsSettings:
    """How points are earned, redeemed and run out."""
    return services().levels.get_points_settings(levels_api.GetPointsSettingsRequest()).settings
