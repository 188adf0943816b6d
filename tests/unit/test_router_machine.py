"""Any order of everything that can happen to a centre, under the umpire's eye."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from acd.events import AcdEvent
from acd.memory import MemoryStore
from acd.model import Engagement, Miss, Offer, PhoneState, StepSpec, WaitingCall
from acd.overflow import Onward, OverflowRule, When
from acd.presence import MemoryPresenceBook
from acd.router import Router, Ticket
from acd.rules import Rona, RouterRules, rona_for_all
from acd.tickets import Place
from tests.fakes.paper_centre import HandClock, agent, at_once, queue
from tests.fakes.shadow import Shadow
from tests.fakes.umpire import Umpire

AGENTS = {
    spec.extension: spec
    for spec in (
        agent("1001", ["sales"], laptop=90, mandarin=90),
        agent("1002", ["sales", "service"], laptop=40, mandarin=90),
        agent("1003", ["service"], printer=80, english=70),
        agent("1004", ["sales", "service"], english=90),
    )
}
QUEUES = {
    spec.name: spec
    for spec in (
        queue("sales", StepSpec("laptop >= 80 and $language", 7), StepSpec("$language", 9), "any", wrap_up_s=0),
        queue(
            "service",
            StepSpec("printer", 5),
            "any",
            wrap_up_s=6,
            max_wait_s=40,
            strategy="linear",
            preferred=("owner",),
            preferred_s=8,
            overflow=(
                OverflowRule(When.WAITED_S, 30, "sales"),
                OverflowRule(When.LENGTH, 3),
                OverflowRule(When.NOBODY_STAFFED, queue="sales"),
            ),
        ),
    )
}
extensions = st.sampled_from(sorted(AGENTS))
picks = st.integers(0, 30)


class CentreMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.clock = HandClock()
        self.store = MemoryStore()
        self.umpire = Umpire(AGENTS, QUEUES)
        self.shadow = Shadow()
        self.router = self.umpire.router = Router(
            store=self.store,
            queues=QUEUES,
            agents=AGENTS,
            wake=self.umpire.wake,
            clock=self.clock,
            reports=self._reported,
            presence=MemoryPresenceBook(),
            rules=RouterRules(rona={**rona_for_all(Rona(misses=2)), Miss.REJECTED: Rona(misses=3, rest_s=0)}),
        )
        self.tickets: list[Ticket] = []
        self.calls = 0

    def _reported(self, event: AcdEvent) -> None:
        self.umpire.report(event)
        self.shadow.hear(event)

    @initialize(staff=st.sets(extensions, min_size=2))
    def morning(self, staff: set[str]) -> None:
        at_once(self.router.start())
        for extension in sorted(staff):
            self._phone(extension, PhoneState.FREE)
            at_once(self.router.log_in(extension))

    # ---- the callers

    @rule(
        name=st.sampled_from(sorted(QUEUES)),
        priority=st.integers(0, 2),
        waited=st.sampled_from([0, 0, 3, 8, 50]),
        language=st.sampled_from(["mandarin", "english", ""]),
        listening=st.booleans(),
    )
    def join(self, name: str, priority: int, waited: int, language: str, listening: bool) -> None:
        attributes = {"language": language} if language else {}
        self._join(WaitingCall(self._new_id(), name, self.clock.now - waited, priority, attributes), listening)

    @rule(
        name=st.sampled_from(sorted(QUEUES)),
        priority=st.integers(0, 2),
        waited=st.sampled_from([0, 0, 3, 8, 50]),
        extension=st.one_of(extensions, st.just("9999")),
        wait_s=st.sampled_from([None, 5.0, 20.0]),
        listening=st.booleans(),
    )
    def join_for_one(
        self, name: str, priority: int, waited: int, extension: str, wait_s: float | None, listening: bool
    ) -> None:
        """A direct call; 9999 is nobody's."""
        joined_at = self.clock.now - waited
        call = WaitingCall(self._new_id(), name, joined_at, priority, agent=extension, wait_s=wait_s)
        self._join(call, listening)

    @rule(
        preferred=st.lists(st.one_of(extensions, st.just("9999")), max_size=3),
        been=st.sampled_from([frozenset[str](), frozenset({"sales"})]),
        waited=st.sampled_from([0, 0, 4, 20]),
        listening=st.booleans(),
    )
    def join_with_a_wish(self, preferred: list[str], been: frozenset[str], waited: int, listening: bool) -> None:
        """In the queue that keeps calls for preferred agents, and that overflows."""
        call = WaitingCall(
            self._new_id(), "service", self.clock.now - waited, preferred=tuple(preferred), been=been, entered_at=None
        )
        self._join(call, listening)

    @precondition(lambda self: self.tickets)
    @rule(pick=picks, to=st.sampled_from(["", "sales", "service"]))
    def send_on(self, pick: int, to: str) -> None:
        place = self.router._line.get(self._pick(pick).call_id)
        waits = place is not None and place.ticket.waits
        assert at_once(self.router.send_on(self._pick(pick).call_id, to, "moved")) == waits
        if waits and place is not None:
            assert place.ticket.onward == Onward(to, "moved")

    def _new_id(self) -> str:
        self.calls += 1
        return f"c{self.calls:03}"

    def _join(self, call: WaitingCall, listening: bool) -> None:
        ticket = at_once(self.router.join(call))
        ticket.listening = listening
        self.tickets.append(ticket)

    @precondition(lambda self: self.tickets)
    @rule(pick=picks)
    def join_again(self, pick: int) -> None:
        old = self._pick(pick)
        self._ended(old.call_id)
        self._join(old.call, old.listening)
        assert old.closed

    @precondition(lambda self: self.tickets)
    @rule(pick=picks)
    def leave(self, pick: int) -> None:
        ticket = self._pick(pick)
        if ticket.offer is not None:
            self._ended(ticket.call_id)
        at_once(self.router.leave(ticket))
        assert ticket.closed
        assert ticket.offer is None

    @precondition(lambda self: self.tickets)
    @rule(pick=picks)
    def listen(self, pick: int) -> None:
        ticket = self._pick(pick)
        ticket.listening = ticket.offer is None

    def _ended(self, call_id: str, but: Offer | None = None) -> None:
        """The phones that ring for the call stop ringing, as when a Dial ends."""
        place = self.router._line.get(call_id)
        for offer in (place.ticket.offer, *place.beside) if place is not None else ():
            if offer is not None and offer != but:
                self.umpire.ended(offer)

    def _pick(self, pick: int) -> Ticket:
        return self.tickets[pick % len(self.tickets)]

    # ---- the offers

    def _offers(self, *wanted: Engagement) -> list[Offer]:
        states = [self.router._floor.state(extension) for extension in AGENTS]
        return [state.offer for state in states if state.offer is not None and state.engagement in wanted]

    @precondition(lambda self: self._offers(Engagement.RESERVED))
    @rule(pick=picks, most=st.integers(0, 3))
    def ring(self, pick: int, most: int) -> None:
        """Alone, or with up to so many phones beside it."""
        offers = self._offers(Engagement.RESERVED)
        offer = offers[pick % len(offers)]
        assert at_once(self.router.ringing(offer))
        self.umpire.rang(offer)
        beside = at_once(self.router.beside(offer, most))
        assert len(beside) <= most
        for one in beside:
            self.umpire.rang(one)

    @precondition(lambda self: self._offers(Engagement.RINGING, Engagement.RESERVED))
    @rule(pick=picks, why=st.sampled_from(Miss))
    def miss(self, pick: int, why: Miss) -> None:
        offers = self._offers(Engagement.RINGING, Engagement.RESERVED)
        offer = offers[pick % len(offers)]
        if offer.beside:
            self.umpire.ended(offer)
        else:
            self._ended(offer.call_id)
        at_once(self.router.missed(offer, why))

    @precondition(lambda self: self._offers(Engagement.RINGING))
    @rule(pick=picks)
    def answer(self, pick: int) -> None:
        offers = self._offers(Engagement.RINGING)
        self._answer(offers[pick % len(offers)])

    def _answer(self, offer: Offer) -> None:
        """Of phones that rang together the others are free again, and ring for others at once."""
        self._ended(offer.call_id, but=offer)
        assert at_once(self.router.answered(offer))
        place = self.router._line.at(offer)
        assert place is None or not place.beside

    @precondition(lambda self: self._offers(Engagement.RESERVED))
    @rule(pick=picks, most=st.integers(0, 3), and_finish=st.booleans())
    def talk(self, pick: int, most: int, and_finish: bool) -> None:
        self.ring(pick, most)
        for offer in self._offers(Engagement.RINGING):
            if offer not in self._offers(Engagement.RINGING):
                continue  # another phone of the same call was answered
            self._answer(offer)
            if and_finish:
                self.umpire.ended(offer)
                at_once(self.router.finished(offer))

    @precondition(lambda self: self._offers(Engagement.TALKING, Engagement.RINGING))
    @rule(pick=picks)
    def finish(self, pick: int) -> None:
        offers = self._offers(Engagement.TALKING, Engagement.RINGING)
        offer = offers[pick % len(offers)]
        self._ended(offer.call_id)
        self.umpire.ended(offer)
        at_once(self.router.finished(offer))

    @rule(call_id=st.sampled_from(["c001", "c002", "c003"]), extension=extensions, why=st.sampled_from(Miss))
    def act_on_an_offer_that_never_was(self, call_id: str, extension: str, why: Miss) -> None:
        before = list(self.router._floor)
        forged = Offer("forged", call_id, extension, "sales", 0, self.clock.now, self.clock.now + 2)
        assert not at_once(self.router.ringing(forged))
        assert not at_once(self.router.answered(forged))
        at_once(self.router.missed(forged, why))
        at_once(self.router.finished(forged))
        assert list(self.router._floor) == before

    # ---- the agents

    @rule(
        extension=extensions,
        what=st.sampled_from(["log_in", "log_in", "ready", "ready", "pause", "log_out"]),
    )
    def at_the_desk(self, extension: str, what: str) -> None:
        match what:
            case "log_in":
                at_once(self.router.log_in(extension))
            case "log_out":
                at_once(self.router.log_out(extension))
            case "pause":
                at_once(self.router.pause(extension, "lunch"))
            case "ready":
                self.umpire.keyed = {extension}
                at_once(self.router.ready(extension))
                self.umpire.keyed = set()

    @rule(extension=extensions, seconds=st.sampled_from([-5, 0, 3, 30]))
    def wrap_up_of_an_engine_before_us(self, extension: str, seconds: int) -> None:
        idle = self.router._floor.state(extension).engagement in (Engagement.IDLE, Engagement.WRAP_UP)
        taken = at_once(self.router.wrap_up_until(extension, self.clock.now + seconds))
        assert taken == (idle and seconds > 0)

    @rule(extension=extensions)
    def wrap_up_longer(self, extension: str) -> None:
        state = self.router._floor.state(extension)
        rest_s = at_once(self.router.wrap_up_longer(extension))
        assert (rest_s is not None) == (state.engagement is Engagement.WRAP_UP)
        if rest_s is not None and state.deadline is not None:
            assert rest_s >= state.deadline - self.clock.now

    @rule(extension=extensions, state=st.sampled_from([PhoneState.FREE] * 5 + list(PhoneState)))
    def phone(self, extension: str, state: PhoneState) -> None:
        self._phone(extension, state)

    def _phone(self, extension: str, state: PhoneState) -> None:
        self.umpire.phones[extension] = state
        self.router.phone(extension, state)

    # ---- holding, and time

    @rule(what=st.sampled_from(["ami", "other", "expect", "expect"]), number=st.integers(0, 30))
    def hold(self, what: str, number: int) -> None:
        if what == "expect":
            self.router.expect([f"c{number:03}", f"c{self.calls + 1:03}"], self.clock.now + number % 4)
        else:
            self.router.hold(what)

    @precondition(lambda self: self.router._held)
    @rule(both=st.booleans())
    def resume(self, both: bool) -> None:
        for reason in sorted(self.router._held.reasons)[: 2 if both else 1]:
            self.router.resume(reason)
        for call_id in sorted(self.router._held.expected):
            self.router.expect_no_more(call_id)

    @rule(seconds=st.sampled_from([0.1, 0.5, 1, 1, 2, 2, 3, 4, 5, 7, 20, 60, 20000]))
    def time_passes(self, seconds: float) -> None:
        """The coroutines of calls whose offer lapsed or whose talk was ended by the clock stop ringing, too."""
        self.clock.now += seconds
        at_once(self.router.tick())
        self.umpire.nobody_stuck(self.clock.now)
        for extension, token in list(self.umpire.on_phone.items()):
            offer = self.router.offer_at(extension)
            if offer is None or offer.token != token:
                del self.umpire.on_phone[extension]

    # ---- the laws

    @invariant()
    def the_umpire_is_silent(self) -> None:
        self.umpire.between_turns()
        self.umpire.staffed_counts_agree()
        for view in at_once(self.router.queues()):
            look = self.router.look(view.name)
            assert (look.staffed, look.idle, look.waiting) == (view.staffed, view.idle, view.waiting)

    @invariant()
    def the_log_tells_all_of_it(self) -> None:
        if self.shadow.replay.setup.agents:
            self.shadow.agrees(self.router, self.clock.now)

    @invariant()
    def nobody_waits_in_vain(self) -> None:
        """A direct call gives up by its own clock, and at once when its agent is gone; being rung meanwhile is no wait.
        One that sits out after a lapse is no exception."""
        for place in self.router._line:
            wish = place.call
            if wish.agent and place.ticket.waits:
                assert self.umpire.presence.get(wish.agent) in ("available", "paused") or self._sits_out(place)
                assert wish.wait_s is None or place.wait_until == wish.joined_at + wish.wait_s

    def _sits_out(self, place: Place) -> bool:
        return self.clock.now < place.out_until

    @invariant()
    def the_store_agrees(self) -> None:
        states = {state.extension: state for state in at_once(self.store.agents())}
        for state in self.router._floor:
            assert states.get(state.extension, state) == state
        waiting = {call.call_id for call in at_once(self.store.waiting())}
        assert waiting == {place.call.call_id for place in self.router._line if place.ticket.offer is None}

    @invariant()
    def tickets_say_what_is(self) -> None:
        for ticket in self.tickets:
            place = self.router._line.get(ticket.call_id)
            assert ticket.closed == (place is None or place.ticket is not ticket)
            if ticket.offer is not None:
                assert self.router.offer_at(ticket.offer.agent) == ticket.offer


CentreMachine.TestCase.settings = settings(
    max_examples=250, stateful_step_count=80, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestCentre = CentreMachine.TestCase
