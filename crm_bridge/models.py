"""The CRM store's tables, all of them: `tables/` has a module for each part. SQLite by default, PostgreSQL by URL:
nothing there is of one of them only.

`migrations/` makes these tables in a real database; the tests compare the two.
"""

from __future__ import annotations

from crm_bridge.tables.access import api_requests, api_tokens
from crm_bridge.tables.base import metadata
from crm_bridge.tables.calls import agent_events, call_events, calls, dispositions, legs, recordings, surveys
from crm_bridge.tables.care import appointments, counters, lead_handings, leads, promises, tasks, tickets, work_items
from crm_bridge.tables.media import campaigns, media_costs, media_sources
from crm_bridge.tables.people import (
    changes,
    companies,
    consents,
    customer_numbers,
    customers,
    do_not_call,
    households,
    interactions,
)
from crm_bridge.tables.trade import dealers, order_lines, orders, quote_lines, quotes, shipments

__all__ = [
    "agent_events",
    "api_requests",
    "api_tokens",
    "appointments",
    "call_events",
    "calls",
    "campaigns",
    "changes",
    "companies",
    "consents",
    "counters",
    "customer_numbers",
    "customers",
    "dealers",
    "dispositions",
    "do_not_call",
    "households",
    "interactions",
    "lead_handings",
    "leads",
    "legs",
    "media_costs",
    "media_sources",
    "metadata",
    "order_lines",
    "orders",
    "promises",
    "quote_lines",
    "quotes",
    "recordings",
    "shipments",
    "surveys",
    "tasks",
    "tickets",
    "work_items",
]
