"""The lists by their names. Whoever shows them, in a terminal or over HTTP, has them from here: a new list is one
entry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection

from crm_bridge.work_lists import care, missed, surveys, tasks
from crm_bridge.work_lists.lines import Line, Wanted
from crm_bridge.work_lists.missed_figures import MissedLine


class ListName(StrEnum):
    MISSED = "missed"
    CALLBACKS = "callbacks"
    VOICEMAILS = "voicemails"
    PROMISES = "promises"
    LEADS = "leads"
    DELIVERIES = "deliveries"
    SURVEYS = "surveys"
    TICKETS = "tickets"
    APPOINTMENTS = "appointments"


@dataclass(frozen=True, slots=True)
class WorkList:
    """``about``: what is on it, for people. ``line``: what its lines are. ``takes``: the fields of `Wanted` that not
    every list heeds."""

    about: str
    line: type[Line]
    lines: Callable[[Connection, Wanted], Sequence[Line]]
    takes: Sequence[str] = ()


LISTS: Mapping[ListName, WorkList] = {
    ListName.MISSED: WorkList("callers with whom nobody has spoken since", MissedLine, missed.missed, ("days",)),
    ListName.CALLBACKS: WorkList("wishes to be called back, still open", tasks.TaskRow, tasks.callbacks),
    ListName.VOICEMAILS: WorkList("messages, still open", tasks.TaskRow, tasks.voicemails),
    ListName.PROMISES: WorkList("due today or broken", care.PromiseLine, care.open_promises, ("all",)),
    ListName.LEADS: WorkList("not accepted", care.LeadLine, care.open_leads),
    ListName.DELIVERIES: WorkList("not confirmed", care.DeliveryLine, care.unconfirmed_deliveries),
    ListName.SURVEYS: WorkList("with a low mark", surveys.SurveyRow, surveys.answers, ("days", "below", "all")),
    ListName.TICKETS: WorkList("open", care.TicketLine, care.open_tickets),
    ListName.APPOINTMENTS: WorkList("planned", care.AppointmentLine, care.planned_appointments),
}
