"""What a flow knows of one call while it walks. Mutable, one per call, kept over its queues."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


def _unwatched(node: str) -> None:
    return None


@dataclass(slots=True)
class CallState:
    """``language`` is the site's word for it ("mandarin"). ``country``: where numbers without a country code
    are at home ("CN"). ``attributes``: what the menus have learnt ("product": "laptop"); they are written down
    with every node. ``secrets``: what was typed and must never be written down or spoken (a PIN); they are
    lost with the engine. ``path``: the nodes entered, in order, as `ivr.flow.place` writes them. ``queues``: how
    many queues the flow has sent the call to. ``on_node`` hears each node's place before the node runs."""

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

    def wishes(self) -> dict[str, str]:
        """Everything that a queue's requirement may name."""
        return {**self.attributes, "language": self.language}

    def values(self) -> dict[str, str]:
        """Everything that a flow may compare or speak: no secret is among it."""
        return {**self.wishes(), "dnis": self.dnis, "source": self.source, "campaign": self.campaign}


# What every call knows without being asked.
GIVEN_VALUES = frozenset({"language", "dnis", "source", "campaign"})
