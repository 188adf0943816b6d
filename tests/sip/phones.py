"""Real SIP phones (pjsua2) for tests: register, dial, answer, press keys, and say what was heard.

`async with PhonePark(pbx, folder) as park: phone = await park.add_phone("1001", secret)`. Every wait has a
deadline; a phone's own events, with their times, are the truth a test compares with.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

from hotline.sip.rtp import SILENT_DBFS, level_dbfs

_T = TypeVar("_T")
Answer = Literal["auto", "manual", "reject", "ignore"]
_WAV_HEADER = 44
_BYTES_A_SECOND = 16000


class PhoneError(AssertionError):
    """A phone did not do, or did not see, what the test waited for. The message lists what it did see."""


@dataclass(frozen=True, slots=True)
class PhoneEvent:
    """``name``: registered, unregistered, incoming, calling, early, confirmed, disconnected, key, refer_told.
    ``at``: Unix s.
    ``call`` is the park's own number of the call, 0 for none. ``code``: the SIP code, where there is one."""

    name: str
    phone: str
    at: float
    call: int = 0
    code: int = 0
    reason: str = ""
    caller: str = ""
    key: str = ""


@dataclass
class ParkedPhone:
    extension: str
    park: PhonePark
    _read: int = field(default=0, init=False)  # events already handed out by `wait`

    @property
    def events(self) -> list[PhoneEvent]:
        return [event for event in self.park.events if event.phone == self.extension]

    async def wait(self, *names: str, timeout_s: float = 10.0) -> PhoneEvent:
        """The next event of one of these names since the last `wait`; what comes before it is passed over."""

        def look() -> PhoneEvent | None:
            for n, event in enumerate(self.events[self._read :]):
                if event.name in names:
                    self._read += n + 1
                    return event
            return None

        return await self.park.until(look, timeout_s, f"{self.extension}: {' or '.join(names)}")

    async def dial(self, number: str) -> int:
        """The call's number. Does not wait: `wait("confirmed", "disconnected")`."""
        return int(await self.park.ask("dial", extension=self.extension, number=number))

    async def set_answer(self, answer: Answer, *, ring_s: float = 0.2, code: int = 486) -> None:
        """From the next call on. "reject" answers with ``code`` after ``ring_s``; "ignore" rings for ever."""
        await self.park.ask("set_answer", extension=self.extension, answer=answer, ring_s=ring_s, code=code)

    async def answer(self, call: int, code: int = 200) -> None:
        await self.park.ask("answer", call=call, code=code)

    async def press(self, call: int, keys: str) -> None:
        """RFC 4733; returns when they are queued, pjsua2 sends about three a second."""
        await self.park.ask("press", call=call, keys=keys)

    async def speak(self, call: int, tone_hz: int) -> None:
        """From now on, in this call; 0: silence. The call must be confirmed."""
        await self.park.ask("speak", call=call, tone_hz=tone_hz)

    async def refer(self, call: int, number: str) -> None:
        """The phone's own transfer key, blind. What comes of it is told as "refer_told"."""
        await self.park.ask("refer", call=call, number=number)

    async def hang_up(self, call: int) -> None:
        """Nothing happens when the call has ended already."""
        await self.park.ask("hang_up", call=call)

    async def unregister(self) -> None:
        await self.park.ask("unregister", extension=self.extension)
        await self.wait("unregistered")


class PhonePark:
    """``pbx``: Asterisk's SIP host and port; ``host``: the address the phones have; ``folder``: for recordings."""

    def __init__(self, pbx: tuple[str, int], folder: Path, *, host: str = "127.0.0.1") -> None:
        self._pbx = f"{pbx[0]}:{pbx[1]}"
        self._folder = folder
        self._host = host
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._changed = asyncio.Event()
        self._asked = 0
        self.events: list[PhoneEvent] = []

    async def __aenter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        child = Path(__file__).with_name("phone_process.py")
        with (self._folder / "phones.err").open("ab") as errors:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, str(child), self._host, self._pbx, str(self._folder),
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=errors,
            )  # fmt: skip
        self._reader = asyncio.create_task(self._read())
        await self.until(lambda: next((e for e in self.events if e.name == "open"), None), 10, "phones opening")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process, reader = self._process, self._reader
        assert process is not None
        assert reader is not None
        if process.returncode is None:
            self._send({"do": "quit"})
        try:
            await asyncio.wait_for(process.wait(), 6)
        except TimeoutError:
            process.kill()
            await process.wait()
        await reader

    async def kill(self) -> None:
        """All phones lose power: no BYE, no unregistration."""
        assert self._process is not None
        self._process.kill()
        await self._process.wait()

    async def add_phone(
        self, extension: str, secret: str, *, answer: Answer = "auto", ring_s: float = 0.2, code: int = 486,
        tone_hz: int = 0, registered: bool = True,
    ) -> ParkedPhone:  # fmt: skip
        """A phone that has registered; PhoneError when Asterisk refuses it. ``tone_hz`` is what it says in a call
        (0: silence). ``registered`` False: do not wait, see the events."""
        await self.ask(
            "add_phone", extension=extension, secret=secret, answer=answer, ring_s=ring_s, code=code, tone_hz=tone_hz
        )
        phone = ParkedPhone(extension, self)
        if registered:
            event = await phone.wait("registered")
            if event.code != 200:
                raise PhoneError(f"{extension} was refused: {event.code} {event.reason}")
        return phone

    def recording(self, call: int) -> Path:
        """WAV, 8 kHz mono 16 bit, of what the phone heard; grows during the call, a quarter of a second behind."""
        return self._folder / f"heard-{call}.wav"

    def heard_level(self, call: int, last_s: float | None = None) -> float:
        """dBFS of all that was heard, or of the last ``last_s``; `SILENT_DBFS` for nothing."""
        path = self.recording(call)
        if not path.exists():
            return SILENT_DBFS
        audio = path.read_bytes()[_WAV_HEADER:]
        audio = audio[: len(audio) // 2 * 2]
        if last_s is not None:
            audio = audio[-(round(last_s * _BYTES_A_SECOND) // 2 * 2) :]
        return level_dbfs(list(memoryview(audio).cast("h")))

    async def ask(self, do: str, **fields: object) -> Any:
        """One request to the child; its answer. PhoneError when pjsua2 refuses."""
        self._asked += 1
        answer = self._answers[self._asked] = asyncio.get_running_loop().create_future()
        self._send({"id": self._asked, "do": do, **fields})
        return await asyncio.wait_for(answer, 5)

    async def until(self, look: Callable[[], _T | None], timeout_s: float, what: str) -> _T:
        """The first thing that ``look`` finds; it looks again at every event. PhoneError after ``timeout_s``."""
        deadline = time.monotonic() + timeout_s
        while (found := look()) is None:
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), max(0.0, deadline - time.monotonic()))
            except TimeoutError:
                seen = [f"{e.phone} {e.name} {e.code}" for e in self.events[-20:]]
                raise PhoneError(f"{what}: not within {timeout_s} s; seen {seen}") from None
        return found

    def _send(self, message: dict[str, object]) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\n")

    async def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self._take(json.loads(line))
            self._changed.set()

    def _take(self, message: dict[str, Any]) -> None:
        if "event" in message:
            name = message.pop("event")
            self.events.append(PhoneEvent(name, **message))
            return
        answer = self._answers.pop(message["id"])
        if answer.done():
            return
        if "error" in message:
            answer.set_exception(PhoneError(message["error"]))
        else:
            answer.set_result(message["result"])
