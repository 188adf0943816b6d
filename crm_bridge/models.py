"""The CRM store's tables. SQLite by default, PostgreSQL by URL: nothing here is of one of them only.

`migrations/` makes these tables in a real database; tests/unit/test_migrations.py compares the two.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

from crm_bridge.column_types import Instant, Money

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

media_sources = Table(
    "media_sources",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("kind", String(64), nullable=False),
)

# A caller keeps the source of their *earliest* call, whichever order the calls arrive in; the four `first_` columns are
# that call's, and empty for a customer who never called. Without a `number` it is somebody whom only their calls made
# known. `owner`: the extension of the agent whose account it is. Customers of one `household` live or work together.
customers = Table(
    "customers",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("name", String(120), nullable=False),
    Column("first_source", String(64), nullable=False),
    Column("first_campaign", String(64), nullable=False),
    Column("first_call_at", Instant),
    Column("first_call_id", String(64), nullable=False, server_default=""),
    Column("number", String(32)),
    Column("tier", String(64), nullable=False, server_default=""),
    Column("price_list", String(64), nullable=False, server_default=""),
    Column("owner", String(16), nullable=False, server_default=""),
    Column("language", String(32), nullable=False, server_default=""),
    Column("household", String(64), nullable=False, server_default=""),
    UniqueConstraint("number", name="uq_customers_number"),
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

# What people have bought, and where it is.
orders = Table(
    "orders",
    metadata,
    Column("number", String(32), primary_key=True),
    Column("customer_id", ForeignKey("customers.id"), nullable=False),
    Column("status", String(16), nullable=False),
    Column("amount", Money, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("placed_on", Date, nullable=False),
    Column("expected_on", Date),
    Index("ix_orders_customer_id_status", "customer_id", "status"),
)

shipments = Table(
    "shipments",
    metadata,
    Column("number", String(32), primary_key=True),
    Column("order_number", ForeignKey("orders.number"), nullable=False),
    Column("carrier", String(60), nullable=False),
    Column("status", String(24), nullable=False),
    Column("expected_on", Date),
    Column("delivered_on", Date),
    Column("place", String(120), nullable=False),
    Index("ix_shipments_order_number", "order_number"),
)

# `pin_hash`: argon2, or empty for a dealer without a PIN. `stock_notices`: language code -> text.
dealers = Table(
    "dealers",
    metadata,
    Column("code", String(32), primary_key=True),
    Column("name", String(120), nullable=False),
    Column("region", String(64), nullable=False),
    Column("owner", String(16), nullable=False),
    Column("tier", String(64), nullable=False),
    Column("pin_hash", String(255), nullable=False),
    Column("stock_notices", JSON(none_as_null=True)),
    Index("ix_dealers_region", "region"),
)

tickets = Table(
    "tickets",
    metadata,
    Column("number", String(32), primary_key=True),
    Column("customer_id", ForeignKey("customers.id"), nullable=False),
    Column("status", String(16), nullable=False),
    Column("category", String(64), nullable=False),
    Column("opened_on", Date, nullable=False),
    Column("due_on", Date),
    Index("ix_tickets_customer_id", "customer_id"),
)

# What somebody has promised a customer: open until `kept_at`, broken when it is open after its day. `ref`: the name
# under which the site's file knows it.
promises = Table(
    "promises",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("ref", String(64)),
    Column("customer_id", ForeignKey("customers.id"), nullable=False),
    Column("text", String(500), nullable=False),
    Column("due_on", Date, nullable=False),
    Column("keeper", String(16), nullable=False),
    Column("kept_at", Instant),
    UniqueConstraint("ref", name="uq_promises_ref"),
    Index("ix_promises_customer_id", "customer_id"),
)

# What a call has left for a human to do. (call_id, seq) is the entry that asked for it, so delivered twice it is one
# task. `number`: whom to call, E.164, null when nobody knows. `state`: open, done. No foreign key, as in call_events.
tasks = Table(
    "tasks",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("call_id", String(64), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("number", String(20)),
    Column("queue", String(64), nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("state", String(16), nullable=False),
    Column("fields", JSON, nullable=False),
    UniqueConstraint("call_id", "seq", name="uq_tasks_call_id_seq"),
    Index("ix_tasks_state_kind_opened_at", "state", "kind", "opened_at"),
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
