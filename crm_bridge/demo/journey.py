"""A caller's way: the menu, the line, a conversation or none, and what is said of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from acd.events import EventKind, LeftFor
from crm_bridge.demo import names
from crm_bridge.demo.call import Call, Said
from crm_bridge.demo.company import WORD_OF_MOUTH, Company, Line, Wish
from crm_bridge.demo.people import Person
from crm_bridge.demo.staff import Shift, Staff
from crm_bridge.entry import CALLBACK, DISPOSITION, LEG, OUTCOME, SMS, SOURCE, STARTED, SURVEY, VOICEMAIL
from crm_bridge.outcome import HangupBy, Outcome
from crm_bridge.rules import Becomes

_NIGHT = (Outcome.VOICEMAIL, Outcome.ABANDONED_QUEUE, Outcome.TIMEOUT, Outcome.OVERFLOW)
_WORDS: Sequence[tuple[Becomes | None, float]] = (
    *((None, 0.78), ("lead", 0.09), ("order", 0.07), ("ticket", 0.04)),
    ("promise", 0.02),
)
_OFFER_S, _WRAP_UP_S = 15.0, 15.0


class Journeys:
    """The calls of the company in their order: who talks with one caller is not there for the next."""

    def __init__(self, company: Company, wish: Wish, staff: Staff) -> None:
        self._company, self._staff, self._wish = company, staff, wish
        self._dice = wish.dice("journeys")

    def play(self, nr: int, at: datetime, line: Line, person: Person | None) -> Call:
        dice = self._dice
        language = person.language if person else self._company.languages[0]
        product = dice.choice(names.PRODUCTS)
        call = Call(f"{self._wish.prefix}{nr:06}", at.timestamp(), person, line, line.source, language, product)
        self._start(call)
        asked = call.at + dice.uniform(8, 45)
        chance = dice.random()
        if chance < 0.055:
            self._end(call, call.at + dice.uniform(2, 30), Outcome.ABANDONED_IVR)
        elif chance < 0.09:
            self._end(call, asked + dice.uniform(5, 60), Outcome.SELF_SERVED)
        elif chance < 0.093:
            self._end(call, asked, Outcome.SYSTEM_FAILURE, HangupBy.SYSTEM, cause="the trunk went away")
        else:
            self._wait(call, asked)
        return call

    def _start(self, call: Call) -> None:
        dice, person = self._dice, call.person
        ani = "" if person is None else f"0{person.phone[3:]}" if dice.random() < 0.2 else person.phone[3:]
        name = person.name if person is not None and not person.number and dice.random() < 0.3 else ""
        said = {"dnis": call.line.number, "ani": ani, "name": name}
        call.note(STARTED, call.at, **said, source=call.line.source, campaign=call.line.campaign)
        call.note("language", call.at + 3, language=call.language)
        packed = f"language={call.language};product={call.product.kind}"
        call.note("node", call.at + 5, name="line", attributes=packed)
        heard = self._mouths()
        if heard and not call.line.campaign and dice.random() < 0.3:
            call.source = dice.choice(heard)
            call.note(SOURCE, call.at + 6, source=call.source)

    def _mouths(self) -> Sequence[str]:
        return [source for source, kind in self._company.kinds.items() if kind == WORD_OF_MOUTH]

    def _wait(self, call: Call, at: float) -> None:
        queues = self._company.queues
        call.queue = self._dice.choices(queues, weights=[1 / (1 + nr) for nr in range(len(queues))])[0]
        call.note("queued", at, queue=call.queue, joined_at=at, priority=0)
        said: dict[str, Any] = {"joined_at": at, "entered_at": at, "priority": 0, "kept_for": "", "returned": False}
        attributes = {"language": call.language, "product": call.product.kind}
        call.tell(EventKind.QUEUED, at, queue=call.queue, attributes=attributes, **said)
        shift = self._staff.free(call.queue, at)
        if shift is None:
            self._nobody(call, at)
            return
        self._offered(call, at, shift)

    def _nobody(self, call: Call, at: float) -> None:
        """Before and after work."""
        dice = self._dice
        outcome = dice.choices(_NIGHT, weights=(5, 3, 1, 1))[0]
        if outcome is Outcome.ABANDONED_QUEUE:
            self._give_up(call, at, at + dice.uniform(4, 90))
            return
        call.tell(EventKind.SENT_ON, at + 1, to="", why="nobody is there")
        call.tell(EventKind.QUEUE_LEFT, at + 1, why=LeftFor.SENT_ON.value)
        call.note("sent_on", at + 1, queue="", why="nobody is there")
        if outcome is Outcome.VOICEMAIL:
            self._leave_message(call, at + 2)
        self._end(call, at + dice.uniform(10, 60), outcome, waited_s=1.0)

    def _leave_message(self, call: Call, at: float) -> None:
        number = call.person.phone if call.person else ""
        seconds = round(self._dice.uniform(4, 60), 1)
        call.note(VOICEMAIL, at, box="night", recording="", seconds=seconds, number=number, language=call.language)

    def _offered(self, call: Call, at: float, shift: Shift) -> None:
        """In one of thirty the phone rings in vain, and rings again."""
        dice = self._dice
        patience = dice.uniform(1, 6) if dice.random() < 0.04 else 15 + dice.expovariate(1 / 110)
        offer_at = max(at + 0.2, shift.ready_at(at))
        ring_s = dice.uniform(2, 9)
        if dice.random() < 0.03 and offer_at - at < patience:
            self._ring(call, offer_at, shift, 1)
            call.note("offer_missed", offer_at + _OFFER_S, agent=shift.clerk.extension, why="no_answer")
            call.tell(
                EventKind.OFFER_MISSED,
                offer_at + _OFFER_S,
                shift.clerk.extension,
                token=f"{call.id}/1",
                why="no_answer",
            )
            offer_at = shift.free_at = offer_at + _OFFER_S + 5
        if offer_at - at > patience:
            self._lose_patience(call, at, at + patience)
        elif offer_at + ring_s - at > patience:
            self._ring(call, offer_at, shift, 2)
            call.tell(
                EventKind.OFFER_MISSED, at + patience, shift.clerk.extension, token=f"{call.id}/2", why="withdrawn"
            )
            shift.free_at = max(shift.free_at, at + patience)
            self._give_up(call, at, at + patience)
        else:
            self._ring(call, offer_at, shift, 2)
            self._talk(call, at, offer_at, offer_at + ring_s, shift)

    def _ring(self, call: Call, at: float, shift: Shift, nr: int) -> None:
        call.note("offered", at, agent=shift.clerk.extension)
        said = {"token": f"{call.id}/{nr}", "deadline": at + _OFFER_S}
        call.tell(
            EventKind.OFFERED,
            at,
            shift.clerk.extension,
            step=self._company.last_steps.get(call.queue, 0),
            kept_for="",
            **said,
        )
        call.tell(EventKind.RINGING, at + 0.1, shift.clerk.extension, **said)

    def _lose_patience(self, call: Call, joined: float, at: float) -> None:
        if call.person is not None and at - joined > 30 and self._dice.random() < 0.45:
            said = {"queue": call.queue, "number": call.person.phone, "language": call.language, "state": "waiting"}
            call.note(CALLBACK, at, **said)
            call.tell(EventKind.QUEUE_LEFT, at, why=LeftFor.CALLBACK.value)
            self._end(call, at + 4, Outcome.CALLBACK, waited_s=at - joined)
            return
        self._give_up(call, joined, at)

    def _give_up(self, call: Call, joined: float, at: float) -> None:
        call.tell(EventKind.QUEUE_LEFT, at, why=LeftFor.ABANDONED.value)
        self._end(call, at, Outcome.ABANDONED_QUEUE, waited_s=at - joined)

    def _talk(self, call: Call, joined: float, offered: float, answered: float, shift: Shift) -> None:
        dice, agent = self._dice, shift.clerk.extension
        talk_s = min(1500.0, max(12.0, dice.lognormvariate(5.1, 0.7)))
        end, call.agent = answered + talk_s, agent
        wrap_up_s = dice.uniform(5, _WRAP_UP_S * 3)
        call.note("answered", answered, agent=agent)
        call.tell(EventKind.ANSWERED, answered, agent, token=f"{call.id}/2", deadline=None)
        call.note(LEG, end, agent=agent, queue=call.queue, began_at=answered, talked_s=round(talk_s, 3))
        by = HangupBy.AGENT if dice.random() < 0.3 else HangupBy.CALLER
        call.tell(EventKind.TALK_ENDED, end, agent, token=f"{call.id}/2", wrap_up_s=wrap_up_s, by=by.value)
        call.tell(EventKind.WRAP_UP_ENDED, end + wrap_up_s, agent)
        shift.free_at = end + wrap_up_s
        said = {"answered_at": answered, "waited_s": answered - joined, "offered_s": answered - offered}
        self._end(call, end, Outcome.ANSWERED, by, talked_s=talk_s, **said)
        self._after(call, end)

    def _end(
        self, call: Call, at: float, outcome: Outcome, by: HangupBy = HangupBy.CALLER, **said: float | str
    ) -> None:
        call.outcome, call.ended_at = outcome.value, at
        told = {name: round(value, 3) if isinstance(value, float) else value for name, value in said.items()}
        where = {"queue": call.queue, "agent": call.agent, "language": call.language}
        call.note(OUTCOME, at, outcome=outcome.value, hangup_by=by.value, ended_at=at, **where, **told)

    def _after(self, call: Call, at: float) -> None:
        """The agent's word, and what the caller thinks of us."""
        dice = self._dice
        call.said = self._word(call, at + dice.uniform(2, 12))
        if call.said is not None:
            self._say(call, call.said)
        if dice.random() < 0.12:
            mark = dice.choices((1, 2, 3, 4, 5), weights=(4, 6, 15, 40, 35))[0]
            spoken = (
                {"comment": "", "comment_s": 0.0}
                if dice.random() < 0.9
                else {"comment": f"{call.id}_c", "comment_s": 9.0}
            )
            likely = min(10, max(0, mark * 2 + dice.choice((-1, 0, 0, 1))))
            call.note(SURVEY, at + 20, service=mark, nps=likely, **spoken)
        if call.person is not None and dice.random() < 0.05:
            call.note(SMS, at + 5, to=call.person.phone, text="感谢来电，订单可在线查询。", sent=True)

    def _word(self, call: Call, at: float) -> Said | None:
        dice = self._dice
        becomes = dice.choices([one for one, _ in _WORDS], weights=[weight for _, weight in _WORDS])[0]
        found = None if becomes is None or call.person is None else self._company.word_for(becomes)
        if found is None:
            return None
        code, rule = found
        day = datetime.fromtimestamp(at, self._company.rules.zone).date()
        promised: date | None = day + timedelta(days=dice.randrange(1, 6)) if becomes == "promise" else None
        return Said(code, rule, at, _goods(call, dice) if becomes == "order" else (), promised)

    def _say(self, call: Call, said: Said) -> None:
        more = {} if said.amount is None else {"amount": f"{said.amount}"}
        more |= {} if said.promised_on is None else {"promised_on": said.promised_on.isoformat()}
        call.note(DISPOSITION, said.at, agent=call.agent, code=said.code, **more)


def _goods(call: Call, dice: Random) -> tuple[tuple[names.Product, int], ...]:
    more = dice.sample([one for one in names.PRODUCTS if one != call.product], dice.choices((0, 1, 2), (6, 3, 1))[0])
    return tuple((one, dice.choices((1, 2, 5), (16, 3, 1))[0]) for one in (call.product, *more))
