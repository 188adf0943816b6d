"""The record of one call while it lives: its facts, and their way into the journal.

Times are Unix seconds. `end` is written at most once; what follows it downstream is idempotent by call id.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from crm_bridge.entry import CALLBACK, LEG, SOURCE, VOICEMAIL
from crm_bridge.journal import Entry, Journal, JournalUnwritable
from crm_bridge.outcome import HangupBy, Outcome
from crm_bridge.problems import FLOW_PROBLEM
from crm_bridge.resume import LeftOff
from ivr.flow.outside import NOBODY, Caller
from ivr.media_source import Tag

if TYPE_CHECKING:
    from agi_scripts.talk import Handover

log = logging.getLogger(__name__)


@dataclass(slots=True)
class CallRecord:
    """``channel`` and ``uniqueid`` are Asterisk's words; they stay here and in the journal."""

    call_id: str
    dnis: str
    ani: str
    name: str
    tag: Tag
    channel: str
    uniqueid: str
    journal: Journal
    clock: Callable[[], float]
    language: str = ""
    queue: str = ""
    agent: str = ""
    joined_at: float | None = None
    offered_at: float | None = None
    answered_at: float | None = None
    talked_s: float = 0.0  # of all legs
    legs: int = 0  # conversations that are over
    regained_s: float = 0.0  # of the wait since `joined_at`: before this call, which has an earlier one's place
    consent_heard: bool = False  # that conversations are recorded
    gave_up: Outcome | None = None  # a queue gave up on this call: that stays its outcome if nothing better comes
    gave_up_at: float | None = None  # what the caller hears after that is no waiting
    left_off: LeftOff = field(default_factory=LeftOff)
    ended: bool = False
    who: Caller = NOBODY  # as the CRM knows them
    attributes: dict[str, str] = field(default_factory=dict)

    async def begin(self) -> None:
        """Durable when this returns: from here on the call is accepted and must have one outcome."""
        await self._durable(
            "call_started",
            dnis=self.dnis,
            ani=self.ani,
            name=self.name,
            source=self.tag.source,
            campaign=self.tag.campaign,
            channel=self.channel,
            uniqueid=self.uniqueid,
        )

    def note(self, kind: str, **fields: str | float | int | None) -> None:
        """An event on the way: in order, durable soon, and nobody waits for it."""
        self.journal.append_soon(self._entry(kind, fields))

    def speak(self, language: str) -> None:
        if language != self.language:
            self.language = language
            self.note("language", language=language)

    def retag(self, source: str) -> None:
        """The caller has said which advert brought them."""
        if source != self.tag.source:
            self.tag = replace(self.tag, source=source)
            self.left_off = replace(self.left_off, source=source)
            self.note(SOURCE, source=source)

    async def keep(self, kind: str, fields: Mapping[str, str | int | float | None]) -> None:
        """A fact that the flow has learnt; durable when this returns."""
        if kind in (VOICEMAIL, CALLBACK):
            self.left_off = replace(self.left_off, reached="voicemail" if kind == VOICEMAIL else "callback")
        await self._durable(kind, **fields)

    def come_back(self, left: LeftOff) -> None:
        """What an engine before us knew of this call and nothing but the journal has kept."""
        self.left_off = left
        if left.source:
            self.tag = replace(self.tag, source=left.source)

    def problem(self, flow: str, node: str, what: str) -> None:
        """A mistake of the flow, or of something that it asks, for the admin to see. ``node``: its place."""
        self.note(FLOW_PROBLEM, flow=flow, node=node, what=what)

    def entered(self, node: str, attributes: str) -> None:
        """A flow node, with what the caller's keys have said so far: from here a call goes on that we lose."""
        self.left_off = replace(self.left_off, node=node, waiting=False, language=self.language, attributes=attributes)
        self.note("node", name=node, **({"attributes": attributes} if attributes else {}))

    def joined(self, queue: str, joined_at: float, priority: int) -> None:
        self.queue, self.joined_at, self.gave_up_at = queue, joined_at, None
        self.note("queued", queue=queue, joined_at=joined_at, priority=priority)

    def sent_on(self, queue: str, why: str) -> None:
        """The queue passes the call on: to another queue, or ('') to its flow."""
        self.note("sent_on", queue=queue, why=why)

    def give_up(self, outcome: Outcome) -> None:
        """The queue has: the wait is over, the call is not."""
        self.gave_up, self.gave_up_at = outcome, self.clock()

    def offered(self, agent: str) -> None:
        self.offered_at = self.clock()
        self.note("offered", agent=agent)

    def missed(self, agent: str, why: str, *, waits_on: bool) -> None:
        """The phone did not take the call, which waits again, or has left while it rang."""
        if not self.legs:
            self.answered_at, self.agent = None, ""
        if waits_on:
            self.offered_at = None
        self.note("offer_missed", agent=agent, why=why)

    def talked(self, agent: str, talked_s: float, outside: str = "") -> None:
        """A conversation is over: a leg of the call. Asterisk has measured its length from the joining on, and that
        dates the answer, which is the first leg's; the last one's agent is the call's."""
        began = self.clock() - talked_s
        if not self.legs:
            self.answered_at, self.talked_s = began, 0.0
        self.legs += 1
        self.agent, self.talked_s = agent, self.talked_s + talked_s
        whom = {"outside": outside} if outside else {"agent": agent}
        self.note(LEG, began_at=round(began, 3), talked_s=round(talked_s, 3), queue=self.queue, **whom)

    def handed_over(self, handover: Handover) -> None:
        to = handover.to
        self.note(
            "handed_over",
            by=handover.by,
            to=to.agent or to.queue or to.outside,
            asked_first=int(handover.consultation is not None),
        )

    def transferred(self, outside: str, talked_s: float) -> None:
        """A conversation with somebody outside of the house is over. ``outside``: their name in the site's list."""
        self.talked("", talked_s, outside)
        self.note("transferred", outside=outside, talked_s=round(talked_s, 3))

    def not_transferred(self, outside: str, why: str) -> None:
        if not self.legs:
            self.answered_at = None
        self.note("transfer_missed", outside=outside, why=why)

    def picked_up(self) -> None:
        """Somebody outside of the house has. That it was a conversation is told at its end."""
        self.answered_at = self.answered_at or self.clock()

    def answered(self, agent: str) -> None:
        """The agent has picked up. Said twice (by Asterisk's event and by the end of Dial), heard once."""
        if self.answered_at is None:
            self.answered_at, self.agent = self.clock(), agent
            self.note("answered", agent=agent)

    async def end(self, outcome: Outcome, hangup_by: HangupBy, *, cause: str = "") -> None:
        """The one outcome, durable when this returns. A second call changes nothing."""
        if self.ended:
            return
        self.ended = True
        now = self.clock()
        if self.legs and outcome is not Outcome.ANSWERED:  # lost on the way from one agent to the next
            outcome, cause = Outcome.ANSWERED, cause or f"{outcome.value} after a transfer"
        await self._durable(
            "outcome",
            outcome=outcome.value,
            hangup_by=hangup_by.value,
            cause=cause,
            ended_at=now,
            answered_at=self.answered_at,
            waited_s=self._waited_s(now),
            offered_s=self._offered_s(now),
            talked_s=round(self.talked_s, 3),
            queue=self.queue,
            agent=self.agent,
            language=self.language,
        )

    async def cut_short(self, why: str) -> None:
        """We end the call, whatever it is doing."""
        if self.answered_at is None:
            await self.end(Outcome.SYSTEM_FAILURE, HangupBy.SYSTEM, cause=why)
            return
        self.talked_s = self.clock() - self.answered_at
        await self.end(Outcome.ANSWERED, HangupBy.SYSTEM, cause=why)

    def _waited_s(self, now: float) -> float:
        if self.joined_at is None:
            return 0.0
        return round(max(0.0, (self.answered_at or self.gave_up_at or now) - self.joined_at - self.regained_s), 3)

    def _offered_s(self, now: float) -> float:
        if self.offered_at is None:
            return 0.0
        return round(max(0.0, (self.answered_at or now) - self.offered_at), 3)

    async def _durable(self, kind: str, /, **fields: str | int | float | None) -> None:
        """A hang-up or a stop cancels tasks all day; what was given to the journal is written all the same. A disk that
        refuses costs the caller nothing: the journal keeps the entry, in order, and tries again."""
        try:
            await self.journal.append(self._entry(kind, fields))
        except JournalUnwritable as error:
            log.error("not on disk yet: %s", error, extra={"call_id": self.call_id, "kind": kind})

    def _entry(self, kind: str, fields: dict[str, str | float | None] | dict[str, str | float | int | None]) -> Entry:
        return Entry(call_id=self.call_id, kind=kind, at=self.clock(), fields=fields)
