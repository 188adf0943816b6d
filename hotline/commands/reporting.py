"""`hotline report NAME`: figures of the CRM and of the ACD, and what is behind each. The engine need not be up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Annotated, Any

import typer

from crm_bridge.reporting.dealers import Dealers
from crm_bridge.reporting.ledger import NoSuchFigure
from crm_bridge.reporting.lost_money import LostMoney, Where
from crm_bridge.reporting.media import Media
from crm_bridge.reporting.promises import Promises
from crm_bridge.reporting.report import Asked, Report, answer, rows_behind
from crm_bridge.reporting.stages import Stages
from crm_bridge.reporting.surveys import Among, Surveys
from crm_bridge.reporting.touches import By, Touch
from hotline.commands import figures
from hotline.commands.crm_access import ask_crm
from hotline.commands.days import Days, MonthOption, OneDayOption, SinceOption, UntilOption
from hotline.commands.report_showing import Manner, show_report, show_rows
from hotline.commands.showing import DEFAULT_SITE, CsvOption, JsonOption, SiteOption, refuse, site_of
from hotline.settings import SiteFolders
from hotline.site.site import Site
from ivr.flow.nodes.survey import SurveyNode


class ReportName(StrEnum):
    MEDIA = "media"
    QUEUE_DAY = "queue-day"
    AGENT_DAY = "agent-day"
    SERVICE_LEVEL = "service-level"
    PROMISES = "promises"
    DEALERS = "dealers"
    SURVEYS = "surveys"
    LOST_MONEY = "lost-money"
    STAGES = "stages"


_OF_A_DAY = {
    ReportName.QUEUE_DAY: figures.queue_day,
    ReportName.AGENT_DAY: figures.agent_day,
    ReportName.SERVICE_LEVEL: figures.service_level,
}
_BY: Mapping[ReportName, type[StrEnum]] = {
    ReportName.MEDIA: By,
    ReportName.LOST_MONEY: Where,
    ReportName.SURVEYS: Among,
}
_REPORT_HELP = (
    "media: what each source brought and cost; lost-money: what lost calls have cost; promises, dealers, surveys, "
    "stages; queue-day, agent-day, service-level: a day's work."
)
_BY_HELP = "media: source, campaign, day; lost-money: source, campaign, queue, hour; surveys: agent, queue, source."
_CALLS_HELP = "Instead of the figures the calls (orders, leads, ...) behind this one."
_OF_HELP = "With --calls: only of this line, by its first column; surveys: once more for the question."


def report(
    name: Annotated[ReportName, typer.Argument(help=_REPORT_HELP)],
    site: SiteOption = DEFAULT_SITE,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    by: Annotated[str | None, typer.Option(help=_BY_HELP)] = None,
    touch: Annotated[Touch | None, typer.Option(help="media: which call counts for what came of it; last.")] = None,
    day: OneDayOption = None,
    month: MonthOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    calls: Annotated[str | None, typer.Option(metavar="FIGURE", help=_CALLS_HELP)] = None,
    of: Annotated[list[str] | None, typer.Option(metavar="LINE", help=_OF_HELP)] = None,
) -> None:
    """A report by its name; of the last 30 days, or (queue-day, agent-day, service-level) of today."""
    loaded, folders = site_of(site)
    manner, days = Manner(as_json, as_csv, loaded.timezone), Days(day, month, since, until)
    if as_json and as_csv:
        refuse("either --json or --csv", 2)
    if of and not calls:
        refuse("--of names a line of the figure that --calls names", 2)
    if name in _OF_A_DAY:
        if by or touch or month or since or until:
            refuse(f"{name} is of one day: --day is all that it takes", 2)
        _OF_A_DAY[name](loaded, folders, day, manner, calls, of or [])
        return
    asked = _asked(name, loaded, days, _by(name, by), touch)
    if calls is None:
        _show_figures(name, loaded, folders, asked, manner)
    else:
        _show_rows_behind(loaded, folders, asked, calls, of or [], manner)


def _by(name: ReportName, by: str | None) -> Any:
    """None when not said."""
    kinds = _BY.get(name)
    if by is None:
        return None
    if kinds is None:
        refuse(f"{name} is sorted in one way only: leave --by out", 2)
    if by not in set(kinds):
        refuse(f"--by {by}: {name} is by {', '.join(kinds)}", 2)
    return kinds(by)


def _asked(name: ReportName, site: Site, days: Days, by: Any, touch: Touch | None) -> Asked:
    if touch is not None and (name is not ReportName.MEDIA or by is By.DAY):
        refuse("--touch is for media by source or campaign", 2)
    period, rules = days.period(site.timezone), site.crm_rules
    names = {extension: agent.spec.name for extension, agent in site.agents.items()}
    match name:
        case ReportName.MEDIA:
            return Media(period, rules, by or By.SOURCE, touch or Touch.LAST)
        case ReportName.LOST_MONEY:
            return LostMoney(period, rules, by or Where.SOURCE)
        case ReportName.PROMISES:
            return Promises(period, datetime.now(site.timezone).date(), names)
        case ReportName.DEALERS:
            return Dealers(period, rules)
        case ReportName.SURVEYS:
            return Surveys(period, by or Among.AGENT, _nps_questions(site), names)
        case _:
            return Stages(period)


def _nps_questions(site: Site) -> frozenset[str]:
    nodes = (node for flow in site.flows.values() for node in flow.nodes.values() if isinstance(node, SurveyNode))
    return frozenset(question.name for node in nodes for question in node.questions if question.scale == "nps")


def _show_figures(name: ReportName, site: Site, folders: SiteFolders, asked: Asked, manner: Manner) -> None:
    found = ask_crm(site, folders, partial(answer, asked=asked), Report((), (), ()))
    show_report(f"Report: {name}", found, manner)


def _show_rows_behind(
    site: Site, folders: SiteFolders, asked: Asked, figure: str, of: Sequence[str], manner: Manner
) -> None:
    question, nothing = partial(rows_behind, asked=asked, figure=figure, of=of), list[dict[str, Any]]()
    try:
        rows = ask_crm(site, folders, question, nothing)
    except NoSuchFigure as error:
        refuse(str(error), 2)
    if of and not rows:
        _refuse_unknown(site, folders, asked, of[0])
    show_rows(figure.capitalize().replace("_", " "), list(rows[0]) if rows else (), rows, manner)


def _refuse_unknown(site: Site, folders: SiteFolders, asked: Asked, line: str) -> None:
    """A line that is there has no such rows; one that is not was mistyped."""
    found = ask_crm(site, folders, partial(answer, asked=asked), Report((), (), ()))
    there = [str(row[found.columns[0]]) for row in found.lines]
    if there and line not in there:
        refuse(f"there is no line '{line}' in this report, but {', '.join(there)}", 2)
