"""How a queue stands for one more caller: who is there, who waits, and for how long."""

from __future__ import annotations

import math

import pytest

from acd.handle_times import RECENT, handle_times
from acd.model import Miss, PhoneState
from acd.queue_looks import expected_wait_s
from ivr.flow.outside import QueueLook
from tests.fakes.paper_centre import PaperCentre, agent, at_once, queue

PEOPLE = [agent("1001"), agent("1002"), agent("1003", ["service"])]


def centre(**times: float) -> PaperCentre:
    return PaperCentre(PEOPLE, [queue(**times), queue("service")])


def test_a_queue_that_nobody_serves() -> None:
    found = centre()
    assert found.router.look("sales") == QueueLook(0, 0, 0, math.inf)
    assert found.router.look("gone") == QueueLook(0, 0, 0, math.inf)


def test_agents_are_counted_in_their_own_queues() -> None:
    found = centre()
    found.staff("1001", "1002")
    assert found.router.look("sales") == QueueLook(2, 2, 0, 0.0)
    assert found.router.look("service").staffed == 0
    at_once(found.router.pause("1001", "lunch"))
    assert found.router.look("sales") == QueueLook(2, 1, 0, 0.0)
    found.router.phone("1002", PhoneState.UNREACHABLE)
    assert found.router.look("sales") == QueueLook(2, 0, 0, 90.0)
    at_once(found.router.log_out("1001"))
    assert found.router.look("sales").staffed == 1


def test_calls_wait_until_somebody_is_rung_for_them_and_again_after_that() -> None:
    found = centre()
    tickets = [found.join(f"c{n}") for n in range(3)]
    found.join("other", "service")
    assert found.router.look("sales").waiting == 3
    found.staff("1001")
    assert (tickets[0].offer is not None, found.router.look("sales").waiting) == (True, 2)
    at_once(found.router.missed(tickets[0].offer, Miss.NO_ANSWER))  # type: ignore[arg-type]
    assert found.router.look("sales").waiting == 3
    at_once(found.router.leave(tickets[1]))
    assert found.router.look("sales").waiting == 2
    assert found.router.look("service").waiting == 1


def test_a_call_whose_time_is_up_waits_no_more_and_one_that_comes_again_waits_once() -> None:
    found = centre(max_wait_s=60)
    found.join("c1")
    found.join("c1", "service")
    assert (found.router.look("sales").waiting, found.router.look("service").waiting) == (0, 1)
    found.join("c2")
    found.pass_time(61)
    assert found.router.look("sales").waiting == 0


@pytest.mark.parametrize(
    ("waiting", "idle", "staffed", "handle_s", "expected"),
    [
        (0, 1, 1, None, 0.0),
        (0, 0, 1, None, 90.0),
        (3, 0, 2, None, 360.0),
        (0, 0, 2, 120.0, 60.0),
        (3, 0, 2, 120.0, 240.0),
        (3, 1, 2, 120.0, 180.0),  # somebody is idle who cannot serve them
        (1, 5, 5, 120.0, 0.0),
        (0, 0, 0, 120.0, math.inf),
        (3, 0, 0, None, math.inf),
    ],
)
def test_the_rule(waiting: int, idle: int, staffed: int, handle_s: float | None, expected: float) -> None:
    assert expected_wait_s(waiting, idle, staffed, handle_s) == expected


def converse(found: PaperCentre, call_id: str, seconds: float) -> None:
    """A conversation of so many seconds, and its wrap-up."""
    ticket = found.join(call_id)
    found.talk(ticket)
    found.pass_time(seconds)
    found.hang_up(ticket)
    found.pass_time(10)
    at_once(found.router.tick())


def test_conversations_of_late_tell_how_long_the_next_ones_take() -> None:
    found = centre(wrap_up_s=10)
    found.staff("1001")
    converse(found, "c1", 50)
    converse(found, "c2", 110)
    last = found.join("c3")
    found.talk(last)
    assert found.router.look("sales").expected_wait_s == 90.0  # (60 + 120) / 2
    found.hang_up(last)
    at_once(found.router.ready("1001"))  # the wrap-up ends by key
    found.join("c4")
    assert found.router.look("sales").expected_wait_s == 60.0  # (60 + 120 + 0) / 3
    assert found.router.look("service").expected_wait_s == math.inf


def test_only_the_last_conversations_count() -> None:
    found = centre(wrap_up_s=10)
    found.staff("1001")
    converse(found, "long ago", 10_000)
    for n in range(RECENT):
        converse(found, f"c{n}", 20)
    found.join("now")
    assert found.router.look("sales").expected_wait_s == 30.0


def test_what_the_log_tells_of_before_counts_as_the_older(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("acd.handle_times.RECENT", 3)
    before, found = centre(wrap_up_s=10), centre(wrap_up_s=10)
    for one, lengths in ((before, (10, 20, 40)), (found, (80,))):
        one.staff("1001")
        for n, seconds in enumerate(lengths):
            converse(one, f"c{n}", seconds)
    found.router.learn(handle_times(before.events))
    found.join("now")
    assert found.router.look("sales").expected_wait_s == pytest.approx((30 + 50 + 90) / 3)


def test_a_phone_that_was_picked_up_and_gone_is_no_conversation() -> None:
    found = centre(wrap_up_s=0)
    found.staff("1001")
    ticket = found.join("c1")
    found.talk(ticket)
    found.pass_time(300)
    at_once(found.router.missed(ticket.offer, Miss.REJECTED))  # type: ignore[arg-type]
    assert (
        found.router.look("sales").expected_wait_s == 180.0
    )  # nothing is known: 90 s each, for this call and the next
