"""Free UDP and TCP ports. A port is free at the moment of asking; of those that ask here, in whatever process of the
machine, nobody else gets it for a while: bind it soon."""

from __future__ import annotations

import random
import socket
from collections import deque
from collections.abc import Iterable
from dataclasses import replace

from hotline.site.init import STANDARD_PORTS
from hotline.site.site import Ports

_USUAL = STANDARD_PORTS
_RTP_PORTS = 400  # a call through us has two legs, each takes two: a hundred calls
_RTP_FROM, _RTP_TO = 11000, 32000  # under Linux's ephemeral ports, which anything may take at any time
_FROM, _TO = 1200, 4500  # under them, too, and under all of the usual ones
_held: deque[socket.socket] = deque(maxlen=100)  # one for each of the last ports; what falls out of it is closed


def free_udp_port(host: str = "127.0.0.1") -> int:
    return _free_port(host, socket.SOCK_DGRAM)


def free_tcp_port(host: str = "127.0.0.1") -> int:
    return _free_port(host, socket.SOCK_STREAM)


def free_site_ports(host: str = "127.0.0.1", *, usual_first: bool = True, rtp_ports: int = _RTP_PORTS) -> Ports:
    """Ports for a whole site: the usual ones where they are all free (a softphone's owner knows 5060), else others.
    Many have something on 8080: that alone is no reason for other telephones' ports. Sites that start at the same time,
    as tests do, pass ``usual_first`` False."""
    if usual_first and _are_free(host, _USUAL):
        api = _USUAL.api if _can_bind(host, socket.SOCK_STREAM, (_USUAL.api or 0,)) else free_tcp_port(host)
        return replace(_USUAL, api=api)
    return Ports(
        sip=free_udp_port(host),
        agi=free_tcp_port(host),
        ami=free_tcp_port(host),
        rtp=_free_rtp(host, rtp_ports),
        metrics=free_tcp_port(host),
        api=free_tcp_port(host),
    )


def _free_rtp(host: str, count: int) -> tuple[int, int]:
    for _ in range(50):
        first = random.randrange(_RTP_FROM, _RTP_TO - count, _RTP_PORTS)  # noqa: S311 - nobody guards a port by its number
        if _can_bind(host, socket.SOCK_DGRAM, range(first, first + count)):
            return first, first + count - 1
    raise OSError(f"no {count} free UDP ports in a row on {host}")


def _are_free(host: str, ports: Ports) -> bool:
    udp = (ports.sip, *range(ports.rtp[0], ports.rtp[1] + 1))
    tcp = (ports.agi, ports.ami, *((ports.metrics,) if ports.metrics else ()))
    return _can_bind(host, socket.SOCK_DGRAM, udp) and _can_bind(host, socket.SOCK_STREAM, tcp)


def _can_bind(host: str, kind: socket.SocketKind, ports: Iterable[int]) -> bool:
    """One after the other: a thousand sockets at once would be more than a process may hold by default."""
    return all(_is_free(host, kind, port) for port in ports)


def _is_free(host: str, kind: socket.SocketKind, port: int) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        if kind is socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a closed connection is no obstacle
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _free_port(host: str, kind: socket.SocketKind) -> int:
    for _ in range(1000):
        port = random.randrange(_FROM, _TO)  # noqa: S311 - nobody guards a port by its number
        if _is_ours_alone(port) and _is_free(host, kind, port):
            return port
    raise OSError(f"no free port on {host}")


def _is_ours_alone(port: int) -> bool:
    """Said by the name of a socket, which the kernel gives to one process only, and takes back when that ends."""
    held = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        held.bind(f"\0hotline-port-{port}")
    except OSError:
        held.close()
        return False
    _held.append(held)
    return True
