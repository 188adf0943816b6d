"""What the files of a site must agree on: each name that one mentions, another must have. All problems at once.

A check speaks only when the files that it compares are sound by themselves, so that one mistake is told once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import date, timedelta
from difflib import get_close_matches

from acd.requirement import Requirement
from hotline.site.forms import FLOWS, Forms
from hotline.site.problem import Gravity, SiteProblem
from hotline.site.reading import Page
from hotline.site.schema import AgentForm, SiteForm
from ivr.flow.check import check_flow
from ivr.hours import LineHours
from ivr.media_source import UNKNOWN
from ivr.special_dates import special_dates


def disagreements(forms: Forms, today: date) -> Iterator[SiteProblem]:
    """``today``: the year from here on is searched for openings that fall into a leap of the clocks."""
    yield from _site(forms)
    yield from _numbers(forms)
    yield from _people(forms)
    yield from _queues(forms)
    yield from _hours(forms, today)
    yield from _prompts(forms)
    yield from _flows(forms)


def _unknown(page: Page, path: tuple[str | int, ...], noun: str, name: str, known: Collection[str]) -> SiteProblem:
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(sorted(known)[:12]) or 'none'}"
    return page.problem(path, f"there is no {noun} '{name}'", hint)


def _site(forms: Forms) -> Iterator[SiteProblem]:
    site, page = forms.site, forms.pages["site.yaml"]
    if site is None:
        return
    if site.default_language not in site.languages:
        yield _unknown(page, ("default_language",), "language", site.default_language, site.languages)
    yield from _ports(site, page)
    if forms.agents is not None:
        for place, extension in enumerate(site.fail_open.group):
            if extension not in forms.agents.root:
                path = ("fail_open", "group", place)
                yield _unknown(page, path, "agent", extension, forms.agents.root)


def _ports(site: SiteForm, page: Page) -> Iterator[SiteProblem]:
    """AGI and AMI are TCP; SIP and RTP are UDP. Only like can be in like's way."""
    ports = site.ports
    if ports.agi == ports.ami:
        yield page.problem(("ports", "ami"), f"port {ports.ami} is the AGI's already")
    if ports.rtp[0] <= ports.sip <= ports.rtp[1] + 1:
        yield page.problem(("ports", "sip"), f"port {ports.sip} lies among the RTP ports")


def _numbers(forms: Forms) -> Iterator[SiteProblem]:
    if forms.numbers is None:
        return
    page = forms.pages["numbers.yaml"]
    bare: dict[str, str] = {}
    for number, form in forms.numbers.root.items():
        if bare.setdefault(number.removeprefix("+"), number) != number:
            yield page.problem((number,), "the same number is there twice, with and without +")
        if forms.media is not None and form.source not in (None, UNKNOWN, *forms.media.root):
            yield _unknown(page, (number, "source"), "media source", str(form.source), forms.media.root)
        if form.flow not in forms.flows:
            yield _unknown(page, (number, "flow"), "flow", form.flow, forms.flows)
        elif (flow := forms.flows[form.flow]) is not None and flow.is_sub:
            hint = "it has parameters or a return: another flow goes into it"
            yield page.problem((number, "flow"), f"the flow '{form.flow}' cannot take a call by itself", hint)


def _people(forms: Forms) -> Iterator[SiteProblem]:
    """Agents, phones and trunks share one space of names: PJSIP's endpoints."""
    agents = forms.agents.root if forms.agents is not None else {}
    page = forms.pages["agents.yaml"]
    for extension, agent in agents.items():
        for place, queue in enumerate(agent.queues):
            if forms.queues is not None and queue not in forms.queues.root:
                yield _unknown(page, (extension, "queues", place), "queue", queue, forms.queues.root)
    for extension in forms.phones.root if forms.phones is not None else ():
        if extension in agents:
            yield forms.pages["phones.yaml"].problem((extension,), "is an agent's extension already")
    for file, book in (("agents.yaml", agents), ("phones.yaml", forms.phones.root if forms.phones else {})):
        for extension in book:
            if forms.numbers is not None and extension in forms.numbers.root:
                yield forms.pages[file].problem((extension,), "is one of the numbers that callers dial")


