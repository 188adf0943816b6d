"""`hotline import NOUN FILE`: what another system knows, out of its CSV. The engine need not be up."""

from __future__ import annotations

import getpass
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from crm_bridge.importing.bring import NOUNS, Brought, Reading, bring_in
from crm_bridge.importing.house import House, Who
from crm_bridge.importing.plan import MADE, Difference
from crm_bridge.importing.table import DELIMITERS, Unreadable
from crm_bridge.migrating import migrate
from crm_bridge.store import CrmStore, sqlite_url
from hotline.commands.crm_access import ask_crm, change_crm
from hotline.commands.showing import (
    DEFAULT_SITE,
    JsonOption,
    SiteOption,
    err,
    out,
    printable,
    refuse,
    run,
    say,
    show_json,
    show_table,
    site_of,
)
from hotline.settings import SiteFolders
from hotline.site.site import Site


class NounName(StrEnum):
    CUSTOMERS = "customers"
    ORDERS = "orders"
    SHIPMENTS = "shipments"
    DEALERS = "dealers"
    COSTS = "costs"


_LARGEST = 500_000_000  # bytes: some five million rows, at ten times as much memory
_MAP_HELP = "Their column is ours under another name; any number of times."
_DELIMITER_HELP = f"One character, or {', '.join(DELIMITERS)}; as the heading has it when left out."
_ENCODING_HELP = "utf-8, gb18030, utf-16, …; found out when left out."


def import_file(
    noun: Annotated[NounName, typer.Argument(help="What the rows are.", show_default=False)],
    file: Annotated[Path | None, typer.Argument(help="CSV, its first row the columns' names.", dir_okay=False)] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would come of it; change nothing.")] = False,
    columns: Annotated[bool, typer.Option("--columns", help="Only say which columns there are.")] = False,
    renamed: Annotated[list[str] | None, typer.Option("--map", metavar="OURS=THEIRS", help=_MAP_HELP)] = None,
    ignored: Annotated[list[str] | None, typer.Option("--ignore", help="A column of theirs to pass over.")] = None,
    delimiter: Annotated[str, typer.Option(help=_DELIMITER_HELP)] = "auto",
    encoding: Annotated[str, typer.Option(help=_ENCODING_HELP)] = "auto",
    show: Annotated[int, typer.Option(min=0, max=100, help="So many problems and differences, at most.")] = 20,
    site: SiteOption = DEFAULT_SITE,
    as_json: JsonOption = False,
) -> None:
    """Take a file into the CRM: whole, or not at all; twice is once."""
    loaded, folders = site_of(site)
    if columns:
        _show_columns(noun, house_of(loaded), as_json)
        return
    if file is None:
        refuse(f"which file? hotline import {noun} FILE.csv (--columns says which columns it may have)", 2)
    reading = Reading(encoding, delimiter, _pairs(renamed or []), tuple(ignored or ()))
    brought = _bring(loaded, folders, noun, file, reading, dry_run)
    if as_json:
        show_json([_told(brought, file, dry_run, show)])
    else:
        _show(brought, file, noun, dry_run, show)
    if brought.problem_count:
        raise typer.Exit(1)


def house_of(site: Site) -> House:
    """What a file's words are held against."""
    campaigns = {number.campaign for number in site.numbers.values() if number.campaign} | set(site.crm.campaigns)
    return House(
        country=site.country,
        rules=site.crm_rules,
        languages=frozenset(site.languages),
        codes=frozenset(site.languages.values()),
        agents=frozenset(site.agents),
        sources=frozenset(site.media),
        campaigns=frozenset(campaigns),
    )


def _pairs(said: Sequence[str]) -> Mapping[str, str]:
    pairs = [one.partition("=") for one in said]
    for ours, _, theirs in pairs:
        if not ours or not theirs:
            refuse(f"--map {ours}: write --map OURS=THEIRS", 2)
    return {ours.strip(): theirs for ours, _, theirs in pairs}


