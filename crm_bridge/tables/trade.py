"""What is sold: orders and quotes with their lines, shipments, and the dealers who sell it."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Date, ForeignKey, Index, Integer, String, Table, UniqueConstraint

from crm_bridge.column_types import Instant, Money
from crm_bridge.tables.base import EXTENSION, ID, NAME, metadata, word

# What people have bought, and where it is. `call_id`: of the call in which it was taken; then its `media_source` is
# that call's. `channel`: phone, import, api, book (the site's file).
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
    Column("call_id", String(ID)),
    word("agent", EXTENSION),
    word("channel", 16),
    UniqueConstraint("call_id", name="uq_orders_call_id"),
    Index("ix_orders_placed_on", "placed_on"),
    Index("ix_orders_customer_id_status", "customer_id", "status"),
)


def _lines(name: str, of: str) -> Table:
    """`amount` is what the line costs in all; the sum of the lines is the amount of the whole."""
    return Table(
        name,
        metadata,
        Column("number", ForeignKey(f"{of}.number"), primary_key=True),
        Column("line", Integer, primary_key=True, autoincrement=False),
        Column("product", String(ID), nullable=False),
        word("name", NAME),
        Column("quantity", Integer, nullable=False),
        Column("price", Money, nullable=False),
        Column("amount", Money, nullable=False),
    )


order_lines = _lines("order_lines", "orders")

# An offer in writing, for field sales.
quotes = Table(
    "quotes",
    metadata,
    Column("number", String(32), primary_key=True),
    Column("customer_id", ForeignKey("customers.id"), nullable=False),
    Column("status", String(16), nullable=False),  # draft, sent, accepted, declined, expired
    Column("amount", Money, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("made_on", Date, nullable=False),
    Column("valid_until", Date),
    word("keeper", EXTENSION),
    word("call_id"),
    word("order_number", 32),
    Index("ix_quotes_customer_id", "customer_id"),
)

quote_lines = _lines("quote_lines", "quotes")

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
    Column("confirmed_at", Instant),  # somebody has asked whether all is well with it
    word("confirmed_by"),
    Index("ix_shipments_delivered_on", "delivered_on"),
    Index("ix_shipments_order_number", "order_number"),
)

# `stage` of their recruiting: prospect, contacted, visited, contract, active, left. `phone`: E.164.
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
    word("phone", 20),
    Column("stage", String(16), nullable=False, server_default="active"),
    Index("ix_dealers_region", "region"),
)
