"""Leads, promises, appointments and tickets."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from hotline.api.kinds import (
    Asked,
    CallIdOrNone,
    Code,
    CodeOrNone,
    Day,
    Extension,
    Form,
    Id,
    Instant,
    Key,
    KeyOrNone,
    Place,
    Ref,
    Text,
    Told,
    unsaid,
)

LeadStateName = Literal["new", "assigned", "accepted", "won", "lost"]
PromiseState = Literal["open", "kept", "withdrawn"]
AppointmentState = Literal["planned", "kept", "missed", "cancelled"]
TicketStatus = Literal["open", "in_progress", "solved", "cancelled"]


class Lead(Told):
    """``due_at``: until when the dealer must accept it."""

    id: int
    ref: str
    customer_id: int
    call_id: str
    media_source: str
    campaign: str
    product: str
    region: str
    text: str
    state: str
    owner: str
    dealer: str | None
    opened_at: Instant
    assigned_at: Instant | None
    due_at: Instant | None
    accepted_at: Instant | None
    closed_at: Instant | None
    handings: int


class Handing(Told):
    """Once in a dealer's hands. ``ended_as``: accepted, returned, expired, withdrawn; '' while it lasts."""

    nr: int
    dealer: str
    handed_at: Instant
    due_at: Instant
    ended_at: Instant | None
    ended_as: str
    by: str


class WholeLead(Lead):
    in_hands: list[Handing]


class LeadForm(Form):
    """``ref``: by which you know it again; said twice it is one lead."""

    ref: Ref
    customer_id: Id
    media_source: CodeOrNone = ""
    campaign: CodeOrNone = ""
    product: CodeOrNone = ""
    region: CodeOrNone = ""
    text: Text = ""
    owner: Extension = ""


class AssignForm(Form):
    dealer: Key


class CloseForm(Form):
    won: bool


class LeadsAsked(Asked):
    """``since``, ``until``: opened from the one on and before the other."""

    state: LeadStateName | None = None
    dealer: Key | None = None
    customer: Id | None = None
    source: Code | None = None
    campaign: Code | None = None
    region: Code | None = None
    since: Instant | None = None
    until: Instant | None = None


class Promise(Told):
    """``keeper``: the extension of who must keep it."""

    id: int
    ref: str | None
    customer_id: int
    text: str
    due_on: Day
    keeper: str
    promised_by: str
    made_at: Instant | None
    kept_at: Instant | None
    withdrawn_at: Instant | None
    call_id: str
    state: PromiseState


class PromiseForm(Form):
    customer_id: Id
    text: Annotated[Text, Field(min_length=1)]
    due_on: Day
    keeper: Extension = ""
    ref: Ref | None = None
    call_id: CallIdOrNone = ""


class PromisesAsked(Asked):
    """``since``, ``until``: due from the one on and before the other."""

    customer: Id | None = None
    keeper: Extension | None = None
    state: PromiseState | None = None
    since: Day | None = None
    until: Day | None = None


class Appointment(Told):
    id: int
    ref: str | None
    customer_id: int
    at: Instant
    place: str
    purpose: str
    keeper: str
    state: str
    call_id: str
    quote_number: str


class AppointmentForm(Form):
    customer_id: Id
    at: Instant
    ref: Ref | None = None
    place: Place = ""
    purpose: Text = ""
    keeper: Extension = ""
    call_id: CallIdOrNone = ""
    quote_number: KeyOrNone = ""


class AppointmentPatch(Form):
    at: Instant = unsaid()
    place: Place = unsaid()
    purpose: Text = unsaid()
    keeper: Extension = unsaid()
    state: AppointmentState = unsaid()


class AppointmentsAsked(Asked):
    customer: Id | None = None
    keeper: Extension | None = None
    state: AppointmentState | None = None
    since: Instant | None = None
    until: Instant | None = None


class Ticket(Told):
    """``due_at``: when it must be solved by the category's SLA; null without one."""

    number: str
    customer_id: int
    status: str
    category: str
    text: str
    keeper: str
    call_id: str | None
    opened_on: Day
    due_on: Day | None
    opened_at: Instant | None
    due_at: Instant | None
    solved_at: Instant | None


class TicketForm(Form):
    customer_id: Id
    category: Code
    text: Text = ""
    keeper: Extension = ""
    call_id: CallIdOrNone = ""


class TicketPatch(Form):
    status: TicketStatus = unsaid()
    keeper: Extension = unsaid()
    text: Text = unsaid()


class TicketsAsked(Asked):
    customer: Id | None = None
    status: TicketStatus | None = None
    category: Code | None = None
    keeper: Extension | None = None
