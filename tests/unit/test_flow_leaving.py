"""What callers leave behind, as an admin writes it: the example of docs/flows.md in the sample site, and spoilt."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from hotline.site.init import init_site
from hotline.site.loading import judge_site, load_site
from ivr.flow.graph import mermaid
from ivr.flow.interpreter import CallerGone, CallState, HangUp, Leave, walk
from tests.flow.keeping import Shelf
from tests.flow.typed_voice import PaperWorld, TypedVoice

DOCS = Path(__file__).resolve().parents[2] / "docs" / "flows.md"
FILE = "flows/after_hours.yaml"
(EXAMPLE,) = re.findall(rf"```yaml\n# {FILE}\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
WORDS = {
    "message": ["leave_or_call", "after_the_beep", "keep_listen_again"],
    "number": ["we_call_you", "type_your_number", "you_typed", "right_or_other", "not_there"],
    "marks": ["thank_you", "how_content", "would_you_tell"],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    site = tmp_path / "site"
    init_site(site)
    (site / FILE).write_text(EXAMPLE, "utf-8")
    there = (site / "prompts.yaml").read_text("utf-8")
    new = [key for keys in WORDS.values() for key in keys if f"\n{key}:" not in there]
    with (site / "prompts.yaml").open("a", encoding="utf-8") as prompts:
        prompts.write("".join(f"{key}: {{ text: {{ zh: 好, en: good }} }}\n" for key in new))
    return site


def call(folder: Path, *acts: str) -> tuple[Leave, CallState, Shelf]:
    flows = load_site(folder).flows
    world, shelf = PaperWorld(), Shelf()
    voice = TypedVoice(world, acts)
    state = CallState("english", call_id="c-1", country="CN", ani="+8613800138000", keep=shelf.keep)
    leave = asyncio.run(walk(flows["after_hours"], None, state, voice, world, flows))
    return leave, state, shelf


def test_the_example_is_sound_and_can_be_drawn(folder: Path) -> None:
    assert [problem for problem in judge_site(folder).problems if problem.file == FILE] == []
    drawn = mermaid(load_site(folder).flows["after_hours"])
    assert "call_me<br/>callback sales" in drawn
    assert "n_message -.->|" in drawn


def test_a_message_and_two_marks(folder: Path) -> None:
    leave, state, shelf = call(folder, "1", "", "speak 30", "1", "", "5", "1", "0")
    assert [kind for kind, _ in shelf.kept] == ["voicemail", "survey"]
    assert shelf.kept[1][1] == {"content": 5, "friends": 10}
    assert (leave, state.reached) == (HangUp(), "voicemail")
    assert state.path == ["what", "message", "thanks", "how_was_it", "bye"]


def test_a_number_and_a_hang_up(folder: Path) -> None:
    leave, state, shelf = call(folder, "2", "", "", "", "1", "hang up")
    assert [(kind, fields["number"]) for kind, fields in shelf.kept] == [("callback", "+8613800138000")]
    assert (leave, state.reached) == (CallerGone(), "callback")


@pytest.mark.parametrize(
    ("old", "new", "key", "message"),
    [
        ("box: service", "box: the service", "nodes.message.box", "cannot stand here"),
        ("min_s: 2", "min_s: 0", "nodes.message.min_s", "greater than or equal to 0.5"),
        ("silence_s: 4", "silence_s: 4.5", "nodes.message.silence_s", "integer"),
        ("[keep_listen_again]", "[keep_listen]", "nodes.message.review.prompts.0", "no prompt 'keep_listen'"),
        ("queue: sales", "queue: sails", "nodes.call_me.queue", "no queue 'sails'"),
        ("[right_or_other]", "[right]", "nodes.call_me.confirm.prompts.0", "no prompt 'right'"),
        ("refused: not_there", "countries: [ZZ]", "nodes.call_me.countries.0", "'ZZ' is no country"),
        ("scale: nps", "scale: stars", "nodes.how_was_it.questions.1.scale", "'csat'"),
        ("name: friends", "name: content", "nodes.how_was_it", "the name 'content' is taken"),
        ("then: how_was_it", "then: bye", "nodes.how_was_it", "no way leads to node"),
    ],
)
def test_each_mistake_is_told_with_its_place(folder: Path, old: str, new: str, key: str, message: str) -> None:
    text = (folder / FILE).read_text("utf-8")
    assert old in text
    (folder / FILE).write_text(text.replace(old, new, 1), "utf-8")
    found = [problem for problem in judge_site(folder).problems if problem.file == FILE]
    assert any(problem.key == key and message in problem.message for problem in found), found
