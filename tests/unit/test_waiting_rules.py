"""Waiting on paper: how long, how sure, how well promised; the life of a call back; what an agent may type."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from itertools import product
from math import inf
from types import SimpleNamespace
from typing import cast
from unittest.mock import AsyncMock
from zoneinfo import ZoneInfo

import pytest

from acd.events import AcdEvent, EventKind
from acd.expected_wait import WaitLook, WaitScore, wait_look
from acd.model import StepSpec, WaitingCall
from acd.tickets import Ticket
from agi_scripts.announcing import Announcer, WaitingRules
from agi_scripts.callback import CallbackState, CallbackWish, NoSuchStep, callable_at, checked
from agi_scripts.centre import Centre
from agi_scripts.wrap_up import typed_amount, typed_day
from ivr.agi_voice import AgiVoice
from ivr.voice import SILENCE
from tests.fakes.paper_centre import PaperCentre, agent, at_once, queue

SHANGHAI = ZoneInfo("Asia/Shanghai")


def test_the_expected_wait_grows_with_the_position_and_falls_with_the_agents() -> None:
    look = wait_look(4, 3, 5, 100.0)
    assert look.expected_s == pytest.approx(80)
    assert (look.low_s, look.high_s) == pytest.approx((80 - 40, 80 + 40))
    assert wait_look(1, 0, 1, None).expected_s == 90
    assert wait_look(1, 0, 0, 100.0).expected_s == inf


def test_only_those_before_me_count_and_each_by_their_share_of_my_agents() -> None:
    """laptop: 1001 alone; printer: 1001 and 1002. A call for a printer is half of 1001's work."""
    centre = PaperCentre(
        [agent("1001", laptop=90, printer=90), agent("1002", printer=90)],
        [queue("sales", "$product")],
    )
    centre.staff()
    for extension in ("1001", "1002"):
        at_once(centre.router.pause(extension, "soon"))
    printer = centre.join("a", attributes={"product": "printer"})
    mine = centre.join("b", attributes={"product": "laptop"}, joined_at=centre.clock.now + 1)
    centre.join("c", attributes={"product": "laptop"}, joined_at=centre.clock.now + 2)
    assert centre.router.wait_look(mine).expected_s == inf  # type: ignore[union-attr]  # nobody takes calls
    centre.router.hold("test")
    for extension in ("1001", "1002"):
        at_once(centre.router.ready(extension))
    look = centre.router.wait_look(mine)
    assert look is not None
    assert (look.position, look.expected_s) == (2, pytest.approx(1.5 * 90))
    first = centre.router.wait_look(printer)
    assert first is not None
    assert (first.position, first.expected_s) == (1, pytest.approx(90 / 2))


def test_anyone_now_is_offered_only_where_somebody_is_idle_and_the_wish_is_the_last_step() -> None:
    centre = PaperCentre(
        [agent("1001", laptop=90), agent("1002")], [queue("sales", StepSpec("laptop >= 50", 300), "any")]
    )
    centre.staff()
    at_once(centre.router.pause("1001", "lunch"))
    ticket = centre.join("c1")
    assert ticket.offer is None
    look = centre.router.wait_look(ticket)
    assert look is not None
    assert look.anyone_now
    assert at_once(centre.router.relax(ticket))
    assert ticket.offer is not None
    assert ticket.offer.agent == "1002"  # type: ignore[unreachable]
    assert not at_once(centre.router.relax(ticket))


def _promise(score: WaitScore, call_id: str, real_s: float, kind: EventKind = EventKind.ANSWERED) -> None:
    told = {"low_s": 50.0, "high_s": 150.0, "expected_s": 100.0, "position": 1}
    score.hear(AcdEvent(EventKind.ANNOUNCED, 1000.0, call_id, queue="sales", fields=told))
    score.hear(AcdEvent(kind, 1000.0 + real_s, call_id, queue="sales"))


