"""gather: what counts as an entry, what it becomes, how often it is asked, and that a PIN leaves no trace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ivr.flow.entry import KINDS, luhn
from ivr.flow.interpreter import CallerGone, CallState, HangUp, walk
from ivr.voice import Heard
from tests.flow.typed_voice import PaperWorld, TypedVoice
from tests.flow.walking import Walked, flow, problems, walked

CONFIRM = {"before": ["n"], "prompts": ["sure"]}


def gather(what: str = "digits", **more: Any) -> dict[str, Any]:
    ways = {"then": "right", "otherwise": "wrong"}
    return {"kind": "gather", "what": what, "value": "got", "prompts": ["q"], **ways, **more}


def typed(node: dict[str, Any], *acts: str, **state: Any) -> Walked:
    return walked(flow(a=node), *acts, **state)


@pytest.mark.parametrize(
    ("what", "more", "keys", "value"),
    [
        ("digits", {}, "0071", "0071"),
        ("digits", {}, "7#", "7"),
        ("digits", {}, "1*2", None),
        ("digits", {"min_digits": 3}, "12#", None),
        ("digits", {"min_digits": 3}, "123#", "123"),
        ("digits", {"max_digits": 3}, "123", "123"),
        ("order_number", {}, "123#", None),
        ("order_number", {}, "1234#", "1234"),
        ("order_number", {"max_digits": 3}, "123", "123"),
        ("order_number", {"check": "luhn"}, "79927398713#", "79927398713"),
        ("order_number", {"check": "luhn"}, "79927398710#", None),
        ("order_number", {"check": "luhn"}, "7992*#", None),
        ("phone", {}, "13800138000#", "+8613800138000"),
        ("phone", {}, "02158888888#", "+862158888888"),
        ("phone", {}, "00441212345678#", "+441212345678"),
        ("phone", {"country": "GB"}, "01212345678#", "+441212345678"),
        ("phone", {}, "12345#", None),
        ("phone", {}, "*1380013800#", None),
        ("date", {}, "20260305", "2026-03-05"),
        ("date", {}, "20240229", "2024-02-29"),
        ("date", {}, "20260229", None),
        ("date", {}, "2026030#", None),
        ("date", {}, "02260305", None),
        ("date", {}, "2026*305", None),
        ("amount", {}, "12*5#", "12.50"),
        ("amount", {}, "205#", "205.00"),
        ("amount", {}, "*5#", None),
        ("amount", {}, "1*2*3#", None),
        ("amount", {}, "1*234#", None),
    ],
)
def test_an_entry(what: str, more: dict[str, Any], keys: str, value: str | None) -> None:
    found = typed(gather(what, tries=1, **more), keys).state
    assert found.attributes == ({} if value is None else {"got": value})
    assert found.path[-1] == ("wrong" if value is None else "right")


def test_a_phone_number_without_a_country_needs_its_code() -> None:
    assert typed(gather("phone", tries=1), "13800138000#", country="").state.attributes == {}
    assert typed(gather("phone", tries=1), "008613800138000#", country="").state.attributes != {}


def test_invalid_and_silent_are_told_apart() -> None:
    found = typed(gather(invalid="no", silent="hush", min_digits=3, tries=4), "1#", "", "#", "")
    assert found.said == ["q", "no", "q", "hush", "q", "no", "q"]
    assert found.state.path == ["a", "wrong"]


@pytest.mark.parametrize(("last", "way"), [("1#", "bad"), ("", "quiet")])
def test_the_way_out_by_what_the_last_try_was(last: str, way: str) -> None:
    node = gather(min_digits=3, tries=2, if_invalid="bad", if_silent="quiet")
    ends = {"bad": {"kind": "hangup"}, "quiet": {"kind": "hangup"}}
    assert walked(flow(a=node, **ends), "", last).state.path[-1] == way


def test_an_entry_ends_at_its_longest() -> None:
    assert typed(gather(max_digits=4), "123456789").state.attributes == {"got": "1234"}


def test_a_key_during_the_notice_before_is_the_first_of_the_entry() -> None:
    given = flow(a={"kind": "play", "prompts": ["n"], "then": "b"}, b=gather(max_digits=3))
    found = walked(given, "1", "23")
    assert (found.said, found.state.attributes) == (["n"], {"got": "123"})
    alone = walked(flow(a={"kind": "play", "prompts": ["n"], "then": "b"}, b=gather(max_digits=1)), "1")
    assert (alone.said, alone.state.attributes) == (["n"], {"got": "1"})


def test_a_hash_during_the_notice_before_is_no_entry() -> None:
    found = walked(flow(a={"kind": "play", "prompts": ["n"], "then": "b"}, b=gather()), "#", "12#")
    assert (found.said, found.state.attributes) == (["n", "q"], {"got": "12"})


def test_without_barge_in_keys_count_after_the_prompt() -> None:
    """The first act falls into the prompt and is lost."""
    found = typed(gather(barge_in=False), "9", "12#")
    assert found.state.attributes == {"got": "12"}


def test_without_barge_in_no_key_from_before_counts() -> None:
    found = walked(flow(a={"kind": "play", "prompts": ["n"], "then": "b"}, b=gather(barge_in=False)), "7", "", "12#")
    assert (found.said, found.state.attributes) == (["n", "q"], {"got": "12"})


# ---- time


def test_the_total_time_ends_the_asking() -> None:
    """Each silent try takes 2 s of prompt and 6 s of waiting: at 0, 8 and (with 4 s left) 16 s."""
    found = typed(gather(tries=5, total_s=20))
    assert len(found.said) == 3
    assert (found.world.at - walked(flow(a={"kind": "hangup"})).world.at).total_seconds() == 22  # 16 + 2 + 4


def test_the_walks_own_time_ends_it_too() -> None:
    given = flow(a=gather(tries=5, total_s=300), top={"limits": {"seconds": 10}})
    assert len(walked(given).said) == 2


# ---- the read-back


@pytest.mark.parametrize(
    ("what", "keys", "said"),
    [
        ("order_number", "1024#", "幺零二四"),
        ("phone", "13800138000#", "幺三八，零零幺三，八零零零"),
        ("phone", "00441212345678#", "零零四，四幺二，幺二三，四五六，七八"),
        ("date", "20260305", "二零二六年三月五日"),
        ("amount", "205#", "两百零五元"),
    ],
)
def test_it_is_read_back_and_confirmed(what: str, keys: str, said: str) -> None:
    found = typed(gather(what, confirm=CONFIRM), keys, "", "", "1")
    assert found.said == ["q", "n", said, "sure"]
    assert found.state.path[-1] == "right"


def test_two_is_once_more_from_the_beginning() -> None:
    found = typed(gather(confirm=CONFIRM, invalid="no"), "12#", "", "", "2", "34#", "", "", "1")
    assert found.said == ["q", "n", "幺二", "sure", "q", "n", "三四", "sure"]
    assert found.state.attributes == {"got": "34"}


class AttentiveVoice(TypedVoice):
    """Notes what a key would cut short."""

    cut_short = ""

    async def play(self, prompts: Sequence[str], *, barge_in: bool = True) -> Heard:
        self.cut_short += "".join(prompts) if barge_in else ""
        return await super().play(prompts, barge_in=barge_in)


async def test_no_key_cuts_the_read_back_short() -> None:
    voice = AttentiveVoice(PaperWorld(), ["12#", "", "", "1"])
    await walk(flow(a=gather(confirm=CONFIRM)), None, CallState("mandarin"), voice, voice.world)
    assert [words for words, _ in voice.said] == ["q", "n", "幺二", "sure"]
    assert voice.cut_short == ""


@pytest.mark.parametrize("late", ["#", "1", "2"])
def test_what_is_pressed_before_the_value_was_heard_is_no_answer(late: str) -> None:
    """The habit of ending with #, or one digit too many: neither may confirm."""
    found = typed(gather(max_digits=2, confirm=CONFIRM), "12", late, late, "1")
    assert found.said == ["q", "n", "幺二", "sure"]
    assert found.state.attributes == {"got": "12"}


