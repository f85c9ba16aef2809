"""Every RPC says who may call it, in words that exist (H1, H4)."""

from __future__ import annotations

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor

from onefold.common.v1 import access_pb2
from services.common import permissions
from tests.support.contract import access_of, methods, path_of

METHODS = list(methods())
WORDS = frozenset().union(*permissions.ROLES.values())


def test_the_walk_finds_the_contracts() -> None:
    assert len(METHODS) > 100


@pytest.mark.parametrize("method", METHODS, ids=path_of)
def test_every_rpc_says_who_may_call_it(method: MethodDescriptor) -> None:
    declared = access_of(method)
    assert declared != access_pb2.Access(), "an RPC that declares nothing is closed to everybody"
    assert set(declared.permissions) <= WORDS


@pytest.mark.parametrize("method", [each for each in METHODS if access_of(each).own], ids=path_of)
def test_what_must_be_the_callers_own_is_a_text_of_the_request(method: MethodDescriptor) -> None:
    assert _field(method.input_type, access_of(method).own).type == FieldDescriptor.TYPE_STRING


@pytest.mark.parametrize("method", METHODS, ids=path_of)
def test_what_services_do_for_one_another_is_open_to_no_visitor(method: MethodDescriptor) -> None:
    """But for an order, whose link the handler asks for."""
    declared = access_of(method)
    assert not (declared.services and declared.visitors) or method.name == "GetOrder"


def _field(message: Descriptor, path: str) -> FieldDescriptor:
    name, _dot, rest = path.partition(".")
    field = message.fields_by_name[name]
    return _field(field.message_type, rest) if rest else field
