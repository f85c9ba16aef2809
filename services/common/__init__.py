"""Plumbing without business words, shared by the four services. Imports no context."""
