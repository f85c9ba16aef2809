"""Every write of the contracts is in the audit log, or says here why not; every entry has its words in the console (H1)."""

from __future__ import annotations

import ast
import inspect
import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from gateway.console import audit_words

ROOT = Path(__file__).parents[2]
CONTEXTS = ("membership", "orders", "identity_merge", "notification")
READS = re.compile(r"(List|Get|Search|Preview|Summarise|Count|Explain|Read|Authenticate|Simulate|Quote)[A-Z]?\w*")
# What each write notes: its actions, one a line; or, as a sentence, why it notes nothing.
WRITES: dict[str, str] = {
    # orders
    "CreateOrder": "Placing an order is no change of something that was: the order itself says who placed it.",
    "ConfirmPayment": "order.payment_confirmed",
    "AdvanceOrder": "order.advanced",
    "CancelOrder": "order.cancelled",
    "RefundOrder": "order.refunded",
    "RetryRefund": "order.refund_retried",
    "EditContact": "order.contact_edited",
    "ResendOrderEmail": "order.email_resent",
    "StartBulkRun": "orders.bulk_started",
    "CreateItem": "item.created",
    "ChangeItem": "item.changed",
    "SetProvider": "payment_provider.changed",
    "TestProvider": "Changes nothing: the provider is asked whether it takes the key.",
    "SettleNotice": "payment_notice.settled",
    "ReceiveNotice": "The provider tells of money; the notice is kept as it came, and the order's history says what it did.",
    "StartCheckout": "Takes a customer to the provider; the order changes when the money is there.",
    "RelinkOrders": "A step of a merge, which is noted as a whole.",
    "ChangeCart": "What somebody means to buy, as long as they think about it.",
    "ClaimCart": "A visitor's cart becomes the cart of whom the visitor logs in as.",
    "CheckOutCart": "Places an order.",
    # membership
    "EnrolBuyer": "Follows an order, which says who placed it.",
    "AdjustPoints": "customer.points_adjusted",
    "ReservePoints": "A part of placing an order; the ledger of points has an entry of it.",
    "ChangeProfile": "customer.profile_changed",
    "ChangePhone": "customer.phone_changed",
    "AddNote": "customer.note_added",
    "StrikeNote": "customer.note_struck",
    "DeleteCustomer": "customer.deleted",
    "EraseCustomer": "customer.erased",
    "SetDeletionPolicy": "deletion_policy.changed",
    "SetCustomerLevel": "customer.level_set",
    "SaveLevels": "levels.saved",
    "SavePointsSettings": "points_settings.changed",
    "RegisterMember": "customer.registered",
    "AddIdentifier": "customer.identifier_added",
    "SetConsents": "customer.consents_changed",
    "Absorb": "A step of a merge, which is noted as a whole.",
    "SaveFilter": "A way to look at the list of members.",
    "ChangeFilter": "A way to look at the list of members.",
    "RenameFilter": "A way to look at the list of members.",
    "DeleteFilter": "A way to look at the list of members.",
    "InviteGuests": "customer.invited",
    "InviteAllGuests": "invitations.started",
    "StartImport": "A file is put in; nobody is changed before it is confirmed.",
    "AppendFile": "A file is put in; nobody is changed before it is confirmed.",
    "FinishUpload": "A file is put in; nobody is changed before it is confirmed.",
    "CheckImport": "A dry run.",
    "ConfirmImport": "import.confirmed",
    "DiscardImport": "Lets go of a file that nobody has confirmed.",
    # identity_merge
    "PlanMerge": "A plan, which nobody has committed.",
    "CommitMerge": "customer.merge_started customer.merge_completed customer.merge_refused",
    "CreateMergeBatch": "A dry run, or merge_batch.confirmed where it starts by itself.",
    "ConfirmMergeBatch": "merge_batch.confirmed",
    "DismissDuplicate": "customer.duplicate_dismissed",
    "RestoreDuplicate": "customer.duplicate_restored",
    "StartDuplicateScan": "Looks at members and changes none of them.",
    "EndLogins": "A step of a deletion or erasure, which membership notes.",
    "IssueConfirmation": "Makes the token of a mail at the moment of sending.",
    "IssueCode": "Makes the code of a mail at the moment of sending.",
    "IssueGuestInvitation": "Makes the token of a mail at the moment of sending.",
    "SetPassword": "customer.password_set",
    "EndSessions": "customer.sessions_ended",
    "Register": "Membership notes that there is a new member.",
    "LogInWithPassword": "Customers log in all day; their sessions are listed in the account.",
    "VerifyCode": "Customers log in all day; membership notes a phone or e-mail that was added.",
    "FollowLink": "Proves an address; what is done with the proof is another matter.",
    "ConfirmLogin": "Proves an address, which stands in the customer's timeline.",
    "LogOutCustomer": "Customers log in all day; their sessions are listed in the account.",
    "BeginSocialLogin": "Sends a browser away; what it comes back with is another matter.",
    "FinishSocialLogin": "customer.provider_connected",
    "CreateStore": "store.created",
    "CreateApiKey": "api_key.made",
    "RotateApiKey": "api_key.rotated",
    "RevokeApiKey": "api_key.revoked",
    "LogIn": "staff.logged_in staff.login_refused",
    "LogInWithTotp": "staff.logged_in staff.login_refused",
    "LogOut": "Ends the caller's own session.",
    "InviteStaff": "staff.invited",
    "WithdrawInvitation": "staff.invitation_withdrawn",
    "IssueInvitation": "Makes the token of a mail at the moment of sending.",
    "AcceptInvitation": "staff.joined staff.password_reset staff.logged_in",
    "RequestReset": "Asks for a mail; nothing is noted before somebody sets a password by it.",
    "ChangeStaff": "staff.changed",
    "RemoveStaff": "staff.removed",
    "ChangeMyName": "staff.changed",
    "ChangeMyPassword": "staff.password_changed",
    "EndMySessions": "staff.sessions_ended",
    "BeginTotp": "A secret that counts for nothing until a code of it was seen.",
    "ConfirmTotp": "staff.totp_on",
    "EndTotp": "staff.totp_off",
    "ResetTotp": "staff.totp_reset",
    # notification
    "CreateWebhook": "webhook.created",
    "ChangeWebhook": "webhook.changed webhook.disabled",
    "RotateWebhookSecret": "webhook.secret_rotated",
    "RemoveWebhook": "webhook.removed",
    "TestWebhook": "webhook.tested",
    "ReplayDelivery": "webhook.replayed",
    "ReplayFailed": "webhook.replayed",
    "RequestCode": "Asks for a code; whoever logs in by it is another matter.",
    # notification
    "DecideMessage": "message.marked_sent message.sent_again",
    "SaveLook": "message_look.changed",
    "ReceiveSmsStatus": "The provider tells what became of an SMS; the message's history has it.",
    "SetSubscription": "What somebody behind a link wants to get; whom it is about is known by a digest alone.",
}


