"""What the centre knows of its customers: orders, shipments, dealers, tickets, promises. What calls leave to be done:
tasks; and what they say of us: surveys. Customers may be known before their first call.

A revision is never edited once released, and does not import the models: they move on, it stays.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_MONEY = sa.Numeric(18, 4).with_variant(sa.BigInteger(), "sqlite")  # there: ten-thousandths
_NEW_TEXTS = {"first_call_id": 64, "tier": 64, "price_list": 64, "owner": 16, "language": 32, "household": 64}
# What the tables before this one write for "has never called": their code takes any call for an earlier one.
_NEVER: sa.ColumnElement[str] = sa.literal_column("'9998-01-01 00:00:00.000000'")


def upgrade() -> None:
    with op.batch_alter_table("customers") as customers:
        for name, width in _NEW_TEXTS.items():
            customers.add_column(sa.Column(name, sa.String(width), nullable=False, server_default=""))
        customers.add_column(sa.Column("number", sa.String(32)))
        customers.create_unique_constraint("uq_customers_number", ["number"])
        customers.alter_column("first_call_at", existing_type=_INSTANT, nullable=True)
    op.add_column("calls", sa.Column("named_source", sa.String(64), nullable=False, server_default=""))
    _mark_first_calls()
    _purchases()
    _people()
    _from_calls()


def downgrade() -> None:
    for table in ("surveys", "tasks", "promises", "tickets", "dealers", "shipments", "orders"):
        op.drop_table(table)
    op.drop_column("calls", "named_source")
    customers = _customers()
    op.execute(customers.update().where(customers.c.first_call_at.is_(None)).values(first_call_at=_NEVER))
    with op.batch_alter_table("customers") as changed:
        changed.alter_column("first_call_at", existing_type=_INSTANT, nullable=False)
        changed.drop_constraint("uq_customers_number", type_="unique")
        for name in ("number", *_NEW_TEXTS):
            changed.drop_column(name)


def _customers() -> sa.TableClause:
    return sa.table("customers", sa.column("id"), sa.column("first_call_at"), sa.column("first_call_id"))


def _mark_first_calls() -> None:
    """Which call was whose first; and who has never called, after a downgrade."""
    customers = _customers()
    calls = sa.table("calls", *(sa.column(name) for name in ("call_id", "customer_id", "started_at")))
    first = (
        sa.select(calls.c.call_id)
        .where(calls.c.customer_id == customers.c.id)
        .order_by(calls.c.started_at, calls.c.call_id)
        .limit(1)
        .scalar_subquery()
    )
    op.execute(customers.update().values(first_call_id=sa.func.coalesce(first, sa.literal_column("''"))))
    op.execute(customers.update().where(customers.c.first_call_at >= _NEVER).values(first_call_at=sa.null()))


def _purchases() -> None:
    op.create_table(
        "orders",
        sa.Column("number", sa.String(32), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("amount", _MONEY, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("placed_on", sa.Date(), nullable=False),
        sa.Column("expected_on", sa.Date()),
        sa.PrimaryKeyConstraint("number", name="pk_orders"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_orders_customer_id"),
    )
    op.create_index("ix_orders_customer_id_status", "orders", ["customer_id", "status"])
    op.create_table(
        "shipments",
        sa.Column("number", sa.String(32), nullable=False),
        sa.Column("order_number", sa.String(32), nullable=False),
        sa.Column("carrier", sa.String(60), nullable=False),
        sa.Column("status", sa.String(24), nullable=False),
        sa.Column("expected_on", sa.Date()),
        sa.Column("delivered_on", sa.Date()),
        sa.Column("place", sa.String(120), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_shipments"),
        sa.ForeignKeyConstraint(["order_number"], ["orders.number"], name="fk_shipments_order_number"),
    )
    op.create_index("ix_shipments_order_number", "shipments", ["order_number"])


def _people() -> None:
    op.create_table(
        "dealers",
        sa.Column("code", sa.String(32), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("region", sa.String(64), nullable=False),
        sa.Column("owner", sa.String(16), nullable=False),
        sa.Column("tier", sa.String(64), nullable=False),
        sa.Column("pin_hash", sa.String(255), nullable=False),
        sa.Column("stock_notices", sa.JSON()),
        sa.PrimaryKeyConstraint("code", name="pk_dealers"),
    )
    op.create_index("ix_dealers_region", "dealers", ["region"])
    op.create_table(
        "tickets",
        sa.Column("number", sa.String(32), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("category", sa.String(64), nullable=False),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date()),
        sa.PrimaryKeyConstraint("number", name="pk_tickets"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_tickets_customer_id"),
    )
    op.create_index("ix_tickets_customer_id", "tickets", ["customer_id"])
    op.create_table(
        "promises",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("ref", sa.String(64)),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(500), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("keeper", sa.String(16), nullable=False),
        sa.Column("kept_at", _INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_promises"),
        sa.UniqueConstraint("ref", name="uq_promises_ref"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_promises_customer_id"),
    )
    op.create_index("ix_promises_customer_id", "promises", ["customer_id"])


def _from_calls() -> None:
    op.create_table(
        "tasks",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("call_id", sa.String(64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("number", sa.String(20)),
        sa.Column("queue", sa.String(64), nullable=False),
        sa.Column("opened_at", _INSTANT, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tasks"),
        sa.UniqueConstraint("call_id", "seq", name="uq_tasks_call_id_seq"),
    )
    op.create_index("ix_tasks_state_kind_opened_at", "tasks", ["state", "kind", "opened_at"])
    op.create_table(
        "surveys",
        sa.Column("call_id", sa.String(64), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("call_id", "seq", "name", name="pk_surveys"),
    )
    op.create_index("ix_surveys_at", "surveys", ["at"])
