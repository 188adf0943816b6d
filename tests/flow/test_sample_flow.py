"""The flows that `hotline init` writes, walked by callers of every kind."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from hotline.site.init import init_site
from hotline.site.loading import judge_site
from ivr.flow.check import check_flow
from ivr.flow.interpreter import CallerGone, CallState, HangUp, Leave, QueueFor, TransferTo, walk
from ivr.flow.model import Flow
from ivr.flow.outside import NothingThere, QueueLook
from ivr.prompts.text import PromptsForm
from tests.flow.sample import SITE, STAFFED, ring
from tests.flow.typed_voice import PaperWorld, TypedVoice

TEMPLATES = Path(__file__).resolve().parents[2] / "hotline" / "site" / "templates"


def load(name: str) -> Any:
    return YAML(typ="safe").load((TEMPLATES / name).read_text("utf-8"))


FLOW = Flow.model_validate({"name": "main", **load("flows/main.yaml")})
PROMPTS = PromptsForm.model_validate(load("prompts.yaml")).prompts()


def call(*acts: str, start: str | None = None, closed: bool = False) -> tuple[Leave, CallState, TypedVoice]:
    world = PaperWorld(closed=frozenset({"main"} if closed else ()))
    voice = TypedVoice(world, acts)
    state = CallState(language="mandarin")
    leave = asyncio.run(walk(FLOW, start, state, voice, world))
    return leave, state, voice


def test_it_is_sound(tmp_path: Path) -> None:
    """And all the others with it: `hotline check` finds nothing, not even a thing to warn of."""
    assert check_flow(FLOW, PROMPTS, {"sales", "service"}, {"main"}, {"mandarin", "english"}, flows=SITE.flows) == []
    init_site(tmp_path / "site")
    assert judge_site(tmp_path / "site").problems == ()


def test_an_english_caller_reaches_service() -> None:
    leave, state, voice = call("", "2", "2")
    assert leave == QueueFor("service", attributes={"language": "english"}, then="sorry")
    assert state.path == ["welcome", "language", "office_hours", "topic", "service"]
    assert voice.said == [("welcome", "mandarin"), ("choose_language", "mandarin"), ("menu_main", "english")]


def test_zero_is_for_whoever_is_free() -> None:
    assert call("", "1", "0")[0] == QueueFor("sales", attributes={}, then="sorry")


def test_a_silent_caller_is_asked_three_times_and_then_served() -> None:
    leave, state, voice = call()
    assert leave == QueueFor("sales", attributes={}, then="sorry")
    assert state.language == "mandarin"
    assert [prompt for prompt, _ in voice.said].count("menu_main") == 3
    assert [prompt for prompt, _ in voice.said].count("no_key") == 2


def test_wrong_keys_are_told_so() -> None:
    _, state, voice = call("", "1", "7", "#", "*")
    assert state.path[-1] == "anyone"
    assert [prompt for prompt, _ in voice.said].count("invalid_key") == 2


def test_a_key_during_the_welcome_answers_the_language_menu() -> None:
    leave, _, voice = call("2", "1")
    assert leave == QueueFor("sales", attributes={"language": "english"}, then="sorry")
    assert "choose_language" not in [prompt for prompt, _ in voice.said]


def test_a_meaningless_key_during_the_welcome_is_forgotten() -> None:
    leave, state, _ = call("9", "2", "1")
    assert isinstance(leave, QueueFor)
    assert state.language == "english"


def test_closed() -> None:
    leave, _, voice = call("", "2", closed=True)
    assert leave == HangUp("rejected")
    assert voice.said[-1] == ("closed", "english")


def test_after_the_queue_gave_up() -> None:
    leave, _, voice = call(start="sorry")
    assert leave == HangUp("timeout")
    assert voice.said == [("queue_timeout", "mandarin")]


@pytest.mark.parametrize("before", range(5))
def test_hanging_up_anywhere(before: int) -> None:
    assert call(*["", "7", "", "", ""][:before], "hang up")[0] == CallerGone()


NUMBERS = st.sampled_from(sorted(SITE.numbers))
KEYS = ["", "", "D", "hang up", "0", "1", "2", "3", "9", "*", "#", "12", "202610010", "202610044", "301#", "246810#"]
KEYS += ["13800138000#", "5001#", "18", "4711", "5" * 100, "speak 8", "speak 400", "speak 5 hang up", "speak 3 #"]
# Callers who know their way: random keys alone seldom come far. Cut off anywhere, they go on at random.
WAYS: dict[str, list[list[str]]] = {
    "4008001000": [["", "2", "4", "1", "1"], ["", "2", "3", "202610010"]],
    "4008001001": [["", "2", "3", order] for order in SITE.crm.orders],
    "4008001004": [["", "2", "3", "", "5", "1", "0", "", "speak 6"], ["", "1", "2", "2", "2", "", "", "1"]],
    "4008001005": [["", "2", "1", "13800138000#", "", "1", "4711", "", "1", "3#"], ["", "2", "2", "202610051"]],
    "4008001006": [["", "2", order, "", "", "", "", "1"] for order in SITE.crm.orders] + [["", "2", "18", "", "26"]],
    "4008001007": [["", "2", "1", "1", "", "speak 8", "2", "", "1"], ["", "2", "2", "2", "", "", "2", "13800138000#"]],
    "4008001008": [["", "2", "301#", "246810", "", "", "", "2", "", "", "1"], ["", "2", "301#", "135791", "", "302#"]],
    "4008001009": [["", "", "", "1", "202610010"], ["", "2", "1", "1", "speak 8"]],
    "6000": [["2", "2", f"{ticket}#"] for ticket in SITE.crm.tickets],
}


@st.composite
def doings(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A number, and what its caller does."""
    number = draw(NUMBERS)
    known = draw(st.sampled_from(WAYS.get(number, [[]])))
    begun = known[: draw(st.integers(0, len(known)))] if draw(st.booleans()) else known
    return number, [*begun, *draw(st.lists(st.sampled_from(KEYS), max_size=30))]


