"""Free ports for sites that run side by side."""

from __future__ import annotations

import socket
import subprocess
import sys
from contextlib import ExitStack

from hotline.sip.ports import free_site_ports


def test_a_taken_port_moves_the_whole_site() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("127.0.0.1", 4573))
            taken.listen()
        except OSError:
            pass  # somebody else has it: as good
        ports = free_site_ports()
    assert 4573 not in (ports.sip, ports.agi, ports.ami)


def test_ports_of_a_site_are_distinct_and_can_be_bound() -> None:
    ports = free_site_ports(usual_first=False)
    assert ports.agi != ports.ami
    assert ports.rtp[1] - ports.rtp[0] == 399
    for port in (ports.sip, *ports.rtp):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", port))


def test_processes_never_get_the_same_port() -> None:
    """None of the four binds what it got."""
    program = (
        "import sys; from hotline.sip.ports import free_udp_port as free;"
        " print(*(free() for _ in range(50)), flush=True); sys.stdin.read()"
    )
    words = (sys.executable, "-c", program)
    with ExitStack() as ends:
        four = [
            ends.enter_context(subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
            for _ in range(4)
        ]
        got = [port for process in four for port in (process.stdout.readline().split() if process.stdout else ())]
    assert len(got) == len(set(got)) == 200
