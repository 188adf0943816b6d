"""What the commands share: where the site is, how it is loaded, how a refusal is told."""

from __future__ import annotations

import asyncio
import csv
import json
import re
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hotline.control import ControlError, ask
from hotline.settings import SiteFolders
from hotline.site.loading import load_site
from hotline.site.problem import Gravity, SiteError, SiteProblem
from hotline.site.site import Site

_Answer = TypeVar("_Answer")

SiteOption = Annotated[Path, typer.Option("--site", help="The site's folder.", file_okay=False)]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
DEFAULT_SITE = Path("site")
CsvOption = Annotated[bool, typer.Option("--csv", help="For a spreadsheet.")]
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_PLAIN_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")  # also a telephone number
_WIDEST = 300  # columns of text: wider than any table of ours

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def say(text: str) -> None:
    """A line of any length, as it is: nothing in it is a style."""
    out.print(Text(text), soft_wrap=True)


def refuse(message: str, code: int = 1) -> NoReturn:
    """End the command: what is wrong, on stderr, and an exit code that is not 0."""
    err.print(Text(f"hotline: {message}"), soft_wrap=True)
    raise typer.Exit(code)


def site_of(folder: Path) -> tuple[Site, SiteFolders]:
    """The site, or the end of the command with everything that is wrong with it."""
    try:
        return load_site(folder), SiteFolders(folder.absolute())
    except SiteError as error:
        show_problems(error.problems)
        refuse(f"the site in {folder} cannot be used", 78)


def show_problems(problems: Sequence[SiteProblem]) -> None:
    for problem in problems:
        style = "red" if problem.gravity is Gravity.ERROR else "yellow"
        err.print(Text(f"{problem.gravity}: ", style) + Text(str(problem)), soft_wrap=True)


def ask_engine(folders: SiteFolders, word: str, **arguments: Any) -> dict[str, Any]:
    """The engine's answer, or the end of the command."""
    try:
        return run(lambda: ask(folders.run, word, **arguments))
    except ControlError as error:
        refuse(str(error))


def run(work: Callable[[], Awaitable[_Answer]]) -> _Answer:
    async def main() -> _Answer:
        return await work()

    return asyncio.run(main())


def show_json(rows: Iterable[Mapping[str, Any]]) -> None:
    """One object a line. Not through Rich, which would wrap it."""
    for row in rows:
        typer.echo(json.dumps(row, ensure_ascii=False))


def show_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """With a heading, for spreadsheets: a cell that one of them would take for a formula is defused."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([defused(cell) for cell in row] for row in rows)


def defused(cell: object) -> object:
    """An apostrophe before what a spreadsheet would run (OWASP, CSV injection); a number stays one."""
    if isinstance(cell, str) and cell.startswith(_FORMULA) and not _PLAIN_NUMBER.fullmatch(cell):
        return f"'{cell}"
    return "" if cell is None else cell


def show_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Plain text only: a caller's name is shown, never read as markup, and its control characters not at all. One
    row is one line, however narrow the terminal: a number cut in two can be neither read nor found."""
    table = table_of(title, [column.replace("_", " ") for column in columns], rows)
    Console(file=out.file, width=max(out.width, _WIDEST), highlight=False).print(table)


def table_of(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """As narrow as may be: a heading takes a line for each of its words (``longest_wait_s``)."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column.replace("_", "\n"), no_wrap=True)
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    return table


def printable(cell: object) -> str:
    if cell is None:
        return ""
    return "".join(letter if letter.isprintable() else "·" for letter in str(cell))
