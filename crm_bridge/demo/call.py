"""One call that is played: what the journal would have noted, and what the ACD would have told."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from acd.events import AcdEvent, EventKind
from crm_bridge.demo.company import Line
from crm_bridge.demo.names import Product
from crm_bridge.demo.people import Person
from crm_bridge.entry import Entry, Logged
from crm_bridge.rules import DispositionRule


@dataclass(frozen=True, slots=True)
class Said:
    """The agent's word. ``goods``: product and quantity, of an order."""

    code: str
    rule: DispositionRule
    at: float
    goods: tuple[tuple[Product, int], ...] = ()
    promised_on: date | None = None

    @property
    def amount(self) -> Decimal | None:
        return sum((one.price * count for one, count in self.goods), Decimal(0)) if self.goods else None


@dataclass(slots=True)
class Call:
    """``at``: Unix seconds. ``source``: what the caller has named, else the line's."""

    id: str
    at: float
    person: Person | None
    line: Line
    source: str
    language: str
    product: Product
    queue: str = ""
    agent: str = ""
    outcome: str = ""
    ended_at: float = 0.0
    said: Said | None = None
    entries: list[Entry] = field(default_factory=list)
    events: list[AcdEvent] = field(default_factory=list)

    def note(self, kind: str, at: float, **fields: Any) -> None:
        self.entries.append(Entry(self.id, kind, round(at, 3), fields))

    def tell(self, kind: EventKind, at: float, agent: str = "", **fields: Any) -> None:
        self.events.append(AcdEvent(kind, round(at, 3), self.id, agent, self.queue, fields))

    @property
    def logged(self) -> list[Logged]:
        return [Logged(nr, entry) for nr, entry in enumerate(self.entries, 1)]

    @property
    def begun(self) -> datetime:
        return moment(self.at)

    @property
    def over(self) -> datetime:
        return moment(self.ended_at)


def moment(at: float) -> datetime:
    return datetime.fromtimestamp(round(at, 3), UTC)
