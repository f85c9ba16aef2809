"""The error tree survives gRPC (architecture, rule 7)."""

from __future__ import annotations

import grpc
import pytest
from google.rpc import status_pb2

from services.common import errors
from services.common.rpc_errors import from_status, status_of, to_caller
from services.common.tokens import TokenSigner


def over_the_wire(error: errors.OnefoldError) -> errors.OnefoldError:
    status = status_of(error)
    binary = dict(status.trailing_metadata)["grpc-status-details-bin"]
    return from_status(status.code, status.details, status_pb2.Status.FromString(binary))


@pytest.mark.parametrize(
    "error",
    [
        errors.NotFound("order_not_found", "", order_id="x"),
        errors.Conflict("stale_plan"),
        errors.StateConflict("order_not_unpaid", number="1001"),
        errors.Unavailable("service_unavailable"),
        errors.PermissionDenied("permission_denied"),
        errors.Unauthenticated("credential_refused"),
        errors.AlreadyExists("store_exists", store_id="s"),
        errors.Internal("internal"),
    ],
)
def test_an_error_keeps_its_kind_reason_and_parameters(error: errors.OnefoldError) -> None:
    arrived = over_the_wire(error)
    assert (type(arrived), arrived.reason, arrived.params) == (type(error), error.reason, error.params)


def test_violations_keep_field_reason_and_parameters() -> None:
    sent = errors.InvalidInput(
        errors.Violation("lines[0].quantity", "quantity_out_of_range", {"largest": "100000"}),
        errors.Violation("currency", "required"),
        # As somebody may have sent it: neither the end of the parameter nor another one.
        errors.Violation("currency", "unknown_currency", {"currency": "H&known=%26&%=&", "known": "HKD, TWD"}),
        errors.Violation("time", "unknown_timezone", {"timezone": "亞洲/香港&", "nothing": ""}),
    )
    arrived = over_the_wire(sent)
    assert isinstance(arrived, errors.InvalidInput)
    assert arrived.violations == sent.violations


def test_details_stay_far_below_what_grpc_can_carry_however_much_is_wrong() -> None:
    """Known trap: details above 8 KB fail at random."""
    many = errors.InvalidInput(
        *(errors.Violation(f"lines[{n}].title", "too_long", {"longest": "x" * 500}) for n in range(500))
    )
    assert len(dict(status_of(many).trailing_metadata)["grpc-status-details-bin"]) < 4_000


def test_an_answer_that_never_came_is_unavailable() -> None:
    assert isinstance(from_status(grpc.StatusCode.UNAVAILABLE, "", None), errors.Unavailable)
    assert from_status(grpc.StatusCode.DEADLINE_EXCEEDED, "", None).reason == "deadline_exceeded"
    assert isinstance(from_status(grpc.StatusCode.UNIMPLEMENTED, "", None), errors.Internal)


def test_a_list_of_what_changed_arrives_with_whole_entries() -> None:
    """F8: a stale plan names account and field of twenty changes; the rest is learnt by planning again."""
    entries = [f"01a22c87-0e42-727e-a555-{n:012} orders_count" for n in range(40)]
    for sent, arrive in ((entries[:20], 20), (entries, 23)):
        arrived = over_the_wire(errors.Conflict("stale_plan", changed=", ".join(sent)))
        assert arrived.params["changed"].split(", ") == entries[:arrive]


def test_a_token_of_ours_that_is_not_believed_says_nothing_of_whoever_we_act_for() -> None:
    """Their log-in or key is as good as before: they shall try again, and not log in again (fault 28)."""
    with pytest.raises(errors.Unauthenticated) as refused:
        TokenSigner("k" * 32).verify("spoilt")
    ours, theirs = over_the_wire(refused.value), over_the_wire(errors.Unauthenticated("credential_refused"))
    assert isinstance(ours, errors.Unauthenticated), "a stranger is told what is wrong"
    assert (type(to_caller(ours)), to_caller(ours).reason) == (errors.Unavailable, "service_unavailable")
    assert to_caller(theirs) is theirs
