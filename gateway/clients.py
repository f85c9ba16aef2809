"""The services as the gateway calls them, and the only place that opens channels.

Channels are opened at the first call of a process, never before a fork (rule 8). Every call has a deadline, which shrinks with
what is left of the request's budget; the service config repeats UNAVAILABLE alone, which is safe because writes carry a key.
Every method raises the error of the tree that the service raised; Unavailable when it could not be reached in time.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import grpc
from flask import current_app
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gateway.calls import Method, Tokens
from gateway.config import Settings, Targets
from onefold.identity_merge.v1 import accounts_pb2_grpc as accounts
from onefold.identity_merge.v1 import audit_pb2_grpc as audit
from onefold.identity_merge.v1 import batches_pb2_grpc as batches
from onefold.identity_merge.v1 import duplicates_pb2_grpc as duplicates
from onefold.identity_merge.v1 import keys_pb2_grpc as keys
from onefold.identity_merge.v1 import service_pb2_grpc as identity
from onefold.identity_merge.v1 import staff_pb2_grpc as staff
from onefold.membership.v1 import benefits_pb2_grpc as benefits
from onefold.membership.v1 import directory_pb2_grpc as directory
from onefold.membership.v1 import imports_pb2_grpc as imports
from onefold.membership.v1 import invitations_pb2_grpc as invitations
from onefold.membership.v1 import levels_pb2_grpc as levels
from onefold.membership.v1 import merging_pb2_grpc as merging
from onefold.membership.v1 import profiles_pb2_grpc as profiles
from onefold.membership.v1 import registration_pb2_grpc as registration
from onefold.membership.v1 import service_pb2_grpc as membership
from onefold.notification.v1 import service_pb2_grpc as notification
from onefold.notification.v1 import subscriptions_pb2_grpc as subscriptions
from onefold.orders.v1 import bulk_pb2_grpc as bulk
from onefold.orders.v1 import carts_pb2_grpc as carts
from onefold.orders.v1 import items_pb2_grpc as items
from onefold.orders.v1 import payments_pb2_grpc as payments
from onefold.orders.v1 import service_pb2_grpc as orders
from onefold.orders.v1 import spend_pb2_grpc as spend
from services.common.channel import CHANNEL_OPTIONS
from services.common.tokens import TokenSigner


class Orders:
    """OrdersService."""

    def __init__(self, tokens: Tokens, channel: grpc.Channel) -> None:
        stub = orders.OrdersServiceStub(channel)
        self.create = Method(tokens, stub.CreateOrder)
        self.get = Method(tokens, stub.GetOrder)
        self.list = Method(tokens, stub.ListOrders)
        self.list_changes = Method(tokens, stub.ListOrderChanges)
        self.confirm_payment = Method(tokens, stub.ConfirmPayment)
        self.advance = Method(tokens, stub.AdvanceOrder)
        self.cancel = Method(tokens, stub.CancelOrder)
        self.refund = Method(tokens, stub.RefundOrder)
        self.edit_contact = Method(tokens, stub.EditContact)
        self.resend_email = Method(tokens, stub.ResendOrderEmail)
        self.summarise_customers = Method(tokens, stub.SummariseCustomers)


class Bulk:
    """BulkService."""

    def __init__(self, tokens: Tokens, channel: grpc.Channel) -> None:
        stub = bulk.BulkServiceStub(channel)
        self.count = Method(tokens, stub.CountOrders)
        self.start = Method(tokens, stub.StartBulkRun)
        self.get = Method(tokens, stub.GetBulkRun)
        self.list = Method(tokens, stub.ListBulkRuns)
        self.list_refused = Method(tokens, stub.ListRefusedOrders)


class Items:
    """ItemService."""

    def __init__(self, tokens: Tokens, channel: grpc.Channel) -> None:
        stub = items.ItemServiceStub(channel)
        self.create = Method(tokens, stub.CreateItem)
        self.change = Method(tokens, stub.ChangeItem)
        self.get = Method(tokens, stub.GetItem)
        self.list = Method(tokens, stub.ListItems)


class Carts:
    """CartService."""

    def __init__(self, tokens: Tokens, channel: grpc.Channel) -> None:
        stub = carts.CartServiceStub(channel)
        self.get = Method(tokens, stub.GetCart)
        self.change = Method(tokens, stub.ChangeCart)
        self.claim = Method(tokens, stub.ClaimCart)
        self.check_out = Method(tokens, stub.CheckOutCart)


class Payments:
    """PaymentService."""

    def __init__(self, tokens: Tokens, channel: grpc.Channel) -> None:
        stub = payments.PaymentServiceStub(channel)
        self.start_checkout = Method(tokens, stub.StartCheckout)
        self.receive_notice = Method(tokens, stub.ReceiveNotice)
        self.set_provider = Method(tokens, stub.SetProvider)
        self.get_providers = Method(tokens, stub.GetProviders)
        self.test_provider = Method(tokens, stub.TestProvider)
        self.list_notices = Method(tokens, stub.ListNotices)
        self.settle_notice = Method(tokens, stub.SettleNotice)
        self.retry_refund = Method(tokens, stub.RetryRefund)


class Spend:
    """SpendService."""

    def __init__(self, tokens: Tokens, channel: grpc.Channel) -> None:
        self.explain = Method(tokens, spend.SpendServiceStub(channel).ExplainSpend)


class Membership:
    """MembershipService."""

    def __init__(self, tokens: Tokens, channel: grpc.Channel) -> None:
        stub = membership.MembershipServiceStub(channel)
        self.enrol_buyer = Method(tokens, stub.EnrolBuyer)
        self.get_customer = Method(tokens, stub.GetCustomer)
        self.get_customers = Method(tokens, stub.GetCustomers)
        self.search_customers = Method(tokens, stub.SearchCustomers)
        self.list_points_entries = Method(tokens, stub.ListPointsEntries)
        self.adjust_points = Method(tokens, stub.AdjustPoints)


class Benefits:
    """BenefitsService."""

    def __init__(self, tokens: Tokens, channel: grpc.Channel) -> None:
        stub = benefits.BenefitsServiceStub(channel)
        self.quote = Method(tokens, stub.QuoteBenefits)


class Imports:
    """ImportsService."""

    def __init__(self, tokens: Tokens, channel: grpc.Channel) -> None:
        stub = imports.ImportsServiceStub(channel)
        self.sample = Method(tokens, stub.GetSampleFile)
        self.start = Method(tokens, stub.StartImport)
        self.append = Method(tokens, stub.AppendFile)
        self.finish = Method(tokens, stub.FinishUpload)
        self.preview = Method(tokens, stub.PreviewImport)
        self.check = Method(tokens, stub.CheckImport)
        self.confirm = Method(tokens, stub.ConfirmImport)
        self.discard = Method(tokens, stub.DiscardImport)
        self.get = Method(tokens, stub.GetImport)
        self.list = Method(tokens, stub.ListImports)
        self.list_rows = Method(tokens, stub.ListImportRows)


class Levels:
    """LevelsService."""

    def __init__(self, tokens: Tokens, channel: grpc.Channel) -> None:
        stub = levels.LevelsServiceStub(channel)
        self.get = Method(tokens, stub.GetLevels)
        self.simulate = Method(tokens, stub.SimulateLevels)
        self.save = Method(tokens, stub.SaveLevels)
        self.get_run = Method(tokens, stub.GetLevelRun)
        self.set_of_customer = Method(tokens, stub.SetCustomerLevel)
        self.list_changes = Method(tokens, stub.ListLevelChanges)
        self.get_points_settings = Method(tokens, stub.GetPointsSettings)
        self.save_points_settings = Method(tokens, stub.SavePointsSettings)
        self.list_expiring_points = Method(tokens, stub.ListExpiringPoints)


class Merging:
    """MergingService."""

    def __init__(self, tokens: Tokens, channel: grpc.Channel) -> None:
        stub = merging.MergingServiceStub(channel)
        self.list_rules = Method(tokens, stub.ListMergeRules)
        self.get_record = Method(tokens, stub.GetMergeRecord)


class Profiles:
    """ProfilesService."""

    def __init__(self, tokens: Tokens, channel: grpc.Channel) -> None:
        stub = profiles.ProfilesServiceStub(channel)
        self.change_profile = Method(tokens, stub.ChangeProfile)
        self.change_phone = Method(tokens, stub.ChangePhone)
        self.add_note = Method(tokens, stub.AddNote)
        self.strike_note = Method(tokens, stub.StrikeNote)
        self.list_notes = Method(tokens, stub.ListNotes)
        self.list_history = Method(tokens, stub.ListHistory)
        self.delete = Method(tokens, stub.DeleteCustomer)
        self.erase = Method(tokens, stub.EraseCustomer)
        self.get_policy = Method(tokens, stub.GetDeletionPolicy)
        self.set_policy = Method(tokens, stub.SetDeletionPolicy)


class Consents:
    """RegistrationService, as far as it is not for services alone."""

    def __init__(self, tokens: Tokens, channel: grpc.Channel) -> None:
        stub = registration.RegistrationServiceStub(channel)
        self.get = Method(tokens, stub.GetConsents)
        self.set = Method(tokens, stub.SetConsents)


class Directory:
    """DirectoryService."""

    def __init__(self, tokens: Tokens, channel: grpc.Channel) -> None:
        stub = directory.DirectoryServiceStub(channel)
        self.list = Method(tokens, stub.ListCustomers)
        self.save_filter = Method(tokens, stub.SaveFilter)
        self.rename_filter = Method(tokens, stub.RenameFilter)
        self.change_filter = Method(tokens, stub.ChangeFilter)
        self.delete_filter = Method(tokens, stub.DeleteFilter)
        self.get_filter = Method(tokens, stub.GetFilter)
        self.list_filters = Method(tokens, stub.ListFilters)
        self.get_overview = Method(tokens, stub.GetOverview)


class Access:
    """AccessService."""

    def __init__(self, tokens: Tokens, channel: grpc.Channel) -> None:
        stub = identity.AccessServiceStub(channel)
        self.log_in = Method(tokens, stub.LogIn)
        self.log_out = Method(tokens, stub.LogOut)
        self.authenticate = Method(tokens, stub.Authenticate)
        self.create_api_key = Method(tokens, stub.CreateApiKey)
        self.get_store = Method(tokens, stub.GetStore)


class Audit:
    """AuditService."""

    def __init__(self, tokens: Tokens, channel: grpc.Channel) -> None:
        stub = audit.AuditServiceStub(channel)
        self.list_entries = Method(tokens, stub.ListAuditEntries)
        self.list_actors = Method(tokens, stub.ListAuditActors)


class Staff:
    """StaffService."""

    def __init__(self, tokens: Tokens, channel: grpc.Channel) -> None:
        stub = staff.StaffServiceStub(channel)
        self.list = Method(tokens, stub.ListStaff)
        self.get = Method(tokens, stub.GetStaff)
        self.invite = Method(tokens, stub.InviteStaff)
        self.withdraw = Method(tokens, stub.WithdrawInvitation)
        self.change = Method(tokens, stub.ChangeStaff)
        self.remove = Method(tokens, stub.RemoveStaff)
        self.reset_totp = Method(tokens, stub.ResetTotp)
        self.read_invitation = Method(tokens, stub.ReadInvitation)
        self.accept_invitation = Method(tokens, stub.AcceptInvitation)
        self.request_reset = Method(tokens, stub.RequestReset)
        self.log_in_with_totp = Method(tokens, stub.LogInWithTotp)
        self.get_myself = Method(tokens, stub.GetMyself)
        self.change_my_name = Method(tokens, stub.ChangeMyName)
        self.change_my_password = Method(tokens, stub.ChangeMyPassword)
        self.end_my_sessions = Method(tokens, stub.EndMySessions)
        self.begin_totp = Method(tokens, stub.BeginTotp)
        self.confirm_totp = Method(tokens, stub.ConfirmTotp)
        self.end_totp = Method(tokens, stub.EndTotp)


class ApiKeys:
    """ApiKeyService."""

    def __init__(self, tokens: Tokens, channel: grpc.Channel) -> None:
        stub = keys.ApiKeyServiceStub(channel)
        self.list = Method(tokens, stub.ListApiKeys)
        self.rotate = Method(tokens, stub.RotateApiKey)
        self.revoke = Method(tokens, stub.RevokeApiKey)


class Logins:
    """LoginService."""

    def __init__(self, tokens: Tokens, channel: grpc.Channel) -> None:
        stub = identity.LoginServiceStub(channel)
        self.confirm = Method(tokens, stub.ConfirmLogin)
        self.list_methods = Method(tokens, stub.ListLoginMethods)


class Accounts:
    """CustomerAccountService."""

    def __init__(self, tokens: Tokens, channel: grpc.Channel) -> None:
        stub = accounts.CustomerAccountServiceStub(channel)
        self.request_code = Method(tokens, stub.RequestCode)
        self.verify_code = Method(tokens, stub.VerifyCode)
        self.follow_link = Method(tokens, stub.FollowLink)
        self.read_guest_invitation = Method(tokens, stub.ReadGuestInvitation)
        self.get_proofs = Method(tokens, stub.GetProofs)
        self.register = Method(tokens, stub.Register)
        self.log_in_with_password = Method(tokens, stub.LogInWithPassword)
        self.set_password = Method(tokens, stub.SetPassword)
        self.authenticate = Method(tokens, stub.AuthenticateCustomer)
        self.log_out = Method(tokens, stub.LogOutCustomer)
        self.get = Method(tokens, stub.GetAccount)
        self.end_sessions = Method(tokens, stub.EndSessions)


class SocialLogins:
    """SocialLoginService."""

    def __init__(self, tokens: Tokens, channel: grpc.Channel) -> None:
        stub = accounts.SocialLoginServiceStub(channel)
        self.list_providers = Method(tokens, stub.ListProviders)
        self.begin = Method(tokens, stub.BeginSocialLogin)
        self.finish = Method(tokens, stub.FinishSocialLogin)


class Invitations:
    """InvitationsService."""

    def __init__(self, tokens: Tokens, channel: grpc.Channel) -> None:
        stub = invitations.InvitationsServiceStub(channel)
        self.list_invitees = Method(tokens, stub.ListInvitees)
        self.count_invitees = Method(tokens, stub.CountInvitees)
        self.invite = Method(tokens, stub.InviteGuests)
        self.invite_all = Method(tokens, stub.InviteAllGuests)
        self.get_run = Method(tokens, stub.GetInvitationRun)
        self.list = Method(tokens, stub.ListInvitations)


class Merges:
    """MergeService."""

    def __init__(self, tokens: Tokens, channel: grpc.Channel) -> None:
        stub = identity.MergeServiceStub(channel)
        self.plan = Method(tokens, stub.PlanMerge)
        self.commit = Method(tokens, stub.CommitMerge)
        self.get = Method(tokens, stub.GetMerge)
        self.list = Method(tokens, stub.ListMerges)


class MergeBatches:
    """MergeBatchService."""

    def __init__(self, tokens: Tokens, channel: grpc.Channel) -> None:
        stub = batches.MergeBatchServiceStub(channel)
        self.create = Method(tokens, stub.CreateMergeBatch)
        self.confirm = Method(tokens, stub.ConfirmMergeBatch)
        self.get = Method(tokens, stub.GetMergeBatch)
        self.list = Method(tokens, stub.ListMergeBatches)
        self.list_groups = Method(tokens, stub.ListMergeGroups)


class Duplicates:
    """DuplicatesService."""

    def __init__(self, tokens: Tokens, channel: grpc.Channel) -> None:
        stub = duplicates.DuplicatesServiceStub(channel)
        self.list = Method(tokens, stub.ListDuplicates)
        self.dismiss = Method(tokens, stub.DismissDuplicate)
        self.restore = Method(tokens, stub.RestoreDuplicate)
        self.get_scan = Method(tokens, stub.GetDuplicateScan)
        self.start_scan = Method(tokens, stub.StartDuplicateScan)


class Notifications:
    """NotificationService."""

    def __init__(self, tokens: Tokens, channel: grpc.Channel) -> None:
        stub = notification.NotificationServiceStub(channel)
        self.list_messages = Method(tokens, stub.ListMessages)
        self.get_message = Method(tokens, stub.GetMessage)
        self.decide_message = Method(tokens, stub.DecideMessage)
        self.list_messages_of_events = Method(tokens, stub.ListMessagesOfEvents)


class Subscriptions:
    """SubscriptionService."""

    def __init__(self, tokens: Tokens, channel: grpc.Channel) -> None:
        stub = subscriptions.SubscriptionServiceStub(channel)
        self.get = Method(tokens, stub.GetSubscription)
        self.list_unsubscribed = Method(tokens, stub.ListUnsubscribed)
        self.set = Method(tokens, stub.SetSubscription)


class Services:
    """All services, over one channel to each."""

    def __init__(self, targets: Targets, signer: TokenSigner) -> None:
        tokens = Tokens(signer)
        self._channels = {name: _open(getattr(targets, name)) for name in Targets.__slots__}
        channels = self._channels
        self.orders = Orders(tokens, channels["orders"])
        self.carts = Carts(tokens, channels["orders"])
        self.items = Items(tokens, channels["orders"])
        self.payments = Payments(tokens, channels["orders"])
        self.bulk = Bulk(tokens, channels["orders"])
        self.spend = Spend(tokens, channels["orders"])
        self.membership = Membership(tokens, channels["membership"])
        self.imports = Imports(tokens, channels["membership"])
        self.merging = Merging(tokens, channels["membership"])
        self.profiles = Profiles(tokens, channels["membership"])
        self.consents = Consents(tokens, channels["membership"])
        self.benefits = Benefits(tokens, channels["membership"])
        self.levels = Levels(tokens, channels["membership"])
        self.directory = Directory(tokens, channels["membership"])
        self.invitations = Invitations(tokens, channels["membership"])
        self.access = Access(tokens, channels["identity_merge"])
        self.audit = Audit(tokens, channels["identity_merge"])
        self.staff = Staff(tokens, channels["identity_merge"])
        self.api_keys = ApiKeys(tokens, channels["identity_merge"])
        self.logins = Logins(tokens, channels["identity_merge"])
        self.accounts = Accounts(tokens, channels["identity_merge"])
        self.social_logins = SocialLogins(tokens, channels["identity_merge"])
        self.merges = Merges(tokens, channels["identity_merge"])
        self.merge_batches = MergeBatches(tokens, channels["identity_merge"])
        self.duplicates = Duplicates(tokens, channels["identity_merge"])
        self.notifications = Notifications(tokens, channels["notification"])
        self.subscriptions = Subscriptions(tokens, channels["notification"])

    def health(self, seconds: float) -> Iterator[tuple[str, bool]]:
        """Name of each service, and whether it says that it serves; asked side by side."""
        request = health_pb2.HealthCheckRequest()
        asked = {
            name: health_pb2_grpc.HealthStub(channel).Check.future(request, timeout=seconds)
            for name, channel in self._channels.items()
        }
        for name, answer in asked.items():
            yield name, answer.exception() is None and answer.result().status == health_pb2.HealthCheckResponse.SERVING

    def close(self) -> None:
        """Closes the channels; calls under way fail."""
        for channel in self._channels.values():
            channel.close()


def _open(target: str) -> grpc.Channel:
    return grpc.insecure_channel(target if ":///" in target else f"dns:///{target}", options=CHANNEL_OPTIONS)


class ServicesOfProcess:
    """Opens the channels at the first use in this process; a forked child opens its own, for gRPC does not survive a fork."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._pid = 0
        self._services: Services | None = None

    def get(self) -> Services:
        """The services of this process."""
        if self._services is None or self._pid != os.getpid():
            with self._lock:
                if self._services is None or self._pid != os.getpid():
                    self._services = Services(self._settings.targets, TokenSigner(self._settings.service_key))
                    self._pid = os.getpid()
        return self._services


def services() -> Services:
    """The services, for the application under way."""
    of_process: ServicesOfProcess = current_app.extensions["onefold_services"]
    return of_process.get()
