"""Callers by SIPp: one call or a load of them; keys, ears, and hanging up when told to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from hotline.sip.ear import Address, Ear, Sound
from hotline.sip.messages import SipMessage
from hotline.sip.rtp import SILENT_DBFS
from hotline.sip.scenario import FOR_EVER, Dial, Talk, caller_xml, dial_rows
from hotline.sip.sipp import Sipp, SippError, Spot

_LOOK_S = 0.01


@dataclass(frozen=True, slots=True)
class KeyPress:
    """``keys`` pressed ``after_s`` seconds after the answer. Needs no media from Asterisk first."""

    after_s: float
    keys: str


@dataclass(frozen=True, slots=True)
class CallPlan:
    """What every caller of one `Callers` does. ``talk``: when the caller hangs up, if the other side has not."""

    talk: Talk = FOR_EVER
    keys: tuple[KeyPress, ...] = ()
    give_up_s: float = 60.0  # without an answer: CANCEL


class LiveCall:
    """One call, as the caller knows it. ``ended``: "" while it lives, then "caller" or "peer" (who said BYE),
    "refused" or "gave_up"."""

    def __init__(self, call_id: str, ear: Ear) -> None:
        self.call_id = call_id
        self.far: Address | None = None  # Asterisk's media address, set by the answer
        self.answered_at: float | None = None  # Unix s, when we read SIPp's log: 10 ms late at most
        self.ended = ""
        self._ear = ear

    @property
    def sound(self) -> Sound:
        """What this caller hears. Only after the answer."""
        return self._ear.sound(self._up())

    def level_dbfs(self, last_s: float = 1.0) -> float:
        """How loud the last ``last_s`` seconds were; `SILENT_DBFS` before the answer, and for no media."""
        if self.far is None:
            return SILENT_DBFS
        return self.sound.level_dbfs(last_s, at=time.time())

    async def press(self, keys: str, *, tone_s: float = 0.1, gap_s: float = 0.08) -> None:
        await self._ear.press(self._up(), keys, tone_s=tone_s, gap_s=gap_s)

    def _up(self) -> Address:
        if self.far is None:
            raise SippError(f"call {self.call_id} is not answered")
        return self.far


class Callers:
    """`async with Callers(...) as callers`: dialling on entry; on exit every call is hung up.

    ``dials`` are taken in turn, ``count`` calls in all (default: each once), ``rate`` new calls a second, at most
    ``at_once`` of them up at a time. A call whose Dial has a secret authenticates; one `Callers` is all with or all
    without. ``host`` is the address they call from (Asterisk knows a trunk by it). ``listen`` False: deaf, for load.
    """

    def __init__(
        self,
        command: Sequence[str],
        pbx: tuple[str, int],
        folder: Path,
        dials: Sequence[Dial],
        plan: CallPlan | None = None,
        *,
        host: str = "127.0.0.2",
        count: int | None = None,
        rate: float = 10.0,
        at_once: int | None = None,
        listen: bool = True,
    ) -> None:
        self._plan = plan if plan is not None else CallPlan()
        self._dials = dials
        self._count = len(dials) if count is None else count
        self._rate = rate
        self._at_once = self._count if at_once is None else at_once
        self._spot = Spot.free(pbx, host)
        self._ear = Ear(host, listen=listen)
        self._jobs: set[asyncio.Task[None]] = set()
        self.sipp = Sipp(command, self._spot, folder)
        self.calls: dict[str, LiveCall] = {}

    async def __aenter__(self) -> Self:
        plan = self._plan
        secrets = {dial.secret is not None for dial in self._dials}
        if len(secrets) != 1:
            raise SippError("callers with and without a secret need two Callers")
        xml = caller_xml(
            media_port=self._ear.port,
            talk=plan.talk,
            with_auth=secrets == {True},
            with_delay=any(dial.after_s for dial in self._dials),
        )
        await self.sipp.start(xml, dial_rows(self._dials), *self._pace())
        self._start(self._watch())
        return self

    def _pace(self) -> tuple[str, ...]:
        """SIPp takes whole calls per period; a period in ms makes any rate."""
        period_ms = max(1, round(1000 / self._rate))
        return ("-m", str(self._count), "-r", "1", "-rp", str(period_ms), "-l", str(self._at_once))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._read_log()
        await self.sipp.stop(self._hang_up_all, more_to_come=len(self.calls) < self._count)
        for job in self._jobs:
            job.cancel()
        await asyncio.gather(*self._jobs, return_exceptions=True)
        self._ear.close()

    @property
    def only(self) -> LiveCall:
        """The call, when one has been dialled."""
        (call,) = self.calls.values()
        return call

    async def answered(self, count: int = 1, timeout_s: float = 10.0) -> LiveCall:
        """Wait until ``count`` calls have been answered; the newest of them. SippError after ``timeout_s``,
        or when SIPp ends before."""
        await self._until(lambda: len(self._up()) >= count, timeout_s, f"{count} answered")
        return self._up()[-1]

    async def ended(self, count: int | None = None, timeout_s: float = 30.0) -> None:
        """Wait until ``count`` calls (default: all) have ended, whoever ended them."""
        wanted = self._count if count is None else count
        await self._until(lambda: sum(1 for c in self.calls.values() if c.ended) >= wanted, timeout_s, "ended")

    def hang_up(self, call: LiveCall) -> None:
        """Now: BYE, or CANCEL before the answer."""
        if call.ended:
            return
        self.sipp.order("CANCEL" if call.far is None else "BYE", call.call_id)

    def _hang_up_all(self) -> None:
        self._read_log()
        for call in self.calls.values():
            self.hang_up(call)

    def messages(self) -> list[SipMessage]:
        """Every SIP message so far, as the callers saw it."""
        return self.sipp.messages()

    def final_codes(self) -> dict[str, int]:
        """Call-ID → the code that decided its INVITE (200, 404, 486 …; a 401 is a question, not an end)."""
        found: dict[str, int] = {}
        for message in self.messages():
            code = message.status
            if message.cseq_method == "INVITE" and not message.sent and code is not None and code >= 200:
                found[message.call_id] = code
        return found

    def _up(self) -> list[LiveCall]:
        return [call for call in self.calls.values() if call.answered_at is not None]

    async def _until(self, true: Callable[[], bool], timeout_s: float, what: str) -> None:
        deadline = time.monotonic() + timeout_s
        while not true():
            if time.monotonic() > deadline or not self.sipp.running:
                self._read_log()
                if true():
                    return
                codes = sorted(self.final_codes().values())
                raise SippError(f"not {what}; final codes so far {codes}. {self.sipp.complaint()}")
            await asyncio.sleep(_LOOK_S)

    async def _watch(self) -> None:
        """Reads SIPp's log while it runs: a file is the only way SIPp speaks."""
        while self.sipp.running:
            self._read_log()
            await asyncio.sleep(_LOOK_S)
        self._read_log()

    def _read_log(self) -> None:
        for line in self.sipp.new_log_lines():
            words = line.split(" ")
            call = self.calls.setdefault(words[1], LiveCall(words[1], self._ear))
            if words[0] == "dialled":
                self._start(self._give_up_later(call))
            elif words[0] == "up":
                self._is_up(call, (words[2], int(words[3])))
            else:
                call.ended = words[2]

    def _is_up(self, call: LiveCall, far: Address) -> None:
        self._ear.forget(far)
        call.far, call.answered_at = far, time.time()
        self._ear.breathe(far)
        for press in self._plan.keys:
            self._start(self._press_later(call, press))

    async def _give_up_later(self, call: LiveCall) -> None:
        await asyncio.sleep(self._plan.give_up_s)
        if call.far is None:
            self.hang_up(call)

    async def _press_later(self, call: LiveCall, press: KeyPress) -> None:
        await asyncio.sleep(press.after_s)
        if not call.ended:
            await call.press(press.keys)

    def _start(self, work: Coroutine[None, None, None]) -> None:
        job = asyncio.create_task(work)
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)
