"""The calls as the relay would have folded them: their rows, and what they leave behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from crm_bridge.batch import call_event
from crm_bridge.contacts import CALL_OUT, interaction_of
from crm_bridge.conversations import last_dispositions, leg_of
from crm_bridge.demo.book import Book
from crm_bridge.demo.call import Call, moment
from crm_bridge.demo.company import Company, Wish
from crm_bridge.demo.people import Person
from crm_bridge.entry import CALLBACK, SURVEY, VOICEMAIL, Logged
from crm_bridge.fold import Row, blank, fold
from crm_bridge.follow_ups import scores_of, task_of
from crm_bridge.models import call_events, dispositions, interactions, legs, surveys, tasks
from crm_bridge.models import calls as calls_table

_COUNTRY = "CN"  # of the played phones, wherever the site is
_FRESH_S = 86_400.0  # what is younger is not dealt with yet


def greet(calls: Sequence[Call]) -> None:
    """Each caller's first call makes them known."""
    for call in calls:
        if call.person is not None and call.person.first is None:
            call.person.first = (call.source, call.line.campaign, call.begun, call.id)


def tell_calls(book: Book, calls: Sequence[Call], company: Company, wish: Wish) -> None:
    dealing = _Dealing(book, company, wish)
    for call in calls:
        row = _folded(call)
        book.add(calls_table, row)
        for logged in call.logged:
            book.add(call_events, call_event(logged))
            _leave_behind(book, call, logged, {call.id: row}, dealing)
        if call.said is not None:
            book.add(dispositions, last_dispositions(call.logged)[0])


def _folded(call: Call) -> Row:
    row = blank(call.entries[0])
    for entry in call.entries:
        row = fold(row, entry)
    row["ani_e164"] = call.person.phone if call.person else None
    row["customer_id"] = call.person.id if call.person else None
    return row


def _leave_behind(book: Book, call: Call, logged: Logged, rows: Mapping[str, Row], dealing: _Dealing) -> None:
    if leg := leg_of(logged):
        book.add(legs, leg)
    if contact := interaction_of(logged, rows, _COUNTRY):
        book.add(interactions, contact)
    for score in scores_of(logged):
        book.add(surveys, score)
    if task := task_of(logged, rows, _COUNTRY):
        book.add(tasks, dealing.dealt(call, logged, task))


class _Dealing:
    """What a call has left for a human is dealt with by the next day, nearly always."""

    def __init__(self, book: Book, company: Company, wish: Wish) -> None:
        self._book, self._company, self._until = book, company, wish.until.timestamp()
        self._dice = wish.dice("dealing")

    def dealt(self, call: Call, logged: Logged, task: dict[str, Any]) -> dict[str, Any]:
        if logged.entry.kind == SURVEY or call.person is None:
            return task
        chance = 0.85 if self._until - call.at > _FRESH_S else 0.5
        if self._dice.random() > chance:
            return task
        at = call.ended_at + self._dice.uniform(300, _FRESH_S / 4)
        if at >= self._until:
            return task
        if logged.entry.kind in (CALLBACK, VOICEMAIL):
            clerk = self._dice.choice(self._company.clerks).extension
            self._book.add(interactions, call_out(call.person, at, clerk, self._dice.uniform(20, 240)))
        return {**task, "state": "done"}


def call_out(person: Person, at: float, agent: str, talked_s: float) -> dict[str, Any]:
    """A call of ours to them; talked_s 0: in vain."""
    return contact(person, CALL_OUT, "out", at, f"agent:{agent}", talked_s=talked_s)


def contact(
    person: Person, kind: str, direction: str, at: float, by: str, text: str = "", talked_s: float | None = None
) -> dict[str, Any]:
    return {
        "customer_id": person.id,
        "address": person.phone,
        "kind": kind,
        "direction": direction,
        "at": moment(at),
        "by": by,
        "text": text,
        "call_id": None,
        "seq": None,
        "talked_s": None if talked_s is None else round(talked_s, 1),
    }


def ring_back(book: Book, calls: Sequence[Call], company: Company, wish: Wish) -> None:
    """Most of those who gave up are called back within some hours; one in five of them is not at home."""
    dice, until = wish.dice("ringing back"), wish.until.timestamp()
    for call in calls:
        if call.outcome == "abandoned_queue" and call.person is not None and dice.random() < 0.75:
            at = call.ended_at + dice.uniform(120, 20_000)
            talked_s = 0.0 if dice.random() < 0.2 else dice.uniform(20, 300)
            agent = dice.choice(company.clerks).extension
            if at < until:
                book.add(interactions, call_out(call.person, at, agent, talked_s))
