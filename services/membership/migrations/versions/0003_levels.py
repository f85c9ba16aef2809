"""Levels, points settings and what they move."""

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    pass
