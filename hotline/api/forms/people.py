"""Customers, households and companies, and what is noted of them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from hotline.api.kinds import (
    Address,
    Asked,
    Code,
    CodeOrNone,
    Day,
    Email,
    Extension,
    Form,
    Instant,
    Key,
    Name,
    Note,
    Phone,
    Told,
    unsaid,
)

StageName = Literal["prospect", "first_order", "repeat", "loyal", "lapsed", "won_back"]
Direction = Literal["in", "out"]
Channel = Literal["call", "sms", "mail", "recording"]


class Customer(Told):
    """``number``: the customer's own, null for somebody whom only their calls made known. What is '' of ``tier``,
    ``price_list`` and ``owner``, a member has from the company. ``stage``: worked out from the orders."""

    id: int
    number: str | None
    name: str
    numbers: list[str]
    tier: str
    price_list: str
    owner: str
    language: str
    household: str
    company: str
    region: str
    email: str
    stage: str
    stage_since: Day | None
    last_order_on: Day | None
    first_source: str
    first_campaign: str
    first_call_at: Instant | None
    first_call_id: str


class NewCustomerForm(Form):
    name: Name
    number: Key | None = None
    phones: Annotated[list[Phone], Field(max_length=20)] = Field(default_factory=list)
    tier: CodeOrNone = ""
    price_list: CodeOrNone = ""
    owner: Extension = ""
    language: CodeOrNone = ""
    household: CodeOrNone = ""
    company: CodeOrNone = ""
    region: CodeOrNone = ""
    email: Email = ""


class CustomerPatch(Form):
    """What is not named stays as it is; '' takes it away."""

    name: Name = unsaid()
    number: Key | None = unsaid()
    tier: CodeOrNone = unsaid()
    price_list: CodeOrNone = unsaid()
    owner: Extension = unsaid()
    language: CodeOrNone = unsaid()
    household: CodeOrNone = unsaid()
    company: CodeOrNone = unsaid()
    region: CodeOrNone = unsaid()
    email: Email = unsaid()


class CustomersAsked(Asked):
    phone: Phone | None = None
    number: Key | None = None
    stage: StageName | None = None
    tier: Code | None = Field(None, description="Their own, not their company's.")
    household: Code | None = None
    company: Code | None = None
    owner: Extension | None = None
    changed_since: Instant | None = Field(
        None,
        description="Somebody or a rule has changed them since then, or they have called. Some may be named again.",
    )


class Household(Told):
    code: str
    name: str


class HouseholdForm(Form):
    name: Name


class Company(Told):
    """What its members have who have none of their own."""

    code: str
    name: str
    tier: str
    price_list: str
    owner: str


class CompanyForm(Form):
    name: Name
    tier: CodeOrNone = ""
    price_list: CodeOrNone = ""
    owner: Extension = ""


class Contact(Told):
    """A contact that is no call to us."""

    type: Literal["contact"] = "contact"
    id: int
    customer_id: int | None
    kind: str
    direction: str
    at: Instant
    by: str
    address: str
    text: str
    call_id: str | None
    talked_s: float | None


class ContactForm(Form):
    """``at``: when it was; now, unless said. ``address``: the customer's own, unless said."""

    kind: Literal["mail", "visit", "note"]
    text: Note
    direction: Direction = "out"
    at: Instant | None = None
    address: Address | Literal[""] = ""


class Consent(Told):
    """The newest word on an address and a channel counts."""

    id: int
    address: str
    channel: str
    given: bool
    at: Instant
    by: str


class ConsentForm(Form):
    """``address``: a number or the mail address of the customer's."""

    address: Address
    channel: Channel
    given: bool


class NumberOnList(Told):
    """``until``: null for ever."""

    e164: str
    since: Instant
    until: Instant | None
    reason: str
    by: str


class NumberOnListForm(Form):
    until: Instant | None = None
    reason: Annotated[str, Field(max_length=500, pattern="^[^\\x00-\\x1f\\x7f]*$")] = ""
