"""transfer: out of the house, to a number that the site has listed in `outside.yaml`, and to no other.

The flow says a name. The number behind it, and the trunk that carries the call, are read from the site's checked file
alone: nothing that a caller types or the CRM knows can become a number that we pay for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from ivr.flow.leave import Step, TransferTo
from ivr.flow.nodes.form import Mention, Name, NodeForm, Noun
from ivr.flow.visit import Visit


class TransferNode(NodeForm):
    """``then``: nobody there took the call. ``after``: they have hung up and the caller is still there."""

    kind: Literal["transfer"]
    to: Name
    ring_s: Annotated[float, Field(ge=5, le=120)] = 30.0
    then: Name
    after: Name | None = None

    async def run(self, visit: Visit) -> Step:
        visit.state.queues += 1  # counted with the queues: they are what a flow can be sent round in
        return TransferTo(self.to, self.ring_s, self.then, self.after)

    def mentions(self) -> Iterator[Mention]:
        yield Mention(Noun.OUTSIDE, self.to, ("to",))
        yield Mention(Noun.NODE, self.then, ("then",))
        if self.after is not None:
            yield Mention(Noun.NODE, self.after, ("after",))
