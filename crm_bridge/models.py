"""The CRM store's tables. SQLite by default, PostgreSQL by URL: nothing here is of one of them only.

`migrations/` makes these tables in a real database; tests/unit/test_migrations.py compares the two.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Instant(TypeDecorator[datetime]):
    """An aware datetime, kept in UTC. SQLite has no time zones: there it is written and read as naive
    UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        moment: datetime = value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


media_sources = Table(
    "media_sources",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("kind", String(64), nullable=False),
)

# A caller keeps the source of their *earliest* call, whichever order the calls arrive in.
customers = Table(
    "customers",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("name", String(120), nullable=False),
    Column("first_source", String(64), nullable=False),
    Column("first_campaign", String(64), nullable=False),
    Column("first_call_at", Instant, nullable=False),
)

customer_numbers = Table(
    "customer_numbers",
    metadata,
    Column("e164", String(20), primary_key=True),
    Column("customer_id", ForeignKey("customers.id"), nullable=False),
    Index("ix_customer_numbers_customer_id", "customer_id"),
)

# One row per call, from its first entry on; `outcome` is null while it goes and written once.
# `waited_s`: in the queue; `offered_s`: of that, with a phone ringing; null where it never came to that.
calls = Table(
    "calls",
    metadata,
    Column("call_id", String(64), primary_key=True),
    Column("dnis", String(64), nullable=False),
    Column("ani", String(64), nullable=False),  # as the network delivered it, reduced to 0-9+
    Column("ani_e164", String(20)),  # null: withheld, or no number of any country
    Column("caller_name", String(120), nullable=False),
    Column("media_source", String(64), nullable=False),
    Column("campaign", String(64), nullable=False),
    Column("language", String(32), nullable=False),
    Column("queue", String(64), nullable=False),
    Column("agent", String(64), nullable=False),
    Column("last_node", String(64), nullable=False),  # of the flow: where an abandoned_ivr left
    Column("outcome", String(32)),
    Column("hangup_by", String(16), nullable=False),
    Column("cause", String(200), nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("queued_at", Instant),
    Column("offered_at", Instant),
    Column("answered_at", Instant),
    Column("ended_at", Instant),
    Column("waited_s", Float),
    Column("offered_s", Float),
    Column("talked_s", Float),
    Column("customer_id", ForeignKey("customers.id")),
    Index("ix_calls_started_at", "started_at"),
    Index("ix_calls_media_source_started_at", "media_source", "started_at"),
    Index("ix_calls_customer_id", "customer_id"),
)

# `seq` is the journal's. No foreign key to calls: an event must never be refused for its call's sake.
call_events = Table(
    "call_events",
    metadata,
    Column("call_id", String(64), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(64), nullable=False),
    Column("at", Instant, nullable=False),
    Column("fields", JSON, nullable=False),
)

# What happens to agents outside any call. `at` is in the key because a fresh journal counts from 1 again.
agent_events = Table(
    "agent_events",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, primary_key=True),
    Column("agent", String(64), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("fields", JSON, nullable=False),
    Index("ix_agent_events_agent_at", "agent", "at"),
)
