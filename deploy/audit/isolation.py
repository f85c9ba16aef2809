"""S: the database itself keeps stores apart."""

from __future__ import annotations

from deploy.audit.joins import Databases
from deploy.audit.verdict import Verdict
from deploy.local.state import CONTEXTS

_TABLES = """SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity,
 EXISTS (SELECT FROM pg_policies p WHERE p.schemaname = 'public' AND p.tablename = c.relname AND p.policyname = 'own_store'),
 EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'store_id' AND a.attnum > 0),
 NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND NOT EXISTS
  (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = i.indkey[0] AND a.attname = 'store_id'))
 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND c.relname <> 'alembic_version'"""
_ROLES = """SELECT rolname, NOT (rolsuper OR rolbypassrls) AND NOT EXISTS (SELECT FROM pg_class WHERE relowner = pg_roles.oid)
 FROM pg_roles WHERE rolname = ANY($1)"""


async def check_walls(
    databases: Databases, shared: frozenset[tuple[str, str]] = frozenset({("identity_merge", "stores")})
) -> Verdict:
    """S: every table has the wall of row-level security and keys that begin with the store; the services' roles cannot climb it.

    `shared` are directories that are not a store's own: the list of stores itself.
    """
    verdict = Verdict("S", "row-level security on every table, unique keys led by the store, roles that own nothing")
    for context in CONTEXTS:
        for table, forced, policy, has_store, led in await databases.rows(context, _TABLES):
            walled = forced and (policy or (context, table) in shared)
            verdict.expect(walled and has_store and (led or (context, table) in shared), f"{context}.{table}")
        for role, harmless in await databases.rows(
            context, _ROLES, [f"{context}_app", f"{context}_worker", "onefold_app", "onefold_worker"]
        ):
            verdict.expect(harmless, f"role {role}")
    return verdict
