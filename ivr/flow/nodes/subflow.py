"""flow: into another flow and back again. return: the way back.

A call has one set of values, whatever flow it is in: a parameter is a value that the sub-flow says it needs, and what
the sub-flow sets is still there afterwards. Nothing is local, because all of it must be found again by an engine that
takes the call over from a dead one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from ivr.flow.leave import Enter, GoTo, Return, Step
from ivr.flow.nodes.form import Mention, Name, NodeForm, Noun, Way, Wish
from ivr.flow.nodes.setting import assigned, value_mentions
from ivr.flow.visit import Visit

Parameters = Annotated[dict[Name, Wish], Field(max_length=20)]


class FlowNode(NodeForm):
    """``parameters``: literal, or `$name` (which stays unset when the call does not know it). ``returns``: a way for a
    result; ``then``: the way for every other result."""

    kind: Literal["flow"]
    flow: Name
    parameters: Parameters = Field(default_factory=dict)
    returns: dict[Name, Way] = Field(default_factory=dict)
    then: Way

    async def run(self, visit: Visit) -> Step:
        assigned(visit.state, self.parameters)
        return Enter(self.flow)

    def come_back(self, result: str, visit: Visit) -> GoTo:
        return visit.take(self.returns.get(result, self.then))

    def mentions(self) -> Iterator[Mention]:
        yield Mention(Noun.FLOW, self.flow, ("flow",))
        yield from value_mentions("parameters", self.parameters)
        for result, way in self.returns.items():
            yield from way.mentions("returns", result)
        yield from self.then.mentions("then")


class ReturnNode(NodeForm):
    """Only a sub-flow has one. ``result`` chooses the caller's way on."""

    kind: Literal["return"]
    result: Name = "done"

    async def run(self, visit: Visit) -> Step:
        return Return(self.result)
