"""Why a call went the way it went, in a few words, from what happened in the node that it left."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hotline.trying.happening import Happening, Kind
from ivr.flow.in_words import condition
from ivr.flow.model import Node
from ivr.flow.nodes.branch import BranchNode
from ivr.flow.nodes.lookup import LookupNode
from ivr.flow.nodes.menu import MenuNode
from ivr.flow.nodes.play import PlayNode
from ivr.flow.nodes.saying import SayNode
from ivr.flow.nodes.script import ScriptNode
from ivr.flow.nodes.sms import SmsNode
from ivr.flow.nodes.subflow import ReturnNode


def why(node: Node, led_to: str, here: Sequence[Happening], typed: str) -> str:
    """``led_to``: the place of the next node. ``here``: what happened in ``node``. ``typed``: the key with which the
    caller cut the notice before it short."""
    heard = [happening for happening in here if happening.kind is Kind.HEARD]
    if isinstance(node, MenuNode):
        return _of_menu(node, heard, typed)
    if isinstance(node, BranchNode):
        return _of_branch(node, led_to.rpartition("/")[2])
    if isinstance(node, LookupNode):
        return _of_lookup(node, led_to.rpartition("/")[2])
    if isinstance(node, PlayNode | SayNode):
        return _of_notice(here)
    if isinstance(node, ReturnNode):
        return f"returns {node.result}"
    if isinstance(node, ScriptNode):
        return "failed" if any(happening.kind is Kind.PROBLEM for happening in here) else "done"
    if isinstance(node, SmsNode):
        return "sent" if any(happening.kind is Kind.KEPT for happening in here) else "not sent"
    return ", ".join(word for word in map(_word, here) if word)


def key_of(here: Iterable[Happening]) -> str:
    """The last key that somebody listened to, or ''."""
    keys = [h.fields["keys"] for h in here if h.kind is Kind.HEARD and h.fields["ended"] == "keys"]
    return str(keys[-1]) if keys else ""


def _of_notice(here: Sequence[Happening]) -> str:
    if key_of(here):
        return f"key {key_of(here)} ended it"
    return "said" if any(happening.kind is Kind.PROMPT for happening in here) else "nothing to say"


def _of_menu(node: MenuNode, heard: Sequence[Happening], typed: str) -> str:
    if not heard:
        return f"key {typed}, pressed before"
    last = heard[-1].fields
    if last["ended"] == "keys" and (last["keys"] or "#") in node.options:
        return _word(heard[-1])
    return "no choice: " + ", ".join(map(_word, heard))


def _of_branch(node: BranchNode, led_to: str) -> str:
    """All that could have led there, when more than one could."""
    cases = [
        f"case {place} ({condition(case.when)})" for place, case in enumerate(node.cases, 1) if case.goto == led_to
    ]
    return " or ".join([*cases, *(["otherwise"] if node.otherwise.goto == led_to else [])])


def _of_lookup(node: LookupNode, led_to: str) -> str:
    ways = {"found": node.found, "missing": node.missing, "failed": node.failed or node.missing}
    return " or ".join(name for name, way in ways.items() if way.goto == led_to)


def _word(happening: Happening) -> str:
    """'' for what is no reason."""
    fields = happening.fields
    match happening.kind:
        case Kind.HEARD:
            return f"key {fields['keys'] or '#'}" if fields["ended"] == "keys" else str(fields["ended"])
        case Kind.LINE:
            return "open" if fields["open"] else "closed"
        case Kind.QUEUE_END | Kind.TRANSFER_END:
            return str(fields["how"]).replace("_", " ")
        case Kind.RECORDED:
            return f"{fields['seconds']:g} s recorded"
        case Kind.KEPT:
            return f"{fields['kept']} kept"
        case Kind.PROBLEM:
            return "failed"
    return ""