CALLERS = st.sampled_from(["", "+8613800138000", "+8613912340001", "+8613912340003", "+861088880001", "+14155550100"])
LOOKS = st.sampled_from([STAFFED, QueueLook(), QueueLook(staffed=2, waiting=9, expected_wait_s=400)])


OVERRUN_S = 20.0  # a question that has begun is asked to its end
BROKEN: dict[str, Any] = {"crm": NothingThere(), "texts": NothingThere(), "functions": NothingThere()}


@settings(max_examples=5000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    doing=doings(),
    ani=CALLERS,
    call_id=st.integers(0, 50).map(str),
    shut=st.frozensets(st.sampled_from(["office", "main"])),
    served=st.booleans(),
    look=LOOKS,
    away=st.sets(st.sampled_from(sorted(BROKEN))),
)
def test_every_caller_of_every_line_comes_out(
    doing: tuple[str, list[str]],
    ani: str,
    call_id: str,
    shut: frozenset[str],
    served: bool,
    look: QueueLook,
    away: set[str],
) -> None:
    """Whatever is pressed, said or left out, whoever takes the call or does not, and whatever is away outside: the call
    ends, once, within the caps of each walk; no node has failed."""
    number, acts = doing
    broken = {name: BROKEN[name] for name in away}
    found = ring(number, *acts, ani=ani, call_id=call_id, closed=shut, served=served, look=look, outside=broken)
    flow = SITE.flows[SITE.numbers[number].flow]
    assert not [what for _, what in found.problems if "the node failed" in what]
    assert broken or not found.problems or "sms" in repr(found.problems) or "text message" in repr(found.problems)
    *middle, last = found.went
    assert all(isinstance(leave, QueueFor | TransferTo) for leave in middle)
    assert isinstance(last, HangUp | CallerGone | QueueFor | TransferTo)
    if isinstance(last, QueueFor | TransferTo):  # they have talked, and the line has nothing more to say
        assert served
        assert last.after is None
    if isinstance(last, CallerGone):
        assert any("hang up" in act for act in acts)
    assert len(middle) <= flow.limits.queues
    assert len(found.way) <= flow.limits.steps * len(found.went)
    assert max(found.lasted) <= flow.limits.seconds + OVERRUN_S
    assert not set(found.state.secrets) - {"dealer_pin"}
    assert "246810" not in repr((found.state.texts, found.kept, found.problems, found.way))


@pytest.mark.parametrize("number", sorted(SITE.numbers))
@pytest.mark.parametrize("before", range(12))
def test_hanging_up_anywhere_on_every_line(number: str, before: int) -> None:
    """At each of the first dozen times that something is played or asked."""
    steps = ["", "2", "2", "1", "", "0", "", "", "1", "", "", ""]
    found = ring(number, *steps[:before], "hang up")
    if next(found.voice._acts, None) is None:  # else the call was over before
        assert found.went[-1] == CallerGone()
    assert not found.problems


@pytest.mark.parametrize("wait", ["", "9"])
def test_who_has_it_told_again_for_ever_is_put_through(wait: str) -> None:
    """By the steps of the walk when they press at once, by its time when they do not."""
    found = ring("4008001006", "", "2", "202610028", *["", wait, "2"] * 200)
    limits = SITE.flows["delivery"].limits
    assert found.way[-1] != "where/anything_else"
    assert "clerk" in found.way
    assert len(found.way) <= limits.steps + 10
    assert found.lasted[0] <= limits.seconds + OVERRUN_S


@pytest.mark.parametrize("number", sorted(SITE.numbers))
def test_a_caller_who_never_does_anything(number: str) -> None:
    """Is served by somebody, or told goodbye; on no line do they go round for ever."""
    found = ring(number)
    assert isinstance(found.went[-1], HangUp)
    assert found.outcome in ("timeout", "self_served")
    assert len(found.way) < 40


ENGINE_KEYS = """
desk_pin desk_logged_in desk_logged_out desk_paused desk_ready desk_wrong_pin desk_locked
desk_already desk_refused hold_notice voicemail_prompt goodbye closed queue_timeout
whisper_queue_sales whisper_queue_service whisper_lang_mandarin whisper_lang_english
whisper_source_tv_spot whisper_source_newspaper whisper_source_web_search whisper_source_packaging
whisper_source_unknown whisper_source_friend
whisper_caller whisper_tier_gold whisper_tier_silver whisper_broken_promise
whisper_queue_advice whisper_queue_dealers whisper_queue_helpdesk too_many_calls
"""


@pytest.mark.parametrize("key", ENGINE_KEYS.split())
def test_the_engine_has_its_words(key: str) -> None:
    assert set(PROMPTS[key].texts) == {"zh", "en"}
    assert PROMPTS[key].sound