def test_a_queue_falls_silent_when_its_promises_are_broken_and_speaks_again() -> None:
    score = WaitScore()
    for number in range(9):
        _promise(score, f"a{number}", 400)
    assert score.share("sales") is None
    assert score.good("sales")
    _promise(score, "a9", 400)
    assert score.share("sales") == 0
    assert not score.good("sales")
    for number in range(10):
        _promise(score, f"b{number}", 100)
    assert score.good("sales")
    before = score.share("sales")
    _promise(score, "impatient", 60, EventKind.QUEUE_LEFT)  # says nothing
    assert score.share("sales") == before
    _promise(score, "patient", 160, EventKind.QUEUE_LEFT)  # says that it was too long
    assert score.share("sales") != before


@pytest.mark.parametrize("known", [True, False])
async def test_a_silent_queue_goes_on_comparing_what_it_would_have_said(known: bool) -> None:
    told: list[tuple[WaitLook, bool]] = []
    router = SimpleNamespace(
        wait_look=lambda _: WaitLook(1, 100.0, 50.0, 150.0),
        wait_is_known=lambda _: known,
        announced=lambda _, look, *, aloud: told.append((look, aloud)),
    )
    centre = SimpleNamespace(router=router, clock=lambda: 1000.0, callbacks=None)
    ticket = Ticket(WaitingCall("c1", "sales", 1000.0))
    announce = AsyncMock(return_value=SILENCE)
    announcer = Announcer(WaitingRules(first_s=0), cast(Centre, centre), ticket)
    await announcer.speak(cast(AgiVoice, SimpleNamespace(announce=announce)))
    assert told == [(WaitLook(1, 100.0, 0.0, 180.0), known)]  # in whole minutes, as it is said
    (parts,) = announce.await_args.args
    assert ("wait_at_most" in parts) is known
    assert parts[0] == "wait_position"


def test_no_call_back_is_dialled_twice() -> None:
    """From no state is there a way to DIALLING but from WAITING, and none from the ends."""
    allowed = set()
    for before, after in product(CallbackState, CallbackState):
        try:
            allowed.add((before, checked(before, after)))
        except NoSuchStep:
            continue
    assert {before for before, after in allowed if after is CallbackState.DIALLING} == {CallbackState.WAITING}
    assert not {before for before, _ in allowed} & {CallbackState.BRIDGED, CallbackState.GIVEN_UP}


def test_a_wish_comes_back_from_the_journal_as_it_was() -> None:
    wish = CallbackWish("c1", "+8613800138000", "sales", 1.5, 2.5, 3, "mandarin", {"product": "laptop"}, "400")
    assert CallbackWish.unpacked("c1", wish.packed()) == wish


@pytest.mark.parametrize(
    ("now", "then"),
    [("08:00", "09:00"), ("09:00", "09:00"), ("20:59", "20:59"), ("21:00", "09:00+1"), ("23:30", "09:00+1")],
)
def test_people_are_called_in_the_day(now: str, then: str) -> None:
    at = datetime.fromisoformat(f"2026-11-23T{now}").replace(tzinfo=SHANGHAI).timestamp()
    clock, _, days = then.partition("+")
    wanted = datetime.fromisoformat(f"2026-11-{23 + int(days or 0)}T{clock}").replace(tzinfo=SHANGHAI).timestamp()
    assert callable_at(at, SHANGHAI, 9, 21) == wanted


@pytest.mark.parametrize(
    ("keys", "amount"),
    [("199*90", "199.90"), ("5", "5"), ("0", None), ("", None), ("1*2*3", None), ("*", None), ("1*234", None)],
)
def test_typed_amounts(keys: str, amount: str | None) -> None:
    assert typed_amount(keys) == (None if amount is None else Decimal(amount))


@pytest.mark.parametrize(
    ("keys", "day"),
    [
        ("1123", date(2026, 11, 23)),
        ("1122", date(2027, 11, 22)),
        ("0229", date(2028, 2, 29)),
        ("1332", None),
        ("112", None),
        ("", None),
    ],
)
def test_typed_days(keys: str, day: date | None) -> None:
    assert typed_day(keys, date(2026, 11, 23)) == day
