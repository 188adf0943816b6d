"""Ageing, RONA by kind, the preferred agent, overflow and the console's hand, one law at a time, on paper."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.deadlines import NEVER
from acd.events import EventKind
from acd.model import Miss, Presence, QueueSpec, StepSpec, WaitingCall, place_in_line
from acd.overflow import Onward, OverflowRule, When, next_look, onward
from acd.presence import MemoryPresenceBook
from acd.router import RONA, UnknownQueue
from acd.rules import Rona, RouterRules
from acd.standing import StandingRules, preferred, raised
from agi_scripts.regained import RegainedPlaces
from ivr.flow.outside import Caller, QueueLook
from tests.fakes.paper_centre import PaperCentre, agent, at_once, queue

calls = st.builds(
    WaitingCall,
    call_id=st.uuids().map(str),
    queue=st.just("sales"),
    joined_at=st.floats(1e9, 1e9 + 1e5),
    priority=st.integers(-3, 3),
)


@given(calls, calls)
def test_nobody_of_a_lower_class_starves(one: WaitingCall, other: WaitingCall) -> None:
    """Law: p classes are worth p x 120 s, and no more."""
    ahead = place_in_line(one, 120) < place_in_line(other, 120)
    if one.priority == other.priority:
        assert ahead == ((one.joined_at, one.call_id) < (other.joined_at, other.call_id))
    elif one.joined_at + 120 * (other.priority - one.priority) < other.joined_at - 1:
        assert ahead


def test_a_lower_class_that_has_waited_long_enough_is_first() -> None:
    centre = PaperCentre(queues=[queue(wrap_up_s=0)], rules=RouterRules(priority_class_s=60))
    t0 = centre.clock.now
    plain, gold = centre.join("plain", joined_at=t0 - 61), centre.join("gold", joined_at=t0, priority=1)
    centre.staff()
    assert plain.offer is not None
    assert gold.offer is None


RONA_RULES = RouterRules(
    rona={Miss.NO_ANSWER: Rona(2, 5), Miss.REJECTED: Rona(3, 0), Miss.UNREACHABLE: Rona(1, 30)}, rona_ends_s=60
)


def missed(centre: PaperCentre, *kinds: Miss) -> None:
    ticket = centre.join("c1")
    for why in kinds:
        if ticket.offer is None:
            centre.pass_time(5)
            at_once(centre.router.tick())
        assert ticket.offer is not None, why
        at_once(centre.router.ringing(ticket.offer))
        at_once(centre.router.missed(ticket.offer, why))


def presence(centre: PaperCentre) -> tuple[Presence, str]:
    (view,) = at_once(centre.router.agents())
    return view.presence, view.pause_reason


@pytest.mark.parametrize(
    ("kinds", "paused"),
    [
        ([Miss.UNREACHABLE], True),
        ([Miss.NO_ANSWER], False),
        ([Miss.NO_ANSWER, Miss.REJECTED, Miss.REJECTED], False),
        ([Miss.NO_ANSWER, Miss.REJECTED, Miss.NO_ANSWER], True),
        ([Miss.REJECTED, Miss.REJECTED, Miss.REJECTED], True),
        ([Miss.WITHDRAWN] * 5, False),
    ],
)
def test_each_kind_of_miss_is_counted_apart(kinds: list[Miss], paused: bool) -> None:
    centre = PaperCentre(rules=RONA_RULES)
    centre.staff()
    missed(centre, *kinds)
    assert (presence(centre) == (Presence.PAUSED, RONA)) == paused


def test_the_pause_for_missed_calls_ends_by_itself_and_the_count_begins_anew() -> None:
    centre = PaperCentre(rules=RONA_RULES)
    centre.staff()
    missed(centre, Miss.UNREACHABLE)
    centre.pass_time(59)
    assert presence(centre) == (Presence.PAUSED, RONA)
    centre.pass_time(1)
    at_once(centre.router.tick())
    assert presence(centre) == (Presence.AVAILABLE, "")
    assert at_once(centre.router.agents())[0].misses == 0


def test_it_ends_by_itself_after_a_restart_too_and_a_pause_of_the_agents_own_does_not() -> None:
    book = MemoryPresenceBook({"1001": (Presence.PAUSED, RONA), "1002": (Presence.PAUSED, "lunch")})
    centre = PaperCentre([agent("1001"), agent("1002")], rules=RONA_RULES, book=book)
    at_once(centre.router.start())
    centre.pass_time(60)
    at_once(centre.router.tick())
    assert [view.presence for view in at_once(centre.router.agents())] == [Presence.AVAILABLE, Presence.PAUSED]


def test_a_pause_of_the_agents_own_is_not_ended_for_them() -> None:
    centre = PaperCentre(rules=RONA_RULES)
    centre.staff()
    missed(centre, Miss.UNREACHABLE)
    assert at_once(centre.router.pause("1001", "lunch"))
    centre.pass_time(200)
    assert presence(centre) == (Presence.PAUSED, "lunch")


# ---- the agent whom a caller should rather have

KEPT = queue("sales", StepSpec("laptop >= 50", 20), "any", preferred=("owner",), preferred_s=10)


def kept_centre() -> PaperCentre:
    centre = PaperCentre([agent("1001", laptop=90), agent("1002")], [KEPT])
    centre.staff()
    return centre


def test_the_preferred_agent_gets_the_call_though_they_lack_the_skill() -> None:
    ticket = kept_centre().join("c1", preferred=("1002",))
    assert ticket.offer is not None
    assert ticket.offer.agent == "1002"


def test_the_call_waits_for_a_preferred_agent_who_talks_and_then_takes_its_steps() -> None:
    centre = kept_centre()
    centre.talk(centre.join("c0", preferred=("1002",)))
    ticket = centre.join("c1", preferred=("1002",))
    centre.pass_time(9)
    assert ticket.offer is None
    centre.pass_time(1)
    at_once(centre.router.tick())
    assert ticket.offer is not None
    assert ticket.offer.agent == "1001"
    assert ticket.offer.step == 0  # the steps begin when that is over


@pytest.mark.parametrize("how", ["refuses", "goes home", "was never there"])
def test_the_call_is_everybodys_as_soon_as_the_preferred_agent_is_out(how: str) -> None:
    centre = kept_centre()
    if how == "goes home":
        at_once(centre.router.pause("1002", "lunch"))
    ticket = centre.join("c1", preferred=("1777",) if how == "was never there" else ("1002",))
    if how == "refuses":
        assert ticket.offer is not None
        at_once(centre.router.ringing(ticket.offer))
        at_once(centre.router.missed(ticket.offer, Miss.REJECTED))
    if how == "goes home":
        assert ticket.offer is None
        at_once(centre.router.log_out("1002"))
    assert ticket.offer is not None
    assert ticket.offer.agent == "1001"


def test_the_second_choice_when_the_first_is_not_logged_in() -> None:
    centre = kept_centre()
    at_once(centre.router.log_out("1002"))
    ticket = centre.join("c1", preferred=("1002", "1001"))
    assert ticket.offer is not None
    assert ticket.offer.agent == "1001"


# ---- overflow

BUSY = QueueLook(staffed=2, idle=0, waiting=4, expected_wait_s=100)
EMPTY = QueueLook(staffed=0, idle=0, waiting=0, expected_wait_s=float("inf"))


@pytest.mark.parametrize(
    ("rule", "look", "waited_s", "comes_in", "holds"),
    [
        (OverflowRule(When.LENGTH, 4), BUSY, 0, True, True),
        (OverflowRule(When.LENGTH, 5), BUSY, 0, True, False),
        (OverflowRule(When.LENGTH, 1), BUSY, 50, False, False),
        (OverflowRule(When.EXPECTED_S, 99), BUSY, 0, True, True),
        (OverflowRule(When.EXPECTED_S, 100), BUSY, 0, True, False),
        (OverflowRule(When.EXPECTED_S, 1), EMPTY, 0, True, False),  # nobody there is a rule of its own
        (OverflowRule(When.WAITED_S, 60), BUSY, 60, False, True),
        (OverflowRule(When.WAITED_S, 60), BUSY, 59.9, False, False),
        (OverflowRule(When.NOBODY_STAFFED), EMPTY, 5, False, True),
        (OverflowRule(When.NOBODY_STAFFED), BUSY, 5, True, False),
    ],
)
def test_when_a_rule_holds(rule: OverflowRule, look: QueueLook, waited_s: float, comes_in: bool, holds: bool) -> None:
    found = onward([rule], lambda: look, 1e9, 1e9 + waited_s, comes_in=comes_in)
    assert found == (Onward("", rule.when.value) if holds else None)


def test_the_first_rule_that_holds_and_never_back_to_a_queue_it_was_in() -> None:
    rules = [OverflowRule(When.LENGTH, 1, "a"), OverflowRule(When.LENGTH, 1, "b")]
    assert onward(rules, lambda: BUSY, 0, 0, comes_in=True) == Onward("a", "length")
    assert onward(rules, lambda: BUSY, 0, 0, comes_in=True, been={"a"}) == Onward("b", "length")
    assert onward(rules, lambda: BUSY, 0, 0, comes_in=True, been={"a", "b"}) is None


def test_a_line_that_closes_passes_on_who_waits_and_is_looked_at_each_minute() -> None:
    rules = [OverflowRule(When.CLOSED, line="office"), OverflowRule(When.WAITED_S, 90)]
    closed = {"night"}
    found = [onward(rules, lambda: BUSY, 0, 30, comes_in=in_, is_closed=closed.__contains__) for in_ in (True, False)]
    assert found == [None, None]
    closed.add("office")
    assert onward(rules, lambda: BUSY, 0, 30, comes_in=False, is_closed=closed.__contains__) == Onward("", "closed")
    assert [next_look(rules, 1010, now) for now in (1010, 1020, 1080, 1099)] == [1020, 1080, 1100, 1100]


def test_when_to_look_again() -> None:
    rules = [OverflowRule(When.WAITED_S, 60), OverflowRule(When.WAITED_S, 20, "b"), OverflowRule(When.LENGTH, 1)]
    assert [next_look(rules, 1000, now) for now in (1000, 1020, 1060)] == [1020, 1060, NEVER]


def overflowing(*rules: OverflowRule, **times: float) -> list[QueueSpec]:
    return [queue(overflow=rules, **times), queue("service")]


def test_a_call_that_has_waited_long_enough_is_sent_on_and_woken() -> None:
    centre = PaperCentre(queues=overflowing(OverflowRule(When.WAITED_S, 30, "service")))
    ticket = centre.join("c1")
    centre.pass_time(29)
    assert (ticket.onward, centre.woken) == (None, [])
    centre.pass_time(1)
    at_once(centre.router.tick())
    assert ticket.onward == Onward("service", "waited_s")
    assert centre.woken == [ticket]
    centre.staff()
    assert ticket.offer is None  # it is not served here any more
    (event,) = [event for event in centre.events if event.kind is EventKind.SENT_ON]
    assert event.fields == {"to": "service", "why": "waited_s"}


def test_closing_time_passes_on_who_waits_and_who_comes() -> None:
    centre = PaperCentre(queues=overflowing(OverflowRule(When.CLOSED, queue="service", line="office")))
    waiting = centre.join("c1")
    centre.pass_time(59)
    centre.closed.add("office")
    assert waiting.onward is None
    centre.pass_time(61)
    late = centre.join("c2")
    assert [waiting.onward, late.onward] == [Onward("service", "closed")] * 2
    assert centre.woken == [waiting]


def test_the_last_agent_to_go_home_sends_the_waiting_on() -> None:
    centre = PaperCentre(queues=overflowing(OverflowRule(When.NOBODY_STAFFED)))
    centre.staff()
    at_once(centre.router.pause("1001", "lunch"))
    ticket = centre.join("c1")
    assert ticket.onward is None
    at_once(centre.router.log_out("1001"))
    assert ticket.onward == Onward("", "nobody_staffed")


def test_the_line_is_full_for_the_newcomer_only() -> None:
    centre = PaperCentre(queues=overflowing(OverflowRule(When.LENGTH, 2)))
    first, second, third = (centre.join(name, listening=False) for name in ("c1", "c2", "c3"))
    assert (first.onward, second.onward, third.onward) == (None, None, Onward("", "length"))


def test_who_has_waited_is_not_sent_away_because_an_engine_died() -> None:
    """The line is rebuilt call by call, so for the last of them it is full."""
    centre = PaperCentre(queues=overflowing(OverflowRule(When.LENGTH, 2)))
    tickets = [centre.join(f"c{n}", listening=False, returned=True) for n in range(3)]
    assert [ticket.onward for ticket in tickets] == [None, None, None]


def test_a_call_that_rings_is_not_sent_on() -> None:
    centre = PaperCentre(queues=overflowing(OverflowRule(When.WAITED_S, 30)))
    centre.staff()
    ticket = centre.join("c1")
    assert ticket.offer is not None
    assert at_once(centre.router.ringing(ticket.offer))
    centre.clock.now += 31
    assert not at_once(centre.router.send_on("c1", "service", "moved"))
    at_once(centre.router.missed(ticket.offer, Miss.REJECTED))
    assert ticket.onward == Onward("", "waited_s")  # but as soon as it waits again


def test_the_consoles_hand() -> None:
    centre = PaperCentre(queues=overflowing())
    ticket = centre.join("c1")
    with pytest.raises(UnknownQueue):
        at_once(centre.router.send_on("c1", "nowhere", "moved"))
    assert not at_once(centre.router.send_on("c9", "service", "moved"))
    assert [view.call_id for view in at_once(centre.router.line())] == ["c1"]
    assert at_once(centre.router.send_on("c1", "service", "moved"))
    assert ticket.onward == Onward("service", "moved")
    assert not at_once(centre.router.send_on("c1", "", "withdrawn"))  # once is enough


def test_the_line_is_told_in_the_order_in_which_it_will_be_served() -> None:
    centre = PaperCentre(queues=overflowing())
    t0 = centre.clock.now
    for name, where, joined_at, priority in (
        ("c1", "sales", t0, 0),
        ("c2", "service", t0 - 5, 0),
        ("c3", "sales", t0, 1),
    ):
        centre.join(name, where, joined_at=joined_at, priority=priority)
    assert [view.call_id for view in at_once(centre.router.line())] == ["c3", "c2", "c1"]


# ---- what the house owes a caller


def test_the_class_is_raised_by_tier_and_by_a_broken_promise() -> None:
    rules = StandingRules({"gold": 2}, broken_promise=3)
    assert raised(1, Caller(True, tier="gold", broken_promises=2), rules) == 6
    assert raised(1, Caller(True, tier="silver"), rules) == 1
    assert raised(99, Caller(True, tier="gold"), rules) == 100


def test_preferred_agents_in_the_queues_order_each_once() -> None:
    spec = QueueSpec("sales", (), preferred=("last_agent", "owner"))
    assert preferred(Caller(True, owner="1001", last_agent="1002"), spec) == ("1002", "1001")
    assert preferred(Caller(True, owner="1001", last_agent="1001"), spec) == ("1001",)
    assert preferred(Caller(True), spec) == ()


def test_a_place_is_regained_once_within_the_time_in_the_same_queue() -> None:
    places = RegainedPlaces(60)
    places.left("+8613800138000", "sales", 100.0, 200.0)
    assert places.take("+8613800138000", "service", 210.0) is None
    assert places.take("+8613800138000", "sales", 260.0) == 100.0
    assert places.take("+8613800138000", "sales", 260.0) is None
    places.left("+8613800138000", "sales", 100.0, 200.0)
    assert places.take("+8613800138000", "sales", 260.1) is None


@pytest.mark.parametrize(("within_s", "caller"), [(0, "+8613800138000"), (60, "")])
def test_nothing_is_kept_where_it_is_switched_off_or_for_nobody(within_s: float, caller: str) -> None:
    places = RegainedPlaces(within_s)
    places.left(caller, "sales", 100.0, 200.0)
    assert places.take(caller, "sales", 200.0) is None


@given(st.floats(1.7e9, 1.9e9), st.floats(1, 1000))
def test_the_clock_never_looks_twice_at_the_same_instant(entered_at: float, limit: float) -> None:
    """A difference of floats may say 29.999 where their sum says 30: the clock would stand still."""
    rules = [OverflowRule(When.WAITED_S, limit)]
    due = next_look(rules, entered_at, entered_at)
    assert onward(rules, lambda: BUSY, entered_at, due, comes_in=False) is not None
    assert next_look(rules, entered_at, due) == NEVER
