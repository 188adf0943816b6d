"""What a flow knows of one call while it walks. Mutable, one per call, kept over its queues."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from ivr.flow.outside import Caller

Kept = Mapping[str, str | int | float | None]
# What a call has come to although no agent has spoken with it; it is then no abandoned one.
Reached = Literal["", "voicemail", "callback", "self_served"]


def _unwatched(node: str) -> None:
    return None


async def _forgotten(kind: str, fields: Kept) -> None:
    return None


def _unseen(node: str, what: str) -> None:
    return None


@dataclass(slots=True)
class CallState:
    """``language`` is the site's word for it ("mandarin"). ``country``: where numbers without a country code
    are at home ("CN"). ``attributes``: what the menus have learnt ("product": "laptop"); they are written down
    with every node. ``secrets``: what was typed and must never be written down or spoken (a PIN); they are
    lost with the engine. ``path``: the nodes entered, in order, as `ivr.flow.place` writes them. ``queues``: how
    many queues the flow has sent the call to. ``on_node`` hears each node's place before the node runs.

    ``ani``: the caller's number in E.164, '' when withheld or none. ``caller``: who that is, once it was asked.
    ``texts``: what was looked up and is no plain word (a notice): spoken or sent, lost with the engine.
    ``menu_left_s``: how long all walks of this call may still last together.
    ``codes``: the site's word for a language → code of its texts. ``messages``: texts that were sent.
    ``reached``: the outcome that the call has earned already. ``keep(kind, fields)``: writes a fact of the call down;
    durable when it returns. ``on_problem(place, what)``: a mistake for the admin to see."""

    language: str
    call_id: str = ""
    dnis: str = ""
    country: str = ""
    source: str = ""
    campaign: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    path: list[str] = field(default_factory=list)
    queues: int = 0
    on_node: Callable[[str], None] = _unwatched
    ani: str = ""
    caller: Caller | None = None
    texts: dict[str, str] = field(default_factory=dict)
    reached: Reached = ""
    keep: Callable[[str, Kept], Awaitable[None]] = _forgotten
    on_problem: Callable[[str, str], None] = _unseen
    menu_left_s: float = math.inf
    codes: Mapping[str, str] = field(default_factory=dict)
    messages: int = 0

    @property
    def code(self) -> str:
        return self.codes.get(self.language, self.language)

    def wishes(self) -> dict[str, str]:
        """Everything that a queue's requirement may name."""
        return {**self.attributes, "language": self.language}

    def values(self) -> dict[str, str]:
        """Everything that a flow may compare or speak: no secret is among it."""
        given = {"dnis": self.dnis, "ani": self.ani, "source": self.source, "campaign": self.campaign}
        return {**self.texts, **self.wishes(), **given}


# What every call knows without being asked.
GIVEN_VALUES = frozenset({"language", "dnis", "ani", "source", "campaign"})
