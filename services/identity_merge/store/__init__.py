"""Tables of identity_merge, and all its SQL."""
