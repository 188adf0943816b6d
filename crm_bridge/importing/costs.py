"""What media cost: a source or a campaign or both, the days that were paid for, and how much."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import Connection, select

from crm_bridge.importing import values
from crm_bridge.importing.against import Target, compare, once
from crm_bridge.importing.column import Column, Sheet
from crm_bridge.importing.house import House
from crm_bridge.importing.plan import Plan
from crm_bridge.importing.problem import Problems, nearest
from crm_bridge.models import campaigns, media_costs

_SAID = ("media_source", "campaign", "begins_on", "ends_on", "amount", "currency")
_TARGET = Target(media_costs, "ref", _SAID, ("", "", None, None, None, None))


def columns(house: House) -> Sequence[Column]:
    return (
        Column("source", house.word(house.sources, "source of media.yaml"), "what was paid for"),
        Column("campaign", values.word, "which campaign it was part of; one of the two must be said"),
        Column("begins_on", values.day, "the first day that was paid for", required=True),
        Column("ends_on", values.day, "the last one", required=True),
        Column("amount", values.amount, "how much", required=True),
        Column("currency", values.currency, f"{house.rules.currency} if it is left out"),
        Column("ref", values.label(200), "by which it is known again; of source, campaign and days if it is left out"),
    )


def plan(connection: Connection, sheet: Sheet, house: House, problems: Problems) -> Plan:
    rows = sheet.rows("ref", "source", "campaign", "begins_on", "ends_on", "amount", "currency")
    for line, _, source, campaign, begins_on, ends_on, *_ in rows:
        if source is None and campaign is None:
            problems.add(line, "source", "is empty, and so is campaign: whose cost is it?")
        if ends_on < begins_on:
            problems.add(line, "ends_on", f"{ends_on} is before begins_on, {begins_on}")
    _hold_to_campaigns(connection, [(row[0], row[3]) for row in rows if row[3]], house, problems)
    named = [(line, ref or _ref(*row[:4]), *row) for line, ref, *row in rows]
    said = once(named, "ref", "the cost {}", problems, "; two for one source, campaign and days need a ref each")
    known = _TARGET.known(connection, said)
    said = {ref: row if row[5] or ref in known else (*row[:5], house.rules.currency) for ref, row in said.items()}
    compared = compare(connection, _TARGET, said, known)
    return compared.plan


def _ref(source: str | None, campaign: str | None, begins_on: date, ends_on: date) -> str:
    return f"{source or ''}/{campaign or ''}/{begins_on}/{ends_on}"


def _hold_to_campaigns(
    connection: Connection, mentioned: Sequence[tuple[int, str]], house: House, problems: Problems
) -> None:
    """Those of the site, and those that the store knows from elsewhere."""
    if not house.campaigns:
        return
    known = {*house.campaigns, *connection.execute(select(campaigns.c.code)).scalars()}
    for line, campaign in mentioned:
        if campaign not in known:
            text = f"'{campaign}' is no campaign; the nearest is '{nearest(campaign, sorted(known))}'"
            problems.add(line, "campaign", text)
