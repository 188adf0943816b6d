"""The router, one law at a time, on paper: no event loop, no sleep, the clock turned by hand."""

from __future__ import annotations

import pytest

from acd.events import EventKind
from acd.model import Engagement, Miss, PhoneState, Presence, StepSpec, WaitingCall
from acd.presence import MemoryPresenceBook
from acd.router import RONA, Router, UnknownQueue
from acd.rules import Rona, RouterRules, rona_for_all
from tests.fakes.paper_centre import PaperCentre, agent, at_once, queue


def engagement(centre: PaperCentre, extension: str = "1001") -> Engagement:
    return next(view for view in at_once(centre.router.agents()) if view.extension == extension).engagement


def presence(centre: PaperCentre, extension: str = "1001") -> tuple[Presence, str]:
    view = next(view for view in at_once(centre.router.agents()) if view.extension == extension)
    return view.presence, view.pause_reason


def test_a_call_with_an_idle_agent_has_its_offer_at_once_and_no_wake() -> None:
    centre = PaperCentre()
    centre.staff()
    ticket = centre.join("c1", listening=False)
    assert ticket.offer is not None
    assert ticket.offer.agent == "1001"
    assert centre.woken == []


def test_without_wrap_up_the_next_caller_is_woken_before_finished_returns() -> None:
    centre = PaperCentre(queues=[queue(wrap_up_s=0)])
    centre.staff()
    first, second = centre.join("c1"), centre.join("c2")
    centre.talk(first)
    work = centre.router.finished(first.offer)  # type: ignore[arg-type]
    with pytest.raises(StopIteration):
        work.send(None)  # one push: not even one turn of an event loop
    assert centre.woken == [second]
    assert second.offer is not None
    assert first.closed


def test_wrap_up_is_honoured_over_queues_and_ends_by_the_clock() -> None:
    centre = PaperCentre([agent("1001", ["sales", "service"])], [queue(wrap_up_s=30), queue("service")])
    centre.staff()
    first, other = centre.join("c1"), centre.join("c2", "service")
    centre.talk(first)
    centre.hang_up(first)
    centre.pass_time(29)
    assert (engagement(centre), other.offer) == (Engagement.WRAP_UP, None)
    centre.pass_time(1)
    at_once(centre.router.tick())
    assert centre.woken == [other]


def test_wrap_up_ends_early_by_key() -> None:
    centre = PaperCentre()
    centre.staff()
    first, second = centre.join("c1"), centre.join("c2")
    centre.talk(first)
    centre.hang_up(first)
    assert at_once(centre.router.ready("1001"))
    assert second.offer is not None
    assert not at_once(centre.router.ready("1001"))


def test_the_line_is_served_by_priority_then_by_original_join() -> None:
    centre = PaperCentre(queues=[queue(wrap_up_s=0)])
    t0 = centre.clock.now
    tickets = [
        centre.join("late", joined_at=t0),
        centre.join("early", joined_at=t0 - 60),
        centre.join("vip", joined_at=t0, priority=5),
    ]
    centre.staff()
    served = []
    for _ in tickets:
        one = next(ticket for ticket in tickets if ticket.offer is not None and not ticket.closed)
        served.append(one.call_id)
        centre.talk(one)
        centre.hang_up(one)
    assert served == ["vip", "early", "late"]


def test_the_longest_idle_agent_is_chosen() -> None:
    centre = PaperCentre([agent("1001"), agent("1002")])
    centre.staff("1002", "1001")
    ticket = centre.join("c1")
    assert ticket.offer is not None
    assert ticket.offer.agent == "1002"


@pytest.mark.parametrize("state", [PhoneState.BUSY, PhoneState.RINGING, PhoneState.UNREACHABLE])
def test_an_agent_whose_phone_is_not_free_is_not_offered_until_it_is(state: PhoneState) -> None:
    centre = PaperCentre()
    centre.staff()
    centre.router.phone("1001", state)
    ticket = centre.join("c1")
    assert ticket.offer is None
    centre.router.phone("1001", PhoneState.FREE)
    assert centre.woken == [ticket]


