"""A report as a table for a person."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.figures import Report, Spread


def show(report: Report, console: Console) -> None:
    table = Table(title=f"{report.name}: {report.title} ({report.unit})", title_justify="left")
    table.add_column("")
    for column in ("n", "p50", "p95", "p99", "mean"):
        table.add_column(column, justify="right")
    for name, found in report.peers.items():
        table.add_row(name, *_cells(found))
    for name, found in report.aside.items():
        table.add_row(Text(name, "dim"), *_cells(found), style="dim")
    console.print(table)
    for ratio in report.ratios:
        wanted = ratio.target
        sign, style = ("✓", "green") if ratio.met else ("✗", "red")
        text = f" {wanted.top} / {wanted.bottom}, {wanted.at}: {ratio.value:.2f}× ({wanted.sense} {wanted.bound:g}×)"
        console.print(Text(f"  {sign}", style) + Text(text))
    for note in report.notes:
        console.print(Text(f"  {note}", "dim"), soft_wrap=True)
    console.print()


def _cells(found: Spread) -> tuple[str, ...]:
    return (str(found.n), *(f"{value:.2f}" for value in (found.p50, found.p95, found.p99, found.mean)))
