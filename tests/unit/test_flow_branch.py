"""branch and set: which case is taken, and what a lot is worth."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from ivr.flow.in_words import condition
from ivr.flow.nodes.branch import When, draw
from ivr.flow.outside import NOBODY, Caller, NothingThere, Outside, OutsideFailed, QueueLook
from tests.flow.typed_voice import PaperWorld
from tests.flow.walking import flow, problems, walked


def branch(*whens: dict[str, Any]) -> dict[str, Any]:
    cases = [{"when": when, "goto": f"case{n}"} for n, when in enumerate(whens)]
    return {"kind": "branch", "cases": cases, "otherwise": "end"}


def way(*whens: dict[str, Any], **state: Any) -> str:
    """The node where a call with this state ends up."""
    cases = {f"case{n}": {"kind": "hangup"} for n in range(len(whens))}
    world = PaperWorld(
        closed=frozenset(state.pop("closed", ())),
        holidays=frozenset(state.pop("holidays", ())),
        outside=state.pop("outside", Outside()),
    )
    return walked(flow(a=branch(*whens), **cases), world=world, **state).state.path[-1]


@pytest.mark.parametrize(
    ("when", "state", "holds"),
    [
        ({"open": "line"}, {}, True),
        ({"open": "line"}, {"closed": ["line"]}, False),
        ({"closed": "line"}, {"closed": ["line"]}, True),
        ({"closed": "line"}, {}, False),
        ({"holiday": "line"}, {"holidays": ["line"]}, True),
        ({"holiday": "line"}, {"holidays": ["other"]}, False),
        ({"not_holiday": "line"}, {"holidays": ["other"]}, True),
        ({"not_holiday": "line"}, {"holidays": ["line"]}, False),
        ({"holiday": "line", "closed": "line"}, {"holidays": ["line"]}, False),
        ({"source": "tv"}, {"source": "tv"}, True),
        ({"source": ["web", "tv"]}, {"source": "tv"}, True),
        ({"source": "tv"}, {"source": "web"}, False),
        ({"language": "english"}, {"language": "english"}, True),
        ({"language": "english"}, {}, False),
        ({"value": "product", "equals": "laptop"}, {"attributes": {"product": "laptop"}}, True),
        ({"value": "product", "equals": "laptop"}, {"attributes": {"product": "lap"}}, False),
        ({"value": "product", "equals": "laptop"}, {}, False),
        ({"value": "product", "in": ["laptop", "phone"]}, {"attributes": {"product": "phone"}}, True),
        ({"value": "product", "in": ["laptop", "phone"]}, {"attributes": {"product": "desk"}}, False),
        ({"value": "product", "known": True}, {"attributes": {"product": "x"}}, True),
        ({"value": "product", "known": True}, {}, False),
        ({"value": "product", "known": False}, {}, True),
        ({"value": "dnis", "equals": "+8621"}, {"dnis": "+8621"}, True),
        ({"value": "pin", "known": True}, {"secrets": {"pin": "1234"}}, False),
        ({"source": "tv", "language": "english"}, {"source": "tv"}, False),
        ({"source": "tv", "language": "mandarin"}, {"source": "tv"}, True),
        ({"share": {"test": "t", "percent": 100}}, {}, True),
    ],
)
def test_a_case(when: dict[str, Any], state: dict[str, Any], holds: bool) -> None:
    assert way(when, **state) == ("case0" if holds else "end")


def test_the_first_case_that_holds() -> None:
    assert way({"source": "web"}, {"source": "tv"}, {"language": "mandarin"}, source="tv") == "case1"


def test_a_case_sets_what_its_way_says() -> None:
    case = {"when": {"source": "tv"}, "goto": "end", "set": {"product": "laptop"}, "set_language": "english"}
    found = walked(flow(a={"kind": "branch", "cases": [case], "otherwise": "end"}), source="tv")
    assert (found.state.attributes, found.state.language) == ({"product": "laptop"}, "english")


def test_shares_stand_side_by_side_and_hold_for_every_call() -> None:
    shares = [{"share": {"test": "greeting", "percent": percent}} for percent in (20, 30)]
    ways = Counter(way(*shares, call_id=f"call-{n}") for n in range(2000))
    assert ways["case0"] == pytest.approx(400, abs=60)
    assert ways["case1"] == pytest.approx(600, abs=70)
    assert ways["end"] == pytest.approx(1000, abs=80)


def test_a_call_draws_the_same_lot_again_and_another_one_in_another_test() -> None:
    assert draw("greeting", "call-1") == draw("greeting", "call-1")
    lots = [(draw("a", f"{n}") < 50, draw("b", f"{n}") < 50) for n in range(2000)]
    assert Counter(lots)[True, True] == pytest.approx(500, abs=80)  # independent: a quarter


def test_a_lot_is_the_same_on_every_machine() -> None:
    """An A/B test goes on over an update of the program: these may never change."""
    assert [round(draw("greeting", call), 6) for call in ("a", "b", "")] == [47.134512, 78.62035, 31.987033]


@pytest.mark.parametrize(
    "case",
    [
        {},
        {"equals": "x"},
        {"value": "x"},
        {"value": "x", "equals": "a", "known": True},
        {"value": "x", "equals": 7},
        {"value": "x", "equals": "${SHELL}"},
        {"value": "x", "in": []},
        {"share": {"test": "t", "percent": 0}},
        {"share": {"test": "t", "percent": 101}},
        {"share": {"percent": 10}},
        {"source": []},
        {"weather": "fine"},
        {"at_least": 5},
        {"value": "x", "at_least": 5, "equals": "5"},
        {"value": "x", "at_least": 5, "known": True},
        {"value": "x", "at_least": "much"},
        {"value": "x", "at_least": True},
        {"value": "x", "at_least": [5]},
        {"value": "x", "at_least": 5, "below": "2026-03-05"},
        {"caller": {}},
        {"caller": {"known": "yes"}},
        {"caller": {"tier": []}},
        {"caller": {"mood": "good"}},
        {"queue": {"name": "desk"}},
        {"queue": {"staffed": True}},
        {"queue": {"name": "desk", "waiting_below": -1}},
    ],
)
def test_refused(case: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        flow(a=branch(case), case0={"kind": "hangup"})


def test_more_than_all_calls_cannot_be_shared_out() -> None:
    share = {"share": {"test": "t", "percent": 60}}
    with pytest.raises(ValidationError, match="more than 100 %"):
        flow(a=branch(share, share))
    flow(a=branch(share, {"share": {"test": "other", "percent": 60}}))


@pytest.mark.parametrize(
    ("when", "field", "hint"),
    [
        ({"open": "lime"}, ("open",), "did you mean 'line'?"),
        ({"closed": "lime"}, ("closed",), "did you mean 'line'?"),
        ({"source": ["tv", "tvv"]}, ("source", 1), "did you mean 'tv'?"),
        ({"language": "englisch"}, ("language", 0), "did you mean 'english'?"),
        ({"value": "langage", "known": True}, ("value",), "did you mean 'language'?"),
        ({"value": "langage", "at_least": 5}, ("value",), "did you mean 'language'?"),
        ({"holiday": "lime"}, ("holiday",), "did you mean 'line'?"),
        ({"not_holiday": "lime"}, ("not_holiday",), "did you mean 'line'?"),
        ({"queue": {"name": "dsk", "staffed": True}}, ("queue", "name"), "did you mean 'desk'?"),
    ],
)
def test_the_check_knows_the_names(when: dict[str, Any], field: tuple[str | int, ...], hint: str) -> None:
    [problem] = problems(flow(a=branch(when), case0={"kind": "hangup"}))
    assert (problem.path, problem.hint) == (("nodes", "a", "cases", 0, "when", *field), hint)


def test_the_unknown_source_may_be_asked_for_and_values_that_are_set_somewhere() -> None:
    setting = {"kind": "set", "set": {"product": "laptop"}, "then": "b"}
    cases = branch({"source": "unknown"}, {"value": "product", "known": True})
    assert problems(flow(a=setting, b=cases, case0={"kind": "hangup"}, case1={"kind": "hangup"})) == []


# ---- how large, how early


@pytest.mark.parametrize(
    ("bounds", "below_it", "within", "above_it"),
    [
        ({"at_least": 100}, ["99.99", "-100", "0"], ["100", "100.00", "1000", "+100"], []),
        ({"at_most": 100}, [], ["100", "-1000", "99.99"], ["100.01", "1000"]),
        ({"above": 0.1}, ["0.1", "0", "-1"], ["0.11", "2"], []),
        ({"below": "9"}, [], ["8.99", "-10"], ["9", "10"]),
        ({"at_least": 3, "below": 5}, ["2"], ["3", "4.99"], ["5", "50"]),
        ({"at_least": "2026-03-05"}, ["2026-03-04"], ["2026-03-05", "2026-03-05T00:00", "2027-01-01"], []),
        ({"above": date(2026, 3, 5)}, ["2026-03-05T23:59"], ["2026-03-06"], []),
        ({"below": datetime(2026, 3, 5, 8, tzinfo=UTC)}, [], ["2026-03-04T23:59"], ["2026-03-05"]),
    ],
)
def test_bounds(bounds: dict[str, Any], below_it: list[str], within: list[str], above_it: list[str]) -> None:
    for value in (*below_it, *within, *above_it):
        found = way({"value": "x", **bounds}, attributes={"x": value})
        assert found == ("case0" if value in within else "end"), value


@pytest.mark.parametrize("value", ["", "laptop", "1e9", "nan", "2026-13-05", "5 yuan", "9" * 40])
@pytest.mark.parametrize("bound", [5, "2026-03-05"])
def test_what_has_no_size_is_beyond_no_bound(value: str, bound: Any) -> None:
    texts = {"x": value} if value else {}
    assert way({"value": "x", "at_least": bound}, {"value": "x", "below": bound}, texts=texts) == "end"


def test_a_date_and_a_number_are_not_compared() -> None:
    for value, bound in (("2026-03-05", 5), ("5", "2026-03-05")):
        assert (
            way({"value": "x", "at_least": bound}, {"value": "x", "at_most": bound}, attributes={"x": value}) == "end"
        )


# ---- the caller and the queues

GOLD = Caller(known=True, name="王芳", tier="gold", owner="1002", household="wang", open_orders=1, open_promises=2)


@dataclass
class Directory(NothingThere):
    found: Caller | None = None
    asked: list[str] = field(default_factory=list)

    async def caller(self, e164: str) -> Caller:
        self.asked.append(e164)
        if self.found is None:
            raise OutsideFailed("away")
        return self.found


@pytest.mark.parametrize(
    ("asked", "of_gold", "of_nobody"),
    [
        ({"known": True}, True, False),
        ({"known": False}, False, True),
        ({"tier": "gold"}, True, False),
        ({"tier": ["silver", "gold"]}, True, False),
        ({"tier": ["silver", "bronze"]}, False, False),
        ({"household": True}, True, False),
        ({"household": False}, False, True),
        ({"open_order": True}, True, False),
        ({"open_order": False}, False, True),
        ({"open_promise": True}, True, False),
        ({"broken_promise": True}, False, False),
        ({"broken_promise": False}, True, True),
        ({"owner": True}, True, False),
        ({"known": True, "open_order": False}, False, False),
        ({"known": True, "tier": "gold", "owner": True}, True, False),
    ],
)
def test_the_caller(asked: dict[str, Any], of_gold: bool, of_nobody: bool) -> None:
    for caller, holds in ((GOLD, of_gold), (NOBODY, of_nobody)):
        outside = Outside(crm=Directory(caller))
        assert way({"caller": asked}, outside=outside, ani="+8613800138000") == ("case0" if holds else "end")


def test_the_crm_is_asked_once_and_only_when_all_else_holds() -> None:
    crm = Directory(GOLD)
    outside = Outside(crm=crm)
    asked = {"caller": {"known": True}}
    assert way({"source": "web", **asked}, {"source": "tv"}, outside=outside, source="tv", ani="+86138") == "case1"
    assert crm.asked == []
    assert way({"caller": {"tier": "tin"}}, asked, outside=outside, ani="+86138") == "case1"
    assert crm.asked == ["+86138"]
    assert way(asked, outside=outside, ani="") == "end"
    assert crm.asked == ["+86138"]


def test_a_crm_that_is_away_makes_everybody_a_stranger_and_is_told_once() -> None:
    seen: list[str] = []
    asked = [{"caller": {"known": True}}, {"caller": {"owner": True}}, {"caller": {"known": False}}]
    outside = Outside(crm=Directory(None))
    found = way(*asked, outside=outside, ani="+86138", on_problem=lambda place, what: seen.append(f"{place}: {what}"))
    assert (found, seen) == ("case2", ["a: who calls is not known: away"])


BUSY = QueueLook(staffed=2, idle=0, waiting=3, expected_wait_s=360.0)


@pytest.mark.parametrize(
    ("asked", "holds"),
    [
        ({"staffed": True}, True),
        ({"staffed": False}, False),
        ({"waiting_at_least": 3}, True),
        ({"waiting_at_least": 4}, False),
        ({"waiting_below": 4}, True),
        ({"waiting_below": 3}, False),
        ({"expected_wait_at_least_s": 360}, True),
        ({"expected_wait_at_least_s": 360.5}, False),
        ({"expected_wait_below_s": 361}, True),
        ({"expected_wait_below_s": 360}, False),
        ({"staffed": True, "waiting_at_least": 1, "expected_wait_below_s": 60}, False),
    ],
)
def test_a_queue(asked: dict[str, Any], holds: bool) -> None:
    outside = Outside(queue_look={"desk": BUSY}.__getitem__)
    assert way({"queue": {"name": "desk", **asked}}, outside=outside) == ("case0" if holds else "end")


def test_a_queue_that_nobody_serves_is_waited_in_for_ever() -> None:
    outside = Outside(queue_look=lambda name: QueueLook(expected_wait_s=math.inf))
    for asked in ({"staffed": False}, {"expected_wait_at_least_s": 86400}):
        assert way({"queue": {"name": "desk", **asked}}, outside=outside) == "case0"


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ({"source": "tv", "value": "x", "in": ["a", "b"]}, "source tv, value x, in a b"),
        ({"not_holiday": "line"}, "not holiday line"),
        ({"value": "x", "at_least": 5, "below": 7.5}, "value x, at least 5, below 7.5"),
        ({"value": "x", "above": "2026-03-05"}, "value x, above 2026-03-05"),
        ({"caller": {"known": True, "tier": "gold"}}, "caller known and tier gold"),
        ({"caller": {"open_order": False, "tier": ["a", "b"]}}, "caller tier a b and not open order"),
        ({"queue": {"name": "desk", "staffed": True, "waiting_below": 3}}, "queue desk staffed and waiting below 3"),
        ({"queue": {"name": "desk", "expected_wait_at_least_s": 90}}, "queue desk expected wait at least 90 s"),
    ],
)
def test_a_case_in_words(when: dict[str, Any], words: str) -> None:
    assert condition(When.model_validate(when)) == words


# ---- set


def test_set_copies_forgets_and_speaks() -> None:
    node = {
        "kind": "set",
        "set": {"product": "laptop", "old": "$product", "number": "$dnis", "nothing": "$unheard_of"},
        "forget": ["topic", "pin"],
        "set_language": "english",
        "then": "end",
    }
    known = {"product": "phone", "topic": "x", "nothing": "y"}
    texts = {"topic": "a longer one", "name": "王芳"}
    found = walked(flow(a=node), attributes=known, texts=texts, secrets={"pin": "1234"}, dnis="95001").state
    assert found.texts == {"name": "王芳"}
    assert found.attributes == {"product": "laptop", "old": "phone", "number": "95001"}
    assert (found.secrets, found.language) == ({}, "english")


@pytest.mark.parametrize("name", ["language", "source", "dnis", "campaign"])
def test_what_is_the_calls_own_is_not_set(name: str) -> None:
    with pytest.raises(ValidationError, match="the call's own"):
        flow(a={"kind": "set", "set": {name: "x"}, "then": "end"})


def test_the_check_knows_what_set_reads() -> None:
    [problem] = problems(flow(a={"kind": "set", "set": {"x": "$prodct", "product": "y"}, "then": "end"}))
    assert (problem.path, problem.hint) == (("nodes", "a", "set", "x"), "did you mean 'product'?")
