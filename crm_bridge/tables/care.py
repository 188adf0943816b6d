"""What is to be done for customers: leads, promises, appointments, tickets, tasks; and who has taken on what."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Date, ForeignKey, Index, Integer, String, Table, UniqueConstraint

from crm_bridge.column_types import Instant
from crm_bridge.tables.base import EXTENSION, ID, NAME, TEXT, metadata, word

# Somebody who may buy. `ref`: "call:" and the call that brought them, or the name by which an importer knows it again.
# `state`: new (nobody's), assigned (a dealer must accept it by `due_at`), accepted, won, lost. `owner`: the agent who
# looks after it. Each time it is in a dealer's hands is a row of `lead_handings`, counted by `handings`.
leads = Table(
    "leads",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("ref", String(80), nullable=False),
    Column("customer_id", ForeignKey("customers.id"), nullable=False),
    word("call_id"),
    word("media_source"),
    word("campaign"),
    word("product"),
    word("region"),
    word("text", TEXT),
    Column("state", String(16), nullable=False),
    word("owner", EXTENSION),
    Column("dealer", ForeignKey("dealers.code")),
    Column("opened_at", Instant, nullable=False),
    Column("assigned_at", Instant),
    Column("due_at", Instant),
    Column("accepted_at", Instant),
    Column("closed_at", Instant),
    Column("handings", Integer, nullable=False, server_default="0"),
    UniqueConstraint("ref", name="uq_leads_ref"),
    Index("ix_leads_state_due_at", "state", "due_at"),
    Index("ix_leads_dealer_state", "dealer", "state"),
    Index("ix_leads_customer_id", "customer_id"),
    Index("ix_leads_opened_at", "opened_at"),
)

# `ended_as`: accepted, returned (by the dealer), expired (not accepted in time), withdrawn (by us); '' while it lasts.
lead_handings = Table(
    "lead_handings",
    metadata,
    Column("lead_id", ForeignKey("leads.id"), primary_key=True),
    Column("nr", Integer, primary_key=True, autoincrement=False),
    Column("dealer", ForeignKey("dealers.code"), nullable=False),
    Column("handed_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("ended_at", Instant),
    word("ended_as", 16),
    word("by"),
    Index("ix_lead_handings_dealer_handed_at", "dealer", "handed_at"),
)

# What somebody has promised a customer: open until `kept_at` or `withdrawn_at`, broken when it is open after its day.
# `ref`: the name under which the site's file knows it, or "call:" and the call in which it was made. `kept_by` "call":
# it is kept by our calling them back.
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
    word("promised_by"),
    Column("made_at", Instant),
    Column("withdrawn_at", Instant),
    word("kept_by", 16),
    word("call_id"),
    UniqueConstraint("ref", name="uq_promises_ref"),
    Index("ix_promises_due_on", "due_on"),
    Index("ix_promises_customer_id", "customer_id"),
)

# When somebody of ours will be with a customer. `state`: planned, kept, missed, cancelled.
appointments = Table(
    "appointments",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("ref", String(80)),
    Column("customer_id", ForeignKey("customers.id"), nullable=False),
    Column("at", Instant, nullable=False),
    word("place", NAME),
    word("purpose", TEXT),
    word("keeper", EXTENSION),
    Column("state", String(16), nullable=False),
    word("call_id"),
    word("quote_number", 32),
    UniqueConstraint("ref", name="uq_appointments_ref"),
    Index("ix_appointments_at", "at"),
    Index("ix_appointments_customer_id", "customer_id"),
)

# `due_at`: when it must be solved by the category's SLA; broken when it is open after that. The two days are what
# callers are told.
tickets = Table(
    "tickets",
    metadata,
    Column("number", String(32), primary_key=True),
    Column("customer_id", ForeignKey("customers.id"), nullable=False),
    Column("status", String(16), nullable=False),
    Column("category", String(64), nullable=False),
    Column("opened_on", Date, nullable=False),
    Column("due_on", Date),
    word("text", TEXT),
    word("keeper", EXTENSION),
    Column("call_id", String(ID)),
    Column("opened_at", Instant),
    Column("due_at", Instant),
    Column("solved_at", Instant),
    UniqueConstraint("call_id", name="uq_tickets_call_id"),
    Index("ix_tickets_status_due_at", "status", "due_at"),
    Index("ix_tickets_customer_id", "customer_id"),
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

# Who has taken on a line of a work list, and that it is done where nothing else says so. `item`: the line's own name
# ("promise-7", "missed-+8613800138000").
work_items = Table(
    "work_items",
    metadata,
    Column("item", String(80), primary_key=True),
    word("taken_by"),
    Column("taken_at", Instant),
    Column("closed_at", Instant),
    word("closed_by"),
    word("note", TEXT),
)

# The last number that was given out, by what for: orders and tickets that begin at a telephone.
counters = Table(
    "counters",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", BigInteger, nullable=False),
)
