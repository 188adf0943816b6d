"""What the dialplan must know of a site. Plain values; `hotline` fills them, `dialplans/render.py` writes them down.

Everything is checked here once, so that a template can trust it: Asterisk's configuration language has no quoting,
and a comma, a newline or a `${` in a value would be executed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_NUMBER = re.compile(r"\+?[0-9]{1,32}")
_EXTENSION = re.compile(r"[0-9A-Za-z_-]{1,32}")
_WORD = re.compile(r"[0-9A-Za-z_.:\[\]-]+")
_SECRET = re.compile(r"[0-9A-Za-z_-]{16,}")
# A path or a word of a command that stands between the commas of an application's arguments.
_ARGUMENT = re.compile(r"[^\x00-\x1f\x7f,;&|\"'\\(){}\[\]$^]+")


class SpecError(ValueError):
    """A value cannot be written into an Asterisk file. The message names the field, never a secret."""


@dataclass(frozen=True, slots=True)
class NumberLine:
    """A number that callers dial, exactly as the trunk sends it, and the advert that carries it."""

    number: str
    source: str = ""
    campaign: str = ""


@dataclass(frozen=True, slots=True)
class EngineDoor:
    """Where an engine's AGI server listens."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class DialplanSpec:
    """``knocks`` × ``knock_s`` is how long a caller hears music for an engine that is away before the call is
    rung through to ``group`` for ``group_s`` seconds and then to voicemail (at most ``voicemail_max_s`` seconds).

    ``fail_open``: the words of the standalone script's command, an absolute path first.
    ``fail_open_config``: where the rendered `fail_open.json` will lie.
    ``hold_notice``, ``voicemail_prompt``, ``desk_down_notice``: sound files as Asterisk wants them, without ending.
    ``extra_files``: the admin's own dialplan files; one that does not exist is passed over.
    """

    numbers: tuple[NumberLine, ...]
    agents: tuple[str, ...]
    engines: tuple[EngineDoor, ...]
    secret: str = field(repr=False)
    fail_open: tuple[str, ...]
    fail_open_config: str
    spool: str
    voicemail: str
    phones: tuple[str, ...] = ()
    lamps: tuple[tuple[str, str], ...] = ()  # (keypad, queue): queues that have a lamp
    records: bool = False  # does any queue record its conversations?
    knocks: int = 10
    knock_s: int = 3
    group: tuple[str, ...] = ()
    group_s: int = 30
    voicemail_max_s: int = 120
    music: str = "default"
    hold_notice: str = "pls-hold-while-try"
    voicemail_prompt: str = "vm-intro"
    desk_down_notice: str = "please-try-call-later"
    extra_files: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _all("numbers", _NUMBER, [line.number for line in self.numbers])
        _distinct("numbers", [line.number for line in self.numbers])
        extensions = [*self.agents, *self.phones]
        _all("agents and phones", _EXTENSION, extensions)
        _distinct("agents and phones", extensions)
        _all("group", _EXTENSION, self.group)
        _all("engines", _WORD, [door.host for door in self.engines])
        _all("secret", _SECRET, [self.secret], tell=False)
        _all("fail_open", _ARGUMENT, self.fail_open)
        _all("paths", _ARGUMENT, [self.fail_open_config, self.spool, self.voicemail, *self.extra_files])
        sounds = [sound for sound in (self.hold_notice, self.voicemail_prompt, self.desk_down_notice) if sound]
        _all("sounds", _ARGUMENT, [self.music, *sounds])
        if not (self.engines and self.fail_open):
            raise SpecError("engines and fail_open must not be empty")
        if min(self.knocks, self.knock_s, self.group_s, self.voicemail_max_s) < 1:
            raise SpecError("knocks, knock_s, group_s and voicemail_max_s must be at least 1")


def _all(what: str, pattern: re.Pattern[str], values: list[str] | tuple[str, ...], *, tell: bool = True) -> None:
    for value in values:
        if not pattern.fullmatch(value):
            raise SpecError(f"{what}: {value!r} cannot stand in a dialplan" if tell else f"{what}: not usable")


def _distinct(what: str, values: list[str]) -> None:
    twice = sorted({value for value in values if values.count(value) > 1})
    if twice:
        raise SpecError(f"{what}: named twice: {', '.join(twice)}")
