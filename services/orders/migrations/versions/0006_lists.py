"""What the list of orders is filtered and searched by."""

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    pass
