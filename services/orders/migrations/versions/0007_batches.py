"""Changes of many orders at once, with their progress."""

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    pass
