"""The shape of each file of a site, but for flows, hours and prompts, whose forms live beside their code in `ivr`.

Strict: nothing is coerced, nothing unknown is taken, every number has bounds and every text a pattern, because each of
these values ends in a file of Asterisk's, in SQL or on a screen. What one file must know of another: `agreement.py`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, RootModel, StringConstraints, model_validator

from acd.model import Preferred
from acd.overflow import OverflowRule, When
from acd.own_strategy import PREFIX
from acd.requirement import Requirement
from acd.strategies import ALL_STRATEGIES
from ivr.hours import HoursForm
from ivr.prompts.speech_form import EspeakForm, SpeechForm
from ivr.prompts.text import Code
from ivr.special_dates import DatesForm
from ivr.texts.form import FileTextsForm, TextsForm


class Form(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True)


# What is forbidden in a name would be read as something else in a file of Asterisk's, in a SIP header or by an eye
# (the bidirectional overrides turn a name around).
_UNSPEAKABLE = '\\x00-\\x1f\\x7f"<>;\\\\\\[\\]{}$|=\u202a-\u202e\u2066-\u2069'


def _no_comment(text: str) -> str:
    if text.startswith("#"):
        raise ValueError("a name cannot begin with '#'")
    return text


Label = Annotated[
    str, StringConstraints(min_length=1, max_length=60, pattern=f"^[^{_UNSPEAKABLE}]+$"), AfterValidator(_no_comment)
]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Extension = Annotated[str, StringConstraints(pattern=r"^[0-9]{2,8}$")]
Number = Annotated[str, StringConstraints(pattern=r"^\+?[0-9]{3,20}$")]
Keypad = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,8}$")]
Pin = Annotated[str, StringConstraints(pattern=r"^[0-9]{4,12}$")]
Secret = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_-]{16,64}$")]
Level = Annotated[int, Field(ge=0, le=100)]
Port = Annotated[int, Field(ge=1024, le=65535)]
HostName = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z]([0-9A-Za-z.-]{0,252}[0-9A-Za-z])?$")]
Origin = Annotated[str, StringConstraints(pattern=r"^https?://[0-9A-Za-z.-]{1,253}(:[0-9]{1,5})?$")]
Module = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+\.so$")]


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"no time zone '{name}'") from None
    return name


def _country(code: str) -> str:
    if code not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError(f"'{code}' is no country; two capitals as in CN or DE")
    return code


def _address(text: str) -> str:
    return str(ipaddress.IPv4Address(text))


def _network(text: str) -> str:
    found = ipaddress.ip_network(text)
    if found.prefixlen == 0:
        raise ValueError("a trunk that matches the whole world needs no secret from anyone: name its addresses")
    return text


def _requirement(text: str) -> str:
    Requirement.parse(text)
    return text


def _strategy(name: str) -> str:
    if name not in ALL_STRATEGIES and not re.fullmatch(f"{PREFIX}[a-z][a-z0-9_]{{0,31}}", name):
        raise ValueError(f"no strategy '{name}'; there is {', '.join(sorted(ALL_STRATEGIES))}, and {PREFIX}NAME")
    return name


def _port_range(pair: list[int]) -> list[int]:
    if pair[0] % 2 or pair[1] - pair[0] < 3:
        raise ValueError("first and last port, the first even, at least two calls wide")
    return pair


def _sql_url(url: str) -> str:
    if not re.match(r"(sqlite|sqlite\+aiosqlite|postgresql|postgresql\+psycopg)://", url):
        raise ValueError("begins with sqlite:// or postgresql://")
    return url


class PortsForm(Form):
    """``metrics``: where Prometheus may read; ``api``: where the REST API answers; None: nowhere."""

    sip: Port = 5060
    agi: Port = 4573
    ami: Port = 5038
    metrics: Port | None = None
    api: Port | None = None
    rtp: Annotated[list[Port], Field(min_length=2, max_length=2), AfterValidator(_port_range)] = [10000, 10999]


class ApiForm(Form):
    """``origins``: of web pages that may ask the API from a browser."""

    origins: Annotated[list[Origin], Field(max_length=20)] = []


class AsteriskForm(Form):
    """``embedded``: brought and run by us. ``external``: the admin's own; we render files for it. ``codecs``: in the
    order of preference; with g722 before the others phones that can speak wideband do."""

    mode: Literal["embedded", "external"] = "embedded"
    behind_nat: bool = False
    extra_modules: list[Module] = []
    codecs: Annotated[list[Literal["ulaw", "alaw", "g722"]], Field(min_length=1, max_length=3)] = ["ulaw", "alaw"]


class FailOpenForm(Form):
    """While no engine answers: ``knocks`` x ``knock_s`` of music, then ``group`` rings ``group_s``, then voicemail."""

    knocks: Annotated[int, Field(ge=1, le=100)] = 10
    knock_s: Annotated[int, Field(ge=1, le=30)] = 3
    group: Annotated[list[Extension], Field(max_length=20)] = []
    group_s: Annotated[int, Field(ge=5, le=300)] = 30
    voicemail_max_s: Annotated[int, Field(ge=5, le=900)] = 120


class RonaForm(Form):
    """After each missed call of one kind the agent rests ``rest_s``; after ``misses`` in a row they are paused."""

    misses: Annotated[int, Field(ge=1, le=100)] = 3
    rest_s: Annotated[float, Field(ge=0, le=3600)] = 5.0


class RonaRulesForm(Form):
    """``ends_s``: when the pause ends by itself; None: by the agent's *34 alone."""

    no_answer: RonaForm = RonaForm()
    rejected: RonaForm = RonaForm()
    unreachable: RonaForm = RonaForm()
    ends_s: Annotated[float, Field(ge=1, le=86400)] | None = None


