"""Entities and rules of identity_merge."""
