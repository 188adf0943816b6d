"""`crm.yaml` as the store takes it, on the day on which the engine starts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, tzinfo
from decimal import Decimal

from crm_bridge.numbers import e164
from crm_bridge.seed import (
    CampaignSeed,
    CompanySeed,
    CustomerSeed,
    DealerSeed,
    HouseholdSeed,
    OrderSeed,
    PromiseSeed,
    Seed,
    ShipmentSeed,
    TicketSeed,
)
from hotline.site.crm_book import (
    CampaignForm,
    CompanyForm,
    CrmBookForm,
    CustomerForm,
    DealerForm,
    OrderForm,
    PromiseForm,
    ShipmentForm,
    TicketForm,
    day_of,
)


def crm_seed(book: CrmBookForm, today: date, region: str, zone: tzinfo) -> Seed:
    """``region``: the country of phone numbers without a country code. ``zone``: in which a day begins."""
    return Seed(
        customers=[_customer(number, form, region) for number, form in book.customers.items()],
        orders=[_order(number, form, today) for number, form in book.orders.items()],
        shipments=[_shipment(number, form, today) for number, form in book.shipments.items()],
        dealers=[_dealer(code, form, region) for code, form in book.dealers.items()],
        tickets=[_ticket(number, form, today) for number, form in book.tickets.items()],
        promises=[_promise(ref, form, today, zone) for ref, form in book.promises.items()],
        households=[HouseholdSeed(code, form.name) for code, form in book.households.items()],
        companies=[_company(code, form) for code, form in book.companies.items()],
        campaigns=[_campaign(code, form, today) for code, form in book.campaigns.items()],
    )


def _day(text: str | None, today: date) -> date | None:
    return None if text is None else day_of(text, today)


def _texts(**values: str | None) -> Mapping[str, str]:
    return {name: value or "" for name, value in values.items()}


def _customer(number: str, form: CustomerForm, region: str) -> CustomerSeed:
    phones = tuple(found for phone in form.phones if (found := e164(phone, region)))
    words = _texts(
        tier=form.tier,
        price_list=form.price_list,
        owner=form.owner,
        language=form.language,
        household=form.household,
        company=form.company,
        region=form.region,
        email=form.email,
    )
    return CustomerSeed(number, form.name, phones, **words)


def _order(number: str, form: OrderForm, today: date) -> OrderSeed:
    placed, expected = day_of(form.placed, today), _day(form.expected, today)
    return OrderSeed(number, form.customer, form.status, form.exact_amount, form.currency, placed, expected)


def _shipment(number: str, form: ShipmentForm, today: date) -> ShipmentSeed:
    expected, delivered = _day(form.expected, today), _day(form.delivered, today)
    return ShipmentSeed(number, form.order, form.carrier, form.status, expected, delivered, form.place or "")


def _dealer(code: str, form: DealerForm, region: str) -> DealerSeed:
    phone = e164(form.phone, region) if form.phone else None
    words = _texts(
        owner=form.owner, tier=form.tier, pin=form.pin, pin_hash=form.pin_hash, phone=phone, stage=form.stage
    )
    return DealerSeed(code, form.name, form.region, stock_notices=dict(form.stock_notice), **words)


def _company(code: str, form: CompanyForm) -> CompanySeed:
    return CompanySeed(code, form.name, **_texts(tier=form.tier, price_list=form.price_list, owner=form.owner))


def _campaign(code: str, form: CampaignForm, today: date) -> CampaignSeed:
    budget = Decimal(form.budget) if form.budget else None
    return CampaignSeed(code, form.name, _day(form.begins, today), _day(form.ends, today), budget, form.currency)


def _ticket(number: str, form: TicketForm, today: date) -> TicketSeed:
    opened, due = day_of(form.opened, today), _day(form.due, today)
    return TicketSeed(number, form.customer, form.status, form.category, opened, due)


def _promise(ref: str, form: PromiseForm, today: date, zone: tzinfo) -> PromiseSeed:
    kept = _day(form.kept, today)
    kept_at = None if kept is None else datetime.combine(kept, time.min, zone)
    return PromiseSeed(ref, form.customer, form.text, day_of(form.due, today), form.keeper or "", kept_at)
