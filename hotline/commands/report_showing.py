"""A report for people, for a spreadsheet, or for a program; and whether its books add up."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.text import Text

from crm_bridge.directory import plain_amount
from crm_bridge.reporting.report import Check, Foreign, Report
from hotline.commands.showing import err, out, show_csv, show_json, table_of

BOOKS_CODE = 3
_WIDEST = 240  # columns of text
_SHARES = frozenset({"roi", "share_kept", "share_top", "share_bottom", "lost_share", "sl", "sl2", "occupancy"})


@dataclass(frozen=True, slots=True)
class Manner:
    """How it is wanted."""

    as_json: bool
    as_csv: bool
    zone: ZoneInfo


def show_report(title: str, report: Report, manner: Manner) -> None:
    """Ends the command with `BOOKS_CODE` when the books do not add up."""
    if manner.as_json:
        show_json(_as_json(line) for line in report.lines)
        show_json([{"books": _books(report)}])
    else:
        columns = report.columns
        totals = [report.total] if report.total and report.lines and not manner.as_csv else []
        show_rows(title, columns, [*report.lines, *totals], manner)
        for foreign in report.foreign:
            (err if manner.as_csv else out).print(Text(_note(foreign)), soft_wrap=True)
    tell_books([_complaint(check) for check in report.wrong])


def show_rows(
    title: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]], manner: Manner, none: str = "none"
) -> None:
    if manner.as_json:
        show_json(_as_json(row) for row in rows)
    elif manner.as_csv:
        if columns:
            show_csv(columns, ([_plain(row.get(column), manner.zone) for column in columns] for row in rows))
    elif rows:
        cells = ([_cell(row.get(column), column, manner.zone) for column in columns] for row in rows)
        # Narrow headings, for some have twenty columns; and no row on two lines, as in `show_table`.
        Console(file=out.file, width=max(out.width, _WIDEST), highlight=False).print(table_of(title, columns, cells))
    else:
        out.print(f"{title}: {none}")


def _note(foreign: Foreign) -> str:
    amount = plain_amount(foreign.amount)
    return f"not added up: {foreign.what} in another currency: {foreign.count}, {amount} {foreign.currency}"


def tell_books(complaints: Iterable[str]) -> None:
    """The end of the command, if there are any."""
    told = list(complaints)
    for complaint in told:
        err.print(Text(f"the books do not add up: {complaint}"), soft_wrap=True)
    if told:
        raise typer.Exit(BOOKS_CODE)


def _complaint(check: Check) -> str:
    return f"{check.what}: the lines have {_plain(check.lines)}, the whole is {_plain(check.whole)}"


def _books(report: Report) -> Mapping[str, Any]:
    return {
        "add_up": not report.wrong,
        "whole": {check.what: _json_value(check.whole) for check in report.checks},
        "wrong": [_complaint(check) for check in report.wrong],
        "other_currencies": [_foreign(one) for one in report.foreign],
    }


def _foreign(one: Foreign) -> Mapping[str, Any]:
    return {"what": one.what, "count": one.count, "amount": plain_amount(one.amount), "currency": one.currency}


def _as_json(row: Mapping[str, Any]) -> Mapping[str, Any]:
    return {key: _json_value(value) for key, value in row.items()}


def _json_value(value: Any) -> Any:
    """Money as text, for a program's own idea of a number is a float; instants in UTC."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else _plain_money(value)


def _plain_money(value: Any) -> Any:
    return plain_amount(value) if isinstance(value, Decimal) else value


def _plain(value: Any, zone: ZoneInfo | None = None) -> Any:
    """Instants are in the site's time."""
    if isinstance(value, datetime):
        return value.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False)
    return value.isoformat() if isinstance(value, date) else _plain_money(value)


def _cell(value: Any, column: str, zone: ZoneInfo) -> Any:
    """Money to the hundredth, for people; programs and spreadsheets get all of it."""
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    if isinstance(value, float):
        return f"{value:.1%}" if column in _SHARES else f"{value:.1f}"
    return _plain(value, zone)
