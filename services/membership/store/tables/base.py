"""What all tables hang on, and the tables that every service has."""

from __future__ import annotations

from sqlalchemy import MetaData

from services.common.database import Plumbing

metadata = MetaData()
plumbing = Plumbing(metadata)
