"""What the gateway calls of the membership service."""

from __future__ import annotations

import grpc

from gateway.calls import Method, Tokens
from onefold.membership.v1 import benefits_pb2_grpc as benefits
from onefold.membership.v1 import directory_pb2_grpc as directory
from onefold.membership.v1 import imports_pb2_grpc as imports
from onefold.membership.v1 import invitations_pb2_grpc as invitations
from onefold.membership.v1 import levels_pb2_grpc as levels
from onefold.membership.v1 import merging_pb2_grpc as merging
from onefold.membership.v1 import profiles_pb2_grpc as profiles
from onefold.membership.v1 import registration_pb2_grpc as registration
from onefold.membership.v1 import service_pb2_grpc as membership


class Membership:
    """MembershipService."""

    def __init__(self, tokens: Tokens, channel: grpc.Channel) -> None:
        stub = membership.MembershipServiceStub(channel)
        self.enrol_buyer = Method(tokens, stub.EnrolBuyer)
        self.get_customer = Method(tokens, stub.GetCustomer)
        self.get_buyer = Method(tokens, stub.GetBuyer)
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
