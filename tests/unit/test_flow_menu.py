"""menu: how often and how long it asks, which keys count, and which way is taken in the end."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from ivr.flow.graph import mermaid
from ivr.flow.interpreter import CallerGone
from tests.flow.walking import flow, problems, walked


def menu(**more: Any) -> dict[str, Any]:
    return {"kind": "menu", "prompts": ["q"], "options": {"1": "right"}, "otherwise": "wrong", **more}


def seconds(found: Any) -> float:
    return float((found.world.at - walked(flow(a={"kind": "hangup"})).world.at).total_seconds())


# ---- the ways out


@pytest.mark.parametrize(("last", "way"), [("7", "bad"), ("", "quiet"), ("#", "bad"), ("1", "right")])
def test_the_way_out_by_what_the_last_try_was(last: str, way: str) -> None:
    node = menu(tries=2, if_invalid="bad", if_silent="quiet")
    ends = {"bad": {"kind": "hangup"}, "quiet": {"kind": "hangup"}}
    for first in ("", "7"):
        assert walked(flow(a=node, **ends), first, last).state.path == ["a", way]


@pytest.mark.parametrize("last", ["7", ""])
def test_without_ways_of_their_own_it_is_otherwise(last: str) -> None:
    assert walked(flow(a=menu(tries=1)), last).state.path == ["a", "wrong"]


def test_a_way_out_may_set_values() -> None:
    node = menu(tries=1, if_silent={"goto": "end", "set": {"mood": "silent"}, "set_source": "tv"})
    found = walked(flow(a=node))
    assert (found.state.path, found.state.attributes, found.state.source) == (["a", "end"], {"mood": "silent"}, "tv")


@pytest.mark.parametrize("way", ["if_silent", "if_invalid"])
def test_the_check_and_the_graph_know_the_ways(way: str) -> None:
    [problem] = problems(flow(a=menu(**{way: {"goto": "nobody", "set": {"x": "y"}, "set_source": "tvv"}})))[:1]
    assert (problem.path, problem.message) == (("nodes", "a", way, "goto"), "there is no node 'nobody'")
    drawn = mermaid(flow(a=menu(**{way: {"goto": "end", "set": {"x": "y"}}})))
    assert f'n_a -.->|"{way} x=y"| n_end' in drawn


# ---- time


def test_the_total_time_ends_the_asking() -> None:
    """Each silent try takes 2 s of prompt and 6 s of waiting: at 0, 8 and (with 4 s left) 16 s."""
    found = walked(flow(a=menu(tries=5, first_digit_s=6, total_s=20)))
    assert (found.said, seconds(found)) == (["q"] * 3, 22)
    assert found.state.path == ["a", "wrong"]


def test_a_key_may_come_in_the_last_wait() -> None:
    assert walked(flow(a=menu(tries=5, first_digit_s=6, total_s=20)), "", "", "1").state.path == ["a", "right"]


def test_the_walks_own_time_ends_it_too() -> None:
    given = flow(a=menu(tries=5, total_s=300), top={"limits": {"seconds": 10}})
    assert len(walked(given).said) == 2


def test_when_the_time_is_up_it_was_the_last_trys_way() -> None:
    node = menu(tries=5, total_s=5, first_digit_s=6, if_invalid="end", if_silent="wrong")
    assert walked(flow(a=node), "7", "7", "7", "7").state.path == ["a", "end"]
    assert walked(flow(a=node)).state.path == ["a", "wrong"]


# ---- which keys count


def test_a_key_in_the_notice_before_is_the_answer() -> None:
    notice = {"kind": "play", "prompts": ["n"], "then": "b"}
    found = walked(flow(a=notice, b=menu()), "1")
    assert (found.said, found.state.path) == (["n"], ["a", "b", "right"])


def test_without_barge_in_keys_count_after_the_prompt() -> None:
    """The first act falls into the prompt, and is lost; so does the third."""
    found = walked(flow(a=menu(barge_in=False, tries=2)), "1", "", "1", "1")
    assert (found.said, found.state.path) == (["q", "q"], ["a", "right"])
    assert walked(flow(a=menu(barge_in=False, tries=1)), "1").state.path == ["a", "wrong"]


def test_without_barge_in_no_key_from_before_counts() -> None:
    notice = {"kind": "play", "prompts": ["n"], "then": "b"}
    found = walked(flow(a=notice, b=menu(barge_in=False, tries=1)), "1", "", "")
    assert (found.said, found.state.path) == (["n", "q"], ["a", "b", "wrong"])


@pytest.mark.parametrize(("before", "barge_in"), [*((n, True) for n in range(3)), *((n, False) for n in range(6))])
def test_hanging_up_anywhere(before: int, barge_in: bool) -> None:
    """Three tries; without barge-in each is a prompt and a wait."""
    acts = [*["", "9", "", "9", ""][:before], "hang up"]
    assert walked(flow(a=menu(barge_in=barge_in)), *acts).leave == CallerGone()


@pytest.mark.parametrize("wrong", [{"total_s": 1}, {"total_s": 301}, {"barge_in": "no"}, {"if_silent": []}])
def test_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        flow(a=menu(**wrong))
