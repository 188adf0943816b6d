"""The ACD's adapter to one Asterisk: two manager sessions, kept open, and what they say in the ACD's words.

Law: after every (re)connect Asterisk is asked for everything (`Snapshot`) before anything else is believed,
because a session that stalls is cut off without a word about what it missed. Nothing is ever sent twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from panoramisk.message import Message

from acd.ami.codec import StreamFaults
from acd.ami.dials import DialWatch
from acd.ami.errors import AmiError, LocalError, Lost
from acd.ami.link import Link
from acd.ami.live import LiveChannel, Snapshot, live_channel, phone_of, phone_state
from acd.model import PhoneState

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PbxTimes:
    """Seconds. A frozen Asterisk is noticed after ``probe_every_s + probe_s`` at the latest. Probing more often
    than every 5 s would cost Asterisk more than it tells."""

    open_s: float = 2.0
    probe_every_s: float = 5.0
    probe_s: float = 2.0
    answer_s: float = 2.0
    first_pause_s: float = 0.1  # between attempts; doubles up to the longest
    longest_pause_s: float = 0.5  # an Asterisk that boots again is ready within half a second


class Pbx:
    """``on_down(reason)`` is called once for each time Asterisk goes away (and when it is not there at the
    start), ``on_up(snapshot)`` each time it is back. ``on_phone`` is called for changes only, of every PJSIP
    endpoint (the trunk too: ignore whom you do not know), and never before `on_up` has returned: what changed
    meanwhile is told then. Callbacks run in the event loop and must be quick."""

    def __init__(
        self,
        host: str,
        port: int,
        username: str,
        secret: str,
        *,
        on_phone: Callable[[str, PhoneState], None],
        on_up: Callable[[Snapshot], Awaitable[None]],
        on_down: Callable[[str], None],
        on_answer: Callable[[str, str], None],
        times: PbxTimes | None = None,
    ) -> None:
        self.up = False
        self.faults = StreamFaults()
        self._where = (host, port, username, secret)
        self._on_phone, self._on_up, self._on_down = on_phone, on_up, on_down
        self._times = times or PbxTimes()
        self._dials = DialWatch(on_answer)
        self._phones: dict[str, PhoneState] = {}  # as Asterisk last said
        self._told: dict[str, PhoneState] = {}  # as the ACD knows
        self._actions: Link | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to connect, and stay connected; does not wait for Asterisk to be there."""
        self._task = asyncio.create_task(self._stay_connected(), name="pbx")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._task = None
        self.up = False

    # --- What the ACD asks of Asterisk ---

    def wake_soon(self, channel: str) -> None:
        """End that caller's wait: the key D arrives as if they had pressed it. Written before this returns.
        No answer is awaited; a refusal is logged (a caller who has just left needs no waking)."""
        try:
            self._send_wake(channel).add_done_callback(_log_refusal)
        except AmiError as error:
            log.warning("cannot wake %s: %s", channel, error)

    def look_again_soon(self, extension: str) -> None:
        """Have Asterisk ask that phone whether it is there. A booted Asterisk remembers who had registered but spreads
        its first questions over the whole qualify time, and until then the phone is unreachable."""
        with contextlib.suppress(AmiError):
            self._link().send("PJSIPQualify", Endpoint=extension).add_done_callback(_forget)

    async def wake(self, channel: str) -> bool:
        """As `wake_soon`, and True when Asterisk has taken it."""
        try:
            async with asyncio.timeout(self._times.answer_s):
                return bool((await self._send_wake(channel)).success)
        except (AmiError, TimeoutError):
            return False

    async def hangup(self, channel: str, cause: int = 16) -> bool:
        """False when there is no such channel, or no Asterisk. ``cause``: Q.850, 16 is normal clearing."""
        if channel.startswith("/"):
            raise LocalError("a name between slashes is a pattern to Asterisk: it would end many calls")
        try:
            link = self._link()
            await link.ask("Hangup", timeout_s=self._times.answer_s, Channel=channel, Cause=str(cause))
        except (AmiError, TimeoutError):
            return False
        return True

    async def redirect(self, channel: str, context: str) -> bool:
        """Send a channel, wherever it is (a bridge too), to ``context``'s `s`. False when there is no such channel, or
        no Asterisk."""
        fields = {"Channel": channel, "Context": context, "Exten": "s", "Priority": "1"}
        try:
            await self._link().ask("Redirect", timeout_s=self._times.answer_s, **fields)
        except (AmiError, TimeoutError):
            return False
        return True

    async def set_lamp(self, lamp: str, state: str) -> bool:
        """A device of our own, which keys of phones watch: NOT_INUSE, INUSE or RINGING (it blinks)."""
        fields = {"Variable": f"DEVICE_STATE(Custom:{lamp})", "Value": state}
        try:
            await self._link().ask("Setvar", timeout_s=self._times.answer_s, **fields)
        except (AmiError, TimeoutError):
            return False
        return True

    async def mute_recording(self, channel: str, mute: bool) -> bool:
        """Silence in place of both sides, or no longer. False when nothing is recorded on that channel."""
        fields = {"Channel": channel, "Direction": "both", "State": "1" if mute else "0"}
        try:
            await self._link().ask("MixMonitorMute", timeout_s=self._times.answer_s, **fields)
        except (AmiError, TimeoutError):
            return False
        return True

    async def variable(self, channel: str, name: str) -> str:
        """'' for one that is not set, and where there is no such channel."""
        try:
            found = await self._link().ask("Getvar", timeout_s=self._times.answer_s, Channel=channel, Variable=name)
        except (AmiError, TimeoutError):
            return ""
        return str(found.value or "")

    async def ring(self, extension: str, context: str, *, variable: str, ring_s: float) -> str:
        """Ring a phone of the house; picked up, it goes to ``context``'s `s`. Why it does not ring, or "". Whether it
        is picked up is not told. ``variable``: NAME=value for its channel."""
        if self._phones.get(extension, PhoneState.UNREACHABLE) is not PhoneState.FREE:
            return "the phone is not there, or is busy"
        fields = {"Channel": f"PJSIP/{extension}", "Context": context, "Exten": "s", "Priority": "1"}
        fields |= {"CallerID": "hotline <51>", "Timeout": str(round(ring_s * 1000)), "Variable": variable}
        try:
            await self._link().ask("Originate", timeout_s=self._times.answer_s, Async="true", **fields)
        except (AmiError, TimeoutError) as error:
            return f"Asterisk does not ring it: {error}"
        return ""

    async def ring_outside(self, endpoint: str, context: str, *, variable: str, ring_s: float, shown: str) -> str:
        """The same for a number outside of the house (``number@trunk``), which sees our number ``shown``."""
        fields = {"Channel": f"PJSIP/{endpoint}", "Context": context, "Exten": "s", "Priority": "1"}
        fields |= {"CallerID": shown, "Timeout": str(round(ring_s * 1000)), "Variable": variable}
        try:
            await self._link().ask("Originate", timeout_s=self._times.answer_s, Async="true", **fields)
        except (AmiError, TimeoutError) as error:
            return f"Asterisk does not dial it: {error}"
        return ""

    async def channels(self) -> tuple[LiveChannel, ...]:
        """Every leg alive now. Raises AmiError, TimeoutError."""
        return (await self._list_channels(self._link()))[0]

    # --- One connection after the other ---

    async def _stay_connected(self) -> None:
        pause_s = self._times.first_pause_s
        last = ""  # the last reason; empty only before the first
        while True:
            reason = await self._one_connection()
            if self.up or not last:
                pause_s = self._times.first_pause_s
                self._go_down(reason)
            if reason != last:
                log.warning("Asterisk is away: %s; trying again until it is back", reason)
                last = reason
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, self._times.longest_pause_s)

    def _go_down(self, reason: str) -> None:
        self.up = False
        self._on_down(reason)

    async def _one_connection(self) -> str:
        """From the connect to the loss; the reason of it. ``up`` tells whether it ever was up."""
        events, actions = self._new_link(events=True), self._new_link(events=False)
        self._listen(events)
        try:
            async with asyncio.timeout(self._times.open_s):
                await events.open()
                await actions.open()
            self._actions = actions
            await self._resync(events, actions)
            return await self._watch(events, actions)
        except TimeoutError:
            return "no answer in time"
        except (OSError, AmiError) as error:
            return f"{type(error).__name__}: {error}"
        except Exception:  # the edge of the task: a callback's fault must not end the connection for good
            log.exception("the session with Asterisk broke off")
            return "a fault of our own"
        finally:
            self._actions = None
            events.close()
            actions.close()

    def _new_link(self, *, events: bool) -> Link:
        return Link(*self._where, events=events, faults=self.faults)

    def _listen(self, events: Link) -> None:
        self._phones.clear()
        self._dials.clear()
        events.hear("DeviceStateChange", self._device_changed)
        events.hear("DialBegin", self._dials.dial_begin)
        events.hear("Newstate", self._dials.new_state)
        events.hear("DialEnd", self._dials.dial_end)

    async def _resync(self, events: Link, actions: Link) -> None:
        await self._list_phones(events)
        channels, complete = await self._list_channels(actions)
        self._told = dict(self._phones)
        await self._on_up(Snapshot(channels, dict(self._told), complete))
        self.up = True
        log.info("Asterisk is here: %d channels, %d phones", len(channels), len(self._phones))
        for extension, state in list(self._phones.items()):
            self._tell_phone(extension, state)

    async def _watch(self, events: Link, actions: Link) -> str:
        seen = self.faults.skipped
        while True:
            await asyncio.wait(
                (events.lost, actions.lost),
                timeout=self._times.probe_every_s,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for link in (events, actions):
                if link.lost.done():
                    return link.lost.result()
            await self._probe(events, actions)
            if self.faults.skipped != seen:  # what we could not read may have been a phone's state
                seen = self.faults.skipped
                await self._list_phones(events)

    async def _probe(self, events: Link, actions: Link) -> None:
        """Asterisk can be frozen while Ping answers, so channels are listed. The other session is only asked
        whether it still reaches anybody."""
        await asyncio.gather(
            self._list_channels(actions, self._times.probe_s),
            events.ask("Ping", timeout_s=self._times.probe_s),
        )

    # --- Asking and hearing ---

    async def _list_phones(self, events: Link) -> None:
        """On the events' own session, and taken in by `_device_changed` as it comes: in one stream no
        answer can overtake, or be overtaken by, a change."""
        await events.ask_list("DeviceStateList", timeout_s=self._times.answer_s)

    async def _list_channels(
        self, actions: Link, timeout_s: float | None = None
    ) -> tuple[tuple[LiveChannel, ...], bool]:
        """The legs, and whether they are as many as Asterisk counted."""
        timeout_s = self._times.answer_s if timeout_s is None else timeout_s
        *items, end = await actions.ask_list("CoreShowChannels", timeout_s=timeout_s)
        channels = tuple(live_channel(item) for item in items if item.event == "CoreShowChannel")
        return channels, end.listitems == str(len(channels))

    def _device_changed(self, event: Message) -> None:
        extension = phone_of(event.device)
        if extension is None:
            return
        self._phones[extension] = phone_state(event.state)
        if self.up:
            self._tell_phone(extension, self._phones[extension])

    def _tell_phone(self, extension: str, state: PhoneState) -> None:
        if self._told.get(extension) is not state:
            self._told[extension] = state
            self._on_phone(extension, state)

    def _send_wake(self, channel: str) -> asyncio.Future[Message]:
        # "Async: false" is for panoramisk's own reading of the answer; Asterisk does not look at it.
        return self._link().send("PlayDTMF", Channel=channel, Digit="D", Receive="true", Async="false")

    def _link(self) -> Link:
        if self._actions is None:
            raise Lost("there is no session with Asterisk")
        return self._actions


def _forget(answer: asyncio.Future[Message]) -> None:
    """A phone that never registered has nothing to be asked at; that is no news."""
    if not answer.cancelled():
        answer.exception()


def _log_refusal(answer: asyncio.Future[Message]) -> None:
    if not answer.cancelled() and answer.exception() is None and not answer.result().success:
        log.warning("Asterisk did not wake a caller: %s", answer.result().message)
