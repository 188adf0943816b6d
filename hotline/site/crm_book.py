"""`crm.yaml`: what the CRM is to know before anybody has called. The file need not be there.

Each part is a mapping under the key that people say and type. An engine that starts brings the store up to it, and
leaves alone what the calls have taught.

    customers:
      "80001":                          # the customer's number
        name: 王芳
        phones: ["13800138000"]         # as dialled in the site's country, or with + and country code
        tier: gold                      # tier, price_list, category: words of your own (a-z, 0-9, _)
        price_list: gold
        language: mandarin              # one of the site's languages
        owner: "1002"                   # the agent whose account it is
        household: wang                 # customers with the same word live together,
        company: longtech               # and these work together
        region: east                    # of crm_rules.yaml
        email: fang@example.com
    households:                         # their names, for people; a household need not be here
      wang: {name: 王家}
    companies:                          # what its members have who have none of their own
      longtech: {name: 龙腾科技, tier: silver, price_list: silver, owner: "1003"}
    orders:
      "2026110017":
        customer: "80001"
        status: shipped                 # placed, paid, packed, shipped, delivered, cancelled
        amount: "205.05"                # a text, so that no cent is lost
        currency: CNY                   # CNY unless said
        placed: -3d
        expected: +2d
    shipments:
      "77000123":
        order: "2026110017"
        carrier: SF Express
        status: in_transit              # packed, in_transit, out_for_delivery, delivered, returned
        expected: +2d
        delivered: 2026-11-20           # once it is
        place: 杭州                     # where it was seen last
    dealers:
      "301":
        name: 华东数码
        region: east                    # of crm_rules.yaml: leads from there are theirs
        owner: "1002"
        tier: gold
        phone: "02188880301"
        stage: active                   # prospect, contacted, visited, contract, active, left
        pin: "246810"                   # or pin_hash: "$argon2id$…"; never stored as it is
        stock_notice: {zh: 十四寸笔记本现货充足。, en: Fourteen inch laptops are in stock.}
    tickets:
      "5001":
        customer: "80001"
        status: in_progress             # open, in_progress, solved
        category: repair
        opened: -2d
        due: +1d
    promises:
      call_wang:                        # a name by which you know it again
        customer: "80001"
        text: tell her when the spare part is here
        keeper: "1002"
        due: -1d
        kept: today                     # once it is
    campaigns:                          # the words of numbers.yaml
      autumn: {name: 秋季促销, begins: 2026-09-01, ends: 2026-11-30, budget: "80000", currency: CNY}

A day is a date (2026-11-24), `today`, or days from the day on which the engine starts: `+2d`, `-3d`.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from hotline.site.schema import Extension, Form, Label, Name, Number, Pin
from ivr.prompts.text import Code

_DAYS = re.compile(r"[+-][0-9]{1,4}d")


def _day(text: str) -> str:
    if text != "today" and not _DAYS.fullmatch(text):
        try:
            date.fromisoformat(text if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) else "")
        except ValueError:
            raise ValueError("a day is 2026-11-24, today, +2d or -3d") from None
    return text


def day_of(text: str, today: date) -> date:
    """The date that a `Day` means when the engine starts on ``today``."""
    if text == "today":
        return today
    return today + timedelta(days=int(text[:-1])) if _DAYS.fullmatch(text) else date.fromisoformat(text)


Day = Annotated[str, AfterValidator(_day)]
# Keys are typed on a telephone for the most part, and travel as attributes of a call.
Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,32}$")]
Amount = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,12}(\.[0-9]{1,4})?$")]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
PinHash = Annotated[str, StringConstraints(pattern=r"^\$argon2id\$[A-Za-z0-9+/=,$]{20,160}$")]
Email = Annotated[str, StringConstraints(pattern=r"^[^@\s<>\"',;]{1,64}@[A-Za-z0-9.-]{1,189}$")]
# Spoken or read by people; a line of its own in no file.
Text = Annotated[str, StringConstraints(pattern="^[^\\x00-\\x1f\\x7f\u202a-\u202e\u2066-\u2069]{1,500}$")]


class CustomerForm(Form):
    name: Label
    phones: list[Number] = Field(default_factory=list, max_length=20)
    tier: Name | None = None
    price_list: Name | None = None
    language: Name | None = None
    owner: Extension | None = None
    household: Name | None = None
    company: Name | None = None
    region: Name | None = None
    email: Email | None = None


class HouseholdForm(Form):
    name: Label


class CompanyForm(Form):
    name: Label
    tier: Name | None = None
    price_list: Name | None = None
    owner: Extension | None = None


class CampaignForm(Form):
    name: Label
    begins: Day | None = None
    ends: Day | None = None
    budget: Amount | None = None
    currency: Currency = "CNY"


class OrderForm(Form):
    customer: Key
    status: Literal["placed", "paid", "packed", "shipped", "delivered", "cancelled"]
    amount: Amount
    currency: Currency = "CNY"
    placed: Day
    expected: Day | None = None

    @property
    def exact_amount(self) -> Decimal:
        return Decimal(self.amount)


class ShipmentForm(Form):
    order: Key
    carrier: Label
    status: Literal["packed", "in_transit", "out_for_delivery", "delivered", "returned"]
    expected: Day | None = None
    delivered: Day | None = None
    place: Label | None = None


DealerStage = Literal["prospect", "contacted", "visited", "contract", "active", "left"]


class DealerForm(Form):
    name: Label
    region: Name
    owner: Extension | None = None
    tier: Name | None = None
    pin: Pin | None = Field(default=None, repr=False)
    pin_hash: PinHash | None = Field(default=None, repr=False)
    stock_notice: dict[Code, Text] = Field(default_factory=dict)
    phone: Number | None = None
    stage: DealerStage | None = None

    @model_validator(mode="after")
    def _one_pin(self) -> DealerForm:
        if self.pin is not None and self.pin_hash is not None:
            raise ValueError("has a pin and a pin_hash: which of them?")
        return self


class TicketForm(Form):
    customer: Key
    status: Literal["open", "in_progress", "solved"]
    category: Name
    opened: Day
    due: Day | None = None


class PromiseForm(Form):
    customer: Key
    text: Text
    due: Day
    keeper: Extension | None = None
    kept: Day | None = None


class CrmBookForm(Form):
    customers: dict[Key, CustomerForm] = Field(default_factory=dict)
    orders: dict[Key, OrderForm] = Field(default_factory=dict)
    shipments: dict[Key, ShipmentForm] = Field(default_factory=dict)
    dealers: dict[Key, DealerForm] = Field(default_factory=dict)
    tickets: dict[Key, TicketForm] = Field(default_factory=dict)
    promises: dict[Name, PromiseForm] = Field(default_factory=dict)
    households: dict[Name, HouseholdForm] = Field(default_factory=dict)
    companies: dict[Name, CompanyForm] = Field(default_factory=dict)
    campaigns: dict[Name, CampaignForm] = Field(default_factory=dict)
