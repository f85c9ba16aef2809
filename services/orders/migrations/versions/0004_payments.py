"""Payment providers, and the notices that they send."""

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    pass
