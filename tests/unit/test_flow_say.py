"""say: what is looked up and spoken, and what is never evaluated."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ivr.flow.leave import CallerGone
from tests.flow.walking import Walked, flow, problems, walked


def say(what: str, value: str, **more: Any) -> dict[str, Any]:
    return {"kind": "say", "what": what, "value": value, "then": "right", "missing": "wrong", **more}


def heard(node: dict[str, Any], *acts: str, **state: Any) -> Walked:
    return walked(flow(a=node), *acts, **state)


@pytest.mark.parametrize(
    ("node", "zh", "en"),
    [
        (say("number", "{n}"), "两百零五", "two hundred five"),
        (say("ordinal", "{n}"), "第二百零五", "two hundred fifth"),
        (say("digits", "{n}"), "二零五", "two zero five"),
        (say("money", "{n}"), "两百零五元", "two hundred five yuan"),
        (say("money", "{n}.50", currency="USD"), "两百零五美元五十美分", "two hundred five dollars and fifty cents"),
        (say("duration", "{n}"), "三分钟二十五秒", "three minutes and twenty-five seconds"),
        (say("date", "{day}"), "二零二六年三月五日", "March fifth, twenty twenty-six"),
        (say("time", "{hour}:05"), "二十三点零五分", "eleven oh five PM"),
        (say("digits", "{n} {hour}"), "二零五，二三", "two zero five, two three"),
        (say("time", "9:30"), "九点三十分", "nine thirty AM"),
    ],
)
def test_it_is_said_in_the_callers_language(node: dict[str, Any], zh: str, en: str) -> None:
    known = {"n": "205", "day": "2026-03-05", "hour": "23"}
    assert heard(node, attributes=known).said == [zh]
    assert heard(node, attributes=known, language="english").said == [en]


def test_prompts_come_first_and_a_key_is_kept_for_the_next_menu() -> None:
    menu = {"kind": "menu", "prompts": ["q"], "options": {"1": "end"}, "otherwise": "wrong"}
    found = walked(flow(a=say("number", "7", prompts=["n"], then="m"), m=menu), "", "1")
    assert (found.said, found.state.path) == (["n", "七"], ["a", "m", "end"])
    sooner = walked(flow(a=say("number", "7", prompts=["n"], then="m"), m=menu), "1")
    assert (sooner.said, sooner.state.path[-1]) == (["n"], "end")
    deaf = walked(flow(a=say("number", "7", prompts=["n"], then="m", barge_in=False), m=menu), "1", "1", "1")
    assert (deaf.said, deaf.state.path[-1]) == (["n", "七", "q"], "end")


@pytest.mark.parametrize("before", range(2))
def test_hanging_up(before: int) -> None:
    assert heard(say("number", "7", prompts=["n"]), *[""] * before, "hang up").leave == CallerGone()


@pytest.mark.parametrize("known", [{}, {"n": ""}, {"n": "seven"}, {"n": "{m}", "m": "7"}, {"n": "1e3"}])
def test_what_is_not_there_or_no_number_takes_its_way(known: dict[str, str]) -> None:
    found = heard(say("number", "{n}", prompts=["n"]), attributes=known)
    assert (found.said, found.state.path[-1]) == ([], "wrong")


TEXTS = {"notice": "十四寸笔记本\n现货 充足。", "name": "王芳", "evil": "${SHELL} {name} <break/>", "code": "\x07beep"}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("{notice}", "十四寸笔记本 现货 充足。"),
        ("{name}，您好！", "王芳，您好！"),
        ("It's $5 & more; [yes] <b>", "It's $5 & more; [yes] <b>"),
        ("{evil}", "${SHELL} {name} <break/>"),
        ("{code}", None),
        ("{unheard_of}", None),
        ("{long}", None),
        ("{long_enough}", "好" * 500),
        ("{blank}", None),
        ("{hidden}", "abc"),
    ],
)
def test_a_text_is_said_as_it_is(value: str, said: str | None) -> None:
    known = {**TEXTS, "long": "好" * 501, "long_enough": "好" * 500, "blank": " \n ", "hidden": "a\u202eb\u200bc"}
    for language in ("mandarin", "english"):
        found = heard(say("text", value), texts=known, language=language)
        assert (found.said, found.state.path[-1]) == (([], "wrong") if said is None else ([said], "right"))


def test_half_a_value_is_none() -> None:
    assert heard(say("digits", "{n}{m}"), attributes={"n": "7"}).said == []


def test_without_a_way_for_it_the_flow_goes_on() -> None:
    assert heard(say("number", "{n}", missing=None)).state.path == ["a", "right"]


@given(st.text(max_size=30))
def test_no_value_is_ever_evaluated(value: str) -> None:
    """Whatever somebody gets into a value: it is said or not, and nothing else happens."""
    found = heard(say("digits", "{n}"), attributes={"n": value, "secret": "4711"}, secrets={"pin": "4711"})
    assert found.state.path[-1] in ("right", "wrong")
    assert not found.said or value.strip()[:1] in "+0123456789"


@pytest.mark.parametrize(
    "node",
    [
        say("opera", "1"),
        say("number", "seven"),
        say("number", "七{n}"),
        say("number", "1" * 201),
        say("text", "a\nb"),
        say("text", "{n"),
        say("text", "a } b"),
        say("text", "{n.__class__}"),
        say("text", ""),
        say("text", " "),
        say("text", "好" * 501),
        say("number", "{n.__class__}"),
        say("number", "{n!r}"),
        say("number", "{}"),
        say("number", "{{n}}"),
        say("number", "${n}"),
        say("number", ""),
        say("date", "2026-02-30"),
        say("money", "1", currency="XAU"),
    ],
)
def test_refused(node: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        flow(a=node)


def test_the_check_knows_every_name() -> None:
    node = say("number", "{n}{langage}", prompts=["nn"], then="z1", missing="z2")
    found = {problem.path[2:]: problem.hint for problem in problems(flow(a=node))}
    assert set(found) == {("prompts", 0), ("value",), ("then",), ("missing",)}
    assert "did you mean 'language'?" in [problem.hint for problem in problems(flow(a=node))]
