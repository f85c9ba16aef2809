"""Writes of the membership service: one use case, one function, one transaction."""

from services.membership.commands.carts import follow_carts
from services.membership.commands.context import Context
from services.membership.commands.directory import (
    change_filter,
    delete_filter,
    reckon_overview,
    rename_filter,
    save_filter,
)
from services.membership.commands.enrolling import enrol_buyer
from services.membership.commands.following import follow_logins, follow_orders, follow_store
from services.membership.commands.gifts import give_birthday_points
from services.membership.commands.import_running import run_imports
from services.membership.commands.importing import (
    append_file,
    check_import,
    confirm_import,
    discard_import,
    finish_upload,
    purge_imports,
    start_import,
)
from services.membership.commands.inviting import invite_all, invite_guests, run_invitations
from services.membership.commands.joining import join_guests, note_proofs
from services.membership.commands.level_saving import run_level_saves, save_rules
from services.membership.commands.levels import move_due_members, set_customer_level, tell_moves
from services.membership.commands.merging import absorb
from services.membership.commands.notes import add_note, strike_note
from services.membership.commands.points import adjust_points, expire_points, save_points_settings
from services.membership.commands.profiles import change_phone, change_profile
from services.membership.commands.redeeming import HOLD_TIME, follow_redemptions, reserve_points, settle_holds
from services.membership.commands.registering import add_identifier, register_member
from services.membership.commands.removing import Wish, remove_customer, resume_removals, set_deletion_policy
from services.membership.commands.uses import set_uses

__all__ = [
    "HOLD_TIME",
    "Context",
    "Wish",
    "absorb",
    "add_identifier",
    "add_note",
    "adjust_points",
    "append_file",
    "change_filter",
    "change_phone",
    "change_profile",
    "check_import",
    "confirm_import",
    "delete_filter",
    "discard_import",
    "enrol_buyer",
    "expire_points",
    "finish_upload",
    "follow_carts",
    "follow_logins",
    "follow_orders",
    "follow_redemptions",
    "follow_store",
    "give_birthday_points",
    "invite_all",
    "invite_guests",
    "join_guests",
    "move_due_members",
    "note_proofs",
    "purge_imports",
    "reckon_overview",
    "register_member",
    "remove_customer",
    "rename_filter",
    "reserve_points",
    "resume_removals",
    "run_imports",
    "run_invitations",
    "run_level_saves",
    "save_filter",
    "save_points_settings",
    "save_rules",
    "set_customer_level",
    "set_deletion_policy",
    "set_uses",
    "settle_holds",
    "start_import",
    "strike_note",
    "tell_moves",
]