PriorityClass = Annotated[int, Field(ge=-100, le=100)]


class RoutingForm(Form):
    """``priority_class_s``: how many seconds of wait one priority class is worth. ``tiers`` and ``broken_promise``:
    classes added to the flow's own, for the customer's tier and for a promise to them that was not kept.
    ``regain_s``: who was cut off and rings back so soon has their place again (0: never)."""

    priority_class_s: Annotated[float, Field(gt=0, le=86400)] = 120.0
    tiers: dict[Label, PriorityClass] = {}
    broken_promise: PriorityClass = 0
    regain_s: Annotated[float, Field(ge=0, le=3600)] = 60.0
    rona: RonaRulesForm = RonaRulesForm()


class LimitsForm(Form):
    """``stop_grace_s``: how long `hotline up`, asked to stop, lets people finish talking. ``menu_s``: how long one call
    may be in menus all in all (each flow limits one walk through it). ``calls``, ``calls_per_caller``: at a time; a
    call over a limit hears so. ``calls`` None: as many as the RTP ports carry."""

    stop_grace_s: Annotated[float, Field(ge=0, le=3600)] = 120.0
    menu_s: Annotated[float, Field(ge=10, le=7200)] = 900.0
    calls: Annotated[int, Field(ge=1, le=100_000)] | None = None
    calls_per_caller: Annotated[int, Field(ge=1, le=100_000)] = 5
    calls_per_caller_per_hour: Annotated[int, Field(ge=1, le=1_000_000)] = 60


Days = Annotated[int, Field(ge=1, le=36500)]


class KeepForm(Form):
    """For how many days what grows every day is kept. ``events_days``: the ACD's event log, of which its figures and
    `hotline explain` are made; ``recordings_days``: recorded conversations; ``calls_days``: who called (afterwards a
    call is a figure without number and name); ``call_events_days``: each step of a call; ``voicemails_days``: messages,
    with what was to be done about them; ``surveys_days``; ``interactions_days``: texts, mails, notes and calls to
    customers; ``journal_days``: what the CRM has already; ``logs_days``; ``api_requests_days``: answers to requests
    that may come twice."""

    events_days: Days = 400
    recordings_days: Days = 180
    calls_days: Days = 1095
    call_events_days: Days = 400
    voicemails_days: Days = 180
    surveys_days: Days = 1095
    interactions_days: Days = 1095
    journal_days: Days = 7
    logs_days: Days = 30
    api_requests_days: Days = 7

    @model_validator(mode="after")
    def _in_order(self) -> KeepForm:
        if self.call_events_days > self.calls_days:
            raise ValueError("call_events_days is more than calls_days: the steps of a call say who called")
        if self.journal_days >= self.call_events_days:
            raise ValueError("journal_days must be less than call_events_days: by them the CRM knows what it has had")
        return self


class SiteForm(Form):
    """`site.yaml`. ``languages``: the name that flows and skills use → the code that prompts use."""

    name: Label
    timezone: Annotated[str, AfterValidator(_zone)]
    country: Annotated[str, AfterValidator(_country)]
    languages: Annotated[dict[Name, Code], Field(min_length=1)]
    default_language: Name
    bind: Annotated[str, AfterValidator(_address)] = "127.0.0.1"
    ports: PortsForm = PortsForm()
    asterisk: AsteriskForm = AsteriskForm()
    fail_open: FailOpenForm = FailOpenForm()
    limits: LimitsForm = LimitsForm()
    routing: RoutingForm = RoutingForm()
    keep: KeepForm = KeepForm()
    speech: SpeechForm = EspeakForm()
    texts: TextsForm = FileTextsForm()
    crm_url: Annotated[str, AfterValidator(_sql_url)] | None = None
    api: ApiForm = ApiForm()


