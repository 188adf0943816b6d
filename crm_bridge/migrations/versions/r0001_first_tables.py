"""The first tables: customers, numbers, media sources, calls, events.

A revision is never edited once released, and does not import the models: they move on, it stays.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _media_sources()
    _customers()
    _calls()
    _events()


def downgrade() -> None:
    for table in ("agent_events", "call_events", "calls", "customer_numbers", "customers", "media_sources"):
        op.drop_table(table)


def _media_sources() -> None:
    op.create_table(
        "media_sources",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_media_sources"),
    )


def _customers() -> None:
    op.create_table(
        "customers",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("first_source", sa.String(64), nullable=False),
        sa.Column("first_campaign", sa.String(64), nullable=False),
        sa.Column("first_call_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_customers"),
    )
    op.create_table(
        "customer_numbers",
        sa.Column("e164", sa.String(20), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("e164", name="pk_customer_numbers"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_customer_numbers_customer_id"),
    )
    op.create_index("ix_customer_numbers_customer_id", "customer_numbers", ["customer_id"])


def _calls() -> None:
    texts = {
        **dict.fromkeys(("dnis", "ani", "media_source", "campaign", "queue", "agent", "last_node"), 64),
        "caller_name": 120,
        "language": 32,
        "hangup_by": 16,
        "cause": 200,
    }
    op.create_table(
        "calls",
        sa.Column("call_id", sa.String(64), nullable=False),
        *(sa.Column(name, sa.String(width), nullable=False) for name, width in texts.items()),
        sa.Column("ani_e164", sa.String(20)),
        sa.Column("outcome", sa.String(32)),
        sa.Column("started_at", _INSTANT, nullable=False),
        *(sa.Column(name, _INSTANT) for name in ("queued_at", "offered_at", "answered_at", "ended_at")),
        *(sa.Column(name, sa.Float()) for name in ("waited_s", "offered_s", "talked_s")),
        sa.Column("customer_id", sa.Integer()),
        sa.PrimaryKeyConstraint("call_id", name="pk_calls"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_calls_customer_id"),
    )
    op.create_index("ix_calls_started_at", "calls", ["started_at"])
    op.create_index("ix_calls_media_source_started_at", "calls", ["media_source", "started_at"])
    op.create_index("ix_calls_customer_id", "calls", ["customer_id"])


def _events() -> None:
    op.create_table(
        "call_events",
        sa.Column("call_id", sa.String(64), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", "seq", name="pk_call_events"),
    )
    op.create_table(
        "agent_events",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("agent", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("seq", "at", name="pk_agent_events"),
    )
    op.create_index("ix_agent_events_agent_at", "agent_events", ["agent", "at"])
