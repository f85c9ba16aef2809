"""What the console asks about payments by a provider. Every function raises the error of the tree that the service raised."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.clients import services
from onefold.common.v1.common_pb2 import PageRequest
from onefold.orders.v1 import payments_pb2 as pb

# A provider is asked meanwhile.
_TEST_SECONDS = 10.0


def notices(token: str = "", order_id: str = "") -> pb.ListNoticesResponse:
    """A page of those that a person should look at, newest first; of one order only, if named."""
    return services().payments.list_notices(pb.ListNoticesRequest(page=PageRequest(token=token), order_id=order_id))


def settle(notice_id: str, settlement: int, note: str, key: str) -> pb.Notice:
    """The notice, settled."""
    wish = pb.SettleNoticeRequest(notice_id=notice_id, note=note)
    wish.settlement = settlement  # type: ignore[assignment]  # an open enum
    return services().payments.settle_notice(wish, key=key).notice


def retry_refund(order_id: str, refund_id: str, key: str) -> None:
    """The provider is asked once more."""
    services().payments.retry_refund(pb.RetryRefundRequest(order_id=order_id, refund_id=refund_id), key=key)


def providers() -> Sequence[pb.Provider]:
    """Those that can be set up here, each as it is."""
    return services().payments.get_providers(pb.GetProvidersRequest()).providers


def set_provider(wish: pb.SetProviderRequest, key: str) -> pb.Provider:
    """The provider as it now is."""
    return services().payments.set_provider(wish, key=key).provider


def test_provider(kind: pb.ProviderKind.ValueType) -> None:
    """Whether the provider takes the key."""
    services().payments.test_provider(pb.TestProviderRequest(kind=kind), seconds=_TEST_SECONDS)
