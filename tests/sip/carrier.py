"""The carrier beyond an outgoing trunk: a SIPp that takes every call, and an ear with a mouth for its sound."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from hotline.sip.ear import Address, Ear
from hotline.sip.scenario import PhoneManner, phone_xml
from hotline.sip.sipp import Sipp, Spot
from hotline.sip.timeline import PhoneCall, phone_calls
from tests.sip.live_site import LiveSite

_LOOK_S = 0.02


class Carrier:
    """`async with Carrier(...)`: at ``host``:``port`` until the end of the block, without a registration."""

    def __init__(self, live: LiveSite, host: str, port: int, folder: Path, manner: PhoneManner) -> None:
        self._manner = manner
        self.ear = Ear(host)
        self.sipp = Sipp(live.place.sipp, Spot(live.pbx, host, port), folder)

    async def __aenter__(self) -> Self:
        xml = phone_xml(self._manner, media_port=self.ear.port)
        await self.sipp.start(xml, None, "-trace_msg", "-message_file", "whole.txt")
        await asyncio.sleep(0.3)  # nothing tells when SIPp has bound its port
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.sipp.stop(self.hang_up)
        self.ear.close()

    def calls(self) -> list[PhoneCall]:
        return phone_calls(self.sipp.messages())

    async def rung(self, timeout_s: float = 10.0) -> PhoneCall:
        deadline = time.monotonic() + timeout_s
        while not (calls := self.calls()):
            assert time.monotonic() < deadline, f"nobody rang the carrier. {self.sipp.complaint()}"
            await asyncio.sleep(_LOOK_S)
        return calls[0]

    async def ended(self, timeout_s: float = 10.0) -> PhoneCall:
        deadline = time.monotonic() + timeout_s
        while (call := await self.rung(timeout_s)).ended_at is None:
            assert time.monotonic() < deadline, "the call at the carrier does not end"
            await asyncio.sleep(_LOOK_S)
        return call

    def invite(self) -> str:
        """The first INVITE, whole."""
        text = (self.sipp.folder / "whole.txt").read_text("utf-8", "replace")
        found = re.search(r"^INVITE .*?^\s*$", text, re.MULTILINE | re.DOTALL)
        assert found is not None
        return found[0]

    @property
    def far(self) -> Address:
        """Asterisk's address for the sound of the one call."""
        invite = (self.sipp.folder / "whole.txt").read_text("utf-8", "replace")
        port = re.search(r"^m=audio ([0-9]+) ", invite, re.MULTILINE)
        host = re.search(r"^c=IN IP4 ([0-9.]+)", invite, re.MULTILINE)
        assert port is not None
        assert host is not None
        return host[1], int(port[1])

    def hang_up(self) -> None:
        for call in self.calls():
            if call.answered_at is not None and call.ended_at is None:
                self.sipp.order("BYE", call.call_id)
