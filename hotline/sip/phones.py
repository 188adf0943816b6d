"""Agents' phones by SIPp: one process is any number of registered extensions, all with the same manner."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from hotline.sip.ear import Ear
from hotline.sip.scenario import PhoneManner, phone_xml, register_rows, register_xml
from hotline.sip.sipp import Sipp, SippError, Spot
from hotline.sip.timeline import PhoneCall, phone_calls

_LOOK_S = 0.02


async def register(
    command: Sequence[str],
    spot: Spot,
    folder: Path,
    secrets: Mapping[str, str],
    *,
    expires_s: int = 3600,
    timeout_s: float = 20.0,
) -> None:
    """Register extension → secret at ``spot``; ``expires_s`` 0 takes the registrations away.

    Raises SippError when one is refused, with how many were not taken. The spot's port must be free.
    """
    sipp = Sipp(command, spot, folder)
    await sipp.start(
        register_xml(expires_s=expires_s), register_rows(secrets.items()), "-m", str(len(secrets)), "-r", "100"
    )
    try:
        code = await sipp.wait(timeout_s)
    finally:
        await sipp.kill()
    if code:
        raise SippError(f"a registration of {', '.join(sorted(secrets)[:20])} was refused. {sipp.complaint()}")


class AgentPhones:
    """`async with AgentPhones(...) as phones`: registered and ready on entry; on exit hung up and gone.

    The registration is made from the same port before the phones bind it, so it holds whether or not Asterisk
    rewrites contacts. It outlives the process (a phone that lost power); `unregister` takes it away.
    """

    def __init__(
        self,
        command: Sequence[str],
        pbx: tuple[str, int],
        folder: Path,
        secrets: Mapping[str, str],
        manner: PhoneManner | None = None,
        *,
        host: str = "127.0.0.1",
    ) -> None:
        self._command = command
        self._secrets = dict(secrets)
        self._manner = manner if manner is not None else PhoneManner()
        self._spot = Spot.free(pbx, host)
        self._folder = folder
        self._ear = Ear(host, listen=False)
        self.sipp = Sipp(command, self._spot, folder / "phones")

    async def __aenter__(self) -> Self:
        try:
            await register(
                self._command,
                self._spot,
                self._folder / "register",
                self._secrets,
                timeout_s=20.0 + len(self._secrets) / 50,
            )
            await self.sipp.start(phone_xml(self._manner, media_port=self._ear.port), None)
            await self._ready()
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()

    async def _close(self) -> None:
        await self.sipp.stop(self._end_all)
        self._ear.close()

    def end(self, call: PhoneCall) -> None:
        """The agent's own hand, now: BYE in a talk, 480 while it rings. Nothing for a call that has ended."""
        if call.answered_at is not None and call.ended_at is None:
            self.sipp.order("BYE", call.call_id)
        elif call.code == 0 and call.cancelled_at is None:
            self.sipp.order("REFUSE", call.call_id)

    def _end_all(self) -> None:
        for call in self.calls():
            self.end(call)

    async def unregister(self) -> None:
        """While the phones run, from another port: a clean log-out of the phones themselves."""
        spot = Spot.free(self._spot.pbx, self._spot.host)
        await register(self._command, spot, self._folder / "unregister", self._secrets, expires_s=0)

    def calls(self) -> list[PhoneCall]:
        """Every call that reached one of these phones, by the phones' own log."""
        return phone_calls(self.sipp.messages())

    async def wait_for_calls(self, count: int, timeout_s: float = 10.0) -> list[PhoneCall]:
        """Returns as soon as ``count`` calls have rung here. Raises SippError after ``timeout_s``."""
        deadline = time.monotonic() + timeout_s
        while len(calls := self.calls()) < count:
            if time.monotonic() > deadline:
                raise SippError(f"{len(calls)} of {count} calls after {timeout_s} s. {self.sipp.complaint()}")
            await asyncio.sleep(_LOOK_S)
        return calls

    async def _ready(self, timeout_s: float = 5.0) -> None:
        """The phones answer OPTIONS. SIPp has no other sign that it has bound its port."""
        deadline = time.monotonic() + timeout_s
        while not await self._answers_options():
            if time.monotonic() > deadline or not self.sipp.running:
                raise SippError(f"the phones did not come up. {self.sipp.complaint()}")

    async def _answers_options(self) -> bool:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.setblocking(False)
            probe.bind((self._spot.host, 0))
            probe.sendto(_options(self._spot, probe.getsockname()), (self._spot.host, self._spot.port))
            try:
                await asyncio.wait_for(asyncio.get_running_loop().sock_recv(probe, 2048), 0.05)
            except (TimeoutError, ConnectionRefusedError):
                await asyncio.sleep(_LOOK_S)
                return False
        return True


def _options(spot: Spot, own: tuple[str, int]) -> bytes:
    here = f"{own[0]}:{own[1]}"
    lines = (
        f"OPTIONS sip:{spot.host}:{spot.port} SIP/2.0",
        f"Via: SIP/2.0/UDP {here};branch=z9hG4bK-ready-{own[1]}",
        f"From: <sip:ready@{here}>;tag=ready",
        f"To: <sip:{spot.host}:{spot.port}>",
        f"Call-ID: ready-{own[1]}-{time.monotonic_ns()}",
        "CSeq: 1 OPTIONS",
        "Max-Forwards: 70",
        "Content-Length: 0",
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
