"""Where our processes really listen, as the kernel tells it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from hotline.checkup.finding import Finding, fail, ok, warn
from hotline.supervision.mark import read_mark


@dataclass(frozen=True, slots=True)
class Door:
    """A TCP listener or an unconnected UDP socket of process ``owner``."""

    owner: str
    kind: str
    address: str
    port: int

    def __str__(self) -> str:
        return f"{self.owner} {self.kind} {self.address}:{self.port}"


def open_doors(run: Path) -> list[Door]:
    """Of the engine, the Asterisk and the API whose marks lie in ``run``, as far as they are up."""
    doors: list[Door] = []
    for owner in ("engine", "asterisk", "api"):
        mark = read_mark(run / f"{owner}.mark")
        if mark is not None:
            doors += _doors(owner, mark.pid)
    return doors


def _doors(owner: str, pid: int) -> Iterator[Door]:
    try:
        connections = psutil.Process(pid).net_connections(kind="inet")
    except psutil.Error:
        return
    for connection in connections:
        if connection.laddr and not connection.raddr:
            kind = "UDP" if connection.type.name == "SOCK_DGRAM" else "TCP"
            yield Door(owner, kind, connection.laddr.ip, connection.laddr.port)


def judge_doors(doors: Iterable[Door], bind: str, site_ports: Iterable[int]) -> Iterator[Finding]:
    """A UDP socket on every address with a port that is none of the site's is no service: pjproject's DNS resolver
    has one for each IP version, on ports that the kernel picks, and no setting moves it."""
    doors, ports = list(doors), frozenset(site_ports)
    strange = [door for door in doors if door.address != bind]
    picked = [door for door in strange if door.kind == "UDP" and door.owner == "asterisk" and door.port not in ports]
    for door in strange:
        if door not in picked:
            yield fail(f"{door} listens, and the site is on {bind}", "see bind in site.yaml; nothing else may listen")
    if picked:
        told = ", ".join(map(str, picked))
        yield warn(f"{told}: most likely the DNS resolver's", "nothing needs to reach it; a firewall may close it")
    if doors and strange == picked:
        yield ok(f"the other {len(doors) - len(picked)} listeners are on {bind}")


def judge_bind(bind: str) -> Iterator[Finding]:
    if ipaddress.ip_address(bind).is_loopback:
        yield ok(f"the site listens on {bind}: this machine only")
    elif ipaddress.ip_address(bind).is_private:
        yield warn(f"the site listens on {bind}", "let a firewall keep all but the phones and the trunk away")
    else:
        yield fail(
            f"the site listens on {bind}, a public address", "bind a private one; AGI and AMI must never be public"
        )
