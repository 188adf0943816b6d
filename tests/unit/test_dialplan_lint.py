"""Each rule of the lint finds its fault, and leaves the same text without the fault alone."""

from __future__ import annotations

import pytest

from dialplans.lint import lint, read

GOOD = """
[from-trunk]
exten => 100,1,Goto(inside,s,1) ; a comment, with System(x)
exten => 101,1,Set(A=a\\;b)
 same => n,Goto(100,1)
exten => _2XX,1,Gosub(inside,sub,1(a,b))
 same => n,Hangup()

[inside]
exten => s,1,NoOp()
 same => n(again),AGI(agi://127.0.0.1:1/x/call)
 same => n,GotoIf($["${HOTLINE_NEXT}" = "hangup"]?done:again)
 same => n(done),Hangup()
exten => sub,1,Return()
exten => h,1,NoOp()
"""


def test_a_good_plan_has_no_problem() -> None:
    assert lint(GOOD) == []


@pytest.mark.parametrize(
    ("fine", "broken", "word"),
    [
        ("_2XX", "_2X.", "takes anything"),
        ("_2XX", "_!", "takes anything"),
        ("exten => s,1,NoOp()", "exten => s,1,System(id)", "System"),
        ("exten => s,1,NoOp()", "exten => s,1,TrySystem(id)", "TrySystem"),
        ("exten => s,1,NoOp()", "exten => s,1,Set(A=${SHELL(id)})", "SHELL"),
        ("exten => s,1,NoOp()", "exten => s,1,Set(A=${CURL(x)})", "CURL"),
        ("exten => s,1,NoOp()", "exten => s,1,ExternalIVR(x)", "ExternalIVR"),
        ("n(done),Hangup()", "n(done),NoOp()", "ends in NoOp"),
        ("Goto(inside,s,1)", "Goto(outside,s,1)", "not there"),
        ("Goto(inside,s,1)", "Goto(inside,s,9)", "not there"),
        ("Goto(100,1)", "Goto(102,1)", "not there"),
        ("?done:again", "?gone:again", "not there"),
        ("?done:again", "?done:anew", "not there"),
        ("inside,sub,1(a,b)", "inside,sup,1(a,b)", "not there"),
        (' same => n,GotoIf($["${HOTLINE_NEXT}" = "hangup"]?done:again)', " same => n,NoOp()", "HOTLINE_NEXT"),
        ("${HOTLINE_NEXT}", "${AGISTATUS}", "HOTLINE_NEXT"),
        ("exten => s,1,NoOp()", "exten => s,1", "not a step"),
    ],
)
def test_each_fault_is_found_once_at_its_line(fine: str, broken: str, word: str) -> None:
    assert fine in GOOD
    text = GOOD.replace(fine, broken)
    problems = [problem for problem in lint(text) if word in problem.message]
    assert len(problems) == 1
    assert 1 <= problems[0].line <= len(text.splitlines())


def test_a_jump_that_only_the_call_can_tell_is_left_alone() -> None:
    assert lint("[a]\nexten => s,1,Goto(${WHERE},s,1)\n") == []


def test_a_hint_is_no_step() -> None:
    assert read("[a]\nexten => 1001,hint,PJSIP/1001\n").steps == {}
