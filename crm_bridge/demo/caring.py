"""What was promised, broken, visited and offered, and who has taken on what."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from sqlalchemy import Connection

from crm_bridge import bulk
from crm_bridge.demo import names
from crm_bridge.demo.book import Book
from crm_bridge.demo.call import Call, Said, moment
from crm_bridge.demo.company import Company, Wish
from crm_bridge.demo.people import Person
from crm_bridge.demo.telling import call_out, contact
from crm_bridge.given_numbers import next_numbers
from crm_bridge.models import appointments, interactions, promises, quote_lines, quotes, tickets, work_items

_LATER = timedelta(days=14)


class Caring:
    def __init__(self, book: Book, company: Company, wish: Wish) -> None:
        self._book, self._company, self._wish = book, company, wish
        self._until, self._zone = wish.until, company.rules.zone
        self._dice = wish.dice("caring")

    def play(self, connection: Connection, calls: Sequence[Call]) -> None:
        said = [(call, call.said) for call in calls if call.said is not None]
        broken = [one for one in said if one[1].rule.becomes == "ticket"]
        for number, (call, word) in zip(next_numbers(connection, tickets, len(broken)), broken, strict=True):
            self._ticket(number, call, word)
        promised = [one for one in said if one[1].rule.becomes == "promise"]
        for id_, (call, word) in zip(bulk.new_ids(connection, promises, len(promised)), promised, strict=True):
            self._promise(id_, call, word)
        talked = [call for call in calls if call.outcome == "answered" and call.person is not None]
        self._meetings(talked)
        self._notes(talked)

    def _ticket(self, number: str, call: Call, word: Said) -> None:
        dice, opened = self._dice, moment(word.at)
        category = word.rule.category or dice.choice(list(self._company.rules.sla_s) or ["repair"])
        limit_s = self._company.rules.sla_s.get(category, 86_400.0)
        due = opened + timedelta(seconds=limit_s)
        solved = opened + timedelta(seconds=limit_s * dice.expovariate(1.6))
        status = "solved" if solved < self._until else dice.choice(("open", "in_progress"))
        row = {"number": number, "customer_id": _of(call).id, "status": status, "category": category}
        row |= {"opened_on": opened.astimezone(self._zone).date(), "due_on": due.astimezone(self._zone).date()}
        row |= {
            "text": f"{call.product.name}: {dice.choice(names.PROBLEMS[call.product.kind])}",
            "keeper": call.agent,
            "call_id": call.id,
        }
        done = solved if status == "solved" else None
        self._book.add(tickets, {**row, "opened_at": opened, "due_at": due, "solved_at": done})
        self._book.made(tickets, number, f"agent:{call.agent}", opened)
        if done is not None:
            self._book.changed(tickets, {"number": number}, "status", "open", status, f"agent:{call.agent}", done)

    def _promise(self, id_: int, call: Call, word: Said) -> None:
        dice, made = self._dice, moment(word.at)
        assert word.promised_on is not None  # noqa: S101 (for the type checker)
        due = datetime.combine(word.promised_on, datetime.min.time(), self._zone).astimezone(made.tzinfo)
        chance = dice.random()
        at = due + timedelta(hours=dice.uniform(9, 18) if chance < 0.65 else dice.uniform(33, 80))
        kept = at if chance < 0.78 and at < self._until else None
        back = at if 0.78 <= chance < 0.82 and at < self._until else None
        by = f"agent:{call.agent}"
        row = {"id": id_, "ref": f"call:{call.id}", "customer_id": _of(call).id, "text": word.rule.text}
        row |= {"due_on": word.promised_on, "keeper": call.agent, "kept_at": kept, "promised_by": call.agent}
        self._book.add(promises, {**row, "made_at": made, "withdrawn_at": back, "call_id": call.id})
        self._book.made(promises, id_, by, made)
        for field, when in (("kept_at", kept), ("withdrawn_at", back)):
            if when is not None:
                self._book.changed(promises, {"id": id_}, field, None, when, by, when)
        if kept is not None:
            talked_s = dice.uniform(30, 400)
            self._book.add(interactions, call_out(_of(call), kept.timestamp(), call.agent, talked_s))
        elif back is None and dice.random() < 0.3:
            self._take(f"promise-{id_}", by)

    def _take(self, item: str, by: str) -> None:
        row = {"item": item, "taken_by": by, "taken_at": self._until - timedelta(minutes=self._dice.randrange(5, 300))}
        self._book.add(work_items, {**row, "closed_at": None, "closed_by": "", "note": ""})

    def _meetings(self, talked: Sequence[Call]) -> None:
        """A visit, and what was offered there in writing."""
        chosen = self._dice.sample(talked, len(talked) // 80)
        for nr, call in enumerate(sorted(chosen, key=lambda call: call.at)):
            at = moment(call.ended_at) + _LATER * self._dice.random()
            hour = at.astimezone(self._zone).replace(
                hour=self._dice.randrange(9, 17), minute=0, second=0, microsecond=0
            )
            number = f"QD{self._wish.seed}-{nr:05}"
            self._appoint(call, hour, number, nr)
            self._quote(call, number, moment(call.ended_at) + timedelta(hours=3))

    def _appoint(self, call: Call, at: datetime, quote: str, nr: int) -> None:
        state = "planned"
        if at < self._until:
            state = self._dice.choices(("kept", "missed", "cancelled", "planned"), weights=(80, 8, 10, 2))[0]
        row = {"ref": f"{self._wish.prefix}a{nr}", "customer_id": _of(call).id, "at": at.astimezone(self._until.tzinfo)}
        row |= {"place": self._dice.choice(names.CITIES), "purpose": self._dice.choice(names.WISHES)}
        self._book.add(
            appointments, {**row, "keeper": call.agent, "state": state, "call_id": call.id, "quote_number": quote}
        )

    def _quote(self, call: Call, number: str, at: datetime) -> None:
        made = at.astimezone(self._zone).date()
        valid, old = made + timedelta(days=30), at < self._until - timedelta(days=20)
        status = self._dice.choice(("accepted", "declined", "expired") if old else ("draft", "sent", "sent"))
        goods = [(call.product, self._dice.choice((5, 10, 20)))]
        amount = sum((product.price * count for product, count in goods), Decimal(0))
        row = {"number": number, "customer_id": _of(call).id, "status": status, "amount": amount}
        row |= {"currency": self._company.rules.currency, "made_on": made, "valid_until": valid}
        self._book.add(quotes, {**row, "keeper": call.agent, "call_id": call.id, "order_number": ""})
        for nr, (product, count) in enumerate(goods, 1):
            line = {"number": number, "line": nr, "product": product.code, "name": product.name, "quantity": count}
            self._book.add(quote_lines, {**line, "price": product.price, "amount": product.price * count})

    def _notes(self, talked: Sequence[Call]) -> None:
        for call in talked:
            if self._dice.random() < 0.02:
                kind, direction = _kind(self._dice)
                at, by = call.ended_at + self._dice.uniform(600, 80_000), f"agent:{call.agent}"
                if at < self._until.timestamp():
                    text = self._dice.choice(names.WISHES)
                    self._book.add(interactions, contact(_of(call), kind, direction, at, by, text))


def _kind(dice: Random) -> tuple[str, str]:
    return dice.choice((("mail", "in"), ("mail", "out"), ("visit", "in"), ("note", "out")))


def _of(call: Call) -> Person:
    """Who has said something that came to something shows a number."""
    if call.person is None:
        raise ValueError(f"{call.id} is nobody's")
    return call.person