class NumberForm(Form):
    source: Name | None = None
    campaign: Name | None = None
    flow: Name


class MediaForm(Form):
    name: Label
    kind: Name


class AgentForm(Form):
    """``language``: what the desk speaks to them; left out: the site's own."""

    name: Label
    pin: Pin = Field(repr=False)
    sip_secret: Secret = Field(repr=False)
    queues: Annotated[list[Name], Field(min_length=1)]
    skills: dict[Name, Level] = {}
    supervisor: bool = False
    language: Name | None = None


class StepForm(Form):
    """``require`` is the text of `acd.requirement`; the last step has no ``for_s``."""

    require: Annotated[str, AfterValidator(_requirement)]
    for_s: Annotated[float, Field(gt=0, le=86400)] | None = None


def _open_end(steps: list[StepForm]) -> list[StepForm]:
    """Raises ValueError where a step can never begin or the wait runs out of steps."""
    for place, step in enumerate(steps[:-1]):
        if step.for_s is None:
            raise ValueError(f"step {place} has no for_s, so the steps after it never begin")
    if steps[-1].for_s is not None:
        raise ValueError("the last step stands for the rest of the wait: leave its for_s out")
    return steps


class OverflowForm(Form):
    """One rule: what is looked at, its limit, and the queue that gets the call (left out: the flow goes on by its queue
    node's ``overflow``). The first rule that holds is followed."""

    waited_s: Annotated[float, Field(ge=1, le=86400)] | None = None
    expected_s: Annotated[float, Field(ge=1, le=86400)] | None = None
    length: Annotated[int, Field(ge=1, le=100_000)] | None = None
    nobody_staffed: Literal[True] | None = None
    closed: Name | None = None
    queue: Name | None = None

    @model_validator(mode="after")
    def _one(self) -> OverflowForm:
        if len(self.looked_at) != 1:
            raise ValueError(f"a rule has one of {', '.join(When)}")
        return self

    @property
    def looked_at(self) -> list[When]:
        return [when for when in When if getattr(self, when.value) is not None]

    def rule(self) -> OverflowRule:
        (when,) = self.looked_at
        if self.closed is not None:
            return OverflowRule(when, queue=self.queue or "", line=self.closed)
        return OverflowRule(when, float(getattr(self, when.value)), self.queue or "")


class RecordForm(Form):
    """Conversations are recorded. ``consent``: the prompt that callers hear before they wait; ``pause_s``: an agent's
    pause (*37) ends by itself."""

    consent: Name | None = None
    pause_s: Annotated[float, Field(ge=5, le=3600)] = 120.0


class CallbackForm(Form):
    """Call back instead of waiting: offered to who has waited ``after_s`` or would have to wait ``expected_s``.
    ``trunk``: the carrier that takes it out; ``from_hour``, ``to_hour``: between which people are called; ``tries`` at
    most, ``again_s`` apart, each ``ring_s`` long; what is not done after ``keep_hours`` is a human's task."""

    trunk: Name
    after_s: Annotated[float, Field(ge=0, le=86400)] = 120.0
    expected_s: Annotated[float, Field(ge=0, le=86400)] = 360.0
    from_hour: Annotated[float, Field(ge=0, le=24)] = 9.0
    to_hour: Annotated[float, Field(ge=0, le=24)] = 21.0
    tries: Annotated[int, Field(ge=1, le=10)] = 3
    again_s: Annotated[float, Field(ge=1, le=86400)] = 600.0
    ring_s: Annotated[float, Field(ge=5, le=60)] = 25.0
    keep_hours: Annotated[float, Field(gt=0, le=720)] = 96.0


class AnnounceForm(Form):
    """What callers hear beside the music, ``first_s`` after the join and then ``every_s``: their ``position``, how long
    it is ``expected`` to take, the ``choice`` of anyone instead of a specialist, and one of ``messages`` in turn."""

    first_s: Annotated[float, Field(ge=0, le=3600)] = 30.0
    every_s: Annotated[float, Field(ge=5, le=3600)] = 60.0
    position: bool = True
    expected: bool = True
    choice: bool = False
    messages: Annotated[list[Name], Field(max_length=20)] = []


class AlarmForm(Form):
    """A queue's lamp blinks while so many wait, or while somebody has waited so long."""

    waiting: Annotated[int, Field(ge=1, le=100_000)] | None = None
    wait_s: Annotated[float, Field(ge=1, le=86400)] | None = None


class DispositionForm(Form):
    """What a call came to. ``code``: as the CRM knows it; ``amount``, ``promise``: ask for money, for a day."""

    code: Name
    amount: bool = False
    promise: bool = False


