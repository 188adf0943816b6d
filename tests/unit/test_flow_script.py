"""The script node: what it hands over, what it takes back, and that whatever goes wrong only costs the way."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import ValidationError

from ivr.flow.interpreter import CallerGone, CallState, HangUp, walk
from ivr.flow.nodes.script import ScriptNode
from ivr.flow.outside import Outside, OutsideFailed
from ivr.voice import Ended, ScriptEnd
from tests.flow.typed_voice import PaperWorld, TypedVoice
from tests.flow.walking import flow, problems


@dataclass
class PaperFunctions:
    answer: Mapping[str, str] | Exception = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str], float]] = field(default_factory=list)

    async def call(self, name: str, values: Mapping[str, str], limit_s: float) -> Mapping[str, str]:
        self.asked.append((name, dict(values), limit_s))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@dataclass
class Ran:
    state: CallState
    voice: TypedVoice
    leave: object
    told: list[str]

    @property
    def way(self) -> str:
        return self.state.path[-1]


def ran(node: dict[str, Any], *acts: str, functions: PaperFunctions | None = None, **scripts: ScriptEnd) -> Ran:
    world = PaperWorld(outside=Outside(functions=functions or PaperFunctions()))
    voice, told = TypedVoice(world, acts), []
    voice.scripts = dict(scripts)
    state = CallState("mandarin", country="CN", dnis="4008", attributes={"product": "laptop", "stock": "7"})
    state.secrets["pin"] = "1234"
    state.on_problem = lambda place, what: told.append(f"{place}: {what}")
    given = flow(a={"kind": "script", "then": "right", "failed": "wrong", **node})
    return Ran(state, voice, asyncio.run(walk(given, None, state, voice, world)), told)


def test_a_function_gets_what_is_given_and_sets_what_is_taken() -> None:
    functions = PaperFunctions({"stock": "12", "notice": "到货, soon", "unasked": "x"})
    give, take = ["product", "dnis", "unknown", "pin"], ["stock", "notice", "gone"]
    found = ran({"python": "count", "give": give, "take": take, "limit_s": 3}, functions=functions)
    assert functions.asked == [("count", {"product": "laptop", "dnis": "4008"}, 3.0)]
    assert (found.way, found.told) == ("right", [])
    assert found.state.attributes == {"product": "laptop", "stock": "12"}  # a plain word; kept over a restart
    assert found.state.texts == {"notice": "到货, soon"}


def test_what_is_taken_and_not_set_is_no_value_any_more() -> None:
    assert "stock" not in ran({"python": "count", "take": ["stock"]}).state.values()


@pytest.mark.parametrize("fault", [OutsideFailed("its 3 s were over"), TimeoutError(), RuntimeError("what was typed")])
def test_a_failure_takes_nothing_and_is_the_admins_to_see(fault: Exception) -> None:
    found = ran({"python": "count", "take": ["stock"]}, functions=PaperFunctions(fault))
    assert found.way == ("end" if isinstance(fault, RuntimeError) else "wrong")  # a mistake of ours: the default way
    assert found.state.attributes["stock"] == "7"
    (told,) = found.told
    assert "typed" not in told
    assert told.endswith(("RuntimeError", "its 3 s were over", "it took too long"))


def test_without_functions_the_failed_way_is_left() -> None:
    world = PaperWorld()
    state = CallState("mandarin")
    given = flow(a={"kind": "script", "python": "x", "then": "right", "failed": "wrong"})
    asyncio.run(walk(given, None, state, TypedVoice(world), world))
    assert state.path == ["a", "wrong"]


def test_an_agi_script_has_the_line() -> None:
    end = ScriptEnd(Ended.SILENCE, {"stock": "3"})
    found = ran({"agi": "teller", "give": ["product"], "take": ["stock"]}, teller=end)
    assert (found.way, found.voice.given) == ("right", {"product": "laptop"})
    assert found.voice.said == [("script teller", "mandarin")]
    assert found.state.attributes["stock"] == "3"


def test_the_caller_hangs_up_in_it() -> None:
    found = ran({"agi": "teller"}, teller=ScriptEnd(Ended.GONE, {"stock": "3"}))
    assert (found.leave, found.way) == (CallerGone(), "a")


def test_an_agi_script_that_fails() -> None:
    found = ran(
        {"agi": "teller", "take": ["stock"]}, teller=ScriptEnd(Ended.SILENCE, {"stock": "3"}, "it ended with 1")
    )
    assert (found.way, found.leave) == ("wrong", HangUp())
    assert found.told == ["a: the script 'teller' failed: it ended with 1"]
    assert found.state.attributes["stock"] == "7"


def test_a_key_before_an_agi_script_is_no_answer_to_a_menu_after_it() -> None:
    menu = {"kind": "menu", "prompts": ["q"], "options": {"1": "right"}, "otherwise": "wrong"}
    world = PaperWorld()
    nodes = {
        "a": {"kind": "play", "prompts": ["n"], "then": "s"},
        "s": {"kind": "script", "agi": "x", "then": "m", "failed": "m"},
        "m": menu,
    }
    state = CallState("mandarin")
    asyncio.run(walk(flow(**nodes), None, state, TypedVoice(world, ["1"]), world))
    assert state.path[-1] == "wrong"


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"python": "a", "agi": "b"},
        {"python": "../a"},
        {"python": "a", "limit_s": 31},
        {"agi": "a", "limit_s": 301},
        {"agi": "a", "take": ["dnis"]},
    ],
)
def test_what_is_no_script(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ScriptNode.model_validate({"kind": "script", "then": "x", "failed": "y", **wrong})


def test_check_knows_its_values() -> None:
    node = {"kind": "script", "python": "a", "then": "b", "failed": "wrong", "take": ["stock"]}
    said = {"kind": "say", "what": "digits", "value": "{stock}", "then": "right"}
    assert problems(flow(a=node, b=said)) == []
    found = problems(flow(a={**node, "give": ["nothing"]}, b=said))
    assert [problem.path for problem in found] == [("nodes", "a", "give", 0)]
