"""The audit log: entries are added, and never changed or deleted, by whatever role."""

from pathlib import Path

from alembic import op

from services.common.migrate import create_from, never_changed

revision = "0006"
down_revision = "0005"

# What words are looked for in, folded as services/common/searching.py folds them.
_TEXT = """CREATE FUNCTION audit_text(actor text, action text, kind text, subject uuid, changes jsonb, request text)
 RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
 SELECT lower(normalize(concat_ws(E'\\n', actor, action, kind, subject::text, request, changes::text), NFKC))
$$"""


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.execute(_TEXT)
    create_from(Path(__file__).with_suffix(".sql"))
    never_changed("audit_entries")
    op.execute("CREATE POLICY owner_searches ON audit_entries FOR SELECT TO CURRENT_USER USING (true)")
    op.execute(Path(__file__).with_name("0006_find_audit_entries.sql").read_text())
    op.execute("REVOKE ALL ON FUNCTION find_audit_entries FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION find_audit_entries TO onefold_app, onefold_worker")