def _bring(site: Site, folders: SiteFolders, noun: NounName, file: Path, reading: Reading, dry_run: bool) -> Brought:
    data = _read(file)
    now = datetime.now(UTC)
    # Whoever asks who has changed something wants the file and the person; the column has 64 characters.
    who = Who(f"import:{file.name[:40]} ({getpass.getuser()[:14]})", now, now.astimezone(site.timezone).date())
    work = partial(
        bring_in, noun=noun.value, data=data, house=house_of(site), who=who, reading=reading, dry_run=dry_run
    )
    try:
        return _tried(site, folders, work) if dry_run else change_crm(site, folders, work)
    except Unreadable as error:
        refuse(f"{file}: {error}")


def _tried(site: Site, folders: SiteFolders, work: Callable[[CrmStore], Awaitable[Brought]]) -> Brought:
    """Where the site has never been up, against a store with nothing in it: a dry run must not make one."""
    found = ask_crm(site, folders, work, None)
    if found is not None:
        return found
    with tempfile.TemporaryDirectory() as folder:
        empty = sqlite_url(Path(folder) / "crm.db")

        async def tried() -> Brought:
            await migrate(empty)
            store = CrmStore(empty, region=site.country, rules=site.crm_rules)
            try:
                return await work(store)
            finally:
                await store.close()

        return run(tried)


def _read(file: Path) -> bytes:
    try:
        size = file.stat().st_size
        if size > _LARGEST:
            refuse(f"{file} has {size / 1e6:.0f} MB: split it into files of at most {_LARGEST // 10**6} MB")
        return file.read_bytes()
    except OSError as error:
        refuse(f"{file}: {error.strerror}")


def _told(brought: Brought, file: Path, dry_run: bool, show: int) -> Mapping[str, Any]:
    return {
        "file": str(file),
        "rows": brought.rows,
        "new": brought.new,
        "changed": brought.changed,
        "same": brought.same,
        "dry_run": dry_run,
        "written": brought.written,
        "encoding": brought.encoding,
        "delimiter": brought.delimiter,
        "problem_count": brought.problem_count,
        "problems": [{"row": one.row, "column": one.column, "text": one.text} for one in brought.problems[:show]],
        "differences": [
            {"key": one.key, "field": one.field, "before": one.before, "after": one.after}
            for one in brought.differences[:show]
        ],
    }


def _show(brought: Brought, file: Path, noun: NounName, dry_run: bool, show: int) -> None:
    between = {mark: name for name, mark in DELIMITERS.items()}.get(brought.delimiter, brought.delimiter)
    _say(f"{file}: {brought.rows} rows ({brought.encoding}, {between})")
    if brought.problem_count:
        for problem in brought.problems[:show]:
            err.print(Text(printable(problem)), soft_wrap=True)
        _say_more(brought.problem_count - min(show, len(brought.problems)), "problems")
        err.print(Text(f"hotline: {brought.problem_count} problems: nothing was written"), soft_wrap=True)
        return
    _say(f"{noun}: {brought.new} new, {brought.changed} changed, {brought.same} the same")
    if dry_run:
        for difference in brought.differences[:show]:
            _say(f"  {_line(difference)}")
        more = brought.new + brought.changed - len({one.key for one in brought.differences[:show]})
        _say_more(more, noun)
        _say("A dry run: nothing was written.")


def _line(one: Difference) -> str:
    if one.field == MADE:
        return f"{one.key}: new"
    return f"{one.key}, {one.field}: {one.before or '(nothing)'} → {one.after or '(nothing)'}"


def _say(text: str) -> None:
    say(printable(text))


def _say_more(count: int, what: str) -> None:
    if count > 0:
        (err if what == "problems" else out).print(Text(f"  … and {count} more"), soft_wrap=True)


def _show_columns(noun: NounName, house: House, as_json: bool) -> None:
    rows = [(one.name, "yes" if one.required else "", one.help) for one in NOUNS[noun].columns(house)]
    if as_json:
        show_json({"column": name, "required": bool(needed), "what": what} for name, needed, what in rows)
    else:
        show_table(f"Columns of {noun}", ("column", "required", "what"), rows)
