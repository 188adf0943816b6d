"""YAML as a site may use it: plain mappings, lists and scalars, each with its line. No schema here.

Refused before anything is built: more than 1 MiB, other encodings than UTF-8, tabs as indentation, anchors and
aliases (a bomb needs them, a site does not), tags, several documents, nesting deeper than 20, a key twice.
Keys are always text, exactly as written: ``1:`` is "1", ``007:`` is "007", ``no:`` is "no".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    NodeEvent,
    ScalarEvent,
)
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from hotline.site.problem import SiteProblem

LARGEST = 1 << 20  # bytes of one file
DEEPEST = 20

Scalar = str | int | float | bool | None
Plain = Scalar | list["Plain"] | dict[str, "Plain"]
Path_ = tuple[str, ...]  # keys and list places, as text

_TAB = re.compile(r"^ *\t", re.MULTILINE)
_SCALARS = {f"tag:yaml.org,2002:{kind}" for kind in ("null", "bool", "int", "float", "str")}


@dataclass(slots=True)
class Page:
    """One file as read. ``lines``: path → line; a path that is not there (a missing key) has its parent's line."""

    file: str
    content: Plain = None
    lines: dict[Path_, int] = field(default_factory=dict)
    problems: list[SiteProblem] = field(default_factory=list)

    def line(self, path: Path_) -> int:
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 0)

    def problem(self, path: tuple[str | int, ...], message: str, hint: str = "") -> SiteProblem:
        texts = tuple(str(part) for part in path)
        return SiteProblem(self.file, self.line(texts), ".".join(texts), message, hint)


def read_page(folder: Path, file: str) -> Page:
    """Read ``folder/file``. Never raises for what an admin may have written: see ``page.problems``."""
    page = Page(file)
    text = _text(folder / file, page)
    if text is not None:
        _fill(page, text)
    return page


def _say(page: Page, line: int, message: str, hint: str = "", key: str = "") -> None:
    page.problems.append(SiteProblem(page.file, line, key, message, hint))


def _text(path: Path, page: Page) -> str | None:
    try:
        with path.open("rb") as stream:
            raw = stream.read(LARGEST + 1)
    except OSError as error:
        _say(page, 0, f"cannot be read: {error.strerror}", "`hotline init` writes a whole site to compare with")
        return None
    if len(raw) > LARGEST:
        _say(page, 0, f"is larger than {LARGEST} bytes")
        return None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        _say(page, raw.count(b"\n", 0, error.start) + 1, "is not UTF-8", "save the file in the encoding UTF-8")
        return None


def _fill(page: Page, text: str) -> None:
    tab = _TAB.search(text)
    if tab:
        _say(page, text.count("\n", 0, tab.start()) + 1, "a tab in the indentation", "indent with spaces")
        return
    try:
        _refuse_machinery(page, YAML(typ="safe", pure=True).parse(text))
        if page.problems:
            return
        node = YAML(typ="safe", pure=True).compose(text)
    except (YAMLError, ValueError) as error:
        _say(page, *_blame(error, text))
        return
    if node is not None:
        page.content = _Builder(page).build(node, ())


def _blame(error: Exception, text: str) -> tuple[int, str]:
    """Line and message of what the YAML reader found."""
    if isinstance(error, ReaderError):
        return text.count("\n", 0, error.position) + 1, "a control character that no YAML file may hold"
    if isinstance(error, MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        return (mark.line + 1 if mark else 0), f"is not YAML: {error.problem or error.context}"
    return 0, f"is not YAML: {error}"


def _refuse_machinery(page: Page, events: Iterator[Event]) -> None:
    """Walk the events, which costs no more than the file is long, before a tree is built of them."""
    depth = documents = 0
    for event in events:
        line = event.start_mark.line + 1
        documents += isinstance(event, DocumentStartEvent)
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        reason = _machinery(event)
        if documents > 1:
            reason = "a second document"
        elif depth > DEEPEST:
            reason = f"nested deeper than {DEEPEST}"
        if reason:
            _say(page, line, f"{reason} has no place in a site")
            return


def _machinery(event: Event) -> str:
    if isinstance(event, AliasEvent):
        return "an alias (*name)"
    if isinstance(event, NodeEvent) and event.anchor is not None:
        return "an anchor (&name)"
    if isinstance(event, ScalarEvent | CollectionStartEvent) and event.tag is not None:
        return "a tag (!name)"
    return ""


class _Builder:
    """Plain values from YAML nodes, the lines noted on the way."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._scalars = YAML(typ="safe", pure=True).constructor

    def build(self, node: Node, path: Path_) -> Plain:
        self._page.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self.build(item, (*path, str(place))) for place, item in enumerate(node.value)]
        return self._scalar(node, path) if isinstance(node, ScalarNode) else None

    def _mapping(self, node: MappingNode, path: Path_) -> dict[str, Plain]:
        found: dict[str, Plain] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, ScalarNode):
                _say(self._page, line, "a list or a mapping cannot be a key", key=".".join(path))
            elif key.value in found:
                first = self._page.lines[*path, key.value]
                dotted = ".".join((*path, key.value))
                _say(self._page, line, f"is written twice, first in line {first}", key=dotted)
            else:
                self._page.lines[*path, key.value] = line
                found[key.value] = self.build(value, (*path, key.value))
        return found

    def _scalar(self, node: ScalarNode, path: Path_) -> Scalar:
        if node.tag not in _SCALARS:  # a date, `<<`, `=`: plain text here
            return str(node.value)
        try:
            value: Scalar = self._scalars.construct_object(node)
        except (YAMLError, ValueError) as error:
            _say(self._page, node.start_mark.line + 1, f"cannot be read: {error}", key=".".join(path))
            return None
        return value
