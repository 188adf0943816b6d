"""What the files of a site must agree on: each name that one mentions, another must have. All problems at once.

A check speaks only when the files that it compares are sound by themselves, so that one mistake is told once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import date
from difflib import get_close_matches

from acd.requirement import Requirement
from hotline.site.forms import FLOWS, Forms
from hotline.site.problem import Gravity, SiteProblem
from hotline.site.reading import Page
from hotline.site.schema import AgentForm, SiteForm
from ivr.flow.check import check_flow
from ivr.media_source import UNKNOWN


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
    for line, form in forms.hours.root.items():
        for wall in form.hours(forms.site.timezone).edges_in_gaps(today):
            hint = "the clocks leap over it that night; choose another time"
            yield _warning(page.problem((line, "week"), f"{wall:%Y-%m-%d %H:%M} does not exist", hint))


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
            flow, forms.prompts.root, forms.queues.root, forms.hours.root, languages=forms.site.languages
        )
        for problem in found:
            yield page.problem(problem.path, problem.message, problem.hint)


def _warning(problem: SiteProblem) -> SiteProblem:
    return replace(problem, gravity=Gravity.WARNING)
