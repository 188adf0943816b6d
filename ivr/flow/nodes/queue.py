"""queue: leave the flow and wait for an agent; come back at ``then`` when the queue gives up, and at ``after`` when the
agent has hung up and the caller is still there.

``attributes`` are what the queue's requirement may name: a literal, or ``$name`` for what the call knows
under that name (left out when it knows nothing: undefined, not empty). Not written: all that the call
knows. `{}`: nothing, so that whoever is free may take the call.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ivr.flow.leave import QueueFor, Step
from ivr.flow.nodes.form import Mention, Name, NodeForm, Noun, Wish
from ivr.flow.visit import Visit


class QueueNode(NodeForm):
    """``priority``: the class in the line. The wait in a queue has its own deadline (the queue's). ``overflow``: where
    the flow goes on when the queue's rules pass the call on to it; not written: ``then``."""

    waits: ClassVar[bool] = True

    kind: Literal["queue"]
    queue: Name
    priority: Annotated[int, Field(ge=-100, le=100)] = 0
    attributes: dict[Name, Wish] | None = None
    then: Name | None = None
    after: Name | None = None
    overflow: Name | None = None

    async def run(self, visit: Visit) -> Step:
        visit.state.queues += 1
        wishes = bound(self.attributes, visit.state.wishes())
        return QueueFor(self.queue, self.priority, wishes, self.then, self.after, overflow=self.overflow)

    def mentions(self) -> Iterator[Mention]:
        yield Mention(Noun.QUEUE, self.queue, ("queue",))
        if self.then is not None:
            yield Mention(Noun.NODE, self.then, ("then",))
        if self.after is not None:
            yield Mention(Noun.NODE, self.after, ("after",))
        if self.overflow is not None:
            yield Mention(Noun.NODE, self.overflow, ("overflow",))


def bound(wishes: Mapping[str, str] | None, known: Mapping[str, str]) -> dict[str, str]:
    """The attributes that a requirement is bound with; ``known``: all that the call knows."""
    if wishes is None:
        return dict(known)
    found = {name: known.get(wish[1:]) if wish.startswith("$") else wish for name, wish in wishes.items()}
    return {name: value for name, value in found.items() if value}
