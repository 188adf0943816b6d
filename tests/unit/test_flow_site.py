"""The newer nodes as an admin writes them: the examples of docs/flows.md in the sample site, and each spoilt."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from hotline.site.init import init_site
from hotline.site.loading import judge_site, load_site
from hotline.site.problem import SiteProblem
from ivr.flow.interpreter import CallerGone, CallState, HangUp, Leave, QueueFor, walk
from ivr.flow.model import Flow
from tests.flow.typed_voice import PaperWorld, TypedVoice

DOCS = Path(__file__).resolve().parents[2] / "docs" / "flows.md"
EXAMPLES = dict(re.findall(r"```yaml\n# (flows/order_\w+\.yaml)\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL))
PROMPTS = "".join(
    f"{key}: {{ text: {{ zh: 好, en: good }} }}\n"
    for key in ("ask_order", "you_typed", "right_or_again", "it_costs", "it_comes")
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The sample site, its first number served by the order line."""
    site = tmp_path / "site"
    init_site(site)
    for file, text in EXAMPLES.items():
        (site / file).write_text(text, "utf-8")
    with (site / "prompts.yaml").open("a") as prompts:
        prompts.write(PROMPTS)
    replace(site, "numbers.yaml", "flow: main", "flow: order_line")
    return site


def replace(site: Path, file: str, old: str, new: str) -> None:
    text = (site / file).read_text("utf-8")
    assert old in text
    (site / file).write_text(text.replace(old, new, 1), "utf-8")


def call(folder: Path, *acts: str, call_id: str = "b", source: str = "web_search") -> tuple[Leave, TypedVoice]:
    flows = load_site(folder).flows
    world = PaperWorld()
    voice = TypedVoice(world, acts)
    state = CallState("english", call_id=call_id, country="CN", source=source)
    return asyncio.run(walk(flows["order_line"], None, state, voice, world, flows)), voice


def test_the_examples_are_sound(folder: Path) -> None:
    assert len(EXAMPLES) == 2
    assert judge_site(folder).problems == ()


def test_a_caller_hears_what_the_order_costs(folder: Path) -> None:
    leave, voice = call(folder, "79927398713#", "", "", "1")
    assert leave == HangUp()
    assert [words for words, _ in voice.said] == [
        "ask_order",
        "you_typed",
        "seven nine nine, two seven three nine, eight seven one three",
        "right_or_again",
        "it_costs",
        "two hundred five yuan and fifty fen",
        "it_comes",
        "March fifth, twenty twenty-six",
    ]


def test_a_wrong_check_digit_three_times_is_for_an_agent(folder: Path) -> None:
    leave, voice = call(folder, *["79927398710#"] * 3)
    assert isinstance(leave, QueueFor)
    assert [words for words, _ in voice.said].count("invalid_key") == 2


def test_nobody_there_is_no_work_for_an_agent(folder: Path) -> None:
    assert call(folder)[0] == HangUp()


FLOWS = {
    name: Flow.model_validate({"name": name, **YAML(typ="safe").load(EXAMPLES[f"flows/{name}.yaml"])})
    for name in ("order_line", "order_status")
}
ACTS = st.one_of(
    st.text("0123456789*#", max_size=15), st.sampled_from(["", "D", "hang up", "1", "2", "#", "79927398713#"])
)


@given(st.lists(ACTS, max_size=30), st.text(max_size=5), st.sampled_from(["tv_spot", "unknown"]), st.booleans())
def test_every_caller_comes_out_of_the_examples(acts: list[str], call_id: str, source: str, closed: bool) -> None:
    """Through both flows, and again at each queue that gives up: a leave, within the caps."""
    world = PaperWorld(closed=frozenset({"main"} if closed else ()))
    voice, state = TypedVoice(world, acts), CallState("mandarin", call_id=call_id, country="CN", source=source)
    start, begun = None, world.now()
    while True:
        leave = asyncio.run(walk(FLOWS["order_line"], start, state, voice, world, FLOWS))
        if not isinstance(leave, QueueFor):
            break
        start = leave.then
    assert isinstance(leave, HangUp | CallerGone)
    assert leave != CallerGone() or "hang up" in acts
    assert (world.now() - begun).total_seconds() <= FLOWS["order_line"].limits.seconds
    assert not state.secrets


