"""What the files of a site must agree on: each name that one mentions, another must have. All problems at once.

A check speaks only when the files that it compares are sound by themselves, so that one mistake is told once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import date, timedelta
from difflib import get_close_matches

from acd.requirement import Requirement
from hotline.site.crm_names import crm_mentions, phone_troubles
from hotline.site.crm_rule_names import rule_troubles
from hotline.site.forms import CRM, FLOWS, OUTSIDE, Forms
from hotline.site.keypad import keypad_clashes
from hotline.site.problem import Gravity, SiteProblem
from hotline.site.reading import Page
from hotline.site.schema import AgentForm, QueueForm, SiteForm
from ivr.flow.check import check_flow
from ivr.flow.nodes.form import Noun
from ivr.hours import LineHours
from ivr.media_source import UNKNOWN
from ivr.special_dates import special_dates
from ivr.wall_clock import Odd

# What callers hear without a flow that names it.
_WITHOUT_FLOW = ("too_many_calls", "hold_notice", "voicemail_prompt")
_PORT_OF = {"agi": "the AGI's", "ami": "the AMI's", "metrics": "Prometheus's", "api": "the API's"}


def disagreements(forms: Forms, today: date) -> Iterator[SiteProblem]:
    """``today``: the year from here on is searched for openings that fall into a leap of the clocks."""
    yield from _site(forms)
    yield from _numbers(forms)
    yield from _people(forms)
    yield from _outside(forms)
    yield from keypad_clashes(forms)
    yield from _queues(forms)
    yield from _hours(forms, today)
    yield from _prompts(forms)
    yield from _flows(forms)
    yield from _crm(forms)
    yield from rule_troubles(forms)


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
    """AGI, AMI, metrics and API are TCP; SIP and RTP are UDP. Only like can be in like's way."""
    ports = site.ports
    tcp = {"agi": ports.agi, "ami": ports.ami, "metrics": ports.metrics, "api": ports.api}
    holders: dict[int, str] = {}
    for name, port in tcp.items():
        if port is not None and (holder := holders.setdefault(port, name)) != name:
            yield page.problem(("ports", name), f"port {port} is {_PORT_OF[holder]} already")
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
        if agent.language is not None and forms.site is not None and agent.language not in forms.site.languages:
            yield _unknown(page, (extension, "language"), "language", agent.language, forms.site.languages)
    for extension in forms.phones.root if forms.phones is not None else ():
        if extension in agents:
            yield forms.pages["phones.yaml"].problem((extension,), "is an agent's extension already")
    for file, book in (("agents.yaml", agents), ("phones.yaml", forms.phones.root if forms.phones else {})):
        for extension in book:
            if forms.numbers is not None and extension in forms.numbers.root:
                yield forms.pages[file].problem((extension,), "is one of the numbers that callers dial")


def _outside(forms: Forms) -> Iterator[SiteProblem]:
    """A number outside needs a trunk that carries calls out."""
    page = forms.pages.get(OUTSIDE)
    if forms.outside is None or forms.trunks is None or page is None:
        return
    trunks = forms.trunks.root
    for name, number in forms.outside.numbers.items():
        if number.trunk not in trunks:
            yield _unknown(page, (name, "trunk"), "trunk", number.trunk, trunks)
        elif trunks[number.trunk].host is None:
            hint = f"give '{number.trunk}' a host in trunk.yaml"
            yield page.problem((name, "trunk"), f"the trunk '{number.trunk}' carries no calls out", hint)


def _queues(forms: Forms) -> Iterator[SiteProblem]:
    """A step that nobody can meet is passed over: a warning. A queue that nobody can serve is an error where a flow
    sends calls to it, for they would wait for nobody; before that a centre may open with its first agent."""
    if forms.queues is None or forms.agents is None or forms.site is None:
        return
    page, senders = forms.pages["queues.yaml"], _senders(forms)
    for name, queue in forms.queues.root.items():
        yield from _overflows(forms, page, name, queue)
        yield from _waiting(forms, page, name, queue)
        if queue.confirms and forms.prompts is not None and "whisper_confirm" not in forms.prompts.root:
            yield forms.pages["prompts.yaml"].problem(("whisper_confirm",), f"is missing, and '{name}' needs it")
        consent = queue.record.consent if queue.record is not None else None
        if consent is not None and forms.prompts is not None and consent not in forms.prompts.root:
            yield _unknown(page, (name, "record", "consent"), "prompt", consent, forms.prompts.root)
        members = [agent for agent in forms.agents.root.values() if name in agent.queues]
        unmet = [
            place
            for place, step in enumerate(queue.steps)
            if not any(_may_meet(step.require, agent, forms.site.languages) for agent in members)
        ]
        if len(unmet) == len(queue.steps):
            reason = "can ever meet one of its steps" if members else "serves this queue"
            sent = f", and {senders[name]} sends calls to it" if name in senders else ""
            problem = page.problem((name,), f"no agent {reason}{sent}", "name it in agents.yaml, with the skills")
            yield problem if name in senders else _warning(problem)
            continue
        for place in unmet:
            path = (name, "steps", place, "require")
            yield _warning(page.problem(path, "no agent of this queue can ever meet it", "the step is skipped"))


