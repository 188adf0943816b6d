"""Leads on their way through the hands of dealers, by the law of `leads`: handed over, accepted, returned, too late."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import Connection, select

from crm_bridge import bulk
from crm_bridge.demo import names
from crm_bridge.demo.book import Book
from crm_bridge.demo.call import Call, Said, moment
from crm_bridge.demo.company import Company, Wish
from crm_bridge.demo.people import BY, Person
from crm_bridge.leads import ACTIVE, RULE, HandingEnd, LeadState
from crm_bridge.models import dealers, lead_handings, leads

_A_REGION = 6  # dealers
_RECRUITED = ("prospect", "contacted", "visited", "contract")
_FATES = ((HandingEnd.ACCEPTED, 0.6), (HandingEnd.RETURNED, 0.14), (HandingEnd.EXPIRED, 0.26))
_WON, _LOST = 0.4, 0.45


@dataclass(frozen=True, slots=True)
class Won:
    """A dealer has sold something."""

    person: Person
    at: datetime


def write_dealers(connection: Connection, book: Book, company: Company, wish: Wish) -> Mapping[str, Sequence[str]]:
    """Region → the codes of those who sell."""
    dice, since = wish.dice("dealers"), wish.until - timedelta(days=wish.days)
    taken = set(connection.execute(select(dealers.c.code)).scalars())
    free = (code for nr in range(10**9) if (code := str(401 + nr)) not in taken)
    selling: dict[str, list[str]] = {}
    for region in company.regions:
        for nr in range(_A_REGION + 1):
            code, stage = next(free), ACTIVE if nr < _A_REGION else dice.choice(_RECRUITED)
            book.add(dealers, _dealer(code, region, stage, dice, company))
            book.made(dealers, code, BY, since)
            if stage == ACTIVE:
                selling.setdefault(region, []).append(code)
    return selling


def _dealer(code: str, region: str, stage: str, dice: Random, company: Company) -> dict[str, Any]:
    return {
        "code": code,
        "name": names.shop(dice),
        "region": region,
        "owner": dice.choice(company.clerks).extension,
        "tier": dice.choice(("", "silver", "gold")),
        "pin_hash": "",
        "stock_notices": None,
        "phone": f"+86174059{dice.randrange(10**5):05}",
        "stage": stage,
    }


@dataclass(slots=True)
class _Lead:
    id: int
    region: str
    state: LeadState = LeadState.NEW
    dealer: str | None = None
    had: list[str] = field(default_factory=list)
    assigned_at: datetime | None = None
    due_at: datetime | None = None
    accepted_at: datetime | None = None
    closed_at: datetime | None = None


class Dealing:
    def __init__(self, book: Book, company: Company, wish: Wish, selling: Mapping[str, Sequence[str]]) -> None:
        self._book, self._rules, self._until = book, company.rules, wish.until
        self._selling, self._dice = selling, wish.dice("leads")
        self._last: dict[str, datetime] = {}  # dealer → when they had one last

    def play(self, connection: Connection, calls: Sequence[Call]) -> list[Won]:
        """Of each call of which a lead has become."""
        said = [(call, call.said) for call in calls if call.said is not None and call.said.rule.becomes == "lead"]
        won = []
        for id_, (call, word) in zip(bulk.new_ids(connection, leads, len(said)), said, strict=True):
            lead = _Lead(id_, call.person.region if call.person else "")
            opened = moment(word.at)
            self._book.made(leads, id_, f"agent:{call.agent}", opened)
            self._hand_over(lead, opened + timedelta(minutes=self._dice.uniform(1, 20)))
            self._book.add(leads, _row(lead, call, word, opened))
            if lead.state is LeadState.WON and call.person is not None and lead.closed_at is not None:
                won.append(Won(call.person, lead.closed_at))
        return won

    def _hand_over(self, lead: _Lead, at: datetime) -> None:
        """From dealer to dealer."""
        while at < self._until:
            left = [code for code in self._selling.get(lead.region, ()) if code not in lead.had]
            if not left:
                return
            dealer = min(left, key=lambda code: (self._last.get(code, datetime.min.replace(tzinfo=at.tzinfo)), code))
            self._last[dealer] = at
            due_at = at + timedelta(seconds=self._rules.leads.accept_s)
            fate, end = self._fate(at, due_at)
            self._move(lead, LeadState.ASSIGNED, dealer, RULE, at)
            lead.had.append(dealer)
            lead.assigned_at, lead.due_at = at, due_at
            if end > self._until:
                self._handing(lead, at, due_at, None, "", RULE)
                return
            by = RULE if fate is HandingEnd.EXPIRED else f"dealer:{dealer}"
            self._handing(lead, at, due_at, end, fate.value, by)
            lead.due_at = None
            if fate is HandingEnd.ACCEPTED:
                self._accepted(lead, dealer, end)
                return
            self._move(lead, LeadState.NEW, None, by, end)
            at = end + timedelta(seconds=5)

    def _fate(self, at: datetime, due_at: datetime) -> tuple[HandingEnd, datetime]:
        fate = self._dice.choices([one for one, _ in _FATES], weights=[weight for _, weight in _FATES])[0]
        if fate is HandingEnd.EXPIRED:
            return fate, due_at
        took = min(0.95, 0.01 + self._dice.expovariate(4))
        return fate, at + (due_at - at) * took

    def _accepted(self, lead: _Lead, dealer: str, at: datetime) -> None:
        self._move(lead, LeadState.ACCEPTED, dealer, f"dealer:{dealer}", at)
        lead.accepted_at = at
        chance, closed = self._dice.random(), at + timedelta(days=self._dice.uniform(1, 14))
        if chance < _WON + _LOST and closed < self._until:
            self._move(lead, LeadState.WON if chance < _WON else LeadState.LOST, dealer, f"dealer:{dealer}", closed)
            lead.closed_at = closed

    def _move(self, lead: _Lead, state: LeadState, dealer: str | None, by: str, at: datetime) -> None:
        key = {"id": lead.id}
        self._book.changed(leads, key, "state", lead.state.value, state.value, by, at)
        if dealer != lead.dealer:
            self._book.changed(leads, key, "dealer", lead.dealer, dealer, by, at)
        lead.state, lead.dealer = state, dealer

    def _handing(
        self, lead: _Lead, at: datetime, due_at: datetime, end: datetime | None, ended_as: str, by: str
    ) -> None:
        row = {"lead_id": lead.id, "nr": len(lead.had), "dealer": lead.had[-1], "handed_at": at, "due_at": due_at}
        self._book.add(lead_handings, {**row, "ended_at": end, "ended_as": ended_as, "by": by})


def _row(lead: _Lead, call: Call, word: Said, opened: datetime) -> dict[str, Any]:
    return {
        "id": lead.id,
        "ref": f"call:{call.id}",
        "customer_id": call.person.id if call.person else None,
        "call_id": call.id,
        "media_source": call.source,
        "campaign": call.line.campaign,
        "product": call.product.kind,
        "region": lead.region,
        "text": word.rule.text,
        "state": lead.state.value,
        "owner": call.agent,
        "dealer": lead.dealer,
        "opened_at": opened,
        "assigned_at": lead.assigned_at,
        "due_at": lead.due_at,
        "accepted_at": lead.accepted_at,
        "closed_at": lead.closed_at,
        "handings": len(lead.had),
    }