@pytest.mark.parametrize("answer", ["", "7"])
def test_no_answer_is_said_again_and_then_counts_as_wrong(answer: str) -> None:
    found = typed(gather(confirm={"prompts": ["sure"]}, tries=1), "12#", "", answer, "", answer)
    assert found.said == ["q", "幺二", "sure", "幺二", "sure"]
    assert found.state.path[-1] == "wrong"
    assert found.state.attributes == {}


@pytest.mark.parametrize("before", range(4))
def test_hanging_up_anywhere(before: int) -> None:
    acts = [*["12#", "", "", ""][:before], "hang up"]
    assert typed(gather(confirm=CONFIRM), *acts).leave == CallerGone()


# ---- secrets


def test_a_pin_is_kept_from_everything_that_is_written_down() -> None:
    found = typed(gather("pin"), "4711#", attributes={"got": "before"})
    assert found.state.secrets == {"got": "4711"}
    assert found.state.attributes == {}
    assert "4711" not in repr(found.state)
    assert "4711" not in str(found.state.values()) + str(found.state.wishes())
    assert found.said == ["q"]


def test_a_pin_is_no_value_that_a_flow_could_speak() -> None:
    say = {"kind": "say", "what": "digits", "value": "{got}", "then": "end", "missing": "wrong"}
    given = flow(a=gather("pin", then="b"), b=say)
    assert [problem.path for problem in problems(given)] == [("nodes", "b", "value")]
    found = walked(given, "4711#")
    assert (found.said, found.state.path[-1]) == (["q"], "wrong")


