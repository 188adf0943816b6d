"""hours: one way while the line is open, another while it is closed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from ivr.flow.leave import GoTo, Step
from ivr.flow.nodes.form import Mention, Name, NodeForm, Noun
from ivr.flow.visit import Visit


class HoursNode(NodeForm):
    kind: Literal["hours"]
    line: Name
    open: Name
    closed: Name

    async def run(self, visit: Visit) -> Step:
        return GoTo(self.open if visit.world.is_open(self.line) else self.closed)

    def mentions(self) -> Iterator[Mention]:
        yield Mention(Noun.LINE, self.line, ("line",))
        yield Mention(Noun.NODE, self.open, ("open",))
        yield Mention(Noun.NODE, self.closed, ("closed",))
