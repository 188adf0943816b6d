"""The flow that `hotline init` writes, walked by callers of every kind."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from ivr.flow.check import check_flow
from ivr.flow.interpreter import CallerGone, CallState, HangUp, Leave, QueueFor, walk
from ivr.flow.model import Flow
from ivr.prompts.text import PromptsForm
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


def test_it_is_sound() -> None:
    assert check_flow(FLOW, PROMPTS, {"sales", "service"}, {"main"}, {"mandarin", "english"}) == []


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


@given(st.lists(st.sampled_from(["", "D", "hang up", "0", "1", "2", "9", "*", "#", "12", "5" * 100]), max_size=30))
def test_every_caller_comes_out(acts: list[str]) -> None:
    """Whatever is pressed, and through every queue's time-out: a leave, within the caps."""
    world = PaperWorld()
    voice = TypedVoice(world, acts)
    state = CallState(language="mandarin")
    start, begun = None, world.now()
    while True:
        leave = asyncio.run(walk(FLOW, start, state, voice, world))
        if not isinstance(leave, QueueFor):
            break
        start = leave.then
    assert isinstance(leave, HangUp | CallerGone)
    assert leave != CallerGone() or "hang up" in acts
    assert len(state.path) <= FLOW.limits.steps
    assert (world.now() - begun).total_seconds() <= FLOW.limits.seconds


ENGINE_KEYS = """
desk_pin desk_logged_in desk_logged_out desk_paused desk_ready desk_wrong_pin desk_locked
desk_already desk_refused hold_notice voicemail_prompt goodbye closed queue_timeout
whisper_queue_sales whisper_queue_service whisper_lang_mandarin whisper_lang_english
whisper_source_tv_spot whisper_source_newspaper whisper_source_web_search whisper_source_packaging
whisper_source_unknown
"""


@pytest.mark.parametrize("key", ENGINE_KEYS.split())
def test_the_engine_has_its_words(key: str) -> None:
    assert set(PROMPTS[key].texts) == {"zh", "en"}
    assert PROMPTS[key].sound
