"""Orders, shipments, quotes and dealers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from hotline.api.kinds import (
    Amount,
    Asked,
    CallIdOrNone,
    Carrier,
    Code,
    CodeOrNone,
    Currency,
    Day,
    Extension,
    Form,
    Id,
    Instant,
    Key,
    KeyOrNone,
    Money,
    Name,
    Phone,
    Pin,
    Place,
    Text,
    Told,
    unsaid,
)

OrderStatus = Literal["placed", "paid", "packed", "shipped", "delivered", "cancelled"]
ShipmentStatus = Literal["packed", "in_transit", "out_for_delivery", "delivered", "returned"]
QuoteStatus = Literal["draft", "sent", "accepted", "declined", "expired"]
DealerStage = Literal["prospect", "contacted", "visited", "contract", "active", "left"]


class Line(Told):
    line: int
    product: str
    name: str
    quantity: int
    price: Money
    amount: Money


class LineForm(Form):
    """``amount``: of the whole line; the price times the quantity, unless said."""

    product: Code
    quantity: Annotated[int, Field(ge=1, le=1_000_000)]
    price: Amount
    name: Place = ""
    amount: Amount | None = None


Lines = Annotated[list[LineForm], Field(max_length=500)]


class Order(Told):
    """``call_id``: of the call in which it was taken. ``channel``: phone, import, api, or book (the site's file)."""

    number: str
    customer_id: int
    status: str
    amount: Money
    currency: str
    placed_on: Day
    expected_on: Day | None
    call_id: str | None
    agent: str
    channel: str


class Shipment(Told):
    number: str
    order_number: str
    carrier: str
    status: str
    expected_on: Day | None
    delivered_on: Day | None
    place: str
    confirmed_at: Instant | None
    confirmed_by: str


class WholeOrder(Order):
    lines: list[Line]
    shipments: list[Shipment]


class OrderForm(Form):
    """Without ``number`` we give one out; without ``amount`` it is the sum of the lines; ``placed_on``: today."""

    customer_id: Id
    amount: Amount | None = None
    lines: Lines = Field(default_factory=list)
    number: KeyOrNone = ""
    status: OrderStatus = "placed"
    currency: Currency | None = None
    placed_on: Day | None = None
    expected_on: Day | None = None
    call_id: CallIdOrNone = ""
    agent: Extension = ""


class OrderPatch(Form):
    status: OrderStatus = unsaid()
    expected_on: Day | None = unsaid()


class OrdersAsked(Asked):
    """``since``, ``until``: placed from the one on and before the other."""

    customer: Id | None = None
    status: OrderStatus | None = None
    since: Day | None = None
    until: Day | None = None


class ShipmentForm(Form):
    order_number: Key
    carrier: Carrier
    status: ShipmentStatus
    expected_on: Day | None = None
    delivered_on: Day | None = None
    place: Place = ""


class Quote(Told):
    number: str
    customer_id: int
    status: str
    amount: Money
    currency: str
    made_on: Day
    valid_until: Day | None
    keeper: str
    call_id: str
    order_number: str


class WholeQuote(Quote):
    lines: list[Line]


class QuoteForm(Form):
    """Without ``amount`` it is the sum of the lines; ``made_on``: today."""

    number: Key
    customer_id: Id
    amount: Amount | None = None
    lines: Lines = Field(default_factory=list)
    status: QuoteStatus = "draft"
    currency: Currency | None = None
    made_on: Day | None = None
    valid_until: Day | None = None
    keeper: Extension = ""
    call_id: CallIdOrNone = ""


class QuotePatch(Form):
    status: QuoteStatus = unsaid()
    valid_until: Day | None = unsaid()
    keeper: Extension = unsaid()
    order_number: KeyOrNone = unsaid()


class QuotesAsked(Asked):
    customer: Id | None = None
    status: QuoteStatus | None = None
    keeper: Extension | None = None


class Dealer(Told):
    """``has_pin``: whether they can prove themselves by keypad."""

    code: str
    name: str
    region: str
    owner: str
    tier: str
    phone: str
    stage: str
    stock_notices: dict[str, str]
    has_pin: bool


LanguageCode = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(_[A-Za-z0-9]{2,8})*$")]


class DealerForm(Form):
    """``pin``: left out, it stays what it is; null takes it away. ``stock_notices``: language code → what callers are
    told."""

    name: Name
    region: CodeOrNone = ""
    owner: Extension = ""
    tier: CodeOrNone = ""
    phone: Phone | None = None
    stage: DealerStage = "active"
    stock_notices: Annotated[dict[LanguageCode, Text], Field(max_length=20)] = Field(default_factory=dict)
    pin: Pin | None = Field(None, repr=False)


class DealersAsked(Asked):
    region: Code | None = None
    stage: DealerStage | None = None
    owner: Extension | None = None
