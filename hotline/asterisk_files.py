"""Every Asterisk file but the dialplan: AsteriskSpec → text, by the templates in `asterisk/templates`. Writes nothing.

`read_place` reads what `asterisk/bring` found out about the Asterisk of this machine.
"""

from __future__ import annotations

import ipaddress
import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from dialplans.model import SpecError
from dialplans.render import LEG_CODES, environment

_TEMPLATES = Path(__file__).resolve().parent.parent / "asterisk" / "templates"
_ID = re.compile(r"[0-9A-Za-z_-]{1,32}")
_SECRET = re.compile(r"[0-9A-Za-z_-]{12,80}")  # PJSIP cuts at 80
_NAME = re.compile(r"[^\x00-\x1f\x7f\"<>;\\]{0,60}")
_PATH = re.compile(r"/[^\x00-\x1f\x7f;,\"<>|]*")
_MODULE = re.compile(r"[a-z0-9_]+\.so")
_HOST = re.compile(r"([0-9A-Za-z]([0-9A-Za-z.-]{0,252}[0-9A-Za-z])?)?")
_CODEC = re.compile(r"[a-z0-9]+")
# sun_path holds 108 bytes with its NUL; Asterisk's control socket is <run>/asterisk.ctl.
_LONGEST_RUN_FOLDER = 107 - len("/asterisk.ctl")


@dataclass(frozen=True, slots=True)
class AsteriskPlace:
    """Where Asterisk is. ``command`` and ``sipp`` are the words to start with; ``sipp`` is empty when there is none."""

    command: tuple[str, ...]
    version: str
    modules: str
    data: str
    sounds: str
    root: str = ""
    sipp: tuple[str, ...] = ()

    def has(self, module: str) -> bool:
        """Is there such a module file (``res_cdrel_custom.so``)?"""
        return (Path(self.modules) / module).exists()


@dataclass(frozen=True, slots=True)
class Phone:
    """A SIP phone that registers with a secret. ``name`` is shown on the phone that it calls."""

    extension: str
    secret: str = field(repr=False)
    name: str = ""


@dataclass(frozen=True, slots=True)
class Trunk:
    """A carrier, known by the addresses that it calls from (IPs or networks). It has no secret. ``host`` (an address or
    a name) and ``port``: where calls out are sent; without a host it carries none."""

    name: str
    match: tuple[str, ...]
    host: str = ""
    port: int = 5060


@dataclass(frozen=True, slots=True)
class AsteriskSpec:
    """``etc`` is where the rendered files will lie, ``var`` what Asterisk may write to (database, logs, recordings),
    ``run`` its socket and pid; all are absolute and private to the site. ``bind`` is every listener's address.

    ``behind_nat``: phones are answered at the address that they are seen from. ``qualify_s``: how often a registered
    phone is asked whether it lives. ``music_folder``: WAV files, 8 kHz mono.
    ``cdrel``: does this Asterisk keep its custom CDR in res_cdrel_custom.so (22.10 does, 20 does not)?
    ``more_music``: classes of music on hold beside ``music``, each with its folder.
    ``supervised``: may anybody listen to a conversation?
    ``records``: does any queue record its conversations? ``confirms``: are calls anywhere taken by a key?
    ``extra_modules``: loaded on top of our own list (the bench asks for app_queue.so).
    """

    modules: str
    data: str
    etc: str
    var: str
    run: str
    ami_secret: str = field(repr=False)
    music_folder: str
    phones: tuple[Phone, ...] = ()
    trunks: tuple[Trunk, ...] = ()
    ami_user: str = "hotline"
    bind: str = "127.0.0.1"
    sip_port: int = 5060
    ami_port: int = 5038
    rtp: tuple[int, int] = (10000, 10999)
    codecs: tuple[str, ...] = ("ulaw", "alaw")
    music: str = "default"
    ami_permit: str = "127.0.0.1/32"
    behind_nat: bool = False
    qualify_s: int = 30
    cdrel: bool = True
    records: bool = False
    confirms: bool = False
    supervised: bool = False
    more_music: tuple[tuple[str, str], ...] = ()
    extra_modules: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check("path", _PATH, (self.modules, self.data, self.etc, self.var, self.run, self.music_folder))
        _check("path", _PATH, (folder for _, folder in self.more_music))
        _check("name", _ID, (name for name, _ in self.more_music))
        _check("name", _ID, (self.ami_user, self.music, *(trunk.name for trunk in self.trunks)))
        _check("extension", _ID, (phone.extension for phone in self.phones))
        _check("phone's name", _NAME, (phone.name for phone in self.phones))
        _check("secret", _SECRET, (self.ami_secret, *(phone.secret for phone in self.phones)), tell=False)
        _check("module", _MODULE, self.extra_modules)
        _check("codec", _CODEC, self.codecs)
        _check("host", _HOST, (trunk.host for trunk in self.trunks))
        if len(self.run.encode()) > _LONGEST_RUN_FOLDER:
            raise SpecError(f"run: {self.run} is too long for a socket (at most {_LONGEST_RUN_FOLDER} bytes)")
        names = [*(phone.extension for phone in self.phones), *(trunk.name for trunk in self.trunks)]
        if len(set(names)) != len(names):
            raise SpecError("phones and trunks must all have different names")
        _addresses(self.bind, self.ami_permit, self.trunks)


