"""Payments by a provider: settings, checkouts, notices, money that a provider is to give back."""

from pathlib import Path

from alembic import op

from services.common.migrate import create_from

revision = "0007"
down_revision = "0006"

# Whose a provider's id is: a notice comes without a store. Only that is told; its settings are read within the store.
# The owner sees all rows of `payment_providers` for this function's sake; nobody logs in as the owner but migrations.
_STORE_OF = """
CREATE FUNCTION store_of_provider(wanted uuid) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
 SELECT store_id FROM payment_providers WHERE provider_id = wanted
$$
"""


def upgrade() -> None:
    create_from(Path(__file__).with_suffix(".sql"), queues=["payment_notices", "provider_refunds"])
    op.execute("CREATE POLICY owner_finds ON payment_providers FOR SELECT TO CURRENT_USER USING (true)")
    op.execute(_STORE_OF)
    op.execute("REVOKE ALL ON FUNCTION store_of_provider FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION store_of_provider TO onefold_app, onefold_worker")
    op.execute("ALTER TABLE payments ADD COLUMN provider_id UUID")
    op.execute(
        "CREATE INDEX payments_by_provider ON payments (store_id, provider_id, reference) WHERE provider_id IS NOT NULL"
    )
