"""`hotline doctor`: what it finds, and what to do."""

from __future__ import annotations

import typer
from rich.text import Text

from hotline.commands.showing import DEFAULT_SITE, JsonOption, SiteOption, out, run, show_json
from hotline.doctor import Finding, Level, examine

_STYLE = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "red"}


def doctor(site: SiteOption = DEFAULT_SITE, as_json: JsonOption = False) -> None:
    """Self-test of safety and health. Exit code 1 when something failed; warnings alone are 0."""
    findings = run(lambda: examine(site))
    if as_json:
        show_json({"level": f.level, "what": f.what, "cure": f.cure} for f in findings)
    else:
        for finding in findings:
            _show(finding)
    if any(finding.level is Level.FAIL for finding in findings):
        raise typer.Exit(1)


def _show(finding: Finding) -> None:
    out.print(Text(f"{finding.level:<4} ", _STYLE[finding.level]) + Text(finding.what), soft_wrap=True)
    if finding.cure:
        out.print(Text(f"     → {finding.cure}"), soft_wrap=True)