def _check(what: str, pattern: re.Pattern[str], values: Iterable[str], *, tell: bool = True) -> None:
    for value in values:
        if not pattern.fullmatch(value):
            raise SpecError(f"{what}: {value!r} cannot stand in an Asterisk file" if tell else f"{what}: not usable")


def _addresses(bind: str, permit: str, trunks: tuple[Trunk, ...]) -> None:
    try:
        ipaddress.ip_address(bind)
        ipaddress.ip_network(permit, strict=False)
        for trunk in trunks:
            for address in trunk.match:
                ipaddress.ip_network(address, strict=False)
    except ValueError as error:
        raise SpecError(f"address: {error}") from None


def render_asterisk(spec: AsteriskSpec) -> dict[str, str]:
    """File name → text. Raises SpecError for a value that must not stand in a file of Asterisk's."""
    templates = environment(_TEMPLATES)
    names = sorted(name for name in templates.list_templates() if name.endswith(".conf.j2"))
    return {
        name.removesuffix(".j2"): templates.get_template(name).render(spec=spec, leg_codes=LEG_CODES) for name in names
    }


def folders(spec: AsteriskSpec) -> tuple[str, ...]:
    """The folders that must exist, mode 0700, before Asterisk starts with these files."""
    under_var = ("log/cdr-custom", "spool", "db", "keys", "cache", "agi-bin")
    return (spec.etc, spec.run, *(f"{spec.var}/{name}" for name in under_var))


def start_command(place: AsteriskPlace, spec: AsteriskSpec) -> tuple[str, ...]:
    """Asterisk in the foreground of whoever starts it."""
    return (*place.command, "-f", "-C", f"{spec.etc}/asterisk.conf")


def cli_command(place: AsteriskPlace, spec: AsteriskSpec, line: str) -> tuple[str, ...]:
    """One line on the console of the running Asterisk (``core show channels``)."""
    return (*place.command, "-C", f"{spec.etc}/asterisk.conf", "-rx", line)


def read_place(file: Path) -> AsteriskPlace:
    """Read `asterisk.env`. Raises SpecError when a key is missing; the cure is to run `asterisk/bring` again."""
    found = dict(_assignment(line) for line in file.read_text().splitlines() if "=" in line)
    try:
        return AsteriskPlace(
            command=tuple(shlex.split(found["HOTLINE_ASTERISK"])),
            version=found["HOTLINE_ASTERISK_VERSION"],
            modules=found["HOTLINE_ASTERISK_MODULES"],
            data=found["HOTLINE_ASTERISK_DATA"],
            sounds=found["HOTLINE_ASTERISK_SOUNDS"],
            root=found["HOTLINE_ASTERISK_ROOT"],
            sipp=tuple(shlex.split(found["HOTLINE_SIPP"])),
        )
    except KeyError as error:
        raise SpecError(f"{file}: {error} is missing; run asterisk/bring again") from None


def _assignment(line: str) -> tuple[str, str]:
    """``KEY='value'`` as a shell would read it."""
    key, _, value = line.partition("=")
    return key, "".join(shlex.split(value))
