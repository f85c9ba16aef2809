"""What the gateway calls of the identity_merge service."""

from __future__ import annotations

import grpc

from gateway.calls import Method, Tokens
from onefold.identity_merge.v1 import accounts_pb2_grpc as accounts
from onefold.identity_merge.v1 import audit_pb2_grpc as audit
from onefold.identity_merge.v1 import authentication_pb2_grpc as authentication
from onefold.identity_merge.v1 import batches_pb2_grpc as batches
from onefold.identity_merge.v1 import duplicates_pb2_grpc as duplicates
from onefold.identity_merge.v1 import keys_pb2_grpc as keys
from onefold.identity_merge.v1 import service_pb2_grpc as identity
from onefold.identity_merge.v1 import staff_pb2_grpc as staff


class Access:
    """AccessService."""

    def __init__(self, tokens: Tokens, channel: grpc.Channel) -> None:
        stub = identity.AccessServiceStub(channel)
        self.log_in = Method(tokens, stub.LogIn)
        self.log_out = Method(tokens, stub.LogOut)
        self.authenticate = Method(tokens, stub.Authenticate)
        self.create_api_key = Method(tokens, stub.CreateApiKey)
        self.get_store = Method(tokens, stub.GetStore)


class Authentication:
    """AuthenticationService."""

    def __init__(self, tokens: Tokens, channel: grpc.Channel) -> None:
        stub = authentication.AuthenticationServiceStub(channel)
        self.authenticate_again = Method(tokens, stub.AuthenticateAgain)


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
