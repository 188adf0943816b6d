"""Who may ask over HTTP, and what has been answered already."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint

from crm_bridge.column_types import Instant
from crm_bridge.tables.base import ID, metadata

# `token_hash`: SHA-256 of 256 random bits, which nobody can guess, so a slow hash would only cost time.
api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("name", String(ID), nullable=False),
    Column("token_hash", String(64), nullable=False),
    Column("scopes", String(500), nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("last_used_at", Instant),
    Column("revoked_at", Instant),
    UniqueConstraint("name", name="uq_api_tokens_name"),
    UniqueConstraint("token_hash", name="uq_api_tokens_token_hash"),
)

# The answer to a request that has an idempotency key. `fingerprint`: of what was asked, so that the key of another
# request is noticed.
api_requests = Table(
    "api_requests",
    metadata,
    Column("token_id", ForeignKey("api_tokens.id"), primary_key=True),
    Column("key", String(ID), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Index("ix_api_requests_at", "at"),
)
