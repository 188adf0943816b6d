"""What a call has kept, as the journal would: for the tests of nodes whose work is to write something down."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ivr.flow.state import Kept
from tests.flow.walking import Walked, flow, walked


@dataclass
class Shelf:
    kept: list[tuple[str, Kept]] = field(default_factory=list)

    async def keep(self, kind: str, fields: Kept) -> None:
        self.kept.append((kind, dict(fields)))

    @property
    def only(self) -> Kept:
        ((_, fields),) = self.kept
        return fields


def left(node: dict[str, Any], *acts: str, **state: Any) -> tuple[Shelf, Walked]:
    """One walk through the node as ``a``; its ways are ``right`` and ``wrong``."""
    shelf = Shelf()
    ani = state.pop("ani", "+8613800138000")
    found = walked(flow(a=node), *acts, keep=shelf.keep, ani=ani, call_id=state.pop("call_id", "c-1"), **state)
    return shelf, found
