"""Unit tests of what tests are helped by."""
