"""From a folder of YAML to a `Site`, or to everything that is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from acd.model import AgentSpec, Miss, QueueSpec, StepSpec
from acd.rules import Rona, RouterRules
from acd.standing import StandingRules
from agi_scripts.admission import CallLimits
from agi_scripts.outside_numbers import OutsideNumber, OutsideNumbers
from agi_scripts.talk_recording import RecordingRules
from agi_scripts.wrap_up import DispositionSpec
from hotline.site.agreement import disagreements
from hotline.site.errands import errand_problems
from hotline.site.forms import Forms, read_forms
from hotline.site.keypad import keypad_numbers
from hotline.site.problem import SiteError, SiteProblem, errors
from hotline.site.schema import AgentForm, HoursBookForm, OutsideBookForm, QueueForm, QueuesForm, SiteForm
from hotline.site.site import Agent, Alarm, AsteriskChoice, FailOpen, Keep, Phone, Ports, Site, Trunk
from hotline.site.strategies import strategy_problems
from hotline.site.waiting import waiting_rules
from ivr.hours import LineHours
from ivr.media_source import MediaSource, NumberSpec
from ivr.special_dates import special_dates

_Form = TypeVar("_Form", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Verdict:
    """``site`` is None exactly when one of the problems is an error."""

    site: Site | None
    problems: tuple[SiteProblem, ...]


def load_site(folder: Path) -> Site:
    """Raises SiteError with all problems. Warnings alone do not stop a site."""
    verdict = judge_site(folder)
    if verdict.site is None:
        raise SiteError(errors(verdict.problems))
    return verdict.site


def judge_site(folder: Path, today: date | None = None) -> Verdict:
    """Read and check everything in ``folder``; writes nothing."""
    folder = folder.absolute()
    if not (folder / "site.yaml").exists():
        hint = "`hotline init` makes one"
        return Verdict(None, (SiteProblem("site.yaml", 0, "", f"there is no site in {folder}", hint),))
    forms = read_forms(folder)
    found = [*forms.problems, *disagreements(forms, today or datetime.now(UTC).date())]
    found += errand_problems(folder, forms)
    found += strategy_problems(folder, forms)
    found.sort(key=lambda problem: (problem.file, problem.line))
    return Verdict(None if errors(found) else _site(folder, forms), tuple(found))


def _sound(form: _Form | None) -> _Form:
    """`judge_site` builds a site of sound forms only."""
    if form is None:
        raise ValueError("a site is built of forms without errors")
    return form


def _site(folder: Path, forms: Forms) -> Site:
    site = _sound(forms.site)
    return Site(
        folder=folder,
        name=site.name,
        timezone=ZoneInfo(site.timezone),
        country=site.country,
        languages=_by_preference(site),
        default_language=site.default_language,
        bind=site.bind,
        ports=_ports(site),
        keep=Keep(**site.keep.model_dump()),
        waiting={name: waiting_rules(form) for name, form in _sound(forms.queues).root.items()},
        alarms={
            name: Alarm(form.alarm.waiting, form.alarm.wait_s)
            for name, form in _sound(forms.queues).root.items()
            if form.alarm is not None
        },
        recorded=_recorded(_sound(forms.queues)),
        dispositions=_dispositions(_sound(forms.queues)),
        asterisk=_asterisk(site),
        fail_open=_fail_open(site),
        stop_grace_s=site.limits.stop_grace_s,
        menu_s=site.limits.menu_s,
        routing=_routing(site),
        standing=StandingRules(dict(site.routing.tiers), site.routing.broken_promise),
        regain_s=site.routing.regain_s,
        call_limits=_call_limits(site, phones=len(_sound(forms.agents).root) + len(_sound(forms.phones).root)),
        crm_url=site.crm_url,
        api_origins=tuple(site.api.origins),
        speech=site.speech,
        texts=site.texts,
        numbers={n: NumberSpec(n, f.source, f.campaign, f.flow) for n, f in _sound(forms.numbers).root.items()},
        media={id_: MediaSource(id_, form.name, form.kind) for id_, form in _sound(forms.media).root.items()},
        agents={extension: _agent(extension, form) for extension, form in _sound(forms.agents).root.items()},
        queues={name: _queue(name, form) for name, form in _sound(forms.queues).root.items()},
        hours=_hours(site, _sound(forms.hours)),
        trunks=tuple(
            Trunk(name, tuple(form.match), form.host or "", form.port)
            for name, form in _sound(forms.trunks).root.items()
        ),
        outside=_outside(_sound(forms.outside)),
        destinations={number: to for number, _, _, to in keypad_numbers(forms)},
        phones={e: Phone(e, form.name, form.sip_secret) for e, form in _sound(forms.phones).root.items()},
        flows={name: _sound(flow) for name, flow in forms.flows.items()},
        prompts=_sound(forms.prompts).prompts(),
        crm=_sound(forms.crm),
        crm_rules=_sound(forms.crm_rules).rules(ZoneInfo(site.timezone)),
    )


def _recorded(book: QueuesForm) -> dict[str, RecordingRules]:
    return {
        name: RecordingRules(form.record.consent or "", form.record.pause_s)
        for name, form in book.root.items()
        if form.record is not None
    }


def _dispositions(book: QueuesForm) -> dict[str, dict[str, DispositionSpec]]:
    return {
        name: {key: DispositionSpec(one.code, one.amount, one.promise) for key, one in form.dispositions.items()}
        for name, form in book.root.items()
    }


def _ports(site: SiteForm) -> Ports:
    form = site.ports
    return Ports(form.sip, form.agi, form.ami, (form.rtp[0], form.rtp[1]), form.metrics, form.api)


def _outside(book: OutsideBookForm) -> OutsideNumbers:
    numbers = {name: OutsideNumber(form.number, form.trunk, form.name) for name, form in book.numbers.items()}
    return OutsideNumbers(numbers, book.max_talk_s)


def _by_preference(site: SiteForm) -> dict[str, str]:
    first = site.default_language
    return {first: site.languages[first], **site.languages}


def _hours(site: SiteForm, book: HoursBookForm) -> dict[str, LineHours]:
    dates = special_dates(book.dates)
    return {line: form.hours(site.timezone, dates) for line, form in book.lines.items()}


def _asterisk(site: SiteForm) -> AsteriskChoice:
    form = site.asterisk
    return AsteriskChoice(form.mode == "embedded", form.behind_nat, tuple(form.extra_modules), tuple(form.codecs))


def _routing(site: SiteForm) -> RouterRules:
    form = site.routing
    kinds = {why: getattr(form.rona, why.value) for why in Miss if why is not Miss.WITHDRAWN}
    rona: dict[Miss, Rona] = {why: Rona(kind.misses, kind.rest_s) for why, kind in kinds.items()}
    return RouterRules(priority_class_s=form.priority_class_s, rona=rona, rona_ends_s=form.rona.ends_s)


def _call_limits(site: SiteForm, phones: int) -> CallLimits:
    form = site.limits
    first, last = site.ports.rtp
    calls = form.calls or calls_carried((last - first + 1) // 2, phones)
    return CallLimits(calls, form.calls_per_caller, form.calls_per_caller_per_hour)


def calls_carried(legs: int, phones: int) -> int:
    """How many callers there is sound for: each takes a leg (two RTP ports), and another one is kept for each phone of
    the house, but never more for the phones than for the callers."""
    return legs - min(legs // 2, phones)


def _fail_open(site: SiteForm) -> FailOpen:
    form = site.fail_open
    return FailOpen(form.knocks, form.knock_s, tuple(form.group), form.group_s, form.voicemail_max_s)


def _agent(extension: str, form: AgentForm) -> Agent:
    spec = AgentSpec(extension, form.name, dict(form.skills), frozenset(form.queues))
    return Agent(spec, form.pin, form.sip_secret, form.supervisor, form.language or "")


def _queue(name: str, form: QueueForm) -> QueueSpec:
    steps = tuple(StepSpec(step.require, step.for_s) for step in form.steps)
    return QueueSpec(
        name,
        steps,
        form.offer_s,
        form.wrap_up_s,
        form.max_wait_s,
        form.strategy,
        tuple(form.preferred),
        form.preferred_s,
        tuple(rule.rule() for rule in form.overflow),
        form.service_level_s,
        form.parallel,
        form.confirms,
    )
