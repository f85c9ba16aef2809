"""The one table that turns a stable reason into a sentence for people, and what it says to mend.

`plain` stands by itself; `exact` is used when every parameter it names was sent along. The English sentences are the keys of
the gettext domain `reasons`; their Chinese is in translations/zh_Hant/LC_MESSAGES/reasons.po.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.import_reasons import IMPORTS
from gateway.invitation_reasons import INVITATIONS
from gateway.languages import Catalogue

_PARAM = re.compile(r"%\((\w+)\)s")
_catalogue = Catalogue("reasons")


@dataclass(frozen=True, slots=True)
class Sentence:
    """What people read about a reason."""

    plain: str
    exact: str = ""

    def for_params(self, params: Mapping[str, str]) -> str:
        """The English key of the most exact sentence that the parameters can fill."""
        return self.exact if self.exact and set(_PARAM.findall(self.exact)) <= params.keys() else self.plain


_S = Sentence

FIELDS: dict[str, Sentence] = {
    "required": _S("Please fill this in."),
    "too_long": _S(
        "This text is too long. Please shorten it.", "This text is too long. Use at most %(longest)s characters."
    ),
    "too_large": _S("This is more than is allowed.", "This is more than is allowed. The most is %(largest)s."),
    "needs_two_accounts": _S("Name two different accounts."),
    "invalid_phone": _S(
        "This is not a phone number. Check the digits, and put the country code in front if it is from abroad, such as +886."
    ),
    "not_a_mobile_phone": _S("This is not a mobile number. Enter a mobile phone that can receive text messages."),
    "phone_abroad": _S(
        "No text messages are sent to phones of this country. Use an e-mail address instead.",
        "Text messages are sent to phones of %(regions)s only. Use an e-mail address instead.",
    ),
    "password_wrong": _S("This is not the current password. Check it and try again."),
    "invalid_email": _S("This is not an e-mail address. Check it for missing parts, such as name@example.com."),
    "not_a_code": _S(
        "This is not a code. Type the digits of the message.",
        "This is not a code. Type the %(digits)s digits of the message.",
    ),
    "code_wrong": _S(
        "This is not the code that was sent last. Look at the newest message.",
        "This is not the code that was sent last. Look at the newest message. Tries left: %(left)s.",
    ),
    "code_gone": _S("This code has ended: it was used, tried too often, or is too old. Ask for a new one."),
    "url_invalid": _S(
        "This is not an address. Write it whole, such as https://shop.example.com/webhooks, without spaces or #."
    ),
    "url_not_https": _S("The address must begin with https://, so that nobody on the way can read along."),
    "url_credentials": _S("Leave name and password out of the address. The signature says that it is us."),
    "url_port": _S(
        "Nothing is sent to this port. Leave the port out of the address.",
        "Nothing is sent to this port. Leave it out, or use one of these: %(ports)s.",
    ),
    "url_private": _S("This address is not on the public internet. Use one that can be reached from everywhere."),
    "url_host_unknown": _S(
        "This address cannot be found. Check how it is spelt.",
        "%(host)s cannot be found. Check how it is spelt, or wait until its name is known everywhere.",
    ),
    "event_type_unknown": _S(
        "There is no such type of event.", "There is no type of event “%(event_type)s”. Check how it is spelt."
    ),
    "invalid_amount": _S("This is not an amount. Write it in digits, such as 1,234.50."),
    "negative_amount": _S("The amount cannot be below zero."),
    "amount_too_large": _S("The amount is too large. Check it for extra digits."),
    "unknown_currency": _S(
        "This currency is not known. Use a three-letter code such as HKD.",
        "This currency is not known. Use one of these: %(known)s.",
    ),
    "currency_not_of_store": _S(
        "The store does not sell in this currency.", "The store sells in %(currency)s. Use that currency."
    ),
    "customer_not_chosen": _S("Choose a customer, or create a new one."),
    "no_orders_chosen": _S("No order is chosen. Choose at least one."),
    "too_many_orders": _S(
        "These are too many orders for one go. Narrow the list down, for example by days.",
        "These are too many orders for one go. Narrow the list down to %(largest)s, for example by days.",
    ),
    "empty_lines": _S("The order has no items. Add at least one."),
    "too_many_lines": _S(
        "The order has too many lines. Split it into several orders.",
        "The order has too many lines. Use at most %(largest)s, or split it into several orders.",
    ),
    "item_not_sold": _S("This is not sold online any more. Take it out of the cart."),
    "price_changed": _S("The price has changed since you looked. Look at it again before you order."),
    "cart_changed": _S("The cart has changed since you looked. Look at it again before you order."),
    "cart_full": _S(
        "The cart is full. Take something out first.",
        "The cart is full: it holds at most %(largest)s different items. Take something out first.",
    ),
    "unknown_item": _S("There is no such item in this store. Choose it from the list again."),
    "quantity_out_of_range": _S(
        "The quantity must be a whole number of at least 1.",
        "The quantity must be a whole number from 1 to %(largest)s.",
    ),
    "discount_too_large": _S("The discount is more than the price. Lower the discount."),
    "refund_too_large": _S("This is more than was paid and is not yet given back. Enter a smaller amount."),
    "sale_too_old": _S(
        "This sale is too old to be sent by itself. Look for its receipt among the orders before you enter it again.",
        "This sale was taken more than %(days)s days ago and may have been sent before. Look for receipt %(receipt)s among the orders,"
        " and enter it as a new sale only if it is not there.",
    ),
    "date_in_future": _S("This date is in the future. Enter today or an earlier day."),
    "expiry_in_past": _S("This expiry date has passed. Choose today or a later day."),
    "expiry_required": _S(
        "Points that are awarded need an expiry date. Choose the last day on which they can be used."
    ),
    "expiry_not_allowed": _S("An expiry date only goes with points that are awarded. Leave it empty."),
    "too_few_accounts": _S("Pick at least 2 accounts to merge."),
    "too_many_accounts": _S("Pick at most 5 accounts at a time; you can merge again afterwards."),
    "repeated_consent": _S("The same consent is in the list twice. Name each one once."),
    "repeated_account": _S("The same account is in the list twice. Remove one of them."),
    "primary_not_listed": _S("The primary account must be one of the accounts to merge. Choose it from the list."),
    "invalid_colour": _S("This is not a colour. Write it as # and six digits, such as #0b5d5b."),
    "logo_too_large": _S(
        "This file is too large for a logo.", "This file is too large for a logo. Use one of at most %(largest)s."
    ),
    "not_a_picture": _S("This is not a picture that can be shown. Use a PNG or a JPEG."),
    "picture_too_large": _S(
        "This picture is too large. Make it smaller.",
        "This picture is too large. Make it at most %(largest)s points wide and high.",
    ),
    "too_short": _S("This is too short.", "This is too short. Use at least %(shortest)s characters."),
    "not_a_whole_number": _S("This is not a whole number. Write it in digits, without a fraction."),
    "zero_points": _S("Enter a number of points other than zero."),
    "points_above_due": _S(
        "These points are worth more than is to be paid. Use fewer.",
        "These points are worth more than is to be paid. Use at most %(largest)s.",
    ),
    "points_too_few": _S(
        "So few points are worth nothing. Use more, or none.",
        "So few points are worth nothing. Use at least %(smallest)s, or none.",
    ),
    "invalid_id": _S("This is not a valid id. Copy it whole, as it was given."),
    "invalid_page_token": _S("This page of the list cannot be found. Start from the first page."),
    "invalid_date": _S("This is not a date. Write year, month and day, such as 2027-03-31."),
    "weak_password": _S(
        "This password is too easy to guess. Use a longer one.",
        "This password is too easy to guess. Use at least %(least)s characters.",
    ),
    "guessable_password": _S(
        "This password is too easy to guess. Leave out the store's name and your e-mail, and words that many people use as a password."
    ),
    "totp_wrong": _S(
        "This code is not right, or was used before. Type the code that the app shows now, or one of your recovery codes.",
        "This code is not right, or was used before. Type the code that the app shows now, or one of your recovery codes."
        " Tries left: %(left)s.",
    ),
    "invalid_slug": _S("The store's short name may only have lower-case letters, digits and hyphens, such as my-shop."),
    "out_of_range": _S(
        "This number is outside what is allowed.", "This must be a whole number from %(smallest)s to %(largest)s."
    ),
    "multiplier_out_of_range": _S("The points multiplier must be from 1 to 10, such as 1.5."),
    "repeated_name": _S("Another level has this name already. Give each level its own name."),
    "threshold_not_rising": _S("The net spend must be more than that of the level above it in this list."),
    "too_many_levels": _S("There are too many levels.", "There are too many levels. Use at most %(largest)s."),
    "unknown_level": _S("There is no such level in this store any more. Reload the page and choose again."),
    "pin_in_past": _S("This day has passed. Choose today or a later day, or leave it empty."),
    "range_upside_down": _S("This lies before where the range begins. Swap the two, or leave one empty."),
    "unknown_month": _S("There is no such month. Use a number from 1 to 12."),
    "unknown_value": _S(
        "This value is not one of those allowed.", "This value is not one of those allowed: %(known)s."
    ),
    "login_not_editable": _S(
        "The member logs in with this. It changes by merging accounts; a phone also by support, with the member’s consent."
    ),
    "identifier_taken": _S("Another member has this. If it is the same person, merge the two accounts."),
    "identifier_retired": _S(
        "This belonged to an account that was merged or erased, and can never be used again. Enter another one."
    ),
    "same_phone": _S("This is the phone that the member has already. Enter the new one."),
    "invalid_secret": _S(
        "This is no key: keys have letters, digits and signs alone. Copy it whole, as the provider shows it."
    ),
    "not_paid_online": _S("This order was not paid by a payment provider. Choose how the money is given back."),
    "signature_refused": _S("This was not signed by the provider, or too long ago."),
    "malformed_notice": _S("This is no notice of a provider."),
    "consent_required": _S("A phone changes only with the member’s consent. Choose how it was given."),
    "confirmation_differs": _S(
        "This is not what the account has. Type its phone again; without a phone its name, without a name its e-mail."
    ),
    "too_many_tags": _S(
        "These are too many tags. Remove some.", "These are too many tags. Keep at most %(largest)s of them."
    ),
    "repeated_tag": _S(
        "The same tag is there twice. Remove one of them.", "The tag “%(tag)s” is there twice. Remove one."
    ),
    "too_many_addresses": _S(
        "These are too many addresses. Remove some.", "These are too many addresses. Keep at most %(largest)s of them."
    ),
    "no_groups": _S("Choose a CSV file with at least one group of accounts, or paste the groups."),
    "too_many_groups": _S(
        "These are too many groups. Split them into several lists.",
        "These are too many groups. Split them into several lists of at most %(largest)s groups.",
    ),
    "account_in_other_group": _S(
        "An earlier group of this list has this account. Put all accounts of one person into one group.",
        "Group %(group)s has this account already. Put all accounts of one person into one group.",
    ),
    "wrong_columns": _S(
        "The columns are not those of the sample file. Copy its header.",
        "The columns are not those of the sample file. They must be: %(columns)s.",
    ),
    "not_utf8": _S("This file cannot be read. Save it again as “CSV UTF-8” and upload that file."),
    "wrong_type": _S("This value is of the wrong kind.", "This value is of the wrong kind. It must be %(expected)s."),
    "unknown_field": _S("There is no such field. Remove it, or check how it is spelt."),
}

OTHERS: dict[str, Sentence] = {
    "invalid_input": _S("Something in what was entered needs mending. Nothing was saved."),
    "order_not_found": _S("There is no such order in this store."),
    "look_changed": _S(
        "Somebody else has changed the look of messages meanwhile. Reload the page and change it again."
    ),
    "logo_not_found": _S("There is no such logo."),
    "message_not_found": _S("There is no such message in this store."),
    "message_changed": _S("The message’s state is another by now. Look at it again before you decide."),
    "message_not_resendable": _S(
        "This message cannot be sent again: what it said is of no use any more, or is not kept. Whoever needs it asks for a new one."
    ),
    "item_not_found": _S("There is no such item in this store."),
    "cart_not_found": _S("There is no such cart."),
    "cart_closed": _S("This cart is closed: it has been ordered, or has gone into another one."),
    "too_many_checkouts": _S("So many orders at once are unusual. Try again tomorrow, or ask the store."),
    "sku_taken": _S("Another item, perhaps an archived one, has this SKU. Give each item its own."),
    "too_many_items": _S(
        "There are too many items. Change one that is not sold any more.",
        "There are %(largest)s items, which is the most. Change one that is not sold any more.",
    ),
    "customer_not_found": _S("There is no such customer in this store. Search for the customer again."),
    "filter_not_found": _S("There is no such saved filter in this store any more. Go back to the list of members."),
    "filter_name_taken": _S("Another saved filter has this name. Choose another name."),
    "too_many_filters": _S(
        "There are too many saved filters. Delete one that is not needed any more.",
        "There are %(largest)s saved filters, which is the most. Delete one that is not needed any more.",
    ),
    "duplicate_not_found": _S("This pair is not suggested any more: one of the two was merged, deleted or changed."),
    "merge_not_found": _S("There is no such merge in this store."),
    "merge_batch_not_found": _S("There is no such list of groups in this store."),
    "merge_batch_not_checked": _S(
        "The groups are still being checked. Wait until that is done, then look at the report."
    ),
    "merge_batch_confirmed": _S("These groups were confirmed already. Look at how far they are."),
    "plan_not_found": _S("There is no such merge plan in this store. Start the merge again."),
    "store_exists": _S("A store with this short name exists already. Choose another."),
    "login_refused": _S("Store, e-mail and password do not fit together. Check all three and try again."),
    "credential_refused": _S("You are not logged in, or your login or API key is no longer valid. Log in again."),
    "staff_exists": _S("Somebody with this e-mail works for the store already. Look at the list of staff."),
    "staff_not_found": _S("There is no such member of staff in this store, or not any more."),
    "last_owner": _S("A store needs an owner, and this is the only one. Make somebody else an owner first."),
    "own_totp": _S("Turn off your own second factor under My account, with your password and a code."),
    "totp_on": _S("The second factor is on already. Turn it off first if you have another phone."),
    "totp_not_begun": _S("There is no new second factor to confirm. Begin again."),
    "too_many_tries": _S(
        "Too many tries. Wait a quarter of an hour, or a day after wrong codes, or ask an owner of the store to help."
    ),
    "too_many_invitations": _S("Too many invitations were sent today. Wait until tomorrow."),
    "invitation_not_found": _S("There is no such invitation. It may have been accepted, or sent again."),
    "invitation_refused": _S(
        "This link is not valid any more. It may have been used already, or a newer one was sent. If you have a password, log in."
    ),
    "store_not_found": _S("There is no such store."),
    "link_refused": _S(
        "This link does not open an order, or not any more. Take the whole link from the newest e-mail about the order, or ask the store."
    ),
    "confirmation_refused": _S(
        "This confirmation link is not valid any more. It may have been used already, or a newer one was sent."
    ),
    "webhook_not_found": _S("There is no such webhook in this store, or it was removed."),
    "webhook_disabled": _S("This webhook is disabled. Enable it first."),
    "delivery_not_found": _S("There is no such delivery. Deliveries are kept for 30 days."),
    "too_many_webhooks": _S(
        "There are too many webhooks. Remove one that is not needed any more.",
        "There are %(largest)s webhooks, which is the most. Remove one that is not needed any more.",
    ),
    "api_key_not_found": _S("There is no such API key, or it is revoked."),
    "permission_denied": _S(
        "You are not allowed to do this. Ask the store's owner.",
        "You are not allowed to do this; it needs the permission %(permission)s. Ask the store's owner.",
    ),
    "idempotency_key_reused": _S(
        "This Idempotency-Key was used for a different request. Use a new key for a new request, and the same body for a repeat."
    ),
    "idempotency_key_required": _S(
        "Send an Idempotency-Key header with every write, so that a repeat is recognised.",
        "Send an Idempotency-Key header of 1 to %(longest)s characters with every write, so that a repeat is recognised.",
    ),
    "sale_of_other_store": _S("This sale was taken in another store. Log in there, and it is sent."),
    "order_not_unpaid": _S("This order is not waiting for payment any more. Look at its present state."),
    "order_without_email": _S(
        "This order has no e-mail address. Add one to the contact on the order, then send again."
    ),
    "resend_limit_reached": _S(
        "The order e-mail was sent again as often as is allowed.",
        "The order e-mail was sent again %(largest)s times already, which is the most. Reach the customer another way.",
    ),
    "order_cannot_become": _S(
        "This order cannot take that step: it is further already, or not paid. Look at its present state."
    ),
    "order_not_cancellable": _S(
        "This order cannot be cancelled: it is paid, or has ended. Refund what was paid instead, or look at its present state."
    ),
    "order_not_paid": _S("This order is not paid, so there is nothing to give back. Cancel it instead."),
    "nothing_to_refund": _S("All that was paid for this order has been given back already."),
    "amount_not_of_order": _S("The amount paid is not the total of the order. Check the amount."),
    "nothing_to_pay": _S("There is nothing to pay for this order."),
    "payment_pending": _S(
        "A payment for this order is on its way; that can take some days. If it does not come, ask the store."
    ),
    "provider_not_found": _S("There is no payment provider at this address."),
    "provider_not_set_up": _S("This store does not take payments online at the moment. Ask the store how to pay."),
    "provider_refused": _S(
        "The payment provider refused this. Ask the store, or try again later.",
        "The payment provider refused this (%(code)s). Check what is set up with it.",
    ),
    "provider_unavailable": _S(
        "The payment provider cannot be reached right now. Nothing was paid. Try again in a moment."
    ),
    "notice_not_found": _S("There is no such payment to look at in this store."),
    "notice_settled": _S("Somebody has settled this payment already. Look at the list again."),
    "nothing_to_give_back": _S("There is no money here that the provider could give back. Settle it with a note."),
    "refund_not_found": _S("There is no such refund of this order."),
    "refund_not_failed": _S("This refund has not failed, so it is not asked for again. Look at its present state."),
    "stale_version": _S("Somebody else has changed this in the meantime. Look at it again and repeat your change."),
    "bulk_run_not_found": _S("There is no such change of many orders in this store."),
    "selection_changed": _S(
        "The list has changed since you looked at it. Nothing was changed. Look at how many orders it has by now, then go on.",
        "The list has changed since you looked at it. Orders in it now: %(count)s. Nothing was changed. Look again, then go on.",
    ),
    "level_run_not_found": _S("There is no such saving of levels in this store."),
    "levels_being_saved": _S("Levels are being saved right now. Wait until that is done, then look again."),
    "stale_simulation": _S(
        "Members have moved since you looked at who goes up and down. Nothing was saved. Look again, then save."
    ),
    "stale_plan": _S(
        "One of the accounts has changed since you checked the merge. Nothing was merged. Check it again."
    ),
    "plan_expired": _S("This merge was checked too long ago. Nothing was merged. Check it again."),
    "merge_in_progress": _S("One of these accounts is being merged right now. Wait until that is finished."),
    "already_merged": _S("One of these accounts has been merged already. Pick the account it was merged into."),
    "not_a_member": _S("This customer is not a member. Only members have points and can be merged."),
    "points_insufficient": _S(
        "There are not enough points for this. Use fewer.",
        "There are not enough points for this: the balance is %(balance)s. Use fewer.",
    ),
    "points_not_redeemable": _S("This store does not take points for orders. Place the order without points."),
    "points_unavailable": _S(
        "Points cannot be used right now. Nothing was saved. Place the order without points, or try again in a moment."
    ),
    "note_not_found": _S("There is no such note about this customer."),
    "customer_gone": _S("This account was deleted or erased. Nothing about it can change any more."),
    "being_removed": _S("This account is being deleted or erased right now. Wait until that is finished."),
    "already_deleted": _S("This account was deleted already. Nothing is left to delete."),
    "merged_away": _S(
        "This account was merged into another one. Open the account that stays; deleting or erasing that one is another decision."
    ),
    "registered_online": _S(
        "This person has signed up on the online store, so the account cannot be deleted. Merge it into another account instead."
    ),
    "deletion_forbidden": _S(
        "This store does not let members be deleted. The owner can change that in the settings for members."
    ),
    "open_orders": _S(
        "There are orders that wait for payment. Confirm their payment first, then erase the person.",
        "Orders that wait for payment: %(count)s. Confirm their payment first, then erase the person.",
    ),
    "too_many_requests": _S(
        "That is more than can be taken at a time. Wait a minute, then try again.",
        "That is more than can be taken at a time. Wait %(seconds)s seconds, then try again.",
    ),
    "too_many_codes": _S("Too many codes were asked for. Wait an hour, then ask for a new one."),
    "nothing_proved": _S("Nothing that you have confirmed is left here. Start again with your phone or e-mail."),
    "proof_needed": _S("Type your current password, or log in by a code again, before you set a new password."),
    "social_refused": _S("Logging in this way did not work. Try again, or log in another way."),
    "login_provider_not_found": _S("Nobody can log in this way here. Choose another way."),
    "login_provider_away": _S(
        "This way of logging in cannot be reached right now. Try again in a moment, or choose another way."
    ),
    "session_refused": _S("You are not logged in any more. Log in again."),
    "service_unavailable": _S(
        "This part of Onefold cannot be reached right now. Try again in a moment; sending the same again is safe."
    ),
    "deadline_exceeded": _S("This took too long, and may or may not have been done. Look before you try again."),
    "internal": _S("Something went wrong on our side. Try again; if it stays, tell support the request id."),
    "malformed_request": _S("The request could not be read. Send a JSON object in UTF-8."),
    "unsupported_media_type": _S("Send the body as JSON, with Content-Type: application/json."),
    "request_too_large": _S("The request is too large. Send less at a time."),
    "not_found": _S("There is nothing at this address. Check it, or start from the home page."),
    "method_not_allowed": _S("This address does not take this kind of request. See the API's documentation."),
    "form_expired": _S("This form was open for too long. Reload the page and send it again."),
}

REASONS: dict[str, Sentence] = {
    **FIELDS,
    **OTHERS,
    **{reason: _S(*sentences) for reason, sentences in IMPORTS.items()},
    **{reason: _S(sentence) for reason, sentence in INVITATIONS.items()},
}
# For services that are newer than this gateway.
UNKNOWN = _S("This was refused. Check what was sent, and try again.")


def sentence_of(reason: str, params: Mapping[str, str] | None = None) -> str:
    """The sentence in the request's language; without `params` the one that is the same for every occurrence."""
    params = params or {}
    text = str(_catalogue.gettext(REASONS.get(reason, UNKNOWN).for_params(params)))
    return text % params if _PARAM.search(text) else text
