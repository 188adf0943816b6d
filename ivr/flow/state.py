"""What a flow knows of one call while it walks. Mutable, one per call, kept over its queues."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


def _unwatched(node: str) -> None:
    return None


@dataclass(slots=True)
class CallState:
    """``language`` is the site's word for it ("mandarin"). ``attributes``: what the menus have learnt
    ("product": "laptop"). ``path``: the nodes entered, in order. ``queues``: how many queues the flow has
    sent the call to. ``on_node`` hears each node's name before the node runs."""

    language: str
    dnis: str = ""
    source: str = ""
    campaign: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    path: list[str] = field(default_factory=list)
    queues: int = 0
    on_node: Callable[[str], None] = _unwatched

    def wishes(self) -> dict[str, str]:
        """Everything that a queue's requirement may name."""
        return {**self.attributes, "language": self.language}
