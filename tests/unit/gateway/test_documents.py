"""What is written by hand is what the OpenAPI document promises (H4)."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from gateway.api import (
    cart_models,
    customer_models,
    directory_models,
    import_models,
    item_models,
    level_models,
    merge_batch_models,
    merge_models,
    message_models,
    order_models,
    profile_models,
)
from gateway.flows import Buyer
from gateway.timeline import Event, Timeline
from onefold.identity_merge.v1 import batches_pb2 as batches
from onefold.identity_merge.v1 import service_pb2 as identity
from onefold.membership.v1 import directory_pb2 as directory
from onefold.membership.v1 import imports_pb2 as imports
from onefold.membership.v1 import levels_pb2 as levels
from onefold.membership.v1 import merging_pb2 as merging
from onefold.membership.v1 import profiles_pb2 as profiles
from onefold.membership.v1 import service_pb2 as membership
from onefold.notification.v1 import service_pb2 as notification
from onefold.orders.v1 import carts_pb2 as carts
from onefold.orders.v1 import items_pb2 as items
from onefold.orders.v1 import service_pb2 as orders

_SAMPLES: dict[int, Any] = {
    FieldDescriptor.CPPTYPE_STRING: "text",
    FieldDescriptor.CPPTYPE_INT32: 7,
    FieldDescriptor.CPPTYPE_INT64: 7,
    FieldDescriptor.CPPTYPE_BOOL: True,
    FieldDescriptor.CPPTYPE_ENUM: 1,
}


def filled(message: Message) -> Any:
    """The message with something in every field, so that no branch of its writer is left out."""
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            value["text"] = "text"
        elif field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE:
            filled(value.add() if field.is_repeated else value)
            if not field.is_repeated:
                value.SetInParent()
        elif field.type != FieldDescriptor.TYPE_BYTES and field.is_repeated:
            value.append(_SAMPLES[field.cpp_type])
        elif field.type != FieldDescriptor.TYPE_BYTES:
            setattr(message, field.name, _SAMPLES[field.cpp_type])
    return message


@pytest.mark.parametrize("make", [filled, lambda message: message], ids=["full", "empty"])
def test_every_answer_is_as_the_document_says(make: Any) -> None:
    order = make(orders.Order(status=orders.ORDER_STATUS_PAID))
    customer = make(membership.Customer())
    customer.status = membership.CUSTOMER_STATUS_MEMBER
    run = make(identity.MergeRun())
    run.state = identity.MERGE_STATE_ABSORBED
    plan = make(identity.MergePlan())
    for account in plan.preview.accounts:
        account.status = membership.CUSTOMER_STATUS_MEMBER
    order_models.OrderSummary.model_validate(order_models.summary_json(order))
    order_models.Order.model_validate(order_models.order_json(order))
    cart_models.Cart.model_validate(cart_models.cart_json(make(carts.Cart())))
    item_models.Item.model_validate(item_models.item_json(make(items.Item())))
    customer_models.CustomerSummary.model_validate(customer_models.summary_json(customer, "HKD"))
    customer_models.Customer.model_validate(customer_models.customer_json(customer, "HKD", "id"))
    owner = {"customer_id": "id"}
    ledger = customer_models.ledger_json(make(membership.ListPointsEntriesResponse()))
    customer_models.PointsLedger.model_validate(owner | ledger)
    customer_models.LoginMethod.model_validate(customer_models.login_method_json(make(identity.LoginMethod())))
    message_models.Message.model_validate(message_models.message_json(make(notification.Message())))
    message_models.MessageChange.model_validate(message_models.change_json(make(notification.MessageChange())))
    found = make(imports.Import(state=imports.IMPORT_STATE_CHECKED))
    import_models.Import.model_validate(import_models.import_json(found))
    row = make(imports.ImportRow())
    row.state = imports.IMPORT_ROW_STATE_REFUSED
    import_models.ImportRow.model_validate(import_models.row_json(row))
    import_models.Preview.model_validate(import_models.preview_json(make(imports.PreviewImportResponse())))
    profile_models.Note.model_validate(profile_models.note_json(make(profiles.Note())))
    policy = profile_models.policy_json(make(profiles.GetDeletionPolicyResponse()))
    profile_models.DeletionPolicy.model_validate(policy)
    profile_models.Removal.model_validate(profile_models.removal_json(make(profiles.Removal())))
    event = Event(make(membership.MergedAccount()).merged_at, "key", "joined")
    profile_models.TimelineOut.model_validate(profile_models.timeline_json(Timeline([event], "", ["orders"])))
    saving = make(levels.LevelRun())
    saving.refusal = "stale_simulation" if saving.refusal else ""
    level_models.LevelRun.model_validate(level_models.run_json(saving))
    level_models.Simulation.model_validate(level_models.simulation_json(make(levels.SimulateLevelsResponse())))
    level = level_models.level_of_json(make(levels.SetCustomerLevelResponse()))
    level_models.CustomerLevel.model_validate(owner | level)
    changes = level_models.history_json(customer, make(levels.ListLevelChangesResponse()))
    level_models.CustomerLevelHistory.model_validate(owner | changes)
    level_models.PointsSettings.model_validate(level_models.settings_json(make(levels.PointsSettings())))
    expiring = level_models.expiring_json(make(levels.ListExpiringPointsResponse()), True)
    level_models.ExpiringPointsList.model_validate(expiring)
    directory_models.SavedFilter.model_validate(directory_models.saved_json(make(directory.SavedFilter())))
    directory_models.Overview.model_validate(
        directory_models.overview_json(make(directory.GetOverviewResponse()), make(levels.LevelRules()), "HKD")
    )
    merge_batch_models.MergeBatch.model_validate(merge_batch_models.batch_json(make(batches.MergeBatch(state=1))))
    merge_batch_models.MergeGroup.model_validate(merge_batch_models.group_json(make(batches.MergeGroup(state=1))))
    merge_models.Merge.model_validate(merge_models.merge_json(run))
    merge_models.MergeRecord.model_validate(merge_models.record_json(make(merging.MergeRecord()), run))
    merge_models.Plan.model_validate(merge_models.plan_json(plan, "HKD"))


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (membership.CUSTOMER_STATUS_UNSPECIFIED, "pending"),
        (membership.CUSTOMER_STATUS_GUEST, "guest"),
        (membership.CUSTOMER_STATUS_MEMBER, "member"),
    ],
)
def test_a_buyer_is_a_member_a_guest_or_not_known_yet(status: membership.CustomerStatus.ValueType, word: str) -> None:
    """E6."""
    document = order_models.buyer_json(Buyer("id", status, "Chan"))
    assert order_models.OrderBuyer.model_validate(document).status == word


def test_a_status_of_a_later_release_is_other_and_no_failure() -> None:
    number: Any = 99
    assert order_models.summary_json(orders.Order(status=number))["status"] == "other"


def test_the_document_is_valid_openapi_3_1(client: FlaskClient) -> None:
    document = client.get("/api/v1/openapi.json").get_json()
    assert document["openapi"].startswith("3.1")
    schemathesis.openapi.from_dict(document).validate()


def test_every_reference_of_the_document_leads_somewhere(client: FlaskClient) -> None:
    document = client.get("/api/v1/openapi.json").get_json()

    def references(node: Any) -> set[str]:
        if isinstance(node, dict):
            own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
            return own.union(*(references(child) for child in node.values()))
        return set().union(*(references(child) for child in node)) if isinstance(node, list) else set()

    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert references(document) - known == set()


def test_every_write_asks_for_an_idempotency_key(client: FlaskClient) -> None:
    """E7."""
    document = client.get("/api/v1/openapi.json").get_json()
    writes = [
        (path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in ("post", "patch", "put", "delete")
    ]
    assert len(writes) >= 6
    for path, operation in writes:
        headers = [p["name"] for p in operation.get("parameters", []) if p["in"] == "header" and p["required"]]
        assert headers == ["Idempotency-Key"], path


def test_every_route_of_the_api_is_in_the_document_and_asks_for_a_key(app: Flask, client: FlaskClient) -> None:
    document = client.get("/api/v1/openapi.json").get_json()
    routes = {
        str(rule).replace("<", "{").replace(">", "}")
        for rule in app.url_map.iter_rules()
        if str(rule).startswith("/api/v1/") and rule.endpoint != "openapi"
    }
    assert routes == set(document["paths"])
    for path, item in document["paths"].items():
        for method, operation in item.items():
            assert operation["security"] == [{"key": []}]
            assert getattr(client, method)(path).status_code == 401, path
