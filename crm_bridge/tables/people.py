"""Who the customers are, what they allow us, and who has changed what is known of them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    text,
)

from crm_bridge.column_types import Instant
from crm_bridge.tables.base import EXTENSION, ID, NAME, TEXT, metadata, word


def _said(column: str) -> dict[str, Any]:
    """An index of those rows only that have something there."""
    where = text(f"{column} <> ''")
    return {"sqlite_where": where, "postgresql_where": where}


# A caller keeps the source of their *earliest* call, whichever order the calls arrive in; the four `first_` columns are
# that call's, and empty for a customer who never called. Without a `number` it is somebody whom only their calls made
# known. `owner`: the extension of the agent whose account it is. Members of a `household` live together, those of a
# `company` work there; both are codes, known to `households` and `companies` or not. `region`: of the site's rules.
# `stage`: of their life as a customer, by `life_cycle`; it is worked out from the orders.
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
    word("company"),
    word("region"),
    word("email", 254),
    Column("stage", String(16), nullable=False, server_default="prospect"),
    Column("stage_since", Date),
    Column("last_order_on", Date),
    UniqueConstraint("number", name="uq_customers_number"),
    Index("ix_customers_household", "household", **_said("household")),
    Index("ix_customers_company", "company", **_said("company")),
    Index("ix_customers_stage_last_order_on", "stage", "last_order_on"),
)

customer_numbers = Table(
    "customer_numbers",
    metadata,
    Column("e164", String(20), primary_key=True),
    Column("customer_id", ForeignKey("customers.id"), nullable=False),
    Index("ix_customer_numbers_customer_id", "customer_id"),
)

households = Table(
    "households",
    metadata,
    Column("code", String(ID), primary_key=True),
    Column("name", String(NAME), nullable=False),
)

# A member without a tier, price list or owner of their own has the company's.
companies = Table(
    "companies",
    metadata,
    Column("code", String(ID), primary_key=True),
    Column("name", String(NAME), nullable=False),
    word("tier"),
    word("price_list"),
    word("owner", EXTENSION),
)

# What somebody allows us, or does not any more; the newest word on a number and a channel (call, sms, mail, recording)
# counts, and none is ever changed. `address`: E.164, or a mail address.
consents = Table(
    "consents",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("address", String(254), nullable=False),
    Column("channel", String(16), nullable=False),
    Column("given", Boolean, nullable=False),
    Column("at", Instant, nullable=False),
    Column("by", String(ID), nullable=False),
    word("call_id"),
    Index("ix_consents_address_channel_at", "address", "channel", "at"),
)

# Numbers that we never call of our own accord. `until`: null for ever.
do_not_call = Table(
    "do_not_call",
    metadata,
    Column("e164", String(20), primary_key=True),
    Column("since", Instant, nullable=False),
    Column("until", Instant),
    word("reason", TEXT),
    Column("by", String(ID), nullable=False),
)

# Each field that somebody has changed: `subject` and `key` name the row, `by` says who ("agent:1001", "api:shop",
# "import:orders.csv", "rule:leads"). What a call has written is in its own events.
changes = Table(
    "changes",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", Instant, nullable=False),
    Column("by", String(ID), nullable=False),
    Column("subject", String(32), nullable=False),
    Column("key", String(ID), nullable=False),
    Column("field", String(32), nullable=False),
    Column("before", String(TEXT)),
    Column("after", String(TEXT)),
    Index("ix_changes_subject_key_at", "subject", "key", "at"),
    Index("ix_changes_at", "at"),
)

# Contacts that are no calls: mail and visits that somebody has noted, text messages, voicemails, and our own calls to
# them. `address`: E.164 or a mail address. (call_id, seq): the journal's entry that told of it, if one did.
interactions = Table(
    "interactions",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("customer_id", ForeignKey("customers.id")),
    word("address", 254),
    Column("kind", String(16), nullable=False),  # call_out, sms, mail, voicemail, visit, note
    Column("direction", String(8), nullable=False),  # in, out
    Column("at", Instant, nullable=False),
    Column("by", String(ID), nullable=False),
    word("text", 2000),
    Column("call_id", String(ID)),
    Column("seq", BigInteger),
    Column("talked_s", Float),
    UniqueConstraint("call_id", "seq", name="uq_interactions_call_id_seq"),
    Index("ix_interactions_customer_id_at", "customer_id", "at"),
    Index("ix_interactions_address_at", "address", "at"),
)