def rpcs() -> Iterator[tuple[str, str]]:
    """(context, name) of each RPC of the contracts."""
    for context in CONTEXTS:
        package = import_module(f"onefold.{context}.v1")
        for module in pkgutil.iter_modules(package.__path__):
            if module.name.endswith("_pb2"):
                descriptor: Any = import_module(f"{package.__name__}.{module.name}").DESCRIPTOR
                for service in descriptor.services_by_name.values():
                    yield from ((context, method.name) for method in service.methods)


def served(context: str) -> set[str]:
    """Names of the RPCs that the code answers."""
    api = import_module(f"services.{context}.api")
    classes = [cls for name, cls in inspect.getmembers(api, inspect.isclass) if name.endswith("Api")]
    return {name for cls in classes for name in vars(cls) if name[0].isupper()}


def constants(node: ast.AST) -> Iterator[str]:
    """Texts of a piece of code, those apart that name crash points or have a name themselves."""
    if isinstance(node, ast.keyword) or (isinstance(node, ast.Call) and ast.unparse(node.func) == "crash.point"):
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    for child in ast.iter_child_nodes(node):
        yield from constants(child)


def commands() -> Iterator[ast.Module]:
    for context in CONTEXTS:
        for file in sorted((ROOT / "services" / context / "commands").rglob("*.py")):
            yield ast.parse(file.read_text())


ACTION = re.compile(r"[a-z_]+\.[a-z_]+")
NOTED = {text for tree in commands() for text in constants(tree) if ACTION.fullmatch(text)}
IN_TABLE = {action for told in WRITES.values() if not told.endswith(".") for action in told.split()}


def test_every_write_is_noted_or_says_why_not() -> None:
    """A new one fails here: have its command add `events.noted(…)` to the outbox, then name the action above."""
    writes = {name for context, name in rpcs() if not READS.fullmatch(name) and name in served(context)}
    assert len(writes) > 50
    assert writes - set(WRITES) == set()
    assert set(WRITES) - writes == set(), "no write of the contracts"


def test_every_action_of_the_table_is_noted_by_a_command_and_the_other_way_round() -> None:
    assert set() == IN_TABLE - NOTED
    assert set() == NOTED - IN_TABLE


def test_every_action_has_its_words() -> None:
    worded = {f"{thing}.{deed}" for thing, (_name, deeds) in audit_words.ACTIONS.items() for deed in deeds}
    assert worded == IN_TABLE


def test_every_field_that_is_told_has_its_name() -> None:
    """Those whose names are put in by a loop are tried in tests of their commands."""
    told = {
        node.args[0].value
        for tree in commands()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("audit.change", "audit.hidden")
        and isinstance(node.args[0], ast.Constant)
    }
    assert len(told) > 20
    assert told - set(audit_words.FIELDS) == set()
