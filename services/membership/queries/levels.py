"""Levels, points settings, and points that run out soon."""

from __future__ import annotations

from services.common.database import Database
from services.common.tokens import ServiceClaims
from services.membership import store
from services.membership.domain import LevelRules, PointsSettings


async def get_rules(database: Database, claims: ServiceClaims) -> LevelRules:
    """The store's levels (B1)."""
    async with database.transaction(claims.store) as tx:
        return (await store.load_settings(tx, claims.store)).rules


async def get_points_settings(database: Database, claims: ServiceClaims) -> PointsSettings:
    """How points are earned, redeemed and run out (B2)."""
    async with database.transaction(claims.store) as tx:
        return (await store.load_settings(tx, claims.store)).points