def test_a_refusal_goes_to_the_next_agent_and_the_call_keeps_its_place() -> None:
    centre = PaperCentre([agent("1001"), agent("1002")])
    centre.staff()
    first = centre.join("c1")
    assert first.offer is not None
    at_once(centre.router.ringing(first.offer))
    at_once(centre.router.missed(first.offer, Miss.REJECTED))
    assert first.offer.agent == "1002"
    assert centre.woken == [first]


def test_who_need_not_rest_does_not_get_the_call_again_while_another_is_idle() -> None:
    rules = RouterRules(rona=rona_for_all(Rona(misses=9, rest_s=0)))
    centre = PaperCentre([agent("1001"), agent("1002")], [queue(strategy="linear")], rules=rules)
    centre.staff()
    ticket = centre.join("c1")
    for extension in ("1001", "1002", "1001"):  # when both have refused it, it is anybody's again
        assert ticket.offer is not None
        assert ticket.offer.agent == extension
        at_once(centre.router.ringing(ticket.offer))
        at_once(centre.router.missed(ticket.offer, Miss.NO_ANSWER))


def test_no_answer_means_a_rest_and_three_mean_a_pause() -> None:
    centre = PaperCentre(book := [agent("1001")], rules=RouterRules(rona=rona_for_all(Rona(misses=3, rest_s=5))))
    assert book
    centre.staff()
    ticket = centre.join("c1")
    for rings in (1, 2, 3):
        assert ticket.offer is not None, rings
        at_once(centre.router.ringing(ticket.offer))
        at_once(centre.router.missed(ticket.offer, Miss.NO_ANSWER))
        assert ticket.offer is None  # resting
        centre.pass_time(5)
        at_once(centre.router.tick())
    assert presence(centre) == (Presence.PAUSED, RONA)
    pauses = [event for event in centre.events if event.kind is EventKind.AGENT_PRESENCE]
    assert (pauses[-1].fields["presence"], pauses[-1].fields["reason"]) == ("paused", RONA)
    assert at_once(centre.router.ready("1001"))
    assert ticket.offer is not None


def test_an_offer_nobody_takes_up_lapses_and_the_next_call_has_its_turn() -> None:
    centre = PaperCentre(rules=RouterRules(reserve_s=2, lapse_s=1))
    centre.staff()
    dead, second = centre.join("c1"), centre.join("c2")
    lapsed = dead.offer
    assert lapsed is not None
    centre.pass_time(2)
    at_once(centre.router.tick())
    assert dead.offer is None
    assert second.offer is not None  # a dead channel at the head of the line holds nobody for good
    assert not at_once(centre.router.ringing(lapsed))
    assert not at_once(centre.router.answered(lapsed))
    at_once(centre.router.finished(lapsed))
    assert engagement(centre) is Engagement.RESERVED
    assert at_once(centre.router.ringing(second.offer))


def test_a_lapse_does_not_count_against_the_agent() -> None:
    centre = PaperCentre()
    centre.staff()
    centre.join("c1")
    centre.pass_time(600)
    assert presence(centre) == (Presence.AVAILABLE, "")


def test_a_ring_past_its_end_frees_the_agent_unless_the_phone_is_in_use() -> None:
    for in_use, expected in ((False, Engagement.IDLE), (True, Engagement.TALKING)):
        centre = PaperCentre(queues=[queue(offer_s=15)], rules=RouterRules(ring_grace_s=5))
        centre.staff()
        ticket = centre.join("c1", listening=False)
        assert ticket.offer is not None
        at_once(centre.router.ringing(ticket.offer))
        centre.router.phone("1001", PhoneState.BUSY if in_use else PhoneState.RINGING)
        centre.pass_time(20)
        at_once(centre.router.tick())
        assert engagement(centre) is expected