FLOW, STATUS = "flows/order_line.yaml", "flows/order_status.yaml"


@pytest.mark.parametrize(
    ("file", "old", "new", "key", "message"),
    [
        (FLOW, "closed: main }", "closed: mian }", "nodes.greeting.cases.0.when.closed", "no line of hours 'mian'"),
        (FLOW, "[tv_spot,", "[tv_sopt,", "nodes.greeting.cases.2.when.source.0", "no media source 'tv_sopt'"),
        (
            FLOW,
            "language: mandarin",
            "language: latin",
            "nodes.greeting.cases.2.when.language.0",
            "no language 'latin'",
        ),
        (FLOW, "percent: 20", "percent: 200", "nodes.greeting.cases.1.when.share.percent", "less than or equal to 100"),
        (FLOW, "percent: 20", "per_cent: 20", "nodes.greeting.cases.1.when.share.per_cent", "unknown key"),
        (FLOW, "what: order_number", "what: order_numbre", "nodes.order.what", "'order_number'"),
        (FLOW, "check: luhn", "check: lun", "nodes.order.check", "'luhn'"),
        (FLOW, "min_digits: 6", "min_digits: 13", "nodes.order", "at least 13 and at most 12 digits"),
        (FLOW, "[you_typed]", "[you_tiped]", "nodes.order.confirm.before.0", "no prompt 'you_tiped'"),
        (FLOW, "flow: order_status", "flow: order_statis", "nodes.status.flow", "no flow 'order_statis'"),
        (FLOW, "{ order: $order_number }", "{}", "nodes.status.parameters", "needs the parameter 'order'"),
        (FLOW, "{ order: $order_number }", "{ order: $order_numbre }", "nodes.status.parameters.order", "no value"),
        (FLOW, "{ told: bye }", "{ tole: bye }", "nodes.status.returns.tole", "no result 'tole'"),
        (FLOW, "    flow: order_status\n", "", "nodes.status.flow", "is missing"),
        (FLOW, "if_silent: bye", "if_silent: by", "nodes.order.if_silent.goto", "no node 'by'"),
        (STATUS, '"{price}"', '"{prize}"', "nodes.say_price.value", "no value 'prize'"),
        (STATUS, '"{price}"', '"{price.real}"', "nodes.say_price.value", "cannot stand here"),
        (STATUS, "value: price,", "value: prize,", "nodes.is_there.cases.0.when.value", "no value 'prize'"),
        (STATUS, "known: true", "known: true, equals: x", "nodes.is_there.cases.0.when", "exactly one of"),
        (STATUS, "kind: set", "kind: sett", "nodes.demo_price", "'sett'"),
        ("numbers.yaml", "flow: order_line", "flow: order_status", "4008001001.flow", "cannot take a call by itself"),
    ],
)
def test_each_mistake_is_told_with_its_place(
    folder: Path, file: str, old: str, new: str, key: str, message: str
) -> None:
    line = (folder / file).read_text("utf-8").split(old, 1)[0].count("\n") + 1
    replace(folder, file, old, new)
    found = [problem for problem in judge_site(folder).problems if problem.file == file]
    assert told(found, key, message), found
    assert abs(found[0].line - line) <= 1 or key in ("nodes.order", "nodes.demo_price", "nodes.status.flow")


def told(found: list[SiteProblem], key: str, message: str) -> bool:
    return any(problem.key == key and message in problem.message for problem in found)


def test_a_flow_that_is_broken_spoils_nobody_elses_values(folder: Path) -> None:
    replace(folder, STATUS, "kind: set", "kind: sett")
    assert {problem.file for problem in judge_site(folder).problems} == {STATUS}
