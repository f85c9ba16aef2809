"""The sentences that the till's script says, in the reader's language. {n} and the like are filled in by the script (js/pos/words.js)."""

from __future__ import annotations

from flask_babel import gettext as _


def words() -> dict[str, str]:
    """Key → sentence; `_one` and `_many` where things are counted."""
    return _lookup() | _sale() | _receipt() | _queue()


def _lookup() -> dict[str, str]:
    return {
        "found_one": _("{n} found. Use the arrow keys to choose."),
        "found_many": _("{n} found. Use the arrow keys to choose."),
        "nobody": _("Nobody found."),
        "nobody_recent": _("No line: only members shown lately can be found."),
        "more_digits": _("Four digits of a phone are enough."),
        "create": _("Create new customer “{typed}”"),
        "use_phone": _("Use the phone {typed}: its member is found once the line is back"),
        "points_one": _("{n} point"),
        "points_many": _("{n} points"),
        "points_label": _("Points"),
        "change": _("Change"),
        "edit": _("Edit"),
        "edit_customer": _("Edit customer"),
        "delete_customer": _("Delete member"),
        "not_deletable": _("This member cannot be deleted."),
        "will_join": _("Becomes a member with this sale"),
        "stays_guest": _("Guest"),
        "add_as_member": _("Add as a member"),
        "birthday_month": _("Birthday this month"),
        "last_orders": _("Last orders"),
        "offline_member": _("No line: shown as last seen. Points cannot be used now."),
        "one_moment": _("One moment …"),
        "not_reached": _("This cannot be reached right now. Please try again."),
    }


def _sale() -> dict[str, str]:
    return {
        "item": _("Item"),
        "not_an_amount": _("Write the price in digits, such as 28 or 1,234.50."),
        "not_a_quantity": _("Write the quantity as a whole number from 1 to 100,000."),
        "one_less": _("One less: {item}"),
        "one_more": _("One more: {item}"),
        "quantity_of": _("Quantity: {item}"),
        "discount_of": _("Discount on {item}"),
        "discount": _("Discount"),
        "discount_hint": _("5 or 10%"),
        "remove": _("Remove: {item}"),
        "each": _("{price} each"),
        "each_less": _("{price} each, less {discount}"),
        "level_off": _("{level}: {percent}% off"),
        "use_all": _("Use {n}"),
        "too_many_points": _("At most {n} points can be used for this sale."),
        "cash": _("Cash"),
        "card": _("Card"),
    }


def _receipt() -> dict[str, str]:
    return {
        "sending": _("Saved. Being sent …"),
        "is_order": _("Order #{number}"),
        "is_waiting": _("Saved on this device. It is sent as soon as the line is back."),
        "earned": _("Earned with this sale: {points}"),
        "balance": _("Balance: {points}"),
        "receipt_level": _("Level discount {level}"),
        "receipt_points": _("Paid with points"),
        "receipt_order_discount": _("Discount"),
        "shipping": _("Shipping"),
        "total": _("Total"),
        "given": _("Cash received"),
        "change_due": _("Change due"),
        "to_be_paid": _("Not paid yet"),
        "thanks": _("Thank you!"),
    }


def _queue() -> dict[str, str]:
    return {
        "no_line": _("No line. Sales go on."),
        "waiting_one": _("{n} sale waiting."),
        "waiting_many": _("{n} sales waiting."),
        "refused_one": _("{n} sale was refused: somebody must look at it."),
        "refused_many": _("{n} sales were refused: somebody must look at them."),
        "log_in_again": _("Your session has ended. Log in again; what waits is sent then."),
        "log_out_waiting": _(
            "Some sales are not sent yet. They stay on this device until somebody of this store logs in. Press again to log out."
        ),
        "cannot_keep": _(
            "This device cannot keep sales. Allow the browser to store data for this page, then reload it."
        ),
        "open_once": _("The till must be opened once with a line before it works without one."),
        "points_need_line": _(
            "Points can only be used with a line. Try again, or mend the sale and take it without points."
        ),
        "state_waiting": _("Waiting"),
        "state_refused": _("Refused"),
        "other_store": _("Of another store"),
        "mend": _("Mend"),
        "try_again": _("Try again"),
        "discard": _("Discard"),
        "discard_sure": _("Really discard?"),
    }
