"""What lies outside of a call and may be asked by its flow: the CRM, the web, a text gateway, an admin's own functions,
the queues. Ports and the values that pass through them; `hotline/engine.py` joins the real ones.

Whatever is not joined answers that it is not there, so a flow survives it as it survives an outage.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from ivr.pin_lock import PinLock

Subject = Literal["customer", "order", "shipment", "ticket", "dealer"]


class OutsideFailed(Exception):
    """What was asked for could not be had: it is away, too slow, or its answer makes no sense. The message is for the
    admin and holds nothing that a caller typed in secret."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, as far as the CRM knows them by their number. ``owner``: the extension of the agent whose account it
    is, or ''; ``last_agent``: whom they have talked to last. ``stage``: how far they have come as a customer. Of orders
    and promises those that are open; ``broken_promises`` are past their day."""

    known: bool = False
    name: str = ""
    tier: str = ""
    price_list: str = ""
    language: str = ""
    owner: str = ""
    household: str = ""
    company: str = ""
    stage: str = ""
    open_orders: int = 0
    open_promises: int = 0
    broken_promises: int = 0
    last_agent: str = ""


NOBODY = Caller()


@dataclass(frozen=True, slots=True)
class QueueLook:
    """A queue as a caller would meet it now. ``staffed``: agents who are logged in; ``idle``: of those, free now."""

    staffed: int = 0
    idle: int = 0
    waiting: int = 0
    expected_wait_s: float = 0.0


class Crm(Protocol):
    """Everything may raise OutsideFailed."""

    async def caller(self, e164: str) -> Caller:
        """NOBODY for a number that no customer has."""

    async def look_up(self, what: Subject, key: str, language: str) -> Mapping[str, str] | None:
        """The fields of the order, customer, … with this key, as text; None when there is none. ``language``: the
        site's word for it, for fields that are texts."""

    async def prove(self, what: Subject, key: str, pin: str) -> bool:
        """Whether the PIN is that of the account; False too for one that is not there."""


@dataclass(frozen=True, slots=True)
class WebRequest:
    """``url`` whole and quoted. ``body``: plain JSON values, or None."""

    method: Literal["GET", "POST"]
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None


class Web(Protocol):
    async def fetch(self, request: WebRequest) -> Any:
        """The JSON of a 2xx answer; None for a 404. Raises OutsideFailed. The time-out is the asker's."""


@dataclass(frozen=True, slots=True)
class TextMessage:
    """``to``: E.164."""

    to: str
    text: str
    call_id: str


class TextGateway(Protocol):
    async def send(self, message: TextMessage) -> None:
        """The gateway has taken the message over. Raises OutsideFailed."""


class Functions(Protocol):
    async def call(self, name: str, values: Mapping[str, str], limit_s: float) -> Mapping[str, str]:
        """What the site's function makes of the call's values. Raises OutsideFailed, also when time is up."""


class NothingThere:
    """Stands for every port that nobody has joined."""

    async def caller(self, e164: str) -> Caller:
        return NOBODY

    async def look_up(self, what: Subject, key: str, language: str) -> Mapping[str, str] | None:
        raise OutsideFailed("no CRM is joined")

    async def prove(self, what: Subject, key: str, pin: str) -> bool:
        raise OutsideFailed("no CRM is joined")

    async def fetch(self, request: WebRequest) -> Any:
        raise OutsideFailed("no web is joined")

    async def send(self, message: TextMessage) -> None:
        raise OutsideFailed("no text gateway is joined")

    async def call(self, name: str, values: Mapping[str, str], limit_s: float) -> Mapping[str, str]:
        raise OutsideFailed("no functions are joined")


_NOTHING = NothingThere()


@dataclass(frozen=True, slots=True)
class Outside:
    """All of it. ``queue_look(name)``: how a queue of the site stands now. ``pins``: wrong PINs, over all calls."""

    crm: Crm = _NOTHING
    web: Web = _NOTHING
    texts: TextGateway = _NOTHING
    functions: Functions = _NOTHING
    queue_look: Callable[[str], QueueLook] = lambda name: QueueLook()
    pins: PinLock = field(default_factory=PinLock)
