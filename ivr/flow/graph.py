"""A flow as Mermaid text: what a person would draw on a board.

Made of what each node mentions, so a new kind of node is drawn without a word about it here.
"""

from __future__ import annotations

from collections.abc import Iterator

from ivr.flow.in_words import condition
from ivr.flow.model import Flow, Node
from ivr.flow.nodes.branch import BranchNode
from ivr.flow.nodes.form import Mention, Noun, WayForm
from ivr.flow.nodes.hours import HoursNode
from ivr.flow.nodes.menu import MenuNode
from ivr.flow.nodes.queue import QueueNode

_SHAPES = {
    "menu": ("{", "}"),
    "hours": ("{{", "}}"),
    "branch": ("{{", "}}"),
    "queue": ("[[", "]]"),
    "agent": ("[[", "]]"),
    "transfer": ("[[", "]]"),
    "flow": ("[[", "]]"),
    "hangup": ("([", "])"),
    "return": ("([", "])"),
}
_DEFAULT_WAYS = frozenset({"otherwise", "if_silent", "if_invalid", "missing", "failed"})
_TOLD = (Noun.AGENT, Noun.OUTSIDE, Noun.QUEUE, Noun.FLOW)


def mermaid(flow: Flow) -> str:
    """Nodes in the file's order, keys on the edges, default ways dashed. Ends with a line break."""
    lines = ["flowchart TD", f'    start(["{flow.name}"]) --> {_id(flow.start)}']
    lines += [_box(name, node) for name, node in flow.nodes.items()]
    for name, node in flow.nodes.items():
        lines += _edges(name, node)
    if flow.default_way is not None:
        limits = f"{flow.limits.steps} steps or {flow.limits.seconds:g} s"
        lines.append(f'    limits(["after {limits}"]) -.-> {_id(flow.default_way)}')
    return "\n".join(lines) + "\n"


def _id(name: str) -> str:
    """Never the bare name: `end`, `style` and a few others are Mermaid's own words."""
    return f"n_{name}"


def _box(name: str, node: Node) -> str:
    opens, closes = _SHAPES.get(node.kind, ("[", "]"))
    told = () if isinstance(node, BranchNode) else _TOLD  # what a branch asks about stands on its edges
    subject = "".join(f" {mention.name}" for mention in node.mentions() if mention.noun in told)
    subject += f" {node.line}" if isinstance(node, HoursNode) else ""
    return f'    {_id(name)}{opens}"{name}<br/>{node.kind}{subject}"{closes}'


def _edges(name: str, node: Node) -> Iterator[str]:
    ways = [mention for mention in node.mentions() if mention.noun is Noun.NODE]
    for way in ways:
        arrow = "-.->" if _DEFAULT_WAYS.intersection(way.path) else "-->"
        label = _label(node, way, alone=len(ways) == 1)
        written = f'|"{label}"|' if label else ""
        yield f"    {_id(name)} {arrow}{written} {_id(way.name)}"


def _label(node: Node, way: Mention, *, alone: bool) -> str:
    """The last word of the way's place in the file; nothing where there is no other way."""
    if isinstance(node, QueueNode):
        return "nobody came"
    words = [str(part) for part in way.path if part != "goto"]
    if isinstance(node, MenuNode):
        return _escaped(" ".join([words[-1], *_settings(node, words[-1])]))
    if isinstance(node, BranchNode) and words[0] == "cases":
        return _escaped(condition(node.cases[int(words[1])].when))
    return "" if alone else _escaped(words[-1])


def _settings(menu: MenuNode, key: str) -> Iterator[str]:
    """What the way of ``key`` sets on the call."""
    way: WayForm = menu.options.get(key) or getattr(menu, key)
    if way.set_language is not None:
        yield way.set_language
    yield from (f"{name}={value}" for name, value in way.set.items())


def _escaped(text: str) -> str:
    """`#` begins an entity in Mermaid, `*` may mean bold."""
    return text.replace("#", "#35;").replace("*", "#42;")
