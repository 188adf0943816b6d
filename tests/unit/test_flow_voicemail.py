"""voicemail: what counts as a message, whoever ends it, and what the keys of its review do."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ivr.flow.interpreter import CallerGone, HangUp
from tests.flow.keeping import left
from tests.flow.typed_voice import NOON, PaperWorld
from tests.flow.walking import flow, problems, walked

REVIEW = {"prompts": ["sure"]}
NAME = f"c-1_{round(NOON.timestamp() * 1000)}"


def voicemail(**more: Any) -> dict[str, Any]:
    ways = {"then": "right", "otherwise": "wrong"}
    return {"kind": "voicemail", "prompts": ["q"], "box": "service", **ways, **more}


def test_a_message_is_kept_and_is_what_the_call_has_come_to() -> None:
    shelf, found = left(voicemail(), "", "speak 12", language="english")
    about = {"box": "service", "recording": NAME, "seconds": 12.0}
    assert shelf.kept == [("voicemail", {**about, "number": "+8613800138000", "language": "english"})]
    assert (found.state.reached, found.state.path) == ("voicemail", ["a", "right"])
    assert found.said == ["q", f"record {NAME}"]


@pytest.mark.parametrize(("act", "kept"), [("speak 2", 1), ("speak 1", 0), ("", 0), ("#", 0), ("speak 2 #", 1)])
def test_less_than_the_least_is_no_message(act: str, kept: int) -> None:
    shelf, found = left(voicemail(min_s=2), "", act)
    assert (len(shelf.kept), found.state.path[-1]) == (kept, "right" if kept else "wrong")
    assert bool(found.state.reached) == bool(kept)


@pytest.mark.parametrize(("act", "kept"), [("speak 9 hang up", 1), ("speak 1 hang up", 0), ("hang up", 0)])
@pytest.mark.parametrize("review", [None, REVIEW])
def test_who_hangs_up_while_they_speak_has_left_a_message(act: str, kept: int, review: Any) -> None:
    shelf, found = left(voicemail(review=review), "", act)
    assert (len(shelf.kept), found.leave) == (kept, CallerGone())
    assert found.state.reached == ("voicemail" if kept else "")


def test_who_hangs_up_before_the_beep_has_left_nothing() -> None:
    shelf, found = left(voicemail(), "hang up")
    assert (shelf.kept, found.leave, found.said) == ([], CallerGone(), ["q"])


def test_a_number_that_is_withheld_is_none() -> None:
    assert left(voicemail(), "", "speak 9", ani="")[0].only["number"] == ""


@pytest.mark.parametrize(
    ("acts", "seconds", "said"),
    [
        (["1"], 9, "sure"),
        ([""], 9, "sure"),
        (["#"], 9, "sure"),
        (["2", "", "1"], 9, "sure listen sure"),
        (["2", "1"], 9, "sure listen"),
        (["3", "speak 5", "1"], 5, "sure record sure"),
        (["2", "3", "speak 5", ""], 5, "sure listen record sure"),
        (["7", "1"], 9, "sure no sure"),
        (["7", "8", "9"], 9, "sure no sure no sure"),
        (["3", "speak 5"] * 4, 5, "sure record sure record sure record"),
        (["hang up"], 9, "sure"),
        (["2", "hang up"], 9, "sure listen"),
        (["3", "speak 5 hang up"], 5, "sure record"),
    ],
)
def test_the_review(acts: list[str], seconds: float, said: str) -> None:
    shelf, found = left(voicemail(review={**REVIEW, "invalid": "no", "tries": 3}), "", "speak 9", *acts)
    words = {f"recording {NAME}": "listen", f"record {NAME}": "record"}
    assert [words.get(one, one) for one in found.said[2:]] == said.split()
    assert shelf.only["seconds"] == seconds
    assert found.leave == (CallerGone() if "hang up" in " ".join(acts) else HangUp())


@pytest.mark.parametrize("again", ["", "speak 1", "#"])
def test_a_take_that_replaces_a_message_by_nothing_leaves_nothing(again: str) -> None:
    shelf, found = left(voicemail(review=REVIEW), "", "speak 9", "3", again)
    assert (shelf.kept, found.state.reached, found.state.path[-1]) == ([], "", "wrong")


def test_nobody_reviews_a_silence() -> None:
    assert "sure" not in left(voicemail(review=REVIEW), "", "")[1].said


def test_a_key_before_the_beep_answers_no_menu_after_it() -> None:
    notice = {"kind": "play", "prompts": ["n"], "then": "a"}
    menu = {"kind": "menu", "prompts": ["q"], "options": {"2": "wrong"}, "otherwise": "end"}
    found = walked(flow(a=voicemail(then="m"), m=menu, n=notice), "2", "", "speak 9", "", start="n")
    assert found.state.path == ["n", "a", "m", "end"]


def test_the_walks_time_ends_a_recording() -> None:
    node = voicemail(max_s=900)
    shelf, found = left(node, "", "speak 2000")
    assert shelf.only["seconds"] == 298  # 300 s a walk, 2 s of prompt
    assert found.leave == HangUp()


@given(
    st.lists(st.sampled_from(["", "1", "2", "3", "#", "5", "hang up", "speak 1", "speak 30", "speak 9 hang up"])),
    st.booleans(),
)
def test_every_caller_comes_out_with_one_message_at_most(acts: list[str], review: bool) -> None:
    world = PaperWorld()
    shelf, found = left(voicemail(review=REVIEW if review else None), *acts, world=world)
    assert len(shelf.kept) <= 1
    assert bool(shelf.kept) == (found.state.reached == "voicemail")
    assert found.leave in (CallerGone(), HangUp())
    assert (world.now() - NOON).total_seconds() <= 310


@pytest.mark.parametrize(
    "wrong",
    [
        {"prompts": []},
        {"box": "the box"},
        {"max_s": 5, "min_s": 5},
        {"silence_s": 0},
        {"silence_s": 1.5},
        {"review": {}},
        {"sets": "x"},
    ],
)
def test_what_cannot_be_meant_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        flow(a=voicemail(**wrong))


def test_its_names_are_known_to_the_checks() -> None:
    node = voicemail(prompts=["x1"], review={"prompts": ["x2"], "invalid": "x3"}, then={"goto": "x4"}, otherwise="x5")
    told = {".".join(map(str, problem.path[2:])) for problem in problems(flow(a=node))}
    assert {"prompts.0", "review.prompts.0", "review.invalid", "then.goto", "otherwise.goto"} <= told


def test_a_loop_through_it_is_none_that_spins() -> None:
    assert problems(flow(a=voicemail(otherwise="a"))) == []