def test_a_talk_without_end_ends() -> None:
    centre = PaperCentre(rules=RouterRules(talk_max_s=3600))
    centre.staff()
    ticket = centre.join("c1")
    centre.talk(ticket)
    centre.pass_time(3700)
    assert engagement(centre) is Engagement.IDLE
    assert ticket.closed


def test_a_caller_who_leaves_frees_the_agent_who_was_rung() -> None:
    centre = PaperCentre()
    centre.staff()
    first, second = centre.join("c1"), centre.join("c2")
    offer = first.offer
    assert offer is not None
    at_once(centre.router.ringing(offer))
    at_once(centre.router.leave(first))
    at_once(centre.router.leave(first))
    assert centre.woken == [second]
    at_once(centre.router.missed(offer, Miss.NO_ANSWER))  # too late to say so
    assert second.offer is not None


def test_leaving_in_a_conversation_ends_it_with_wrap_up() -> None:
    centre = PaperCentre()
    centre.staff()
    ticket = centre.join("c1")
    centre.talk(ticket)
    at_once(centre.router.leave(ticket))
    assert engagement(centre) is Engagement.WRAP_UP


def test_a_conversation_whose_answer_nobody_told_still_ends_in_wrap_up() -> None:
    centre = PaperCentre()
    centre.staff()
    ticket = centre.join("c1")
    assert ticket.offer is not None
    at_once(centre.router.ringing(ticket.offer))
    at_once(centre.router.finished(ticket.offer))
    assert engagement(centre) is Engagement.WRAP_UP
    assert EventKind.ANSWERED in centre.kinds("c1")


def test_an_answer_may_be_told_twice() -> None:
    centre = PaperCentre()
    centre.staff()
    ticket = centre.join("c1")
    centre.talk(ticket)
    assert ticket.offer is not None
    assert at_once(centre.router.answered(ticket.offer))
    assert centre.kinds("c1").count(EventKind.ANSWERED) == 1
    assert centre.router.offer_at("1001") == ticket.offer


def test_a_pause_asked_for_in_a_call_takes_effect_after_it() -> None:
    centre = PaperCentre(queues=[queue(wrap_up_s=0)])
    centre.staff()
    first, second = centre.join("c1"), centre.join("c2")
    centre.talk(first)
    assert at_once(centre.router.pause("1001", "lunch"))
    assert engagement(centre) is Engagement.TALKING
    centre.hang_up(first)
    assert (engagement(centre), second.offer) == (Engagement.IDLE, None)


def test_presence_that_cannot_be_is_false() -> None:
    centre = PaperCentre()
    assert not at_once(centre.router.pause("1001", "lunch"))
    assert not at_once(centre.router.log_out("1001"))
    assert not at_once(centre.router.log_in("9999"))
    assert not at_once(centre.router.ready("9999"))
    assert at_once(centre.router.log_in("1001"))
    assert not at_once(centre.router.log_in("1001"))
    centre.router.phone("9999", PhoneState.FREE)


def test_presence_is_written_down_and_comes_back() -> None:
    book = MemoryPresenceBook({"1003": (Presence.PAUSED, "lunch"), "gone": (Presence.AVAILABLE, "")})
    agents = [agent("1001"), agent("1002"), agent("1003")]
    first = PaperCentre(agents, book=book)
    at_once(first.router.log_in("1001"))
    at_once(first.router.log_in("1002"))
    at_once(first.router.log_out("1002"))
    second = PaperCentre(agents, book=book)
    at_once(second.router.start())
    found = {view.extension: view.presence.value for view in at_once(second.router.agents())}
    assert found == {"1001": "available", "1002": "logged_out", "1003": "paused"}
    assert presence(second, "1003") == (Presence.PAUSED, "lunch")


