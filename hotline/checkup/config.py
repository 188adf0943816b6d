"""Asterisk's files as rendered, read as Asterisk reads them, and held against the rules of safety."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hotline.checkup.finding import Finding, fail, ok

# Each of these runs commands, fetches URLs, dials out, or lets somebody in who has proved nothing.
DANGEROUS = frozenset(
    {
        "app_externalivr",
        "app_originate",
        "app_system",
        "func_curl",
        "func_shell",
        "pbx_dundi",
        "pbx_spool",
        "res_ari",
        "res_curl",
        "res_phoneprov",
        "res_pjsip_endpoint_identifier_anonymous",
    }
)
_AMI_RIGHTS = frozenset({"call", "originate", "user", "reporting"})
_SHORTEST_SECRET = 16


@dataclass(frozen=True, slots=True)
class Section:
    name: str
    lines: tuple[tuple[str, str], ...]

    def get(self, key: str) -> str:
        return next((value for name, value in self.lines if name == key), "")


def read_sections(text: str) -> list[Section]:
    """``[name]`` blocks of ``key = value`` (or ``=>``); comments go."""
    found: list[tuple[str, list[tuple[str, str]]]] = []
    for raw in text.splitlines():
        line = raw.split(";", 1)[0].strip()
        if line.startswith("[") and "]" in line:
            found.append((line[1 : line.index("]")], []))
        elif "=" in line and found:
            key, _, value = line.partition("=")
            found[-1][1].append((key.strip(), value.removeprefix(">").strip()))
    return [Section(name, tuple(lines)) for name, lines in found]


def rendered(etc: Path, file: str) -> list[Section]:
    """[] when the file is not there (the site has never been up)."""
    try:
        return read_sections((etc / file).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []


def endpoints(sections: Iterable[Section]) -> Iterator[Finding]:
    """Of pjsip.conf: every endpoint proves a secret, or is known by exact addresses."""
    sections = list(sections)
    by_address = {s.get("endpoint") for s in sections if s.get("type") == "identify" and s.get("match")}
    auths = {s.name: s for s in sections if s.get("type") == "auth"}
    names = [s for s in sections if s.get("type") == "endpoint"]
    bare = [s.name for s in names if s.name not in by_address and s.get("auth") not in auths]
    weak = [name for name, auth in auths.items() if len(auth.get("password")) < _SHORTEST_SECRET]
    yield from judge_bare(bare, len(names))
    for name in weak:
        yield fail(f"the SIP secret of {name} is short", f"at least {_SHORTEST_SECRET} characters")


def judge_bare(bare: Iterable[str], count: int) -> Iterator[Finding]:
    """``bare``: endpoints that anybody can be who writes their name into From."""
    bare = sorted(bare)
    for name in bare:
        yield fail(f"endpoint {name} asks for no secret: anybody can be it", "give it auth, or match its addresses")
    if not bare and count:
        yield ok(f"all {count} endpoints prove a secret or are known by their address")


def modules(sections: Iterable[Section]) -> Iterator[Finding]:
    """Of modules.conf."""
    for section in sections:
        if section.name == "modules":
            if section.get("autoload") != "no":
                yield fail("Asterisk loads every module there is", "modules.conf: autoload = no")
            loads = (value for key, value in section.lines if key in ("load", "preload", "require"))
            yield from judge_modules(loads)


def judge_modules(names: Iterable[str]) -> Iterator[Finding]:
    found = sorted(DANGEROUS.intersection(name.removesuffix(".so") for name in names))
    for name in found:
        yield fail(f"module {name} is loaded: it can run commands or let strangers in", "take it out")
    if not found:
        yield ok("no dangerous module is loaded")


def manager(sections: Iterable[Section]) -> Iterator[Finding]:
    """Of manager.conf: least rights, and from one address only."""
    users = [section for section in sections if section.name != "general"]
    for user in users:
        rights = {right.strip() for key in ("read", "write") for right in user.get(key).split(",") if right.strip()}
        if rights - _AMI_RIGHTS:
            told = ", ".join(sorted(rights - _AMI_RIGHTS))
            yield fail(f"AMI user {user.name} may {told}", f"leave it {', '.join(sorted(_AMI_RIGHTS))} at most")
        elif user.get("deny") not in ("0.0.0.0/0.0.0.0", "0.0.0.0/0") or not user.get("permit"):
            yield fail(f"AMI user {user.name} may come from anywhere", "deny all, permit the engine's address")
        else:
            yield ok(f"AMI user {user.name} has the least rights, from {user.get('permit')} only")


def options(sections: Iterable[Section]) -> Iterator[Finding]:
    """Of asterisk.conf."""
    for section in sections:
        if section.name == "options":
            if section.get("live_dangerously") == "no":
                yield ok("Asterisk does not live dangerously")
            else:
                yield fail("Asterisk lives dangerously", "asterisk.conf: live_dangerously = no")
