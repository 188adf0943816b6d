"""Figures out of events: every stay in a queue has one end, and service levels as written on paper."""

from __future__ import annotations

import pytest

from acd.events import LeftFor
from acd.figures import Figures, VisitEnd
from acd.model import Miss
from acd.queue_log import queue_log
from tests.fakes.paper_centre import PaperCentre, agent, at_once, queue


def centre(*extensions: str) -> PaperCentre:
    made = PaperCentre([agent(extension) for extension in extensions or ("1001",)], [queue(wrap_up_s=10)])
    at_once(made.router.start())
    return made


def figures(made: PaperCentre, since: float = 0.0) -> Figures:
    found = Figures(since)
    for event in made.events:
        found.hear(event)
    return found


def talk(made: PaperCentre, call_id: str, waits_s: float, talk_s: float) -> None:
    ticket = made.join(call_id)
    if ticket.offer is None:
        made.pass_time(waits_s)
        at_once(made.router.ready("1001"))
    else:
        made.pass_time(waits_s)
    made.talk(ticket)
    made.pass_time(talk_s)
    made.hang_up(ticket)
    at_once(made.router.ready("1001"))


def test_service_level_both_ways_and_short_abandons_apart() -> None:
    made = centre()
    made.staff()
    talk(made, "in time", 1, 60)
    at_once(made.router.pause("1001", "lunch"))
    for call_id, waits_s in (("short", 3), ("within", 12), ("late", 40)):
        ticket = made.join(call_id)
        made.pass_time(waits_s)
        at_once(made.router.leave(ticket, LeftFor.ABANDONED))
    talk(made, "late answer", 30, 60)
    made.join("waits")
    one = figures(made).queues(made.clock.now)["sales"]
    assert (one.offered, one.answered, one.abandoned, one.ends[VisitEnd.SHORT_ABANDON]) == (6, 2, 2, 1)
    assert one.goes_on == 1
    assert one.adds_up
    assert one.sl == pytest.approx(1 / 2)
    assert one.sl2 == pytest.approx(1 / (2 + 3 - 2))
    assert one.asa_s == pytest.approx((1 + 30) / 2)
    assert one.longest_wait_s == pytest.approx(30)


def test_a_pick_up_that_falls_through_is_no_answer() -> None:
    made = centre("1001", "1002")
    made.staff()
    ticket = made.join("c1")
    made.talk(ticket)
    assert figures(made).queues(made.clock.now)["sales"].answered == 1
    at_once(made.router.missed(ticket.offer, Miss.REJECTED))  # type: ignore[arg-type]
    at_once(made.router.leave(ticket))
    one = figures(made).queues(made.clock.now)["sales"]
    assert (one.answered, one.ends[VisitEnd.SHORT_ABANDON]) == (0, 1)


def test_a_call_that_comes_back_is_one_and_one_that_does_not_is_lost() -> None:
    made = centre()
    made.join("back")
    made.join("gone")
    at_once(made.router.start())  # as another engine's first event
    made.join("back", returned=True)
    one = figures(made).queues(made.clock.now)["sales"]
    assert (one.offered, one.goes_on, one.ends[VisitEnd.LOST]) == (2, 1, 1)
    assert one.adds_up


def test_an_agents_day() -> None:
    made = centre()
    made.staff()
    made.pass_time(100)
    ticket = made.join("c1")
    made.talk(ticket)
    made.pass_time(60)
    made.hang_up(ticket)
    made.pass_time(4)
    at_once(made.router.ready("1001"))
    at_once(made.router.pause("1001", "lunch"))
    made.pass_time(31)
    me = figures(made).agents(made.clock.now)["1001"]
    assert (me.offered, me.answered, me.logged_in_s, me.talk_s, me.wrap_up_s) == pytest.approx((1, 1, 196, 60, 4))
    assert me.paused_s == {"lunch": pytest.approx(31)}
    assert me.occupancy == pytest.approx(64 / 165)


def test_a_new_day_begins_with_nothing_but_what_goes_on() -> None:
    made = centre()
    made.staff()
    talk(made, "yesterday", 1, 60)
    at_once(made.router.pause("1001", "night"))
    found = figures(made)
    midnight = made.clock.now + 100
    found.begin_day(midnight)
    assert found.queues(midnight) == {}
    me = found.agents(midnight + 50)["1001"]
    assert (me.answered, me.talk_s, me.logged_in_s, me.paused_s) == (0, 0, 50, {"night": 50})
    assert figures(made, midnight).agents(midnight + 50)["1001"] == me  # read anew from the log


def test_queue_log_in_the_words_of_app_queue() -> None:
    made = centre("1001", "1002")
    made.staff("1001")
    ticket = made.join("c1")
    at_once(made.router.ringing(ticket.offer))  # type: ignore[arg-type]
    made.pass_time(4)
    at_once(made.router.missed(ticket.offer, Miss.NO_ANSWER))  # type: ignore[arg-type]
    made.pass_time(5)
    at_once(made.router.tick())
    made.talk(ticket)
    made.pass_time(30)
    at_once(made.router.finished(ticket.offer, "caller"))  # type: ignore[arg-type]
    at_once(made.router.pause("1001", "lu|nch"))
    other = made.join("c2")
    made.pass_time(7)
    at_once(made.router.leave(other))
    at_once(made.router.log_out("1001"))
    lines = [line.split("|", 1)[1] for line in queue_log(made.events)]
    assert lines == [
        "NONE|NONE|NONE|QUEUESTART",
        "NONE|sales|1001|ADDMEMBER|",
        "c1|sales|NONE|ENTERQUEUE|||1",
        "c1|sales|1001|RINGNOANSWER|4000",
        "c1|sales|1001|CONNECT|9||0",
        "c1|sales|1001|COMPLETECALLER|9|30|1",
        "NONE|sales|1001|PAUSE|lu/nch",
        "c2|sales|NONE|ENTERQUEUE|||1",
        "c2|sales|NONE|ABANDON|1|1|7",
        "NONE|sales|1001|REMOVEMEMBER|",
    ]
