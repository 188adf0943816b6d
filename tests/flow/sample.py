"""The sample company in virtual time: a call to one of its numbers, typed; its CRM is `crm.yaml`, held in memory."""

from __future__ import annotations

import asyncio
import runpy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import hotline.site
from hotline.site.crm_book import CrmBookForm, day_of
from ivr.flow.interpreter import CallState, HangUp, Leave, QueueFor, TransferTo, walk
from ivr.flow.outside import NOBODY, Caller, Outside, QueueLook, Subject, TextMessage
from ivr.flow.state import Kept
from tests.flow.centre import sample_site
from tests.flow.typed_voice import NOON, PaperWorld, TypedVoice

SITE = sample_site()
TODAY = NOON.date()
SCRIPTS = Path(hotline.site.__file__).parent / "templates" / "scripts"
OPEN = ("placed", "paid", "packed", "shipped")

Notes = dict[str, str]


def _plain(**fields: str | None) -> Notes:
    return {name: value for name, value in fields.items() if value}


def _day(text: str | None) -> str | None:
    return None if text is None else day_of(text, TODAY).isoformat()


@dataclass
class BookCrm:
    """The Crm port over the forms of `crm.yaml`."""

    book: CrmBookForm = field(default_factory=lambda: SITE.crm)

    async def caller(self, e164: str) -> Caller:
        for number, customer in self.book.customers.items():
            if e164.removeprefix("+86") in {phone.removeprefix("0") for phone in customer.phones}:
                mine = [promise for promise in self.book.promises.values() if promise.customer == number]
                orders = [order for order in self.book.orders.values() if order.customer == number]
                return Caller(
                    known=True,
                    name=customer.name,
                    tier=customer.tier or "",
                    price_list=customer.price_list or "",
                    language=customer.language or "",
                    owner=customer.owner or "",
                    household=customer.household or "",
                    open_orders=sum(order.status in OPEN for order in orders),
                    open_promises=len(mine),
                    broken_promises=sum(day_of(promise.due, TODAY) < TODAY for promise in mine),
                )
        return NOBODY

    async def look_up(self, what: Subject, key: str, language: str) -> Notes | None:
        return getattr(self, f"_{what}")(key, language)

    async def prove(self, what: Subject, key: str, pin: str) -> bool:
        return key in self.book.dealers and self.book.dealers[key].pin == pin

    def _customer(self, key: str, language: str) -> Notes | None:
        for number, c in self.book.customers.items():
            if key in {number, *(f"+86{phone.removeprefix('0')}" for phone in c.phones)}:
                return _plain(number=number, name=c.name, tier=c.tier, price_list=c.price_list, language=c.language)
        return None

    def _order(self, key: str, language: str) -> Notes | None:
        order = self.book.orders.get(key)
        if order is None:
            return None
        parcels = [number for number, shipment in self.book.shipments.items() if shipment.order == key]
        days = {"placed_on": _day(order.placed), "expected_on": _day(order.expected)}
        return _plain(number=key, status=order.status, **days, shipment=parcels[0] if parcels else None)

    def _shipment(self, key: str, language: str) -> Notes | None:
        s = self.book.shipments[key]
        days = {"expected_on": _day(s.expected), "delivered_on": _day(s.delivered)}
        return _plain(number=key, status=s.status, place=s.place, **days)

    def _ticket(self, key: str, language: str) -> Notes | None:
        t = self.book.tickets.get(key)
        return None if t is None else _plain(number=key, status=t.status, due_on=_day(t.due))

    def _dealer(self, key: str, language: str) -> Notes | None:
        d = self.book.dealers[key]
        return _plain(code=key, owner=d.owner, tier=d.tier, stock_notice=d.stock_notice[SITE.languages[language]])


class SiteScripts:
    """The site's functions, run where we are: they take no time."""

    def __init__(self) -> None:
        self._runs: dict[str, Callable[[Notes], Notes]] = {
            file.stem: runpy.run_path(str(file))["run"] for file in SCRIPTS.glob("*.py")
        }

    async def call(self, name: str, values: Mapping[str, str], limit_s: float) -> Notes:
        return self._runs[name](dict(values))


@dataclass
class Outbox:
    sent: list[TextMessage] = field(default_factory=list)

    async def send(self, message: TextMessage) -> None:
        self.sent.append(message)


STAFFED = QueueLook(staffed=2, idle=1)
FUNCTIONS = SiteScripts()


@dataclass
class SampleCall:
    """``went``: every leave, the last one last. ``lasted``: each walk, in seconds."""

    state: CallState
    voice: TypedVoice
    world: PaperWorld
    texts: Outbox = field(default_factory=Outbox)
    went: list[Leave] = field(default_factory=list)
    lasted: list[float] = field(default_factory=list)
    kept: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)

    @property
    def outcome(self) -> str:
        """As `agi_scripts/call.py` tells it, for a call that the flow itself has ended."""
        end = self.went[-1]
        assert isinstance(end, HangUp), end
        return self.state.reached or end.outcome

    @property
    def said(self) -> list[str]:
        return [words for words, _ in self.voice.said]

    @property
    def way(self) -> list[str]:
        return self.state.path

    def queue(self, place: int = 0) -> QueueFor:
        found = [leave for leave in self.went if isinstance(leave, QueueFor)][place]
        assert isinstance(found, QueueFor)
        return found


def ring(
    number: str,
    *acts: str,
    ani: str = "+8613800138000",
    call_id: str = "c-1",
    closed: frozenset[str] = frozenset(),
    served: bool = False,
    look: QueueLook = STAFFED,
    outside: Mapping[str, Any] | None = None,
) -> SampleCall:
    """A call to the number until nobody is there to talk to any more. ``served``: every agent that is asked for takes
    the call, talks and hangs up; otherwise nobody comes. ``outside``: ports in place of those that work."""
    texts = Outbox()
    ports = {"crm": BookCrm(), "texts": texts, "functions": FUNCTIONS, "queue_look": lambda name: look}
    world = PaperWorld(closed=closed, outside=Outside(**{**ports, **(outside or {})}))
    voice = TypedVoice(world, acts)
    spec = SITE.numbers[number]
    state = CallState(
        SITE.default_language, call_id=call_id, dnis=number, country="CN", ani=ani, codes=SITE.languages,
        source=spec.source or "unknown",
    )  # fmt: skip
    call = SampleCall(state, voice, world, texts)

    async def keep(kind: str, fields: Kept) -> None:
        call.kept.append((kind, dict(fields)))

    state.keep = keep
    state.on_problem = lambda place, what: call.problems.append((place, what))
    asyncio.run(_follow(call, number, served))
    return call


async def _follow(call: SampleCall, number: str, served: bool) -> None:
    flow, node = SITE.flows[SITE.numbers[number].flow], None
    while True:
        begun = call.world.now()
        leave = await walk(flow, node, call.state, call.voice, call.world, SITE.flows)
        call.went.append(leave)
        call.lasted.append((call.world.now() - begun).total_seconds())
        node = (leave.after if served else leave.then) if isinstance(leave, QueueFor | TransferTo) else None
        if node is None:
            return


def days(count: int) -> date:
    return day_of(f"{count:+}d", TODAY)