def test_steps_widen_by_the_clock_from_the_entry_into_the_queue() -> None:
    steps = (StepSpec("laptop >= 80", 20), StepSpec("laptop", 20), StepSpec("any"))
    centre = PaperCentre([agent("1001", laptop=90), agent("1002", laptop=10), agent("1003")], [queue("sales", *steps)])
    centre.staff()
    centre.router.phone("1001", PhoneState.BUSY)  # staffed, so the first step is not passed over
    ticket = centre.join("c1")
    centre.pass_time(19)
    assert ticket.offer is None
    centre.pass_time(1)
    at_once(centre.router.tick())
    assert ticket.offer is not None
    assert (ticket.offer.agent, ticket.offer.step) == ("1002", 1)
    returned = centre.join("c2", joined_at=centre.clock.now - 41)
    assert returned.offer is not None
    assert (returned.offer.agent, returned.offer.step) == ("1003", 2)


def test_a_step_that_no_staffed_agent_can_meet_is_passed_at_once() -> None:
    centre = PaperCentre(
        [agent("1001", laptop=90), agent("1002")], [queue("sales", StepSpec("laptop", 60), StepSpec("any"))]
    )
    centre.staff("1002")
    ticket = centre.join("c1")
    assert ticket.offer is not None
    assert ticket.offer.step == 1


def test_when_the_last_who_could_goes_home_the_call_goes_on_at_once() -> None:
    centre = PaperCentre(
        [agent("1001", laptop=90), agent("1002")], [queue("sales", StepSpec("laptop", 60), StepSpec("any"))]
    )
    centre.staff()
    centre.router.phone("1001", PhoneState.BUSY)
    ticket = centre.join("c1")
    assert ticket.offer is None
    at_once(centre.router.log_out("1001"))
    assert centre.woken == [ticket]
    assert ticket.offer is not None
    assert ticket.offer.agent == "1002"


def test_the_step_is_read_with_the_calls_own_variables() -> None:
    centre = PaperCentre([agent("1001", mandarin=90), agent("1002", english=90)], [queue("sales", "$language")])
    centre.staff()
    ticket = centre.join("c1", attributes={"language": "english"})
    assert ticket.offer is not None
    assert ticket.offer.agent == "1002"


def test_the_longest_wait_ends_in_a_wake_and_no_offer_any_more() -> None:
    centre = PaperCentre(queues=[queue(max_wait_s=60)])
    ticket = centre.join("c1")
    centre.pass_time(60)
    at_once(centre.router.tick())
    assert (ticket.timed_out, centre.woken) == (True, [ticket])
    centre.staff()
    assert ticket.offer is None
    at_once(centre.router.leave(ticket))


def test_a_phone_that_rings_when_the_wait_is_over_may_still_answer() -> None:
    for answers in (True, False):
        centre = PaperCentre(queues=[queue(max_wait_s=10)])
        centre.staff()
        ticket = centre.join("c1", listening=False, joined_at=centre.clock.now - 5)
        assert ticket.offer is not None
        at_once(centre.router.ringing(ticket.offer))
        centre.pass_time(8)
        assert not ticket.timed_out
        if answers:
            assert at_once(centre.router.answered(ticket.offer))
        else:
            at_once(centre.router.missed(ticket.offer, Miss.NO_ANSWER))
            assert (ticket.timed_out, ticket.offer) == (True, None)


def test_a_second_queue_counts_its_own_wait_but_keeps_the_place() -> None:
    centre = PaperCentre(queues=[queue(max_wait_s=60)])
    now = centre.clock.now
    old = centre.join("old", joined_at=now - 100, entered_at=now)
    new = centre.join("new", joined_at=now - 10)
    assert not old.timed_out
    centre.staff()
    assert (old.offer is not None, new.offer) == (True, None)


