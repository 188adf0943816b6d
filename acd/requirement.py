"""The requirement language: which agents may serve a call.

    laptop >= 50 and ($language or english > 20) and not trainee

A comparison names a skill and a level 0-100; a bare name means ``> 0``. ``$language`` stands for the
skill whose name is the call's attribute ``language``. Nothing, or ``any``, is everybody.

The law of the undefined: a skill the agent has not, and a variable the call has not, make *their
comparison* false, whatever the operator (`<` and `!=` too). Logic above is two-valued, so ``not`` turns
that false into true: ``not trainee`` is everybody without the skill `trainee` (three-valued logic would
leave nobody), and ``not laptop >= 50`` is wider than ``laptop < 50``: it has those who know no laptops.

Pure; importable by anything above.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

LONGEST = 2000  # characters of one requirement
DEEPEST = 40  # brackets and `not`s within each other

_OPERATORS: Mapping[str, Callable[[int, int], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "!=": operator.ne,
    "==": operator.eq,
    "=": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
}
_WORDS = re.compile(
    r"\s*(?:(?P<name>\$?[^\W\d][\w-]*)|(?P<number>\d+)|(?P<op>>=|<=|!=|==|=|>|<)|(?P<bracket>[()])|(?P<end>$))"
)
_KEYWORDS = frozenset({"and", "or", "not", "any"})


class RequirementError(ValueError):
    """The text is not a requirement. ``column`` counts characters from 1."""

    def __init__(self, reason: str, column: int) -> None:
        super().__init__(f"column {column}: {reason}")
        self.reason = reason
        self.column = column


@dataclass(frozen=True, slots=True)
class _Constant:
    value: bool


@dataclass(frozen=True, slots=True)
class _Compare:
    name: str  # a skill, or with `$` in front a call variable
    op: str
    level: int


@dataclass(frozen=True, slots=True)
class _Not:
    inner: _Tree


@dataclass(frozen=True, slots=True)
class _Join:
    every: bool  # True: and, False: or
    parts: tuple[_Tree, ...]


_Tree = _Constant | _Compare | _Not | _Join
_ANY = _Constant(True)


@dataclass(frozen=True, slots=True)
class BoundRequirement:
    """A requirement whose variables are filled in: a question to an agent's skills alone. Hashable, and
    equal when built alike, so that calls fold into profiles."""

    _tree: _Tree

    def met_by(self, skills: Mapping[str, int]) -> bool:
        return _holds(self._tree, skills)

    def lacking(self, skills: Mapping[str, int]) -> tuple[str, ...]:
        """Why these skills do not meet it, one reason for each comparison that fails; () when they do."""
        return tuple(_lacking(self._tree, skills))

    @property
    def skills(self) -> frozenset[str]:
        """The skills that it asks for; what stands under a ``not`` is not asked for."""
        return frozenset(_asked_for(self._tree))

    def __str__(self) -> str:
        return _text(self._tree)


@dataclass(frozen=True, slots=True)
class Requirement:
    """A parsed requirement. ``variables``: the call attributes it names, sorted, without `$`."""

    text: str
    variables: tuple[str, ...]
    skills: tuple[str, ...]  # skills named outright, sorted
    _tree: _Tree

    @classmethod
    def parse(cls, text: str) -> Requirement:
        """Raises RequirementError with the column of what is wrong."""
        tree = _Parser(text).whole()
        names = set(_names(tree))
        variables = sorted(name[1:] for name in names if name.startswith("$"))
        skills = sorted(name for name in names if not name.startswith("$"))
        return cls(text, tuple(variables), tuple(skills), tree)

    def bind(self, attributes: Mapping[str, str]) -> BoundRequirement:
        """Fill the variables in. A variable the call has not makes its comparison false."""
        return BoundRequirement(_bound(self._tree, attributes))


@dataclass(frozen=True, slots=True)
class _Word:
    kind: str
    text: str
    column: int


def _words(text: str) -> Iterator[_Word]:
    at = 0
    while True:
        found = _WORDS.match(text, at)
        if found is None:
            at += len(text[at:]) - len(text[at:].lstrip())
            raise RequirementError(f"{text[at]!r} is not understood here", at + 1)
        kind = str(found.lastgroup)
        word = found.group(kind)
        if kind == "name" and word.lower() in _KEYWORDS:
            kind, word = "keyword", word.lower()
        yield _Word(kind, word, found.start(str(found.lastgroup)) + 1)
        if kind == "end":
            return
        at = found.end()


class _Parser:
    """Recursive descent: or < and < not < comparison."""

    def __init__(self, text: str) -> None:
        if len(text) > LONGEST:
            raise RequirementError(f"longer than {LONGEST} characters", LONGEST + 1)
        self._words = list(_words(text))
        self._at = 0
        self._depth = 0

    def whole(self) -> _Tree:
        if self._next.kind == "end":
            return _ANY
        tree = self._join("or")
        if self._next.kind != "end":
            raise self._wrong("'and', 'or' or the end")
        return tree

    @property
    def _next(self) -> _Word:
        return self._words[self._at]

    def _take(self, *texts: str) -> bool:
        if self._next.kind in ("keyword", "bracket", "op") and self._next.text in texts:
            self._at += 1
            return True
        return False

    def _wrong(self, expected: str) -> RequirementError:
        seen = repr(self._next.text) if self._next.text else "the end"
        return RequirementError(f"expected {expected}, found {seen}", self._next.column)

    def _join(self, word: str) -> _Tree:
        parts = [self._part(word)]
        while self._take(word):
            parts.append(self._part(word))
        return parts[0] if len(parts) == 1 else _Join(word == "and", tuple(parts))

    def _part(self, word: str) -> _Tree:
        return self._join("and") if word == "or" else self._negation()

    def _negation(self) -> _Tree:
        self._depth += 1
        if self._depth > DEEPEST:
            raise RequirementError(f"nested deeper than {DEEPEST}", self._next.column)
        tree = _Not(self._negation()) if self._take("not") else self._atom()
        self._depth -= 1
        return tree

    def _atom(self) -> _Tree:
        if self._take("("):
            tree = self._join("or")
            if not self._take(")"):
                raise self._wrong("')'")
            return tree
        if self._take("any"):
            return _ANY
        return self._comparison()

    def _comparison(self) -> _Tree:
        if self._next.kind != "name":
            raise self._wrong("a skill")
        name = self._next.text
        self._at += 1
        if self._next.kind != "op":
            return _Compare(name, ">", 0)
        op = self._next.text.replace("==", "=")
        self._at += 1
        return _Compare(name, op, self._level())

    def _level(self) -> int:
        word = self._next
        if word.kind != "number":
            raise self._wrong("a level 0-100")
        if len(word.text) > 3 or int(word.text) > 100:
            raise RequirementError(f"level {word.text[:12]} is over 100", word.column)
        self._at += 1
        return int(word.text)


def _names(tree: _Tree) -> Iterator[str]:
    match tree:
        case _Compare(name=name):
            yield name
        case _Not(inner=inner):
            yield from _names(inner)
        case _Join(parts=parts):
            for part in parts:
                yield from _names(part)


def _asked_for(tree: _Tree) -> Iterator[str]:
    match tree:
        case _Compare(name=name):
            yield name
        case _Join(parts=parts):
            for part in parts:
                yield from _asked_for(part)


def _bound(tree: _Tree, attributes: Mapping[str, str]) -> _Tree:
    match tree:
        case _Compare(name=name, op=op, level=level) if name.startswith("$"):
            skill = attributes.get(name[1:])
            return _Constant(False) if skill is None else _Compare(skill, op, level)
        case _Not(inner=inner):
            return _Not(_bound(inner, attributes))
        case _Join(every=every, parts=parts):
            return _Join(every, tuple(_bound(part, attributes) for part in parts))
    return tree


def _holds(tree: _Tree, skills: Mapping[str, int]) -> bool:
    match tree:
        case _Compare(name=name, op=op, level=level):
            have = skills.get(name)
            return have is not None and _OPERATORS[op](have, level)
        case _Not(inner=inner):
            return not _holds(inner, skills)
        case _Join(every=True, parts=parts):
            return all(_holds(part, skills) for part in parts)
        case _Join(parts=parts):
            return any(_holds(part, skills) for part in parts)
        case _Constant(value=value):
            return value


def _lacking(tree: _Tree, skills: Mapping[str, int]) -> Iterator[str]:
    if _holds(tree, skills):
        return
    match tree:
        case _Compare(name=name, op=op, level=level):
            yield f"no skill {name}" if name not in skills else f"skill {name} {skills[name]} is not {op} {level}"
        case _Not(inner=inner):
            yield f"is excluded by not {_text(inner)}"
        case _Join(parts=parts):
            for part in parts:
                yield from _lacking(part, skills)
        case _Constant():
            yield "asks for something that the call does not have"


def _text(tree: _Tree) -> str:
    match tree:
        case _Compare(name=name, op=op, level=level):
            return f"{name} {op} {level}"
        case _Not(inner=inner):
            return f"not ({_text(inner)})"
        case _Join(every=every, parts=parts):
            return "(" + (" and " if every else " or ").join(map(_text, parts)) + ")"
        case _Constant(value=value):
            return "any" if value else "not any"