def _queues(forms: Forms) -> Iterator[SiteProblem]:
    """Nobody there to serve a queue is a warning: a centre may open with its first agent."""
    if forms.queues is None or forms.agents is None or forms.site is None:
        return
    page = forms.pages["queues.yaml"]
    for name, queue in forms.queues.root.items():
        members = [agent for agent in forms.agents.root.values() if name in agent.queues]
        if not members:
            yield _warning(page.problem((name,), "no agent serves this queue", "name it in agents.yaml"))
            continue
        for place, step in enumerate(queue.steps):
            if not any(_may_meet(step.require, agent, forms.site.languages) for agent in members):
                path = (name, "steps", place, "require")
                yield _warning(page.problem(path, "no agent of this queue can ever meet it", "the step is skipped"))


def _may_meet(text: str, agent: AgentForm, languages: Collection[str]) -> bool:
    """With some value of its variables. A variable other than the language is any of the agent's own skills:
    if none of those will do, nothing will."""
    requirement = Requirement.parse(text)
    tries: list[dict[str, str]] = [{}]
    for variable in requirement.variables[:3]:
        values = languages if variable == "language" else [*agent.skills]
        tries += [{**filled, variable: value} for filled in tries for value in values]
    return any(requirement.bind(filled).met_by(agent.skills) for filled in tries)


def _hours(forms: Forms, today: date) -> Iterator[SiteProblem]:
    if forms.hours is None or forms.site is None:
        return
    page = forms.pages["hours.yaml"]
    dates = special_dates(forms.hours.dates)
    for line, form in forms.hours.lines.items():
        hours = form.hours(forms.site.timezone, dates)
        for problem in (*_odd_edges(page, line, hours, today), *_idle_make_up(page, line, hours, today)):
            yield _warning(problem)


def _odd_edges(page: Page, line: str, hours: LineHours, today: date) -> Iterator[SiteProblem]:
    for wall, odd in hours.odd_edges(today):
        hint = "the clocks are put forward or back over it that night; choose another time"
        yield page.problem(_date_path(page, line, wall.date(), "week"), f"{wall:%Y-%m-%d %H:%M} {odd}", hint)


def _idle_make_up(page: Page, line: str, hours: LineHours, today: date) -> Iterator[SiteProblem]:
    """A working day that borrows the hours of a day without hours: told once for each place that it is written in."""
    told: set[tuple[str, ...]] = set()
    for offset in range(366):
        plan = hours.plan(today + timedelta(days=offset))
        path = _date_path(page, line, plan.day, "holidays")
        if plan.like is not None and not plan.spans and path not in told:
            told.add(path)
            message = f"{plan.day}, a working day, has the hours of '{plan.like}', on which {line} is closed"
            yield page.problem(path, message, f"give {line} hours on '{plan.like}', or the date hours of its own")


def _date_path(page: Page, line: str, day: date, otherwise: str) -> tuple[str, ...]:
    """Where the date is written, by the line or for the site; else under the line's ``otherwise``."""
    for path in ((line, "dates", f"{day}"), ("dates", f"{day}")):
        if path in page.lines:
            return path
    return (line, otherwise)


def _prompts(forms: Forms) -> Iterator[SiteProblem]:
    if forms.prompts is None or forms.site is None:
        return
    codes = set(forms.site.languages.values())
    page = forms.pages["prompts.yaml"]
    for key, prompt in forms.prompts.prompts().items():
        for code in sorted(codes - set(prompt.texts)):
            hint = "callers of that language hear another one"
            yield _warning(page.problem((key, "text"), f"has no text in '{code}'", hint))


def _flows(forms: Forms) -> Iterator[SiteProblem]:
    if forms.prompts is None or forms.queues is None or forms.hours is None or forms.site is None:
        return
    for name, flow in forms.flows.items():
        if flow is None:
            continue
        page = forms.pages[f"{FLOWS}/{name}.yaml"]
        found = check_flow(
            flow,
            forms.prompts.root,
            forms.queues.root,
            forms.hours.lines,
            languages=forms.site.languages,
            sources=None if forms.media is None else forms.media.root,
            flows=forms.flows,
        )
        for problem in found:
            yield page.problem(problem.path, problem.message, problem.hint)


def _warning(problem: SiteProblem) -> SiteProblem:
    return replace(problem, gravity=Gravity.WARNING)
