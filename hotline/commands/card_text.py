"""A customer's card for a terminal: who they are in a few lines, then a table of each kind of which there is any."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from crm_bridge.card.card import Card
from crm_bridge.card.rows import CardRow, CardRows
from crm_bridge.card.time_line import CALL, Contact
from crm_bridge.directory import plain_amount
from hotline.commands.cells import in_table, span
from hotline.commands.showing import printable, say, show_table
from hotline.site.site import Site

_TABLES: Sequence[tuple[str, str, Sequence[str]]] = (
    ("Promises", "promises", ("id", "standing", "due_on", "text", "keeper")),
    ("Open orders", "orders", ("number", "status", "amount", "currency", "placed_on", "expected_on", "agent", "lines")),
    (
        "Shipments",
        "shipments",
        ("number", "order_number", "carrier", "status", "expected_on", "delivered_on", "place", "confirmed_at"),
    ),
    ("Leads", "leads", ("id", "state", "dealer", "product", "region", "media_source", "owner", "opened_at", "due_at")),
    ("Tickets", "tickets", ("number", "status", "category", "text", "keeper", "opened_on", "due_at", "solved_at")),
    (
        "Quotes",
        "quotes",
        ("number", "status", "amount", "currency", "made_on", "valid_until", "keeper", "order_number", "lines"),
    ),
    ("Appointments", "appointments", ("id", "state", "at", "place", "purpose", "keeper")),
)
_CONTACT = ("at", "what", "address", "by", "came to", "said", "text")


def show_card(card: Card, contacts: Sequence[Contact], site: Site) -> None:
    for line in _head(card, site):
        say(printable(line))
    for title, part, columns in _TABLES:
        rows: CardRows = getattr(card, part)
        if rows:
            show_table(title, columns, ([_cell(name, row[name], site) for name in columns] for row in rows))
    if contacts:
        show_table("Contacts", _CONTACT, (_contact(contact, site) for contact in contacts))


def _head(card: Card, site: Site) -> Iterator[str]:
    row = card.customer
    yield _joined([row["name"] or "(no name)", row["number"], f"c{row['id']}", row["tier"], _stage(row)])
    yield _joined(f"{name} {row[name]}" for name in ("owner", "language", "region", "price_list", "email") if row[name])
    if row["from_company"]:
        yield f"of the company: {', '.join(row['from_company'])}"
    yield _joined(["first source", row["first_source"], row["first_campaign"], _day(row["first_call_at"], site)])
    yield f"orders: {len(card.orders)} open, {card.order_count} in all"
    for word, group in (("household", card.household), ("company", card.company)):
        if group is not None:
            yield f"{word} {_joined([group['code'], group['name']])}: {', '.join(map(_member, group['members']))}"
    for number in card.numbers:
        yield _number(number, site)
    for said in card.consents:
        word = "given" if said["given"] else "withdrawn"
        yield f"{said['address']}: {said['channel']} {word} {_day(said['at'], site)} by {said['by']}"


def _joined(parts: Iterable[str | None]) -> str:
    return " · ".join(part for part in parts if part)


def _stage(row: CardRow) -> str:
    return f"{row['stage']} since {row['stage_since']}" if row["stage_since"] else row["stage"]


def _member(row: CardRow) -> str:
    return f"{row['name'] or '(no name)'} {row['number'] or 'c' + str(row['id'])}"


def _number(row: CardRow, site: Site) -> str:
    if not row["do_not_call"]:
        return str(row["e164"])
    until = f" until {_day(row['until'], site)}" if row["until"] else ""
    return f"{row['e164']} MUST NOT BE CALLED{until}" + (f": {row['reason']}" if row["reason"] else "")


def _day(at: datetime | None, site: Site) -> str:
    return f"{at.astimezone(site.timezone):%Y-%m-%d}" if at is not None else ""


def _cell(name: str, value: Any, site: Site) -> object:
    if name == "lines":
        return ", ".join(f"{line['quantity']} x {line['name'] or line['product']}" for line in value)
    return in_table(value, site.timezone)


def _contact(contact: Contact, site: Site) -> Sequence[object]:
    arrow = "→" if contact.direction == "out" else "←"
    return (
        in_table(contact.at, site.timezone),
        f"{arrow} {contact.kind}",
        contact.address,
        contact.by,
        _came_to(contact),
        _said(contact),
        contact.text or contact.recording,
    )


def _came_to(contact: Contact) -> str:
    """``answered, 3min, sales: 1001 2min, 1002 1min``."""
    outcome = (contact.outcome or "goes on") if contact.kind == CALL else ""
    talked = span(contact.talked_s) if contact.talked_s else ""
    told = ", ".join(part for part in (outcome, talked, contact.queue) if part)
    legs = ", ".join(f"{leg['agent'] or leg['outside']} {span(leg['talked_s'])}" for leg in contact.legs)
    return f"{told}: {legs}" if len(contact.legs) > 1 else told


def _said(contact: Contact) -> str:
    """The disposition, with what was typed beside it."""
    amount = "" if contact.amount is None else plain_amount(contact.amount)
    return " ".join(part for part in (contact.disposition, amount, str(contact.promised_on or "")) if part)
