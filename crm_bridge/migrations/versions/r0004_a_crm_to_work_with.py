"""The CRM that a service head works with: households and companies, consents, changes with who and when, leads in
dealers' hands, lines of orders, quotes, appointments, work lists, campaigns and costs, and who may ask over HTTP.

A revision is never edited once released, and does not import the models: they move on, it stays.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_MONEY = sa.Numeric(18, 4).with_variant(sa.BigInteger(), "sqlite")  # there: ten-thousandths

_NEW_TABLES = (
    "households",
    "companies",
    "consents",
    "do_not_call",
    "changes",
    "interactions",
    "order_lines",
    "quotes",
    "quote_lines",
    "leads",
    "lead_handings",
    "appointments",
    "work_items",
    "counters",
    "campaigns",
    "media_costs",
    "api_tokens",
    "api_requests",
)
# Tables whose rows may have begun at a telephone, once per call.
_CALLED_FOR = ("orders", "tickets")
# Name, table, columns, and whether only rows with something there are in it.
_INDEXES = (
    ("ix_customers_household", "customers", ("household",), True),
    ("ix_customers_company", "customers", ("company",), True),
    (
        "ix_customers_stage_last_order_on",
        "customers",
        (
            "stage",
            "last_order_on",
        ),
        False,
    ),
    (
        "ix_calls_ani_e164_started_at",
        "calls",
        (
            "ani_e164",
            "started_at",
        ),
        False,
    ),
    ("ix_orders_placed_on", "orders", ("placed_on",), False),
    ("ix_shipments_delivered_on", "shipments", ("delivered_on",), False),
    (
        "ix_tickets_status_due_at",
        "tickets",
        (
            "status",
            "due_at",
        ),
        False,
    ),
    ("ix_promises_due_on", "promises", ("due_on",), False),
)


def upgrade() -> None:
    for table, columns in _new_columns().items():
        with op.batch_alter_table(table) as changed:
            for column in columns:
                changed.add_column(column)
            if table in _CALLED_FOR:
                changed.create_unique_constraint(f"uq_{table}_call_id", ["call_id"])
    for name, table, on, said in _INDEXES:
        where = sa.text(f"{on[0]} <> ''") if said else None
        op.create_index(name, table, list(on), sqlite_where=where, postgresql_where=where)
    _people()
    _trade()
    _care()
    _media_and_access()


def downgrade() -> None:
    for table in reversed(_NEW_TABLES):
        op.drop_table(table)
    for name, table, _, _ in reversed(_INDEXES):
        op.drop_index(name, table)
    for table, columns in reversed(_new_columns().items()):
        with op.batch_alter_table(table) as changed:
            if table in _CALLED_FOR:
                changed.drop_constraint(f"uq_{table}_call_id", type_="unique")
            for column in columns:
                changed.drop_column(column.name)


def _word(name: str, width: int = 64) -> sa.Column[str]:
    return sa.Column(name, sa.String(width), nullable=False, server_default="")


def _new_columns() -> dict[str, list[sa.Column[Any]]]:
    return {
        "customers": [
            _word("company"),
            _word("region"),
            _word("email", 254),
            sa.Column("stage", sa.String(16), nullable=False, server_default="prospect"),
            sa.Column("stage_since", sa.Date()),
            sa.Column("last_order_on", sa.Date()),
        ],
        "calls": [
            sa.Column("attributes", sa.JSON()),
            _word("called_back_of"),
        ],
        "orders": [
            sa.Column("call_id", sa.String(64)),
            _word("agent", 16),
            _word("channel", 16),
        ],
        "shipments": [
            sa.Column("confirmed_at", _INSTANT),
            _word("confirmed_by"),
        ],
        "dealers": [
            _word("phone", 20),
            sa.Column("stage", sa.String(16), nullable=False, server_default="active"),
        ],
        "tickets": [
            _word("text", 500),
            _word("keeper", 16),
            sa.Column("call_id", sa.String(64)),
            sa.Column("opened_at", _INSTANT),
            sa.Column("due_at", _INSTANT),
            sa.Column("solved_at", _INSTANT),
        ],
        "promises": [
            _word("promised_by"),
            sa.Column("made_at", _INSTANT),
            sa.Column("withdrawn_at", _INSTANT),
            _word("kept_by", 16),
            _word("call_id"),
        ],
    }


def _people() -> None:
    op.create_table(
        "households",
        sa.Column("code", sa.String(64), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.PrimaryKeyConstraint("code", name="pk_households"),
    )
    op.create_table(
        "companies",
        sa.Column("code", sa.String(64), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("tier", sa.String(64), nullable=False, server_default=""),
        sa.Column("price_list", sa.String(64), nullable=False, server_default=""),
        sa.Column("owner", sa.String(16), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("code", name="pk_companies"),
    )
    op.create_table(
        "consents",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("address", sa.String(254), nullable=False),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("given", sa.Boolean(), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("call_id", sa.String(64), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("id", name="pk_consents"),
    )
    op.create_index("ix_consents_address_channel_at", "consents", ["address", "channel", "at"])
    op.create_table(
        "do_not_call",
        sa.Column("e164", sa.String(20), nullable=False),
        sa.Column("since", _INSTANT, nullable=False),
        sa.Column("until", _INSTANT),
        sa.Column("reason", sa.String(500), nullable=False, server_default=""),
        sa.Column("by", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("e164", name="pk_do_not_call"),
    )
    op.create_table(
        "changes",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(32), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("field", sa.String(32), nullable=False),
        sa.Column("before", sa.String(500)),
        sa.Column("after", sa.String(500)),
        sa.PrimaryKeyConstraint("id", name="pk_changes"),
    )
    op.create_index("ix_changes_at", "changes", ["at"])
    op.create_index("ix_changes_subject_key_at", "changes", ["subject", "key", "at"])
    op.create_table(
        "interactions",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("customer_id", sa.Integer()),
        sa.Column("address", sa.String(254), nullable=False, server_default=""),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("direction", sa.String(8), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("text", sa.String(2000), nullable=False, server_default=""),
        sa.Column("call_id", sa.String(64)),
        sa.Column("seq", sa.BigInteger()),
        sa.Column("talked_s", sa.Float()),
        sa.PrimaryKeyConstraint("id", name="pk_interactions"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_interactions_customer_id"),
        sa.UniqueConstraint("call_id", "seq", name="uq_interactions_call_id_seq"),
    )
    op.create_index("ix_interactions_address_at", "interactions", ["address", "at"])
    op.create_index("ix_interactions_customer_id_at", "interactions", ["customer_id", "at"])


def _trade() -> None:
    op.create_table(
        "order_lines",
        sa.Column("number", sa.String(32), nullable=False),
        sa.Column("line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("product", sa.String(64), nullable=False),
        sa.Column("name", sa.String(120), nullable=False, server_default=""),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("price", _MONEY, nullable=False),
        sa.Column("amount", _MONEY, nullable=False),
        sa.PrimaryKeyConstraint("number", "line", name="pk_order_lines"),
        sa.ForeignKeyConstraint(["number"], ["orders.number"], name="fk_order_lines_number"),
    )
    op.create_table(
        "quotes",
        sa.Column("number", sa.String(32), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("amount", _MONEY, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("made_on", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date()),
        sa.Column("keeper", sa.String(16), nullable=False, server_default=""),
        sa.Column("call_id", sa.String(64), nullable=False, server_default=""),
        sa.Column("order_number", sa.String(32), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("number", name="pk_quotes"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_quotes_customer_id"),
    )
    op.create_index("ix_quotes_customer_id", "quotes", ["customer_id"])
    op.create_table(
        "quote_lines",
        sa.Column("number", sa.String(32), nullable=False),
        sa.Column("line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("product", sa.String(64), nullable=False),
        sa.Column("name", sa.String(120), nullable=False, server_default=""),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("price", _MONEY, nullable=False),
        sa.Column("amount", _MONEY, nullable=False),
        sa.PrimaryKeyConstraint("number", "line", name="pk_quote_lines"),
        sa.ForeignKeyConstraint(["number"], ["quotes.number"], name="fk_quote_lines_number"),
    )


def _care() -> None:
    op.create_table(
        "leads",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("ref", sa.String(80), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.String(64), nullable=False, server_default=""),
        sa.Column("media_source", sa.String(64), nullable=False, server_default=""),
        sa.Column("campaign", sa.String(64), nullable=False, server_default=""),
        sa.Column("product", sa.String(64), nullable=False, server_default=""),
        sa.Column("region", sa.String(64), nullable=False, server_default=""),
        sa.Column("text", sa.String(500), nullable=False, server_default=""),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("owner", sa.String(16), nullable=False, server_default=""),
        sa.Column("dealer", sa.String(32)),
        sa.Column("opened_at", _INSTANT, nullable=False),
        sa.Column("assigned_at", _INSTANT),
        sa.Column("due_at", _INSTANT),
        sa.Column("accepted_at", _INSTANT),
        sa.Column("closed_at", _INSTANT),
        sa.Column("handings", sa.Integer(), nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("id", name="pk_leads"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_leads_customer_id"),
        sa.ForeignKeyConstraint(["dealer"], ["dealers.code"], name="fk_leads_dealer"),
        sa.UniqueConstraint("ref", name="uq_leads_ref"),
    )
    op.create_index("ix_leads_customer_id", "leads", ["customer_id"])
    op.create_index("ix_leads_dealer_state", "leads", ["dealer", "state"])
    op.create_index("ix_leads_opened_at", "leads", ["opened_at"])
    op.create_index("ix_leads_state_due_at", "leads", ["state", "due_at"])
    op.create_table(
        "lead_handings",
        sa.Column("lead_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("nr", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("dealer", sa.String(32), nullable=False),
        sa.Column("handed_at", _INSTANT, nullable=False),
        sa.Column("due_at", _INSTANT, nullable=False),
        sa.Column("ended_at", _INSTANT),
        sa.Column("ended_as", sa.String(16), nullable=False, server_default=""),
        sa.Column("by", sa.String(64), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("lead_id", "nr", name="pk_lead_handings"),
        sa.ForeignKeyConstraint(["dealer"], ["dealers.code"], name="fk_lead_handings_dealer"),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name="fk_lead_handings_lead_id"),
    )
    op.create_index("ix_lead_handings_dealer_handed_at", "lead_handings", ["dealer", "handed_at"])
    op.create_table(
        "appointments",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("ref", sa.String(80)),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("place", sa.String(120), nullable=False, server_default=""),
        sa.Column("purpose", sa.String(500), nullable=False, server_default=""),
        sa.Column("keeper", sa.String(16), nullable=False, server_default=""),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("call_id", sa.String(64), nullable=False, server_default=""),
        sa.Column("quote_number", sa.String(32), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("id", name="pk_appointments"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_appointments_customer_id"),
        sa.UniqueConstraint("ref", name="uq_appointments_ref"),
    )
    op.create_index("ix_appointments_at", "appointments", ["at"])
    op.create_index("ix_appointments_customer_id", "appointments", ["customer_id"])
    op.create_table(
        "work_items",
        sa.Column("item", sa.String(80), nullable=False),
        sa.Column("taken_by", sa.String(64), nullable=False, server_default=""),
        sa.Column("taken_at", _INSTANT),
        sa.Column("closed_at", _INSTANT),
        sa.Column("closed_by", sa.String(64), nullable=False, server_default=""),
        sa.Column("note", sa.String(500), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("item", name="pk_work_items"),
    )
    op.create_table(
        "counters",
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_counters"),
    )


def _media_and_access() -> None:
    op.create_table(
        "campaigns",
        sa.Column("code", sa.String(64), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("begins_on", sa.Date()),
        sa.Column("ends_on", sa.Date()),
        sa.Column("budget", _MONEY),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.PrimaryKeyConstraint("code", name="pk_campaigns"),
    )
    op.create_table(
        "media_costs",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("ref", sa.String(200), nullable=False),
        sa.Column("media_source", sa.String(64), nullable=False),
        sa.Column("campaign", sa.String(64), nullable=False, server_default=""),
        sa.Column("begins_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("amount", _MONEY, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_media_costs"),
        sa.UniqueConstraint("ref", name="uq_media_costs_ref"),
    )
    op.create_index("ix_media_costs_media_source_begins_on", "media_costs", ["media_source", "begins_on"])
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("scopes", sa.String(500), nullable=False),
        sa.Column("made_at", _INSTANT, nullable=False),
        sa.Column("last_used_at", _INSTANT),
        sa.Column("revoked_at", _INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_api_tokens"),
        sa.UniqueConstraint("name", name="uq_api_tokens_name"),
        sa.UniqueConstraint("token_hash", name="uq_api_tokens_token_hash"),
    )
    op.create_table(
        "api_requests",
        sa.Column("token_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("token_id", "key", name="pk_api_requests"),
        sa.ForeignKeyConstraint(["token_id"], ["api_tokens.id"], name="fk_api_requests_token_id"),
    )
    op.create_index("ix_api_requests_at", "api_requests", ["at"])
