"""A site as the rest of the program sees it: frozen values, every name in it proved to lead somewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from acd.model import AgentSpec, QueueSpec
from acd.rules import RouterRules
from acd.standing import StandingRules
from agi_scripts.admission import CallLimits
from agi_scripts.announcing import WaitingRules
from agi_scripts.outside_numbers import OutsideNumbers
from agi_scripts.talk import Destination
from agi_scripts.talk_recording import RecordingRules
from agi_scripts.wrap_up import DispositionSpec
from crm_bridge.rules import CrmRules
from hotline.site.crm_book import CrmBookForm
from ivr.flow.model import Flow
from ivr.hours import LineHours
from ivr.media_source import MediaSource, NumberSpec
from ivr.prompts.speech_form import EspeakForm, SpeechForm
from ivr.prompts.text import PromptText
from ivr.texts.form import FileTextsForm, TextsForm


@dataclass(frozen=True, slots=True)
class Ports:
    """``rtp``: first and last, both included. ``metrics``: Prometheus's, ``api``: the REST API's, if there is to be
    one."""

    sip: int
    agi: int
    ami: int
    rtp: tuple[int, int]
    metrics: int | None = None
    api: int | None = None


@dataclass(frozen=True, slots=True)
class AsteriskChoice:
    embedded: bool
    behind_nat: bool
    extra_modules: tuple[str, ...]
    codecs: tuple[str, ...] = ("ulaw", "alaw")


@dataclass(frozen=True, slots=True)
class FailOpen:
    """What the dialplan does by itself while no engine answers. ``group``: extensions rung together."""

    knocks: int
    knock_s: int
    group: tuple[str, ...]
    group_s: int
    voicemail_max_s: int


@dataclass(frozen=True, slots=True)
class Agent:
    """``spec`` is what the ACD needs; the secrets are for the desk and for the SIP phone. ``supervisor``: may do more
    at the desk. ``language``: what it speaks to them; '': the site's own."""

    spec: AgentSpec
    pin: str = field(repr=False)
    sip_secret: str = field(repr=False)
    supervisor: bool = False
    language: str = ""


@dataclass(frozen=True, slots=True)
class Phone:
    """A phone that is no agent's: it may dial the site's numbers as a caller would."""

    extension: str
    name: str
    sip_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Trunk:
    """A carrier, known by the addresses or networks in ``match``. ``host``, ``port``: where calls out are sent; '' when
    it carries none."""

    name: str
    match: tuple[str, ...]
    host: str = ""
    port: int = 5060


@dataclass(frozen=True, slots=True)
class Alarm:
    """A queue needs help while so many wait, or while somebody has waited so long (s)."""

    waiting: int | None = None
    wait_s: float | None = None


@dataclass(frozen=True, slots=True)
class Keep:
    """For how many days what grows every day is kept. ``calls_days``: calls with the number of who called."""

    events_days: int = 400
    recordings_days: int = 180
    calls_days: int = 1095
    call_events_days: int = 400
    voicemails_days: int = 180
    surveys_days: int = 1095
    interactions_days: int = 1095
    journal_days: int = 7
    logs_days: int = 30
    api_requests_days: int = 7


@dataclass(frozen=True, slots=True)
class Site:
    """``languages``: name → code of the prompts' texts, the default one first (the order of preference).
    ``crm_url`` None: the SQLite file in the site's `var`. ``crm``: what that is to know from the start; its days count
    from the one on which the engine starts."""

    folder: Path
    name: str
    timezone: ZoneInfo
    country: str
    languages: Mapping[str, str]
    default_language: str
    bind: str
    ports: Ports
    asterisk: AsteriskChoice
    fail_open: FailOpen
    stop_grace_s: float
    menu_s: float
    call_limits: CallLimits
    routing: RouterRules
    standing: StandingRules
    regain_s: float
    crm_url: str | None = field(repr=False)  # may hold a password
    numbers: Mapping[str, NumberSpec]
    media: Mapping[str, MediaSource]
    agents: Mapping[str, Agent]
    queues: Mapping[str, QueueSpec]
    hours: Mapping[str, LineHours]
    trunks: tuple[Trunk, ...]
    outside: OutsideNumbers
    phones: Mapping[str, Phone]
    flows: Mapping[str, Flow]
    prompts: Mapping[str, PromptText]
    crm: CrmBookForm
    crm_rules: CrmRules = field(default_factory=CrmRules)
    destinations: Mapping[str, Destination] = field(default_factory=dict)
    waiting: Mapping[str, WaitingRules] = field(default_factory=dict)
    alarms: Mapping[str, Alarm] = field(default_factory=dict)
    recorded: Mapping[str, RecordingRules] = field(default_factory=dict)
    dispositions: Mapping[str, Mapping[str, DispositionSpec]] = field(default_factory=dict)
    keep: Keep = Keep()
    api_origins: tuple[str, ...] = ()
    speech: SpeechForm = field(default=EspeakForm(), repr=False)  # may hold a key
    texts: TextsForm = field(default=FileTextsForm(), repr=False)  # may hold a token

    @property
    def agent_specs(self) -> dict[str, AgentSpec]:
        return {extension: agent.spec for extension, agent in self.agents.items()}
