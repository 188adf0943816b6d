"""survey: marks and a comment; what was answered is kept once, however the survey ends."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ivr.flow.interpreter import CallerGone, HangUp
from tests.flow.keeping import left
from tests.flow.typed_voice import NOON, PaperWorld
from tests.flow.walking import flow, problems

CSAT = {"name": "content", "scale": "csat", "prompts": ["q"]}
NPS = {"name": "friends", "scale": "nps", "prompts": ["n"]}
COMMENT = {"prompts": ["sure"]}


def survey(*questions: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"kind": "survey", "questions": list(questions), "then": "right", **more}


@pytest.mark.parametrize(
    ("question", "acts", "mark"),
    [
        (CSAT, ["1", "0"], 1),
        (CSAT, ["5"], 5),
        (CSAT, ["0"], None),
        (CSAT, ["6"], None),
        (CSAT, ["*"], None),
        (CSAT, ["#"], None),
        (NPS, ["0"], 0),
        (NPS, ["7"], 7),
        (NPS, ["1", "0"], 10),
        (NPS, ["1", ""], 1),
        (NPS, ["1", "#"], 1),
        (NPS, ["1", "1"], None),
        (NPS, ["*"], None),
        (NPS, ["1", "hang up"], None),
    ],
)
def test_a_mark(question: dict[str, Any], acts: list[str], mark: int | None) -> None:
    shelf, found = left(survey(question, tries=1), *acts)
    assert shelf.kept == ([] if mark is None else [("survey", {question["name"]: mark})])
    assert found.leave == (CallerGone() if "hang up" in acts else HangUp())


def test_a_nine_waits_for_no_second_key() -> None:
    _, found = left(survey(NPS), "9")
    assert (found.world.now() - NOON).total_seconds() == 2.0


def test_a_one_waits_between_two_keys() -> None:
    world = left(survey(NPS, inter_digit_s=2.5), "1")[1].world
    assert (world.now() - NOON).total_seconds() == 4.5


def test_all_of_it() -> None:
    node = survey(CSAT, NPS, comment=COMMENT, prompts=["hush"])
    shelf, found = left(node, "", "4", "1", "0", "", "speak 20")
    (name,) = [said.removeprefix("record ") for said in found.said if said.startswith("record")]
    assert shelf.kept == [("survey", {"content": 4, "friends": 10, "comment": name, "comment_s": 20.0})]
    assert name.startswith("c-1_")
    assert found.said == ["hush", "q", "n", "sure", f"record {name}"]
    assert found.state.reached == ""


def test_wrong_keys_are_asked_again_and_then_the_next_question_comes() -> None:
    shelf, found = left(survey(CSAT, NPS, invalid="no"), "9", "8", "3")
    assert found.said == ["q", "no", "q", "n"]
    assert shelf.only == {"friends": 3}


def test_who_is_silent_is_asked_nothing_more() -> None:
    shelf, found = left(survey(CSAT, NPS, comment=COMMENT, silent="hush"), "", "")
    assert found.said == ["q", "hush", "q"]
    assert (shelf.kept, found.state.path[-1]) == ([], "right")


def test_who_wakes_up_at_the_second_time_is_asked_on() -> None:
    assert left(survey(CSAT, NPS), "", "3", "4")[0].only == {"content": 3, "friends": 4}


@pytest.mark.parametrize(
    ("acts", "kept"),
    [
        (["hang up"], {}),
        (["4", "hang up"], {"content": 4}),
        (["4", "9", "hang up"], {"content": 4, "friends": 9}),
        (["4", "9", "", "speak 7 hang up"], {"content": 4, "friends": 9, "comment_s": 7.0}),
        (["4", "9", "", "hang up"], {"content": 4, "friends": 9}),
    ],
)
def test_what_was_answered_until_a_hang_up_is_kept(acts: list[str], kept: dict[str, Any]) -> None:
    shelf, found = left(survey(CSAT, NPS, comment=COMMENT), *acts)
    told = {name: value for _, fields in shelf.kept for name, value in fields.items() if name != "comment"}
    assert (told, len(shelf.kept)) == (kept, 1 if kept else 0)
    assert found.leave == CallerGone()


def test_a_hang_up_in_the_first_words_asks_nothing() -> None:
    shelf, found = left(survey(CSAT, prompts=["hush"]), "hang up")
    assert (shelf.kept, found.said, found.leave) == ([], ["hush"], CallerGone())


def test_a_short_comment_is_none() -> None:
    assert left(survey(CSAT, comment={**COMMENT, "min_s": 3}), "4", "", "speak 2")[0].only == {"content": 4}


def test_its_whole_time_ends_it() -> None:
    shelf, found = left(survey(CSAT, NPS, comment=COMMENT, total_s=5, first_digit_s=5, tries=5), "4", *["*"] * 5)
    assert shelf.only == {"content": 4}
    assert found.said == ["q", "n", "n"]  # the second try begins at 4 s; nothing does after 5


@given(st.lists(st.sampled_from(["", "0", "1", "5", "10", "#", "*", "hang up", "speak 4", "speak 9 hang up", "D"])))
def test_whatever_is_pressed_is_kept_once_and_true(acts: list[str]) -> None:
    world = PaperWorld()
    shelf, found = left(survey(CSAT, NPS, comment=COMMENT), *acts, world=world)
    assert len(shelf.kept) <= 1
    for _, fields in shelf.kept:
        assert fields.get("content", 1) in range(1, 6)
        assert fields.get("friends", 0) in range(11)
        assert float(fields.get("comment_s", 9) or 0) >= 1
    assert (found.leave == CallerGone()) <= ("hang up" in " ".join(acts))
    assert (world.now() - NOON).total_seconds() <= 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"questions": []},
        {"questions": [CSAT, CSAT]},
        {"questions": [{**CSAT, "name": "comment"}]},
        {"questions": [{**CSAT, "name": "comment_s"}]},
        {"questions": [{**CSAT, "scale": "stars"}]},
        {"questions": [{**CSAT, "prompts": []}]},
        {"comment": {}},
    ],
)
def test_what_cannot_be_meant_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        flow(a={**survey(CSAT), **wrong})


def test_its_names_are_known_to_the_checks() -> None:
    node = survey({**CSAT, "prompts": ["x1"]}, comment={"prompts": ["x2"]}, prompts=["x3"], invalid="x4", then="x5")
    told = {".".join(map(str, problem.path[2:])) for problem in problems(flow(a=node))}
    assert {"questions.0.prompts.0", "comment.prompts.0", "prompts.0", "invalid", "then.goto"} <= told
