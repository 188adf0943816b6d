"""Direct calls: for one agent by name, in their turn among all that this agent may serve, and never in vain."""

from __future__ import annotations

from typing import Any

import pytest

from acd.events import EventKind
from acd.model import Miss, PhoneState
from acd.router import RouterRules
from acd.tickets import Ticket
from tests.fakes.paper_centre import PaperCentre, agent, at_once, queue


def centre(**more: Any) -> PaperCentre:
    """Two agents in sales, and 1003 in no queue that a call is in."""
    agents = (agent("1001", laptop=90), agent("1002", laptop=90), agent("1003", ("service",)))
    queues = (queue("sales", "laptop", wrap_up_s=0), queue("service", wrap_up_s=0))
    return PaperCentre(agents, queues, **more)


def agent_of(ticket: Ticket) -> str:
    return "" if ticket.offer is None else ticket.offer.agent


def test_only_the_named_agent_is_offered_although_another_has_been_idle_for_longer() -> None:
    paper = centre()
    paper.staff("1001", "1002")
    assert agent_of(paper.join("c1", agent="1002")) == "1002"
    assert agent_of(paper.join("c2", agent="1002")) == ""
    assert agent_of(paper.join("c3")) == "1001"


def test_the_named_agent_need_not_be_of_the_queue_nor_meet_its_steps() -> None:
    paper = centre()
    paper.staff("1003")
    assert agent_of(paper.join("c1", agent="1003")) == "1003"


@pytest.mark.parametrize(
    ("direct", "other", "first"),
    [
        ({"joined_at": 10.0}, {"joined_at": 20.0}, "direct"),
        ({"joined_at": 20.0}, {"joined_at": 10.0}, "other"),
        ({"joined_at": 20.0, "priority": 1}, {"joined_at": 10.0}, "direct"),
        ({"joined_at": 10.0}, {"joined_at": 20.0, "priority": 1}, "other"),
    ],
)
def test_it_has_its_turn_by_priority_and_join_time(direct: dict[str, Any], other: dict[str, Any], first: str) -> None:
    paper = centre()
    paper.staff("1001")
    busy = paper.join("busy", agent="1001")
    paper.talk(busy)
    now = paper.clock.now
    tickets = {
        "direct": paper.join("direct", agent="1001", wait_s=99, entered_at=now, **direct),
        "other": paper.join("other", entered_at=now, **other),
    }
    paper.hang_up(busy)
    assert [name for name, ticket in tickets.items() if ticket.offer] == [first]


def test_it_gives_up_after_its_own_wait_and_not_the_queues() -> None:
    paper = centre()
    paper.staff("1001", "1002")
    paper.talk(paper.join("busy", agent="1001"))
    ticket = paper.join("c1", agent="1001", wait_s=20)
    paper.pass_time(19.9)
    assert not ticket.timed_out
    paper.pass_time(0.2)
    assert ticket.timed_out
    assert paper.woken[-1] is ticket
    assert paper.kinds("c1")[-1] is EventKind.WAIT_OVER


@pytest.mark.parametrize("extension", ["1002", "9999"])
def test_who_is_logged_out_or_nobodys_is_not_waited_for_at_all(extension: str) -> None:
    paper = centre()
    paper.staff("1001")
    ticket = paper.join("c1", agent=extension, wait_s=20)
    assert ticket.timed_out
    assert agent_of(ticket) == ""


def test_it_gives_up_when_the_agent_goes_home_meanwhile() -> None:
    paper = centre()
    paper.staff("1001", "1002")
    paper.talk(paper.join("busy", agent="1001"))
    mine, anybodys = paper.join("c1", agent="1001", wait_s=20), paper.join("c2", agent="1002", wait_s=20)
    at_once(paper.router.log_out("1001"))
    assert mine.timed_out
    assert paper.woken == [mine]
    assert not anybodys.timed_out


@pytest.mark.parametrize("miss", [Miss.NO_ANSWER, Miss.REJECTED, Miss.UNREACHABLE])
def test_a_miss_is_the_end_of_it(miss: Miss) -> None:
    paper = centre()
    paper.staff("1001")
    ticket = paper.join("c1", agent="1001", wait_s=20)
    assert ticket.offer is not None
    at_once(paper.router.ringing(ticket.offer))
    at_once(paper.router.missed(ticket.offer, miss))
    assert ticket.timed_out
    assert ticket.offer is None


def test_an_offer_taken_back_is_no_miss() -> None:
    paper = centre()
    paper.staff("1001")
    ticket = paper.join("c1", agent="1001", wait_s=20)
    paper.pass_time(2)  # nobody took it up: it lapses, and is offered again
    assert not ticket.timed_out
    paper.pass_time(2)
    assert agent_of(ticket) == "1001"


def test_who_is_paused_may_be_back_in_time() -> None:
    paper = centre()
    paper.staff("1001")
    at_once(paper.router.pause("1001", "coffee"))
    ticket = paper.join("c1", agent="1001", wait_s=20)
    assert not ticket.timed_out
    at_once(paper.router.ready("1001"))
    assert agent_of(ticket) == "1001"


def test_a_call_that_the_agent_refused_does_not_pass_a_direct_one() -> None:
    """An agent's last choice, however long it has waited."""
    paper = centre(rules=RouterRules())
    paper.staff("1001")
    old = paper.join("old")
    assert old.offer is not None
    at_once(paper.router.missed(old.offer, Miss.REJECTED))
    paper.pass_time(1)
    new = paper.join("new", agent="1001", wait_s=20)
    paper.pass_time(4)
    assert (agent_of(new), agent_of(old)) == ("1001", "")


def test_after_a_hold_direct_calls_come_in_the_order_of_the_whole_line() -> None:
    paper = centre()
    paper.staff("1001")
    paper.router.hold("ami")
    late, early = paper.join("late", joined_at=20.0, entered_at=paper.clock.now), paper.join("early", agent="1001")
    first = paper.join("first", joined_at=10.0, entered_at=paper.clock.now, agent="1001")
    paper.router.resume("ami")
    assert [agent_of(ticket) for ticket in (first, late, early)] == ["1001", "", ""]


def test_no_class_of_calls_is_made_of_them() -> None:
    paper = centre()
    paper.staff("1001")
    classes = len(paper.router._parts.index._waiting._buckets)
    for number in range(50):
        paper.join(f"c{number}", agent="1001", wait_s=20, attributes={"customer": str(number)})
    assert len(paper.router._parts.index._waiting._buckets) == classes
    paper.pass_time(21)
    assert not paper.router._parts.index._side_lines
    paper.router.phone("1001", PhoneState.FREE)