def test_a_call_that_joins_again_takes_its_older_ticket_s_place() -> None:
    centre = PaperCentre()
    centre.staff()
    old = centre.join("c1")
    new = centre.join("c1")
    assert old.closed
    assert old.offer is None
    assert new.offer is not None
    at_once(centre.router.leave(old))  # the old coroutine, when it notices
    assert not new.closed
    assert new.offer is not None


def test_nothing_is_offered_while_held_and_the_order_is_kept_afterwards() -> None:
    centre = PaperCentre([agent("1001"), agent("1002")])
    centre.staff()
    centre.router.hold("ami")
    centre.router.hold("other")
    t0 = centre.clock.now
    tickets = [centre.join(f"c{n}", joined_at=t0 - n) for n in range(3)]
    centre.router.resume("ami")
    assert centre.woken == []
    centre.router.resume("other")
    assert centre.woken == [tickets[2], tickets[1]]


def test_expected_calls_are_waited_for_and_then_served_in_their_old_order() -> None:
    centre = PaperCentre(queues=[queue(wrap_up_s=0)])
    centre.staff()
    t0 = centre.clock.now
    centre.router.expect(["a", "b", "gone"], until=t0 + 5)
    b = centre.join("b", joined_at=t0 - 10)
    new = centre.join("new", joined_at=t0)
    a = centre.join("a", joined_at=t0 - 20)
    assert centre.woken == []
    centre.router.expect_no_more("gone")
    assert centre.woken == [a]
    centre.talk(a)
    centre.hang_up(a)
    assert centre.woken == [a, b]
    assert new.offer is None


def test_expected_calls_are_not_waited_for_for_ever() -> None:
    centre = PaperCentre()
    centre.staff()
    centre.router.expect(["a"], until=centre.clock.now + 5)
    new = centre.join("new")
    centre.pass_time(5)
    at_once(centre.router.tick())
    assert centre.woken == [new]


def test_a_callback_may_speak_to_the_router() -> None:
    """A wake that fails at once says so by `phone` or `hold`, in the midst of the turn."""
    centre = PaperCentre([agent("1001"), agent("1002")])
    router: Router = centre.router
    centre.staff("1001")
    second = centre.join("c1", listening=False)
    second = centre.join("c2")

    def wake(_: object) -> None:
        router.phone("1002", PhoneState.BUSY)
        router.hold("ami")
        router.resume("ami")

    object.__setattr__(router._parts, "wake", wake)
    centre.staff("1002")
    assert second.offer is not None
    assert at_once(router.ringing(second.offer))


def test_an_unknown_queue_is_refused_and_changes_nothing() -> None:
    centre = PaperCentre()
    with pytest.raises(UnknownQueue):
        at_once(centre.router.join(WaitingCall("c1", "nowhere", 0.0)))
    assert centre.events == []


def test_what_a_supervisor_sees() -> None:
    centre = PaperCentre([agent("1001"), agent("1002"), agent("1003", ["service"])], [queue(), queue("service")])
    centre.staff("1001", "1002")
    talking, ringing = centre.join("c1"), centre.join("c2")
    centre.talk(talking)
    centre.join("c3")
    centre.clock.now += 7
    sales, service = at_once(centre.router.queues())
    assert (sales.waiting, sales.longest_wait_s, sales.ringing, sales.talking) == (1, 7, 1, 1)
    assert (sales.staffed, sales.idle, service.staffed, service.waiting) == (2, 0, 0, 0)
    views = {view.extension: view for view in at_once(centre.router.agents())}
    assert views["1001"].call_id == "c1"
    assert views["1002"].engagement is Engagement.RESERVED
    assert ringing.offer is not None
    assert views["1002"].until == ringing.offer.deadline


def test_the_story_of_a_call_is_told_in_order() -> None:
    centre = PaperCentre()
    centre.staff()
    ticket = centre.join("c1")
    centre.talk(ticket)
    centre.hang_up(ticket)
    assert [kind.value for kind in centre.kinds("c1")] == ["queued", "offered", "ringing", "answered", "talk_ended"]
