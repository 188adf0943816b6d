"""callback: whose number is offered, how it is changed, and that nobody orders calls to a number that earns."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ivr.flow.interpreter import CallerGone, HangUp
from ivr.may_call import may_be_called
from tests.flow.keeping import left
from tests.flow.typed_voice import NOON, PaperWorld
from tests.flow.walking import flow, problems

MINE, OTHER = "+8613800138000", "+862158888888"
MINE_SAID, OTHER_SAID = "幺三八，零零幺三，八零零零", "零二幺，五八八八，八八八八"
CONFIRM = {"before": ["n"], "prompts": ["sure"]}


def callback(**more: Any) -> dict[str, Any]:
    ways = {"then": "right", "otherwise": "wrong"}
    return {"kind": "callback", "queue": "desk", "prompts": ["q"], "confirm": CONFIRM, **ways, **more}


def test_the_callers_own_number_is_read_back_and_kept() -> None:
    shelf, found = left(callback(offer=["hush"], priority=3), "", "", "", "1", attributes={"product": "laptop"})
    wish = {"queue": "desk", "language": "mandarin", "priority": 3, "attributes": "language=mandarin;product=laptop"}
    assert shelf.kept == [("callback", {"number": MINE, **wish})]
    assert (found.state.reached, found.state.path) == ("callback", ["a", "right"])
    assert found.said == ["hush", "n", MINE_SAID, "sure"]


def test_it_is_changed_by_key() -> None:
    shelf, found = left(callback(), "", "", "2", "02158888888#", "", "", "1")
    assert shelf.only["number"] == OTHER
    assert found.said == ["n", MINE_SAID, "sure", "q", "n", OTHER_SAID, "sure"]
    assert found.state.reached == "callback"


@pytest.mark.parametrize("ani", ["", "+442071234567", "+864008001001", "+8616012345"])
def test_a_number_that_we_cannot_call_is_not_offered(ani: str) -> None:
    shelf, found = left(callback(offer=["hush"]), "02158888888#", "", "", "1", ani=ani)
    assert found.said[0] == "q"
    assert "hush" not in found.said
    assert shelf.only["number"] == OTHER


@pytest.mark.parametrize(
    ("keys", "more", "told"),
    [
        ("00442071234567#", {}, "no"),
        ("00442071234567#", {"refused": "hush"}, "hush"),
        ("4008001001#", {"refused": "hush"}, "hush"),  # shared cost, in China
        ("8008201234#", {"refused": "hush"}, "hush"),  # toll-free
        ("12345#", {"refused": "hush"}, "no"),
        ("1#", {}, "no"),
        ("*#", {}, "no"),
        ("#", {}, "no"),
    ],
)
def test_what_we_do_not_call_is_asked_for_again(keys: str, more: dict[str, Any], told: str) -> None:
    shelf, found = left(callback(invalid="no", **more), keys, "02158888888#", "", "", "1", ani="")
    assert found.said[:3] == ["q", told, "q"]
    assert shelf.only["number"] == OTHER


def test_our_own_number_is_not_called() -> None:
    for dnis in ("02158888888", "+862158888888"):
        shelf, _ = left(callback(tries=1), "02158888888#", "", "", "1", ani="", dnis=dnis)
        assert shelf.kept == []


def test_other_countries_when_the_node_names_them() -> None:
    node = callback(countries=["GB", "CN"])
    assert left(node, "02071234567#", "", "", "1", ani="")[0].only["number"] == "+442071234567"
    assert left(node, "008602158888888#", "", "", "1", ani="")[0].only["number"] == OTHER
    assert left(node, "", "", "1", ani="+442071234567")[0].only["number"] == "+442071234567"


@pytest.mark.parametrize("acts", [["2"], [], ["7", "7"], ["*", "#"]])
def test_without_a_one_nothing_is_kept(acts: list[str]) -> None:
    silence = ["", ""]  # while `before` and the number are said
    shelf, found = left(callback(), *[one for act in acts for one in (*silence, act)])
    assert (shelf.kept, found.state.reached, found.state.path[-1]) == ([], "", "wrong")


def test_a_key_while_the_number_is_said_is_no_consent() -> None:
    assert left(callback(offer=["hush"]), "1", "1", "1", "", ani=MINE)[0].kept == []


def test_what_counts_is_the_number_that_was_confirmed_last() -> None:
    first, last = ["13900139000#", "", "", "2"], ["02158888888#", "", "", "1"]
    assert left(callback(), "", "", "2", *first, *last)[0].only["number"] == OTHER


def test_a_mistyped_number_does_not_fall_back_to_the_one_before() -> None:
    shelf, _ = left(callback(tries=1), "", "", "2", "123#", "", "", "1")
    assert shelf.kept == []


def test_a_number_that_its_caller_refuses_needs_no_excuse() -> None:
    found = left(callback(invalid="no", silent="hush", tries=2), "02158888888#", "", "", "2", ani="")[1]
    assert found.said == ["q", "n", OTHER_SAID, "sure", "q"]


def test_its_whole_time_ends_the_asking() -> None:
    assert left(callback(total_s=5, tries=5), *["1#"] * 5, ani="")[1].said == ["q"] * 3  # at 0, 2 and 4 s
    slow = left(callback(total_s=5, first_digit_s=5), ani="")[1]
    assert slow.said == ["q"]
    assert (slow.world.now() - NOON).total_seconds() == 7.0  # what is left when it is asked shortens the wait


@pytest.mark.parametrize("before", [0, 1, 2, 3, 4, 5, 6, 7])
def test_a_hang_up_before_the_one_leaves_nothing(before: int) -> None:
    acts = ["", "", "", "2", "02158888888#", "", "", "1"][:before]
    shelf, found = left(callback(offer=["hush"]), *acts, "hang up", "", "", "1")
    assert (shelf.kept, found.state.reached, found.leave) == ([], "", CallerGone())


def test_invalid_and_silent_have_ways_of_their_own() -> None:
    node = callback(tries=1, if_invalid="right", if_silent="end")
    assert left(node, "123#", ani="")[1].state.path[-1] == "right"
    assert left(node, "", ani="")[1].state.path[-1] == "end"


@pytest.mark.parametrize(
    ("attributes", "packed"),
    [
        (None, "language=mandarin;product=laptop"),
        ({}, ""),
        ({"skill": "$product", "level": "gold", "other": "$unknown"}, "level=gold;skill=laptop"),
    ],
)
def test_who_is_to_call_is_wished_for_as_in_a_queue(attributes: Any, packed: str) -> None:
    shelf, _ = left(callback(attributes=attributes), "", "", "1", attributes={"product": "laptop"})
    assert shelf.only["attributes"] == packed


KEYS = st.sampled_from(["", "1", "2", "#", "02158888888#", "00442071234567#", "123#", "hang up", "D", "7"])


@given(st.lists(KEYS), st.sampled_from(["", MINE, "+442071234567"]))
def test_every_caller_comes_out_and_only_a_one_orders_a_call(acts: list[str], ani: str) -> None:
    world = PaperWorld()
    shelf, found = left(callback(), *acts, ani=ani, world=world)
    assert len(shelf.kept) <= 1
    assert all(may_be_called(str(fields["number"]), ["CN"]) for _, fields in shelf.kept)
    assert not shelf.kept or any(act.startswith("1") for act in acts)
    assert found.leave in (CallerGone(), HangUp())
    assert (world.now() - NOON).total_seconds() <= 110


@pytest.mark.parametrize(
    ("number", "may"),
    [
        ("+8613800138000", True),
        ("+862158888888", True),
        ("+864008001001", False),  # shared cost
        ("+8616812345", False),  # premium
        ("+442071234567", True),
        ("+449098790879", False),  # premium
        ("+447012345678", False),  # personal: costs as premium does
        ("+12125550123", True),
        ("+18765230123", False),  # Jamaica has the code +1 too
        ("+19002345678", False),  # premium
        ("+8612345", False),
        ("12345", False),
        ("", False),
    ],
)
def test_which_numbers_may_be_called(number: str, may: bool) -> None:
    assert may_be_called(number, ["CN", "GB", "US"]) is may


def test_without_a_country_nobody_is_called() -> None:
    assert not may_be_called(MINE, [])
    assert not may_be_called(MINE, [""])


@pytest.mark.parametrize(
    "wrong",
    [{"prompts": []}, {"confirm": None}, {"countries": []}, {"countries": ["XX"]}, {"queue": "the desk"}, {"tries": 0}],
)
def test_what_cannot_be_meant_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        flow(a=callback(**wrong))


def test_its_names_are_known_to_the_checks() -> None:
    names = {
        "queue": "x",
        "offer": ["x"],
        "prompts": ["x"],
        "confirm": {"before": ["x"], "prompts": ["x"]},
        "refused": "x",
        "invalid": "x",
        "silent": "x",
        "attributes": {"skill": "$x"},
        "then": "x",
        "otherwise": "x",
        "if_silent": "x",
        "if_invalid": "x",
    }
    told = {str(problem.path[2]) for problem in problems(flow(a=callback(**names)))}
    assert told == set(names)
