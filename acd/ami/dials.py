"""Watches the phones being rung, to say when one is picked up.

With a whisper (`Dial(…,U(…))`) Asterisk tells DialEnd only *after* the whisper has been heard; the pick-up
itself is the phone's leg becoming Up. That is the moment wanted: a ring deadline must not run into the whisper.
"""

from __future__ import annotations

from collections.abc import Callable

from panoramisk.message import Message

from acd.ami.live import phone_of_leg

UP = "6"  # ChannelState of an answered leg


class DialWatch:
    """``on_answer(caller's channel, extension)`` is called at most once for each leg."""

    def __init__(self, on_answer: Callable[[str, str], None]) -> None:
        self._on_answer = on_answer
        self._ringing: dict[str, str] = {}  # the phone's leg → the caller's channel; left at DialEnd
        self._told: set[str] = set()

    def clear(self) -> None:
        """After a gap in the events: legs whose end we missed would stay for ever."""
        self._ringing.clear()
        self._told.clear()

    def dial_begin(self, event: Message) -> None:
        if event.channel and phone_of_leg(event.destchannel):
            self._ringing[event.destchannel] = event.channel

    def new_state(self, event: Message) -> None:
        caller = self._ringing.get(event.channel)
        if caller is not None and event.channelstate == UP:
            self._tell(caller, event.channel)

    def dial_end(self, event: Message) -> None:
        caller = self._ringing.pop(event.destchannel, event.channel)
        if event.dialstatus == "ANSWER" and caller:
            self._tell(caller, event.destchannel)
        self._told.discard(event.destchannel)

    def _tell(self, caller: str, leg: str) -> None:
        phone = phone_of_leg(leg)
        if phone is not None and leg not in self._told:
            self._told.add(leg)
            self._on_answer(caller, phone)
