"""Are the site's ports free? Told before anything starts, because a half-started centre is worse than none."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PortUse:
    """``name`` is the port's in `site.yaml`."""

    name: str
    number: int
    udp: bool = False


def taken(bind: str, ports: Iterable[PortUse]) -> list[PortUse]:
    """Those that cannot be bound on the address ``bind`` now."""
    return [port for port in ports if not _free(bind, port)]


def _free(bind: str, port: PortUse) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM if port.udp else socket.SOCK_STREAM) as probe:
        if not port.udp:  # a port whose last connections rest in TIME_WAIT is free for a listener
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bind, port.number))
        except OSError:
            return False
    return True
