"""What happened: calls with their legs, outcomes and recordings, and what happened to agents outside any call."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Date, Float, ForeignKey, Index, Integer, String, Table

from crm_bridge.column_types import Instant, Money
from crm_bridge.tables.base import metadata, word

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
    Column("media_source", String(64), nullable=False),  # what the caller named, else the number's
    Column("named_source", String(64), nullable=False, server_default=""),
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
    Column("attributes", JSON(none_as_null=True)),  # what its keys have said: {"product": "laptop"}; no secrets
    word("called_back_of"),  # the call in which the caller wished to be called back
    Index("ix_calls_started_at", "started_at"),
    Index("ix_calls_media_source_started_at", "media_source", "started_at"),
    Index("ix_calls_customer_id", "customer_id"),
    Index("ix_calls_ani_e164_started_at", "ani_e164", "started_at"),
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

# One answer to one question. `name`: the question's, in the flow.
surveys = Table(
    "surveys",
    metadata,
    Column("call_id", String(64), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("name", String(64), primary_key=True),
    Column("score", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    Index("ix_surveys_at", "at"),
)

# One conversation of a call, with an agent or with somebody outside: a call that is passed on has several. (call_id,
# seq) is the entry that told of it, here and in the next table but one.
legs = Table(
    "legs",
    metadata,
    Column("call_id", String(64), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("agent", String(64), nullable=False),
    Column("outside", String(64), nullable=False),
    Column("queue", String(64), nullable=False),
    Column("began_at", Instant, nullable=False),
    Column("talked_s", Float, nullable=False),
    Index("ix_legs_agent_began_at", "agent", "began_at"),
)

# What the agent made of a call; the last word counts. `code`: as the site names it (sale, lead, ...).
dispositions = Table(
    "dispositions",
    metadata,
    Column("call_id", String(64), primary_key=True),
    Column("agent", String(64), nullable=False),
    Column("code", String(32), nullable=False),
    Column("amount", Money),
    Column("promised_on", Date),
    Column("at", Instant, nullable=False),
    Index("ix_dispositions_code_at", "code", "at"),
)

# `file`: without folder and ending; the two sides are in files of their own.
recordings = Table(
    "recordings",
    metadata,
    Column("call_id", String(64), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("agent", String(64), nullable=False),
    Column("file", String(120), nullable=False),
    Column("at", Instant, nullable=False),
    Index("ix_recordings_at", "at"),
)
