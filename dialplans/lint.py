"""Reads a dialplan as text and names what must not be in one that strangers call. Pure: text in, problems out.

It serves our own rendered file (where every finding is a bug of ours) and the admin's raw files.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

# A step that ends an extension. Wait-and-see ends (autofallthrough) hang up with a cause nobody chose.
_TERMINALS = frozenset({"Hangup", "Goto", "Return", "Congestion", "Busy"})
_SHELLS = re.compile(r"\b(System|TrySystem|ExternalIVR|SHELL|CURL|CURLOPT|EVAL|FILE|ENV)\s*\(", re.IGNORECASE)
_CONTEXT = re.compile(r"\[([^\]]+)\]")
_STEP = re.compile(r"(?P<priority>\w+)(?:\((?P<label>[\w-]+)\))?\s*,\s*(?P<app>\w+)\s*(?:\((?P<args>.*)\))?\s*$")
# A phone of the house. With an @ it is a number at a trunk, and whoever gets there spends the company's money.
_PHONE = re.compile(r"PJSIP/[0-9A-Za-z_-]+")
_DIALS = frozenset({"Dial", "RetryDial", "Originate", "Page"})
_JUMPS = frozenset({"Goto", "GotoIf", "Gosub", "GosubIf", "GotoIfTime"})


@dataclass(frozen=True, slots=True)
class LintProblem:
    """``line`` counts from 1."""

    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Step:
    line: int
    context: str
    extension: str
    label: str
    app: str
    args: str


@dataclass(slots=True)
class Plan:
    """A dialplan as read: (context, extension) → its steps in order; ``problems`` are lines that are not dialplan."""

    steps: dict[tuple[str, str], list[Step]] = field(default_factory=dict)
    contexts: set[str] = field(default_factory=set)
    problems: list[LintProblem] = field(default_factory=list)

    def all(self) -> Iterator[Step]:
        for steps in self.steps.values():
            yield from steps


def lint(text: str, outside: Collection[str] = ()) -> list[LintProblem]:
    """All problems of one file, in the order of its lines. ``outside``: the listed numbers, as Dial names them
    (``+862112345678@carrier``)."""
    plan = read(text)
    found = [
        *plan.problems,
        *_shells(plan),
        *_patterns(plan),
        *_open_ends(plan),
        *_lost_jumps(plan),
        *_trusting(plan),
        *_ways_out(plan, outside),
    ]
    return sorted(found, key=lambda problem: problem.line)


def read(text: str) -> Plan:
    plan, context, extension = Plan(), "", ""
    for number, raw in enumerate(text.splitlines(), start=1):
        line = re.sub(r"(?<!\\);.*", "", raw).strip()
        if not line or line.startswith("#"):
            continue
        if heading := _CONTEXT.match(line):
            context, extension = heading[1], ""
            plan.contexts.add(context)
            continue
        key, _, value = (part.strip() for part in line.partition("="))
        value = value.removeprefix(">").strip()
        if key == "exten":
            extension, _, value = (part.strip() for part in value.partition(","))
        if key in ("exten", "same"):
            _add(plan, number, context, extension, value)
    return plan


def _add(plan: Plan, number: int, context: str, extension: str, value: str) -> None:
    if value.startswith("hint"):
        return
    found = _STEP.match(value)
    if found is None or not extension or not context:
        plan.problems.append(LintProblem(number, "this is not a step of an extension"))
        return
    step = Step(number, context, extension, found["label"] or "", found["app"], found["args"] or "")
    plan.steps.setdefault((context, extension), []).append(step)


def _shells(plan: Plan) -> Iterator[LintProblem]:
    for step in plan.all():
        named = _SHELLS.search(f"{step.app}({step.args})")
        if named:
            yield LintProblem(step.line, f"{named[1]} reaches out of Asterisk: a caller's words must not")


def _patterns(plan: Plan) -> Iterator[LintProblem]:
    """`.` and `!` swallow any length and any character: a caller could then write into the dialplan's own words."""
    for (_, extension), steps in plan.steps.items():
        if extension.startswith("_") and re.search(r"[.!]", extension):
            yield LintProblem(steps[0].line, f"pattern {extension} takes anything; write how many digits of which kind")


def _ways_out(plan: Plan, outside: Collection[str]) -> Iterator[LintProblem]:
    """What is dialled is written out: a phone of the house, or a number of the site's list. No variable (a caller would
    choose where we call), no Local channel (which leads into the dialplan again), no number beside the list."""
    for step in plan.all():
        if step.app in _DIALS:
            for place in _places(step):
                if not _PHONE.fullmatch(place) and place.removeprefix("PJSIP/") not in outside:
                    yield LintProblem(step.line, f"{step.app} leads to '{place}': no phone, and no listed number")


def _places(step: Step) -> list[str]:
    return [place.strip() for place in step.args.partition(",")[0].split("&")]


def _open_ends(plan: Plan) -> Iterator[LintProblem]:
    for (_, extension), steps in plan.steps.items():
        if extension != "h" and steps[-1].app not in _TERMINALS:
            yield LintProblem(steps[-1].line, f"the extension ends in {steps[-1].app}, not in Hangup, Goto or Return")


def _lost_jumps(plan: Plan) -> Iterator[LintProblem]:
    for step in plan.all():
        if step.app in _JUMPS:
            for target in _targets(step):
                if not _lands(plan, step, target):
                    yield LintProblem(step.line, f"{step.app} leads to {target}, which is not there")


def _targets(step: Step) -> Iterable[str]:
    if step.app in ("Goto", "Gosub"):
        return [_without_arguments(step.args)]
    _, _, branches = step.args.rpartition("?")
    return [_without_arguments(branch) for branch in branches.split(":") if branch]


def _without_arguments(target: str) -> str:
    return target.partition("(")[0].strip()


def _lands(plan: Plan, step: Step, target: str) -> bool:
    if "${" in target:
        return True  # only the call will tell
    context, extension, place = ([step.context, step.extension, *target.split(",")])[-3:]
    if "," in target and target.count(",") == 1:
        context = step.context
    steps = plan.steps.get((context, extension), [])
    return (place.isdecimal() and 1 <= int(place) <= len(steps)) or any(each.label == place for each in steps)


def _trusting(plan: Plan) -> Iterator[LintProblem]:
    """After an engine's AGI the next step must ask HOTLINE_NEXT: AGISTATUS says SUCCESS when an engine dies."""
    for steps in plan.steps.values():
        for index, step in enumerate(steps):
            if step.app != "AGI" or not step.args.startswith("agi://"):
                continue
            after = steps[index + 1] if index + 1 < len(steps) else None
            if after is None or after.app != "GotoIf" or "HOTLINE_NEXT" not in after.args:
                yield LintProblem(step.line, "HOTLINE_NEXT is not asked after this AGI: a dead engine drops the caller")
