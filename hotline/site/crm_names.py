"""Which names `crm.yaml` takes from elsewhere, and where in it they stand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from crm_bridge.numbers import e164
from hotline.site.crm_book import CrmBookForm

Noun = Literal["customer", "order", "language", "language code", "agent"]
Path = tuple[str | int, ...]


def crm_mentions(book: CrmBookForm) -> Iterator[tuple[Path, Noun, str]]:
    """Customers and orders must be in the file itself: what came to the store in other ways is not ours to change."""
    for number, customer in book.customers.items():
        yield from _said(("customers", number), owner=("agent", customer.owner))
        yield from _said(("customers", number), language=("language", customer.language))
    for code, company in book.companies.items():
        yield from _said(("companies", code), owner=("agent", company.owner))
    for number, order in book.orders.items():
        yield from _said(("orders", number), customer=("customer", order.customer))
    for number, shipment in book.shipments.items():
        yield from _said(("shipments", number), order=("order", shipment.order))
    for code, dealer in book.dealers.items():
        yield from _said(("dealers", code), owner=("agent", dealer.owner))
        for language in dealer.stock_notice:
            yield ("dealers", code, "stock_notice", language), "language code", language
    for number, ticket in book.tickets.items():
        yield from _said(("tickets", number), customer=("customer", ticket.customer))
    for ref, promise in book.promises.items():
        yield from _said(("promises", ref), customer=("customer", promise.customer), keeper=("agent", promise.keeper))


def phone_troubles(book: CrmBookForm, region: str) -> Iterator[tuple[Path, str]]:
    """A number that no country has, or that two customers have: then nobody knows who calls."""
    holders: dict[str, str] = {}
    for number, customer in book.customers.items():
        for place, phone in enumerate(customer.phones):
            path, found = ("customers", number, "phones", place), e164(phone, region)
            if found is None:
                yield path, f"is no telephone number of {region}, nor of another country with its code"
            elif holders.setdefault(found, number) != number:
                yield path, f"is the number of customer {holders[found]} already"


def _said(path: Path, **keys: tuple[Noun, str | None]) -> Iterator[tuple[Path, Noun, str]]:
    for key, (noun, name) in keys.items():
        if name is not None:
            yield (*path, key), noun, name