# ---- forms


@pytest.mark.parametrize(
    "node",
    [
        gather("opera"),
        gather("pin", confirm=CONFIRM),
        gather("phone", check="luhn"),
        gather("date", max_digits=6),
        gather(min_digits=5, max_digits=4),
        gather(check="mod97"),
        gather(value="language"),
        gather(prompts=[]),
        gather(total_s=1),
        gather(confirm={"prompts": []}),
        gather("phone", country="China"),
        gather("phone", country="XX"),
        gather(country="CN"),
        gather("amount", currency="XAU"),
    ],
)
def test_refused(node: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        flow(a=node)


def test_the_check_knows_every_name() -> None:
    node = gather(
        prompts=["q", "zz"],
        invalid="zi",
        silent="zs",
        then="z1",
        otherwise="z2",
        if_silent="z3",
        if_invalid={"goto": "z4", "set_language": "zl"},
        confirm={"before": ["zb"], "prompts": ["zp"]},
    )
    paths = {problem.path[2:] for problem in problems(flow(a=node))}
    assert paths == {
        ("prompts", 1),
        ("invalid",),
        ("silent",),
        ("then", "goto"),
        ("otherwise", "goto"),
        ("if_silent", "goto"),
        ("if_invalid", "goto"),
        ("if_invalid", "set_language"),
        ("confirm", "before", 0),
        ("confirm", "prompts", 0),
    }


def test_a_loop_through_a_gather_waits_for_the_caller() -> None:
    assert problems(flow(a=gather(otherwise="a"))) == []


ANY_KEYS = st.text("0123456789*#", max_size=25)


@given(st.sampled_from(sorted(KINDS)), st.lists(st.one_of(ANY_KEYS, st.sampled_from(["D", "hang up"])), max_size=12))
def test_every_caller_comes_out(what: str, acts: list[str]) -> None:
    confirm = {} if what == "pin" else {"confirm": CONFIRM}
    found = typed(gather(what, **confirm), *acts)
    assert found.leave in (CallerGone(), HangUp())
    assert "hang up" in acts or found.leave == HangUp()


@given(st.text("0123456789", min_size=1, max_size=18))
def test_luhn_takes_one_check_digit_of_ten_and_no_single_wrong_digit(digits: str) -> None:
    right = [digits + check for check in "0123456789" if luhn(digits + check)]
    assert len(right) == 1
    whole = right[0]
    for place, digit in enumerate(whole):
        other = str((int(digit) + 1) % 10)
        assert not luhn(whole[:place] + other + whole[place + 1 :])
