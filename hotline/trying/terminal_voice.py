"""The Voice port without a telephone: prompts go into the call's log, keys come from the keypad, time is virtual.

It keeps to what AGI does: a key ends a prompt that may be interrupted and is lost in one that may not; `#` ends an
entry; the time-outs start where `ivr.voice` says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from hotline.trying.clock import VirtualClock
from hotline.trying.happening import CallLog, Kind
from hotline.trying.keypad import Act, Doing, Keypad
from hotline.trying.sayings import Saying, Sayings
from ivr.spoken import Spoken
from ivr.voice import GONE, SILENCE, Ended, Heard, Recorded, ScriptEnd

_EARLY = 0.5  # an early key comes when half of the prompt is said


class TerminalVoice:
    def __init__(self, keypad: Keypad, sayings: Sayings, clock: VirtualClock, log: CallLog) -> None:
        self._keypad = keypad
        self._sayings = sayings
        self._clock = clock
        self._log = log
        self._language = ""
        self._ahead = ""  # pressed, and nobody has listened yet
        self._gone = False
        self._recorded: dict[str, float] = {}

    def speak_language(self, language: str) -> None:
        self._language = language

    async def play(self, prompts: Sequence[str], *, barge_in: bool = True) -> Heard:
        return self._interrupted_by(self._sayings_of(prompts), barge_in)

    async def say(self, spoken: Spoken, *, barge_in: bool = True) -> Heard:
        return self._interrupted_by([("", self._sayings.value(spoken, self._language))], barge_in)

    async def play_recording(self, name: str, *, barge_in: bool = True) -> Heard:
        seconds = self._recorded.get(name, 0.0)
        return self._interrupted_by([("", Saying("", f"({seconds:g} s as recorded)", seconds))], barge_in)

    async def record(self, name: str, *, max_s: float, silence_s: float, stop_keys: str = "#") -> Recorded:
        """A key that does not stop it is heard on the recording, and changes nothing."""
        self._lose(self._ahead)
        act = Act("h", Doing.HANG_UP) if self._gone else self._keypad.in_recording()
        seconds = min(act.after_s, max_s) if act.doing is Doing.SPEAK else 0.0
        self._recorded[name] = seconds
        key = act.ends or act.keys[:1]
        self._gone = act.doing is Doing.HANG_UP or key == "h"
        stopped = bool(key) and key in stop_keys and not self._gone
        pause_s = 0.0 if self._gone or stopped else max(0.0, min(silence_s, max_s - seconds))
        self._clock.advance(seconds + pause_s)
        ended = Ended.GONE if self._gone else Ended.KEYS if stopped else Ended.SILENCE
        self._log.note(Kind.RECORDED, seconds=seconds, ended=ended.value)
        return Recorded(ended, seconds, key if stopped else "")

    async def run_script(
        self, name: str, given: Mapping[str, str], wanted: Sequence[str], *, limit_s: float
    ) -> ScriptEnd:
        """There is no Asterisk that could run it: the person, or the script of the keys, says what it does."""
        self._log.note(Kind.SCRIPT, agi=name, given=dict(given), wanted=list(wanted), limit_s=limit_s)
        act = Act("h", Doing.HANG_UP) if self._gone else self._keypad.in_agi_script()
        if act.doing is Doing.HANG_UP:
            self._gone = True
            self._told(GONE)
            return ScriptEnd(Ended.GONE)
        if act.doing is Doing.SILENCE:
            self._clock.advance(limit_s)
            return ScriptEnd(Ended.SILENCE, failed=f"its {limit_s:g} s were over")
        return ScriptEnd(Ended.SILENCE, {name: value for name, value in act.values.items() if name in wanted})

    def _interrupted_by(self, said: Iterable[tuple[str, Saying]], barge_in: bool) -> Heard:
        self._speak(said, barge_in)
        if not self._gone and self._ahead:
            key, self._ahead = self._ahead[0], self._ahead[1:]
            return self._told(Heard(Ended.KEYS, key))
        return self._told(GONE) if self._gone else SILENCE

    async def ask(
        self,
        prompts: Sequence[str],
        *,
        first_digit_s: float,
        inter_digit_s: float,
        max_digits: int,
        barge_in: bool = True,
    ) -> Heard:
        self._speak(self._sayings_of(prompts), barge_in)
        if not self._gone and not self._ahead:
            self._listen(first_digit_s)
        if self._gone:
            return self._told(GONE)
        return self._told(self._entry(inter_digit_s, max_digits) if self._ahead else SILENCE)

    def _sayings_of(self, prompts: Sequence[str]) -> list[tuple[str, Saying]]:
        return [(key, self._sayings.of(key, self._language)) for key in prompts]

    def _speak(self, said: Iterable[tuple[str, Saying]], barge_in: bool) -> None:
        """Up to the end, a key or the hang-up. ``said``: prompt key ('' for a value) and what is said."""
        for key, saying in said:
            share = self._share_heard(barge_in)
            seconds = round(saying.seconds * share, 3)
            self._log.note(
                Kind.PROMPT, prompt=key, language=saying.language, text=saying.text, seconds=seconds, cut=share < 1
            )
            self._clock.advance(seconds)
            if self._gone or self._ahead:
                return

    def _share_heard(self, barge_in: bool) -> float:
        """How much of the prompt that begins now will be said, 0-1."""
        if self._ahead and barge_in:
            return 0.0
        self._lose(self._ahead)
        act = self._keypad.early()
        if act is None:
            return 1.0
        if act.doing is Doing.HANG_UP:
            self._gone = True
            return _EARLY
        if barge_in:
            self._ahead = act.keys
            return _EARLY
        self._lose(act.keys)
        return 1.0

    def _lose(self, keys: str) -> None:
        if keys:
            self._log.note(Kind.HEARD, ended="ignored", keys=keys)
        self._ahead = ""

    def _listen(self, first_digit_s: float) -> None:
        act = self._keypad.in_menu()
        self._gone = act.doing is Doing.HANG_UP
        self._ahead = act.keys
        if act.doing is Doing.SILENCE:
            self._clock.advance(first_digit_s)

    def _entry(self, inter_digit_s: float, max_digits: int) -> Heard:
        """The first keys of those pressed. An entry that is neither full nor ended by # ends by the time-out."""
        typed, hash_, _ = self._ahead.partition("#")
        keys = typed[:max_digits]
        if len(keys) == max_digits:
            hash_ = ""
        elif not hash_:
            self._clock.advance(inter_digit_s)
        self._ahead = self._ahead[len(keys + hash_) :]
        return Heard(Ended.KEYS, keys)

    def _told(self, heard: Heard) -> Heard:
        self._log.note(Kind.HEARD, ended=heard.ended.value, keys=heard.keys)
        return heard
