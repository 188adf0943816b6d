"""How the router words its reports: one place that knows the fields of each kind of event."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from acd.events import AcdEvent, EventKind, LeftFor
from acd.expected_wait import WaitLook
from acd.model import AgentState, Offer, PhoneState, PresenceEvent
from acd.tickets import Place


class Telling:
    """``reports`` is called inside a turn: quick, and it must not raise. Instants in Unix seconds."""

    def __init__(self, reports: Callable[[AcdEvent], None]) -> None:
        self._reports = reports

    def of_offer(self, kind: EventKind, offer: Offer, at: float, **fields: object) -> None:
        fields["token"] = offer.token
        self._reports(AcdEvent(kind, at, offer.call_id, offer.agent, offer.queue, fields))

    def offered(self, offer: Offer, kept_for: str = "") -> None:
        self.of_offer(
            EventKind.OFFERED,
            offer,
            offer.made_at,
            step=offer.step,
            kept_for=kept_for,
            deadline=offer.deadline,
            beside=offer.beside,
        )

    def of_call(self, kind: EventKind, place: Place, at: float, **fields: object) -> None:
        self._reports(AcdEvent(kind, at, place.call.call_id, queue=place.call.queue, fields=fields))

    def queued(self, place: Place, at: float) -> None:
        call = place.call
        self.of_call(
            EventKind.QUEUED,
            place,
            at,
            queue=call.queue,
            joined_at=call.joined_at,
            entered_at=place.entered_at,
            priority=call.priority,
            attributes=dict(call.attributes),
            kept_for=place.kept_for,
            returned=call.returned,
        )

    def announced(self, place: Place, at: float, look: WaitLook, aloud: bool) -> None:
        self.of_call(
            EventKind.ANNOUNCED,
            place,
            at,
            position=look.position,
            expected_s=round(look.expected_s, 1),
            low_s=round(look.low_s, 1),
            high_s=round(look.high_s, 1),
            aloud=aloud,
        )

    def left(self, place: Place, at: float, why: LeftFor) -> None:
        self.of_call(EventKind.QUEUE_LEFT, place, at, why=why.value)

    def setup(self, told: Mapping[str, object], at: float) -> None:
        self._reports(AcdEvent(EventKind.SETUP, at, fields=told))

    def presence(self, state: AgentState, at: float, change: PresenceEvent, *, restored: bool = False) -> None:
        """``restored``: as it was before a restart."""
        fields = {
            "presence": state.presence.value,
            "reason": state.pause_reason,
            "change": change.value,
            "restored": restored,
        }
        self._reports(AcdEvent(EventKind.AGENT_PRESENCE, at, agent=state.extension, fields=fields))

    def phone(self, extension: str, state: PhoneState, at: float) -> None:
        self._reports(AcdEvent(EventKind.PHONE, at, agent=extension, fields={"state": state.value}))

    def rest(self, extension: str, until: float | None, at: float) -> None:
        self._reports(AcdEvent(EventKind.REST, at, agent=extension, fields={"until": until}))

    def wrap_up_until(self, state: AgentState, at: float) -> None:
        self._reports(AcdEvent(EventKind.WRAP_UP_UNTIL, at, agent=state.extension, fields={"until": state.deadline}))

    def wrap_up_ended(self, state: AgentState, at: float) -> None:
        self._reports(AcdEvent(EventKind.WRAP_UP_ENDED, at, agent=state.extension))
