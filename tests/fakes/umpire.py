"""Watches a router and blows the whistle: the invariants of the ACD, from what can be seen outside.

Who fits whom is judged from the specs by brute force; who talks to whom from the phones' side (`rang`, `ended`), not
from the router's own state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from acd.deadlines import Due
from acd.events import AcdEvent, EventKind
from acd.model import AgentSpec, AgentState, Engagement, Offer, PhoneState, QueueSpec, WaitingCall
from acd.overflow import When
from acd.requirement import Requirement
from acd.router import Router, Ticket
from acd.tickets import Place

Order = tuple[float, float, str]


def order(call: WaitingCall) -> Order:
    """Written once more, so that a slip in the product is one."""
    return (call.joined_at - 120 * call.priority, call.joined_at, call.call_id)


@dataclass
class Umpire:
    agents: Mapping[str, AgentSpec]
    queues: Mapping[str, QueueSpec]
    phones: dict[str, PhoneState] = field(default_factory=dict)
    presence: dict[str, str] = field(default_factory=dict)
    on_phone: dict[str, str] = field(default_factory=dict)  # extension → token that rings or talks there
    wrap_up_until: dict[str, float] = field(default_factory=dict)
    keyed: set[str] = field(default_factory=set)  # who may end the wrap-up by key
    woken: list[Ticket] = field(default_factory=list)
    offers: int = 0
    router: Router = field(init=False)

    # ---- what it is told

    def wake(self, ticket: Ticket) -> None:
        assert ticket.listening
        assert ticket.offer is not None or ticket.timed_out or ticket.onward is not None
        self.woken.append(ticket)

    def report(self, event: AcdEvent) -> None:
        match event.kind:
            case EventKind.OFFERED:
                self._offered(event)
            case EventKind.AGENT_PRESENCE:
                self.presence[event.agent] = str(event.fields["presence"])
            case EventKind.TALK_ENDED:
                wrap_up_s = self.queues[event.queue].wrap_up_s
                assert event.fields["wrap_up_s"] == wrap_up_s
                self.wrap_up_until[event.agent] = event.at + wrap_up_s
            case EventKind.WRAP_UP_UNTIL:
                self.wrap_up_until[event.agent] = float(str(event.fields["until"]))
            case EventKind.WRAP_UP_ENDED:
                until = self.wrap_up_until.pop(event.agent, 0.0)
                assert event.at >= until or event.agent in self.keyed, "wrap-up cut short"
            case EventKind.WAIT_OVER:
                place = self.router._line.get(event.call_id)
                assert place is not None
                self._was_woken(place)

    def rang(self, offer: Offer) -> None:
        """The call's coroutine was told to ring: a second ring at one phone is the worst there is."""
        assert self.on_phone.setdefault(offer.agent, offer.token) == offer.token, "two calls at one agent"

    def ended(self, offer: Offer) -> None:
        if self.on_phone.get(offer.agent) == offer.token:
            del self.on_phone[offer.agent]

    # ---- the laws

    def _offered(self, event: AcdEvent) -> None:
        self.offers += 1
        if self.router._store.instant:  # else the hold may have come while the claim was on its way
            assert not self.router._held, "an offer while held"
            assert self.phones.get(event.agent) is PhoneState.FREE
        assert self.presence.get(event.agent) == "available"
        assert event.agent not in self.wrap_up_until, "still in wrap-up"
        place = self.router._line.get(event.call_id)
        assert place is not None
        assert self.fits(event.agent, place)
        if not event.fields["beside"]:  # a phone beside another is the ringing coroutine's own wish
            self._was_woken(place)
        self._nobody_passed_over(event.agent, place)
        if self.router._store.instant and event.agent in place.refused:
            self._nobody_was_willing(place)

    def _was_woken(self, place: Place) -> None:
        if place.ticket.listening and not place.ticket.closed:
            assert self.woken[-1] is place.ticket, "changed and not woken"

    def _nobody_passed_over(self, extension: str, served: Place) -> None:
        for other in self.waiting():
            if other is not served and self.fits(extension, other) and extension not in other.refused:
                assert order(served.call) < order(other.call), "out of turn"

    def _nobody_was_willing(self, place: Place) -> None:
        for extension in self.agents:
            if self._could_work(self.router._floor.state(extension)) and self.fits(extension, place):
                assert extension in place.refused, f"offered again to who missed it, and {extension} was idle"

    def fits(self, extension: str, place: Place) -> bool:
        if place.kept_for:
            return extension == place.kept_for
        spec, queue = self.agents[extension], self.queues[place.call.queue]
        require = Requirement.parse(queue.steps[place.step].require).bind(place.call.attributes)
        return queue.name in spec.queues and require.met_by(spec.skills)

    def waiting(self) -> list[Place]:
        now = self.router._clock()
        return [
            place
            for place in self.router._line
            if place.ticket.offer is None
            and not place.ticket.timed_out
            and place.ticket.onward is None
            and not place.ticket.closed
            and now >= place.out_until
            # A clock that comes late does what fell due in its order: this return is still to come in this tick.
            and (Due.BACK, place.call.call_id) not in self.router._deadlines._at
        ]

    def between_turns(self) -> None:
        """Whenever no turn is under way."""
        self._one_call_one_agent()
        self._the_index_is_exact()
        if not self.router._held:
            self._work_conserving()

    def _one_call_one_agent(self) -> None:
        held = [place.ticket.offer for place in self.router._line if place.ticket.offer is not None]
        assert len({offer.agent for offer in held}) == len(held)
        for state in self.router._floor:
            engaged = (Engagement.RESERVED, Engagement.RINGING, Engagement.TALKING)
            assert (state.offer is not None) == (state.engagement in engaged)
            assert (state.deadline is not None) == (state.engagement is not Engagement.IDLE)

    def _the_index_is_exact(self) -> None:
        index = self.router._parts.index
        here = {place.call.call_id for place in self.waiting()}
        assert set(index.calls_in_order()) == here
        assert {one for one in self.agents if index.is_idle(one)} == {
            one for one in self.agents if self._could_work(self.router._floor.state(one))
        }
        assert (Due.RESYNC, "") not in self.router._deadlines._at, "a doubt that nothing gave a reason for"
        for place in self.waiting():
            if place.call.agent:
                assert self._is_here(place.call.agent), "waits for somebody who is not there"
                assert place.call.agent not in place.refused, "waits for somebody who did not take it"
                continue
            if place.preferred:
                assert self._is_here(place.preferred), "kept for somebody who is not there"
                assert place.preferred not in place.refused, "kept for somebody who did not take it"
                assert place.preferred in place.call.preferred
                continue
            self._nobody_overflows_late(place)
            last = place.step == len(self.queues[place.call.queue].steps) - 1
            assert last or any(self.fits(one, place) for one in self.agents if self._is_here(one)), "stranded"

    def _nobody_overflows_late(self, place: Place) -> None:
        rules = [rule for rule in self.queues[place.call.queue].overflow if rule.queue not in place.call.been]
        members = [one for one, spec in self.agents.items() if place.call.queue in spec.queues]
        if any(rule.when is When.NOBODY_STAFFED for rule in rules):
            assert any(self._is_here(one) for one in members), "waits, and nobody is there"

    def _is_here(self, extension: str) -> bool:
        return self.presence.get(extension, "logged_out") != "logged_out"

    def _work_conserving(self) -> None:
        for extension in self.agents:
            if self._could_work(self.router._floor.state(extension)):
                for place in self.waiting():
                    assert not self.fits(extension, place), f"{extension} idles, {place.call.call_id} waits"

    def _could_work(self, state: AgentState) -> bool:
        extension = state.extension
        return (
            self.presence.get(extension) == "available"
            and state.engagement is Engagement.IDLE
            and self.phones.get(extension) is PhoneState.FREE
            and self.router._floor.resting_until(extension) is None
        )

    def nobody_stuck(self, now: float) -> None:
        """Right after a tick at ``now``."""
        for state in self.router._floor:
            overdue = state.deadline is not None and state.deadline <= now
            assert not overdue or self.router._held.reasons or self._looked_at_soon(state, now)
        for due, whom in self.router._deadlines._at:
            assert self.router._deadlines._at[due, whom] > now, f"{due} {whom} is overdue"
        for place in self.waiting():
            assert now < place.wait_until
            steps = self.queues[place.call.queue].steps
            for_s = steps[place.step].for_s
            if for_s is not None and place.step < len(steps) - 1 and not place.kept_for:
                assert now < place.step_since + for_s
            if place.preferred:
                assert now < place.preferred_until
            for rule in self.queues[place.call.queue].overflow:
                if rule.when is When.WAITED_S and rule.queue not in place.call.been and not place.call.agent:
                    assert now < place.entered_at + rule.limit

    def _looked_at_soon(self, state: AgentState, now: float) -> bool:
        """A ring that fell due while the phones could not be seen; offers are made again."""
        look = self.router._deadlines._at.get((Due.AGENT, state.extension), 0.0)
        return state.engagement is Engagement.RINGING and now < look <= now + 1

    def staffed_counts_agree(self) -> None:
        for extension in self.agents:
            of = self.router._floor._classes[extension]
            members = [one for one in self.agents if self.router._floor._classes[one] is of]
            here = [one for one in members if self._is_here(one)]
            assert of.staffed == len(here)
