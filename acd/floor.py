"""The agents as the router knows them: the store's word on each, their phone, their rest.

Law: an agent may be offered a call when they are available and idle, their phone is free, and they are not
resting after a miss. The index holds exactly those. An agent comes into the index only inside a turn, which then
offers them the call that is first in line; out of it at any time, because a fact about the world waits for nobody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from acd.deadlines import Deadlines, Due
from acd.matching import Index
from acd.model import AgentSpec, AgentState, PhoneState, Presence
from acd.profiles import AgentClass, Profiles
from acd.strategies import IdleAgent


class Floor:
    def __init__(self, agents: Mapping[str, AgentSpec], profiles: Profiles, index: Index, deadlines: Deadlines) -> None:
        self._index = index
        self._deadlines = deadlines
        self.specs = agents
        self._states = {extension: AgentState(extension) for extension in agents}
        self._phones = dict.fromkeys(agents, PhoneState.UNREACHABLE)
        self._rests: dict[str, float] = {}
        self._classes: dict[str, AgentClass] = {
            extension: profiles.agent_class(spec.skills, spec.queues) for extension, spec in agents.items()
        }

    def __contains__(self, extension: str) -> bool:
        return extension in self.specs

    def __iter__(self) -> Iterator[AgentState]:
        return iter(self._states.values())

    def state(self, extension: str) -> AgentState:
        """Raises KeyError for an extension that is no agent's."""
        return self._states[extension]

    def phone(self, extension: str) -> PhoneState:
        return self._phones[extension]

    def resting_until(self, extension: str) -> float | None:
        return self._rests.get(extension)

    def eligible(self, extension: str) -> bool:
        return (
            self._states[extension].free and self._phones[extension] is PhoneState.FREE and extension not in self._rests
        )

    def class_of(self, extension: str) -> AgentClass:
        return self._classes[extension]

    def is_staffed(self, extension: str) -> bool:
        """An agent of ours who is not logged out."""
        state = self._states.get(extension)
        return state is not None and state.presence is not Presence.LOGGED_OUT

    def note(self, state: AgentState) -> None:
        """The store has spoken."""
        before = self._states.get(state.extension)
        if before is None:
            return  # an agent of an earlier configuration
        self._states[state.extension] = state
        self._classes[state.extension].staffed += _staffed(state) - _staffed(before)
        self._deadlines.set(Due.AGENT, state.extension, state.deadline)
        self.settle(state.extension)

    def hear(self, extension: str, phone: PhoneState) -> None:
        """Asterisk has spoken, maybe while a turn is under way. `settle` takes a freed agent in."""
        self._phones[extension] = phone
        if not self.eligible(extension):
            self._index.remove_agent(extension)

    def rest(self, extension: str, until: float | None) -> None:
        """``until``: Unix seconds; None when the rest is over."""
        if until is None:
            self._rests.pop(extension, None)
        else:
            self._rests[extension] = until
        self._deadlines.set(Due.REST, extension, until)
        self.settle(extension)

    def settle(self, extension: str) -> None:
        """Put the agent into the index or out of it, as the facts now stand."""
        if self.eligible(extension):
            self._index.add_agent(idle_agent(self._states[extension]), self._classes[extension])
        else:
            self._index.remove_agent(extension)


def idle_agent(state: AgentState) -> IdleAgent:
    """What the strategies may look at."""
    return IdleAgent(state.extension, state.idle_since, state.offered_at, state.answered, state.occupancy)


def _staffed(state: AgentState) -> int:
    return 0 if state.presence is Presence.LOGGED_OUT else 1
