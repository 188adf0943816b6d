"""agent: wait for one agent by name, or for the account owner; come back at ``then`` when they cannot be had.

The wait is short and only for them: it ends at once when they are not logged in or do not take the call. ``queue``
gives its rules (how long a phone rings, wrap-up) and its name in the reports; the agent need not be one of that
queue's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from ivr.flow.leave import GoTo, QueueFor, Step
from ivr.flow.nodes.form import Mention, Name, NodeForm, Noun
from ivr.flow.visit import Visit

_OWNER = "owner"
_EXTENSION = re.compile(r"[0-9]{2,8}")
# An extension, `$name` for the value that holds one, or `owner`.
WantedAgent = Annotated[str, StringConstraints(pattern=r"^([0-9]{2,8}|\$[a-z][a-z0-9_]{0,63}|owner)$")]


class AgentNode(NodeForm):
    """``agent: owner``: whose account the caller is, by the CRM; else the call's value ``owner``. ``wait_s``: how long
    an agent who talks, or is paused, is waited for. ``after``: for a caller who is still there when the agent has hung
    up."""

    kind: Literal["agent"]
    agent: WantedAgent
    queue: Name
    priority: Annotated[int, Field(ge=-100, le=100)] = 0
    wait_s: Annotated[float, Field(ge=1, le=600)] = 20.0
    then: Name
    after: Name | None = None

    async def run(self, visit: Visit) -> Step:
        extension = await self._extension(visit)
        if not extension:
            return GoTo(self.then)
        visit.state.queues += 1
        wishes = visit.state.wishes()
        return QueueFor(self.queue, self.priority, wishes, self.then, self.after, extension, self.wait_s)

    async def _extension(self, visit: Visit) -> str:
        """'' when the call knows of none: it is then nobody's, and no mistake."""
        wanted = self.agent
        if wanted == _OWNER:
            wanted = (await visit.caller()).owner or visit.state.wishes().get(_OWNER, "")
        elif wanted.startswith("$"):
            wanted = visit.state.wishes().get(wanted[1:], "")
        if wanted and not _EXTENSION.fullmatch(wanted):
            visit.problem("what should name an agent is no extension")
            return ""
        return wanted

    def mentions(self) -> Iterator[Mention]:
        if self.agent.startswith("$"):
            yield Mention(Noun.VALUE, self.agent[1:], ("agent",))
        elif self.agent != _OWNER:
            yield Mention(Noun.AGENT, self.agent, ("agent",))
        yield Mention(Noun.QUEUE, self.queue, ("queue",))
        yield Mention(Noun.NODE, self.then, ("then",))
        if self.after is not None:
            yield Mention(Noun.NODE, self.after, ("after",))
