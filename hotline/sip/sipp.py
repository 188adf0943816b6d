"""One SIPp process: started, watched, stopped; its logs read as values.

`callers.py` and `phones.py` say what it plays. ``command`` is the prefix that runs SIPp (`/usr/bin/sipp`, or the
loader and paths that asterisk/bring writes as HOTLINE_SIPP).
"""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hotline.sip.messages import LineTail, SipMessage, parse_messages
from hotline.sip.ports import free_udp_port

_QUIET_STOP_S = 2.0
_TRIES = 4
_ORDERS = {"BYE": "INFO", "CANCEL": "MESSAGE", "REFUSE": "MESSAGE"}  # as the scenarios read them


class SippError(RuntimeError):
    """SIPp could not do its work: it did not start, or a time-out passed. Carries SIPp's own words."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a SIPp process stands: Asterisk's SIP address, and the host and UDP port it speaks from."""

    pbx: tuple[str, int]
    host: str
    port: int

    @classmethod
    def free(cls, pbx: tuple[str, int], host: str) -> Spot:
        return cls(pbx, host, free_udp_port(host))


class Sipp:
    """``folder`` is made and is this process's own: it holds the scenario, the rows and the logs."""

    def __init__(self, command: Sequence[str], spot: Spot, folder: Path) -> None:
        self._command = tuple(command)
        self.spot = spot
        self.folder = folder
        self._process: asyncio.subprocess.Process | None = None
        self._log = LineTail(folder / "log.txt")
        self._messages = LineTail(folder / "messages.tsv")
        self._seen: list[SipMessage] = []

    async def start(self, scenario: str, rows: bytes | None, *options: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "scenario.xml").write_text(scenario, encoding="utf-8")
        if rows is not None:
            (self.folder / "rows.csv").write_bytes(rows)
            options = ("-inf", "rows.csv", *options)
        with (self.folder / "screen.txt").open("wb") as screen:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, *self._arguments(), *options,
                stdin=asyncio.subprocess.DEVNULL, stdout=screen, stderr=screen, cwd=self.folder,
            )  # fmt: skip

    def _arguments(self) -> tuple[str, ...]:
        pbx, own = self.spot.pbx, self.spot
        return (
            "-sf", "scenario.xml", "-i", own.host, "-p", str(own.port),
            "-ci", "127.0.0.1", "-cp", str(free_udp_port()),
            "-trace_shortmsg", "-shortmessage_file", "messages.tsv",
            "-trace_logs", "-log_file", "log.txt", "-trace_err", "-error_file", "errors.txt",
            "-nostdin", "-skip_rlimit", f"{pbx[0]}:{pbx[1]}",
        )  # fmt: skip

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int:
        return 0 if self._process is None else self._process.pid

    def new_log_lines(self) -> list[str]:
        """The scenario's own <log> lines since the last call."""
        return [line.rstrip("\n") for line in self._log.new_lines()]

    def messages(self) -> list[SipMessage]:
        """Every SIP message so far, as this side saw it, without our own orders."""
        found = parse_messages(self._messages.new_lines())
        self._seen += [message for message in found if message.method not in _ORDERS.values()]
        return list(self._seen)

    async def wait(self, timeout_s: float) -> int:
        """SIPp's exit code: 0 all calls as the scenario says, 1 at least one was not. Raises SippError after
        ``timeout_s`` and for a SIPp that could not run at all."""
        process = self._started()
        try:
            code = await asyncio.wait_for(process.wait(), timeout_s)
        except TimeoutError:
            raise SippError(f"SIPp still runs after {timeout_s} s. {self.complaint()}") from None
        if code not in (0, 1):
            raise SippError(f"SIPp ended with {code}. {self.complaint()}")
        return code

    def complaint(self) -> str:
        """SIPp's error log, or the end of its screen when it wrote none."""
        for name in ("errors.txt", "screen.txt"):
            path = self.folder / name
            if path.exists() and (text := path.read_text("utf-8", "replace").strip()):
                return text[-1500:]
        return ""

    def order(self, what: Literal["BYE", "CANCEL", "REFUSE"], call_id: str) -> None:
        """Tell SIPp to end a call now: it has no console for that, so the order is a datagram that looks like a
        request of the call. It comes from this machine, and Asterisk never sees it."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
            wire.sendto(_order(_ORDERS[what], call_id), (self.spot.host, self.spot.port))

    async def stop(self, hang_up: Callable[[], None] = lambda: None, *, more_to_come: bool = True) -> None:
        """End it: ``hang_up`` ends the calls that are up, SIPp goes when the last has ended. Safe twice.

        ``more_to_come``: it would take or make further calls, so SIGUSR1 must forbid that first. Once the last of
        -m calls has begun the same signal means "at once", which in 3.8 leaves Asterisk without a BYE.
        """
        if not self.running:
            return
        if more_to_come:
            self._started().send_signal(signal.SIGUSR1)
        for _ in range(_TRIES):
            hang_up()
            if await self._ended_within(_QUIET_STOP_S / _TRIES):
                return
        await self.kill()

    async def kill(self) -> None:
        """As a power cut: no BYE."""
        if self.running:
            self._started().kill()
            await self._ended_within(_QUIET_STOP_S)

    async def _ended_within(self, timeout_s: float) -> bool:
        try:
            await asyncio.wait_for(self._started().wait(), timeout_s)
        except TimeoutError:
            return False
        return True

    def _started(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise SippError("SIPp was not started")
        return self._process


def _order(method: str, call_id: str) -> bytes:
    lines = (
        f"{method} sip:sipp@127.0.0.1 SIP/2.0",
        "Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK-order",
        "From: <sip:order@127.0.0.1>;tag=order",
        "To: <sip:sipp@127.0.0.1>",
        f"Call-ID: {call_id}",
        f"CSeq: 1 {method}",
        "Content-Length: 0",
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
