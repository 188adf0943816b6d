"""YAML as a site may use it: plain mappings, lists and scalars, each with its line. No schema here.

Refused before anything is built: more than 1 MiB, other encodings than UTF-8, tabs as indentation, anchors and
aliases (a bomb needs them, a site does not), tags, several documents, nesting deeper than 20, a key twice.
Keys are always text, exactly as written: ``1:`` is "1", ``007:`` is "007", ``no:`` is "no".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
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
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceStartEvent,
)
from ruamel.yaml.nodes import ScalarNode
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
        events = _without_machinery(page, YAML(typ="safe", pure=True).parse(text))
    except (YAMLError, ValueError, AssertionError) as error:  # the last: a version of YAML that is none
        _say(page, *_blame(error, text))
        return
    if not page.problems:
        page.content = _Builder(page, events).whole()


def _blame(error: Exception, text: str) -> tuple[int, str]:
    """Line and message of what the YAML reader found."""
    if isinstance(error, ReaderError):
        return text.count("\n", 0, error.position) + 1, "a control character that no YAML file may hold"
    if isinstance(error, MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        return (mark.line + 1 if mark else 0), f"is not YAML: {error.problem or error.context}"
    return 0, f"is not YAML: {error}"


def _without_machinery(page: Page, events: Iterator[Event]) -> list[Event]:
    """The events, up to what a site may not use: to walk them costs no more than the file is long, and nothing is built
    of them yet."""
    seen: list[Event] = []
    depth = documents = 0
    for event in events:
        seen.append(event)
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
            break
    return seen


def _machinery(event: Event) -> str:
    if isinstance(event, AliasEvent):
        return "an alias (*name)"
    if isinstance(event, NodeEvent) and event.anchor is not None:
        return "an anchor (&name)"
    if isinstance(event, ScalarEvent | CollectionStartEvent) and event.tag is not None:
        return "a tag (!name)"
    return ""


class _Builder:
    """Plain values from events, the lines noted on the way."""

    def __init__(self, page: Page, events: Sequence[Event]) -> None:
        self._page, self._events = page, iter(events)
        yaml = YAML(typ="safe", pure=True)
        yaml.version = next((event.version for event in events if isinstance(event, DocumentStartEvent)), None)
        self._resolver, self._scalars = yaml.resolver, yaml.constructor

    def whole(self) -> Plain:
        """None of a file in which nothing is written."""
        for event in self._events:
            if isinstance(event, NodeEvent):
                return self._build(event, ())
        return None

    def _build(self, event: Event, path: Path_) -> Plain:
        self._page.lines.setdefault(path, event.start_mark.line + 1)
        if isinstance(event, MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, SequenceStartEvent):
            return [self._build(item, (*path, str(place))) for place, item in enumerate(self._until_the_end())]
        return self._scalar(event, path) if isinstance(event, ScalarEvent) else None

    def _until_the_end(self) -> Iterator[Event]:
        """The beginnings of what is in a collection. Who takes one takes all of it before the next."""
        for event in self._events:
            if isinstance(event, CollectionEndEvent):
                return
            yield event

    def _mapping(self, path: Path_) -> dict[str, Plain]:
        found: dict[str, Plain] = {}
        for key in self._until_the_end():
            line = key.start_mark.line + 1
            if not isinstance(key, ScalarEvent):
                _say(self._page, line, "a list or a mapping cannot be a key", key=".".join(path))
                self._pass_over(key)
                self._pass_over(next(self._events))
            elif key.value in found:
                first = self._page.lines[*path, key.value]
                dotted = ".".join((*path, key.value))
                _say(self._page, line, f"is written twice, first in line {first}", key=dotted)
                self._pass_over(next(self._events))
            else:
                self._page.lines[*path, key.value] = line
                found[key.value] = self._build(next(self._events), (*path, key.value))
        return found

    def _pass_over(self, event: Event) -> None:
        if isinstance(event, CollectionStartEvent):
            for inner in self._until_the_end():
                self._pass_over(inner)

    def _scalar(self, event: ScalarEvent, path: Path_) -> Scalar:
        tag = self._resolver.resolve(ScalarNode, event.value, event.implicit)
        node = ScalarNode(tag, event.value, event.start_mark, event.end_mark)
        if node.tag not in _SCALARS:  # a date, `<<`, `=`: plain text here
            return str(event.value)
        try:
            value: Scalar = self._scalars.construct_object(node)
        except (YAMLError, ValueError) as error:
            _say(self._page, event.start_mark.line + 1, f"cannot be read: {error}", key=".".join(path))
            return None
        return value
