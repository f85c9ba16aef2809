"""What people read about guests who cannot be invited (A5); a part of the table in reasons.py."""

from __future__ import annotations

INVITATIONS = {
    "no_guests_chosen": "Nobody of these can be invited. Choose at least one guest who can.",
    "invitations_under_way": "Guests are being invited right now. Wait until that is done, then look again.",
    "invitation_run_not_found": "There are no such invitations in this store.",
    "invited_lately": "Was invited less than seven days ago.",
    "same_address": "Has the same e-mail as another of these guests, who was invited.",
    "not_a_guest": "Is a member already, or was deleted.",
    "email_missing": "Has no e-mail.",
    "nothing_ordered": "Has not ordered anything.",
    "address_of_a_member": "The e-mail belongs to a member.",
    "marketing_refused": "Wants no offers by e-mail.",
    "unsubscribed": "Has unsubscribed from offers and invitations.",
}
