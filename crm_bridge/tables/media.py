"""What brings the calls, and what it costs."""

from __future__ import annotations

from sqlalchemy import Column, Date, Index, Integer, String, Table, UniqueConstraint

from crm_bridge.column_types import Money
from crm_bridge.tables.base import ID, NAME, metadata, word

media_sources = Table(
    "media_sources",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("kind", String(64), nullable=False),
)

campaigns = Table(
    "campaigns",
    metadata,
    Column("code", String(ID), primary_key=True),
    Column("name", String(NAME), nullable=False),
    Column("begins_on", Date),
    Column("ends_on", Date),
    Column("budget", Money),
    Column("currency", String(3), nullable=False),
)

# What was paid for a source, for the days from `begins_on` to `ends_on`, both in. `ref`: by which it is known again.
media_costs = Table(
    "media_costs",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("ref", String(200), nullable=False),
    Column("media_source", String(ID), nullable=False),
    word("campaign"),
    Column("begins_on", Date, nullable=False),
    Column("ends_on", Date, nullable=False),
    Column("amount", Money, nullable=False),
    Column("currency", String(3), nullable=False),
    UniqueConstraint("ref", name="uq_media_costs_ref"),
    Index("ix_media_costs_media_source_begins_on", "media_source", "begins_on"),
)
