"""Which columns a file has, and what its cells say: text becomes values, or a problem with its row and column.

A value that stands in many rows is read once, so a file's cost is that of its different values.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crm_bridge.importing.problem import Bad, Problems, nearest, shown
from crm_bridge.importing.table import Table


@dataclass(frozen=True, slots=True)
class Column:
    """``read``: a cell that is not empty, without the space around it; raises Bad. ``required``: the file must have
    it; ``filled``: then each of its rows too."""

    name: str
    read: Callable[[str], Any]
    help: str
    required: bool = False
    filled: bool = True


@dataclass(frozen=True, slots=True)
class Sheet:
    """``cells``: column → its values, None where nothing is said; also for a column that the file does not have.
    ``bad``: the places of rows that a problem stands for."""

    lines: Sequence[int]
    cells: Mapping[str, Sequence[Any]]
    given: Collection[str]
    bad: Collection[int]

    def rows(self, *names: str) -> list[tuple[Any, ...]]:
        """(line, then the values of these columns) of each row that has no problem."""
        across = zip(self.lines, *(self.cells[name] for name in names), strict=True)
        if not self.bad:
            return list(across)
        return [row for place, row in enumerate(across) if place not in self.bad]


def read_sheet(
    table: Table,
    columns: Sequence[Column],
    problems: Problems,
    *,
    renamed: Mapping[str, str] | None = None,
    ignored: Collection[str] = (),
) -> Sheet | None:
    """``renamed``: our column → the file's. None: the heading is wrong, and nothing else was looked at."""
    places = _places(table, columns, problems, renamed or {}, ignored)
    if problems.count:
        return None
    ragged = _ragged(table, problems)
    across = list(zip(*_even(table, ragged), strict=True)) or [()] * len(table.heading)
    bad = set(ragged)
    cells: dict[str, Sequence[Any]] = {}
    for column in columns:
        if column.name not in places:
            cells[column.name] = (None,) * len(table.lines)
            continue
        cells[column.name], wrong = _values(column, across[places[column.name]])
        if wrong:
            wrong_places = [place for place, text in enumerate(wrong) if text and place not in ragged]
            bad.update(wrong_places)
            for place in wrong_places:
                problems.add(table.lines[place], column.name, wrong[place])
    return Sheet(table.lines, cells, set(places), bad)


def _places(
    table: Table, columns: Sequence[Column], problems: Problems, renamed: Mapping[str, str], ignored: Collection[str]
) -> dict[str, int]:
    """Our column → its place in the file."""
    heading, known = table.heading_line, {column.name: column for column in columns}
    for ours in renamed:
        if ours not in known:
            text = f"--map {ours}=…: there is no column '{ours}'; the nearest is '{nearest(ours, known)}'"
            problems.add(heading, "", text)
    theirs = {_folded(name): ours for ours, name in renamed.items()}
    unread = {_folded(name) for name in ignored}
    places: dict[str, int] = {}
    for place, name in enumerate(table.heading):
        ours = theirs.get(_folded(name), _folded(name) if _folded(name) not in renamed else "")
        if ours in known and ours in places:
            problems.add(heading, name, "stands there twice: leave one out")
        elif ours in known:
            places[ours] = place
        elif _folded(name) not in unread:
            problems.add(heading, shown(name), _unknown(name, known))
    for column in columns:
        if column.required and column.name not in places:
            problems.add(heading, column.name, f"is missing (or say which one it is: --map {column.name}=THEIRS)")
    for ours, name in renamed.items():
        if ours in known and ours not in places:
            problems.add(heading, name, f"is not in the file (--map {ours}={name})")
    return places


def _folded(name: str) -> str:
    return name.strip().casefold().replace(" ", "_").replace("-", "_")


def _unknown(name: str, known: Mapping[str, Column]) -> str:
    near = nearest(_folded(name), known)
    return f"there is no such column; the nearest is '{near}' (--map {near}={name}, or --ignore {name})"


def _ragged(table: Table, problems: Problems) -> set[int]:
    width, bad = len(table.heading), set()
    for place, row in enumerate(table.rows):
        if len(row) != width:
            bad.add(place)
            text = f"has {len(row)} cells and the heading {width}: is a delimiter in a cell without quotes?"
            problems.add(table.lines[place], "", text)
    return bad


def _even(table: Table, bad: Collection[int]) -> Sequence[Sequence[str]]:
    if not bad:
        return table.rows
    empty = [""] * len(table.heading)
    return [empty if place in bad else row for place, row in enumerate(table.rows)]


def _values(column: Column, cells: Sequence[str]) -> tuple[Sequence[Any], Sequence[str]]:
    """The value of each cell; and what is wrong with each, if anything is wrong with any."""
    values: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for cell in set(cells):
        said = cell.strip()
        try:
            values[cell] = column.read(said) if said else None
        except Bad as error:
            values[cell], wrong[cell] = None, str(error)
        if not said and column.required and column.filled:
            wrong[cell] = "is empty"
    return list(map(values.__getitem__, cells)), [wrong.get(cell, "") for cell in cells] if wrong else ()
