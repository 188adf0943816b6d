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
    """Of the engine and the Asterisk whose marks lie in ``run``, as far as they are up."""
    doors: list[Door] = []
    for owner in ("engine", "asterisk"):
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


def judge_doors(doors: Iterable[Door], bind: str) -> Iterator[Finding]:
    doors = list(doors)
    strange = [door for door in doors if door.address != bind]
    for door in strange:
        yield fail(
            f"{door} listens, and the site's address is {bind}", "see bind in site.yaml; nothing else may listen"
        )
    if doors and not strange:
        yield ok(f"all {len(doors)} listeners are on {bind}")


def judge_bind(bind: str) -> Iterator[Finding]:
    if ipaddress.ip_address(bind).is_loopback:
        yield ok(f"the site listens on {bind}: this machine only")
    elif ipaddress.ip_address(bind).is_private:
        yield warn(f"the site listens on {bind}", "let a firewall keep all but the phones and the trunk away")
    else:
        yield fail(
            f"the site listens on {bind}, a public address", "bind a private one; AGI and AMI must never be public"
        )