def _waiting(forms: Forms, page: Page, name: str, queue: QueueForm) -> Iterator[SiteProblem]:
    """What callers hear while they wait, and who may call them back."""
    for place, message in enumerate(queue.announce.messages if queue.announce is not None else ()):
        if forms.prompts is not None and message not in forms.prompts.root:
            yield _unknown(page, (name, "announce", "messages", place), "prompt", message, forms.prompts.root)
    trunks = forms.trunks.root if forms.trunks is not None else None
    if queue.callback is None or trunks is None:
        return
    path = (name, "callback", "trunk")
    if queue.callback.trunk not in trunks:
        yield _unknown(page, path, "trunk", queue.callback.trunk, trunks)
    elif trunks[queue.callback.trunk].host is None:
        hint = f"give '{queue.callback.trunk}' a host in trunk.yaml"
        yield page.problem(path, f"the trunk '{queue.callback.trunk}' carries no calls out", hint)
    if queue.callback.from_hour >= queue.callback.to_hour:
        yield page.problem((name, "callback", "to_hour"), "is not after from_hour", "nobody would ever be called")


def _overflows(forms: Forms, page: Page, name: str, queue: QueueForm) -> Iterator[SiteProblem]:
    queues = forms.queues.root if forms.queues is not None else {}
    for place, rule in enumerate(queue.overflow):
        path = (name, "overflow", place)
        if rule.queue == name:
            yield page.problem((*path, "queue"), "the call would stay where it is", "name another queue, or none")
        elif rule.queue is not None and rule.queue not in queues:
            yield _unknown(page, (*path, "queue"), "queue", rule.queue, queues)
        if rule.closed is not None and forms.hours is not None and rule.closed not in forms.hours.lines:
            yield _unknown(page, (*path, "closed"), "line", rule.closed, forms.hours.lines)


def _senders(forms: Forms) -> dict[str, str]:
    """Queue → who sends callers into it, in words: a flow, or a queue that overflows. (A call for one agent takes only
    its rules, and a branch only looks.)"""
    by_overflow = {
        rule.queue: f"the queue '{name}'"
        for name, queue in (forms.queues.root.items() if forms.queues is not None else ())
        for rule in queue.overflow
        if rule.queue is not None
    }
    return by_overflow | {
        mention.name: f"the flow '{flow.name}'"
        for flow in forms.flows.values()
        if flow is not None
        for node in flow.nodes.values()
        if node.kind not in ("agent", "branch")
        for mention in node.mentions()
        if mention.noun is Noun.QUEUE
    }


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
        yield from _odd_edges(page, line, hours, today)
        for problem in _idle_make_up(page, line, hours, today):
            yield _warning(problem)


def _odd_edges(page: Page, line: str, hours: LineHours, today: date) -> Iterator[SiteProblem]:
    """A week has its odd night once a year, and is kept then as well as can be: a warning. A time that is written for a
    date on which there is no such time is an error."""
    for wall, odd in hours.odd_edges(today):
        path = _date_path(page, line, wall.date(), "week")
        hint = "the clocks are put forward or back over it that night; choose another time"
        problem = page.problem(path, f"{wall:%Y-%m-%d %H:%M} {odd}", hint)
        yield problem if odd is Odd.GAP and path != (line, "week") else _warning(problem)


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
    for key in _WITHOUT_FLOW:
        if key not in forms.prompts.root:
            yield _warning(page.problem((key,), "is missing", "callers hear a beep; `hotline init` has the text"))
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
            agents=None if forms.agents is None else forms.agents.root,
            outside=None if forms.outside is None else forms.outside.numbers,
        )
        for problem in found:
            yield page.problem(problem.path, problem.message, problem.hint)


def _crm(forms: Forms) -> Iterator[SiteProblem]:
    if forms.crm is None or forms.site is None:
        return
    page = forms.pages.get(CRM, Page(CRM))
    languages = forms.site.languages
    known: dict[str, Collection[str]] = {
        "customer": forms.crm.customers,
        "order": forms.crm.orders,
        "language": languages,
        "language code": set(languages.values()),
    }
    if forms.agents is not None:
        known["agent"] = forms.agents.root
    for path, noun, name in crm_mentions(forms.crm):
        if name not in known.get(noun, (name,)):
            yield _unknown(page, path, noun, name, known[noun])
    for path, message in phone_troubles(forms.crm, forms.site.country):
        yield page.problem(path, message)


def _warning(problem: SiteProblem) -> SiteProblem:
    return replace(problem, gravity=Gravity.WARNING)
