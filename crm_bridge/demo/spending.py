"""What the adverts cost: by the week, each kind in its own way; and the campaigns."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import Connection, select

from crm_bridge.demo.book import Book
from crm_bridge.demo.company import WORD_OF_MOUTH, Company, Wish
from crm_bridge.models import campaigns, media_costs
from crm_bridge.reporting.period import ONE_DAY

_A_CALL = {
    "tv": 240,
    "newspaper": 180,
    "web": 90,
    "packaging": 15,
}  # what an advert is paid for each call it should bring
_OTHER = 80


def write_costs(connection: Connection, book: Book, company: Company, wish: Wish) -> None:
    dice, first, today = wish.dice("costs"), wish.first_day(company.rules), wish.today(company.rules)
    adverts = {line.source: line.campaign for line in company.lines if line.source in company.kinds}
    paid = {name: campaign for name, campaign in adverts.items() if company.kinds[name] != WORD_OF_MOUTH}
    a_week = wish.calls / wish.days * 7 / max(1, len(paid))
    for source, campaign in paid.items():
        begin = first
        while begin <= today:
            amount = round(_A_CALL.get(company.kinds[source], _OTHER) * a_week * dice.uniform(0.8, 1.2), -1)
            _cost(book, source, campaign, begin, Decimal(max(10, int(amount))), company, wish)
            begin += timedelta(days=7)
    _write_campaigns(connection, book, company, wish)


def _cost(book: Book, source: str, campaign: str, begin: date, amount: Decimal, company: Company, wish: Wish) -> None:
    end = begin + 6 * ONE_DAY
    ref = f"{wish.prefix}{source}/{campaign}/{begin}"
    row = {"ref": ref, "media_source": source, "campaign": campaign, "begins_on": begin, "ends_on": end}
    book.add(media_costs, {**row, "amount": amount, "currency": company.rules.currency})


def _write_campaigns(connection: Connection, book: Book, company: Company, wish: Wish) -> None:
    there = set(connection.execute(select(campaigns.c.code)).scalars())
    first, today = wish.first_day(company.rules), wish.today(company.rules)
    for code in dict.fromkeys(line.campaign for line in company.lines if line.campaign):
        if code not in there:
            row = {"code": code, "name": code.replace("_", " ").capitalize(), "begins_on": first, "ends_on": today}
            book.add(campaigns, {**row, "budget": Decimal(wish.calls * 100), "currency": company.rules.currency})
