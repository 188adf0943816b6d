"""Shipments of a file, each of an order that is there."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from crm_bridge import bulk
from crm_bridge.importing import values
from crm_bridge.importing.against import Target, compare, once
from crm_bridge.importing.column import Column, Sheet
from crm_bridge.importing.house import House
from crm_bridge.importing.plan import Plan
from crm_bridge.importing.problem import Problems
from crm_bridge.models import orders, shipments

STATUSES = ("packed", "in_transit", "out_for_delivery", "delivered", "returned")
_SAID = ("order_number", "carrier", "status", "expected_on", "delivered_on", "place")
_TARGET = Target(shipments, "number", _SAID, (None, None, None, None, None, ""))


def columns(house: House) -> Sequence[Column]:
    return (
        Column("number", values.key, "the shipment's number", required=True),
        Column("order", values.key, "the number of its order", required=True),
        Column("carrier", values.label(60), "who carries it", required=True),
        Column("status", values.status(*STATUSES), ", ".join(STATUSES), required=True),
        Column("expected_on", values.day, "when it should arrive"),
        Column("delivered_on", values.day, "when it did"),
        Column("place", values.label(120), "where it was seen last"),
    )


def plan(connection: Connection, sheet: Sheet, house: House, problems: Problems) -> Plan:
    rows = sheet.rows("number", "order", "carrier", "status", "expected_on", "delivered_on", "place")
    said = once(rows, "number", "shipment {}", problems)
    there = {row[0] for row in bulk.found(connection, [orders.c.number], orders.c.number, {row[2] for row in rows})}
    for line, _, order, *_ in rows:
        if order not in there:
            problems.add(line, "order", f"there is no order {order}: import the orders first")
    compared = compare(connection, _TARGET, said)
    return compared.plan