DispositionKey = Annotated[str, StringConstraints(pattern=r"^[0-9]$")]


class QueueForm(Form):
    """``preferred``: whom a caller should rather have, the best first; for ``preferred_s`` the call is kept for the
    first of them who is logged in. ``service_level_s``: who is answered within it was served in time.
    ``keypad``: what an agent types to pass a caller on to it. ``record``: left out, nothing is recorded.
    ``announce``, ``callback``: left out, there is only music; ``music``: a folder of the site's `music`, or default.
    ``dispositions``: what an agent may say of a call afterwards, by key. ``parallel``: so many phones ring for a call
    at once; ``confirm``: who picks up takes the call by pressing 1 (left out: where several phones ring)."""

    steps: Annotated[list[StepForm], Field(min_length=1, max_length=20), AfterValidator(_open_end)]
    offer_s: Annotated[float, Field(ge=5, le=120)] = 15.0
    wrap_up_s: Annotated[float, Field(ge=0, le=3600)] = 10.0
    max_wait_s: Annotated[float, Field(ge=10, le=86400)] = 600.0
    strategy: Annotated[str, AfterValidator(_strategy)] = "longest_idle"
    preferred: Annotated[list[Preferred], Field(max_length=2)] = []
    preferred_s: Annotated[float, Field(gt=0, le=600)] = 15.0
    overflow: Annotated[list[OverflowForm], Field(max_length=20)] = []
    service_level_s: Annotated[float, Field(gt=0, le=3600)] = 20.0
    parallel: Annotated[int, Field(ge=1, le=20)] = 1
    confirm: bool | None = None
    keypad: Keypad | None = None
    announce: AnnounceForm | None = None
    callback: CallbackForm | None = None
    alarm: AlarmForm | None = None
    music: Name = "default"
    record: RecordForm | None = None
    dispositions: Annotated[dict[DispositionKey, DispositionForm], Field(max_length=10)] = {}

    @property
    def confirms(self) -> bool:
        return self.parallel > 1 if self.confirm is None else self.confirm


class PhoneForm(Form):
    name: Label
    sip_secret: Secret = Field(repr=False)


class TrunkForm(Form):
    """``host`` and ``port``: where this carrier takes calls that go out; without a host it takes none."""

    match: Annotated[list[Annotated[str, AfterValidator(_network)]], Field(min_length=1)]
    host: HostName | None = None
    port: Annotated[int, Field(ge=1, le=65535)] = 5060


class OutsideForm(Form):
    """One number that calls may be transferred to. ``name`` is for people; ``keypad``: what an agent types to pass a
    caller on to it."""

    number: Number
    trunk: Name
    name: Label
    keypad: Keypad | None = None


class OutsideBookForm(BaseModel):
    """`outside.yaml`, which need not be there: numbers by the names that flows use, and ``max_talk_s`` for all of them;
    so no number can be called that."""

    model_config = ConfigDict(strict=True, extra="allow", frozen=True, hide_input_in_errors=True)

    max_talk_s: Annotated[int, Field(ge=10, le=14400)] = 3600
    __pydantic_extra__: dict[Name, OutsideForm]

    @property
    def numbers(self) -> Mapping[str, OutsideForm]:
        return self.__pydantic_extra__


class NumbersForm(RootModel[dict[Number, NumberForm]]):
    model_config = ConfigDict(strict=True, frozen=True, hide_input_in_errors=True)


class MediaSourcesForm(RootModel[dict[Name, MediaForm]]):
    model_config = ConfigDict(strict=True, frozen=True, hide_input_in_errors=True)


class AgentsForm(RootModel[dict[Extension, AgentForm]]):
    model_config = ConfigDict(strict=True, frozen=True, hide_input_in_errors=True)


class QueuesForm(RootModel[dict[Name, QueueForm]]):
    model_config = ConfigDict(strict=True, frozen=True, hide_input_in_errors=True)


class HoursBookForm(BaseModel):
    """`hours.yaml`: lines by their names, and ``dates`` for all of them; so no line can be called "dates"."""

    model_config = ConfigDict(strict=True, extra="allow", frozen=True, hide_input_in_errors=True)

    dates: DatesForm = {}
    __pydantic_extra__: dict[Name, HoursForm]

    @property
    def lines(self) -> Mapping[str, HoursForm]:
        return self.__pydantic_extra__


class PhonesForm(RootModel[dict[Extension, PhoneForm]]):
    model_config = ConfigDict(strict=True, frozen=True, hide_input_in_errors=True)


class TrunksForm(RootModel[dict[Name, TrunkForm]]):
    model_config = ConfigDict(strict=True, frozen=True, hide_input_in_errors=True)
