"""What all tables of this service share."""

from __future__ import annotations

from sqlalchemy import MetaData

from services.common.database import Plumbing

metadata = MetaData()
plumbing = Plumbing(metadata)
