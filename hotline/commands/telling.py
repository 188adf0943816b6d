"""A tried call in a person's words, a few lines for each happening. Plain text: nothing in it is read as markup."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from rich.text import Text

from hotline.commands.showing import printable
from hotline.trying.happening import Happening, Kind

_INDENT = " " * 11


class Teller:
    """``names``: of the agents, by extension."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    def lines(self, happening: Happening) -> Iterator[Text]:
        fields = happening.fields
        match happening.kind:
            case Kind.DIALLED:
                yield from _dialled(fields)
            case Kind.NODE:
                yield _node(happening.at_s, fields)
            case Kind.PROMPT:
                yield Text(_INDENT + printable(f"“{fields['text']}”") + (" (cut short)" if fields["cut"] else ""))
            case Kind.HEARD:
                yield _said(_heard(fields), "bold")
            case Kind.LINE:
                yield _said(f"{fields['line']} is {'open' if fields['open'] else 'closed'}")
            case Kind.SET:
                yield _said(", ".join(f"{name} = {value}" for name, value in fields["values"].items()), "green")
            case Kind.QUEUE:
                yield from self._queue(fields)
            case Kind.QUEUE_END:
                yield _said(self._queue_end(fields), "bold")
            case Kind.END:
                yield from _end(fields)
            case Kind.PROBLEM:
                yield _said(f"a problem at {fields['node']}: {fields['what']}", "yellow")
            case Kind.TRANSFER_END:
                yield _said(_transfer_end(fields), "bold")
            case _:
                yield _said(_asked(happening.kind, fields))

    def _queue(self, fields: Mapping[str, Any]) -> Iterator[Text]:
        bound = ", ".join(f"{name} = {value}" for name, value in fields["attributes"].items()) or "nothing asked for"
        priority = f", priority {fields['priority']}" if fields["priority"] else ""
        for_one = f" for {self._people([fields['agent']])} alone" if fields.get("agent") else ""
        yield _said(f"waits in {fields['queue']}{for_one} ({bound}{priority}), {fields['max_wait_s']:.0f} s at most")
        last = len(fields["steps"])
        for place, step in enumerate(fields["steps"], 1):
            stands = f"{step['for_s']:.0f} s" if step["for_s"] and place < last else "to the end"
            able = self._people(step["agents"]) or ("nobody, passed at once" if place < last else "nobody")
            yield _said(f"  {place}. {_requirement(step)}, {stands}: {able}")

    def _queue_end(self, fields: Mapping[str, Any]) -> str:
        if fields["how"] == "answered":
            return f"answered after {fields['waited_s']:.0f} s by one of {self._people(fields['agents'])}"
        words = {
            "hung_up": "hangs up",
            "nobody_able": f"no agent of the site can answer; given up after {fields['waited_s']:.0f} s",
            "timed_out": f"nobody came in {fields['waited_s']:.0f} s",
        }
        return words[fields["how"]]

    def _people(self, extensions: list[str]) -> str:
        return ", ".join(f"{extension} {self._names.get(extension, '')}".rstrip() for extension in extensions)


def _asked(kind: Kind, fields: Mapping[str, Any]) -> str:
    """What was asked of the world outside of the call, or told to it."""
    match kind:
        case Kind.HOLIDAY:
            return f"{fields['line']}: {'a holiday' if fields['holiday'] else 'no holiday'}"
        case Kind.QUEUE_LOOK:
            return _queue_look(fields)
        case Kind.CALLER:
            return f"the CRM knows {fields['number']}: {_pairs(fields['caller']) or 'nobody'}"
        case Kind.LOOKUP:
            answer = f"{fields['pin']} PIN" if "pin" in fields else _pairs(fields["found"] or {}) or "none"
            return f"the CRM on {fields['what']} {fields['key']}: {answer}"
        case Kind.WEB:
            return f"{fields['method']} {fields['url']}: {fields['came']}"
        case Kind.RECORDED:
            return f"{fields['seconds']:g} s are recorded"
        case Kind.SCRIPT:
            return _script(fields)
        case Kind.TEXT:
            return f"text to {fields['to']} (not sent): “{fields['text']}”"
        case Kind.TRANSFER:
            return f"rings {fields['to']}, {fields['ring_s']:.0f} s at most"
        case Kind.KEPT:
            return f"kept as {fields['kept']}: {_pairs(fields['fields'])}"
    return ""


def _queue_look(fields: Mapping[str, Any]) -> str:
    wait_s = fields["expected_wait_s"]
    expected = "" if wait_s is None else f", {wait_s:.0f} s of waiting expected"
    people = ", ".join(f"{fields[word]} {word}" for word in ("staffed", "idle", "waiting"))
    return f"{fields['queue']}: {people}{expected}"


def _script(fields: Mapping[str, Any]) -> str:
    what = f"AGI script {fields['agi']}" if "agi" in fields else f"function {fields['python']}"
    return f"{what} is given {_pairs(fields['given']) or 'nothing'}, {fields['limit_s']:g} s at most"


def _transfer_end(fields: Mapping[str, Any]) -> str:
    words = {"answered": "answered", "hung_up": "hangs up", "timed_out": "nobody there"}
    return f"{words[fields['how']]} after {fields['rang_s']:.0f} s"


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in values.items())


def _requirement(step: Mapping[str, Any]) -> str:
    """Bound to the call; as it is written where that would hide why it is false."""
    return f"{step['require']} (no {', '.join(step['unknown'])})" if step["unknown"] else str(step["bound"])


def _said(text: str, style: str = "") -> Text:
    return Text(_INDENT + printable(text), style)


def _dialled(fields: Mapping[str, Any]) -> Iterator[Text]:
    at = datetime.fromisoformat(fields["at"])
    yield Text(
        printable(f"{fields['ani'] or 'a withheld number'} dials {fields['number']} on {at:%a %Y-%m-%d %H:%M:%S}")
    )
    if not fields["known"]:
        yield Text(f"not in numbers.yaml: Asterisk would refuse it; tried with the flow '{fields['flow']}'", "yellow")
    words = ("source", "campaign", "flow", "language")
    yield Text(printable(", ".join(f"{word} {fields[word]}" for word in words if fields[word])), "green")


def _node(at_s: float, fields: Mapping[str, Any]) -> Text:
    reason = f"  ← {fields['after']}" + (f": {fields['why']}" if fields["why"] else "") if fields["after"] else ""
    return Text.assemble(
        (f"{at_s:8.1f} s ", "cyan"), (fields["node"], "bold"), f" ({fields['kind']})", (printable(reason), "dim")
    )


def _heard(fields: Mapping[str, Any]) -> str:
    keys = fields["keys"] or "#"
    words = {
        "keys": f"{'key' if len(keys) == 1 else 'keys'} {keys}",
        "ignored": f"key {keys} is lost: this prompt is not to be interrupted",
        "gone": "hangs up",
    }
    return words.get(fields["ended"], str(fields["ended"]))


def _end(fields: Mapping[str, Any]) -> Iterator[Text]:
    until = " until the agent answers" if fields["outcome"] == "answered" else ""
    yield Text.assemble((fields["outcome"], "bold"), f" after {fields['lasted_s']:.1f} s{until}")
    yield Text("way: " + " → ".join(fields["path"]))
    if fields["cap"] is not None:
        yield Text(f"the flow's limit of {fields['cap']} was reached on the way", "yellow")
    if fields["unused_keys"]:
        yield Text(printable(f"keys not used: {fields['unused_keys']}"), "yellow")
