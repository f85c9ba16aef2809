"""A payment provider that moves no money: Stripe's API as far as Onefold uses it, a page to pay on, and signed notices.

It lives in the mail catcher's process, which stands for the world outside.
"""
