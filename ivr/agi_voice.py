"""The Voice port over AGI: what the caller hears and which keys come back.

The digit D is the router's knock on a waiting call (it is on no phone's keypad). Only `wait` and `announce`
listen for it; everywhere else a D, late or the caller's own, changes nothing.
"""

from __future__ import annotations

import asyncio
import logging
import math
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from ivr.agi.codec import Reply
from ivr.agi.session import AgiSession
from ivr.agi_script import Launch, run_agi_script
from ivr.recordings import recording_file, recording_stem, remove, weigh
from ivr.spoken import Spoken
from ivr.voice import GONE, MATCH, SILENCE, Ended, Heard, Recorded, ScriptEnd

log = logging.getLogger(__name__)

_KEYPAD = "0123456789*#"
_KNOCK = "D"
_BEEP = "beep"  # no prompt of a site: the beep stands in for all that is missing
_NOT_A_KEY = re.compile(r"[^0-9*]")  # A-D can be sent, but no menu has them
_NOT_TYPED = re.compile(r"[^0-9*#]")
_BY_KEY = ("dtmf", "randomerror")
_DEAF_TRIES = 3  # how often an entry of nothing but A-D is listened to again


Utter = Callable[[Spoken, str], Awaitable[str | None]]


async def speechless(spoken: Spoken, language: str) -> str | None:
    """For a place where nothing can be put into words."""
    return None


class AgiVoice:
    """``prompt_path(key, language)``: the sound file as Asterisk wants it, absolute and without its ending; of a key
    that it does not know, the beep. ``utter``: the file of a spoken value, made within its own time limit, or None.
    ``recordings``: the folder that Asterisk records callers into; None: nothing is recorded. ``launch``: starts the
    site's AGI scripts; None: there are none."""

    def __init__(
        self,
        session: AgiSession,
        prompt_path: Callable[[str, str], str],
        utter: Utter = speechless,
        recordings: Path | None = None,
        launch: Launch | None = None,
    ) -> None:
        self._session = session
        self._prompt_path = prompt_path
        self._utter = utter
        self._recordings = recordings
        self._launch = launch
        self._language = ""

    def speak_language(self, language: str) -> None:
        self._language = language

    async def play(self, prompts: Sequence[str], *, barge_in: bool = True) -> Heard:
        return await self._play(prompts, _KEYPAD if barge_in else "")

    async def say(self, spoken: Spoken, *, barge_in: bool = True) -> Heard:
        """In our own words; else Asterisk's SAY DIGITS where that is no falsehood (12.50 is not 1250); else the
        beep."""
        escapes = _KEYPAD if barge_in else ""
        path = await self._utter(spoken, self._language)
        if path is None and spoken.plain_digits:
            return _key(await self._command("SAY", "DIGITS", spoken.plain_digits, escapes))
        return await self._stream(path or self._path(_BEEP), escapes)

    async def play_recording(self, name: str, *, barge_in: bool = True) -> Heard:
        path = str(recording_stem(self._recordings, name)) if self._recordings else self._path(_BEEP)
        return await self._stream(path, _KEYPAD if barge_in else "")

    async def record(self, name: str, *, max_s: float, silence_s: float, stop_keys: str = "#") -> Recorded:
        """Asterisk counts silence in whole seconds, and cuts all but one of them off again. Its reply tells neither
        whether the time or the silence ended it nor whether anybody spoke, so the file is looked at. A stop key in the
        beep ends it before it begins. What cannot be written is a silence, and the admin's to see in the log."""
        if self._recordings is None:
            log.error("agi: there is no folder to record into")
            return Recorded(Ended.SILENCE, 0)
        stem, file = recording_stem(self._recordings, name), recording_file(self._recordings, name)
        await asyncio.to_thread(remove, file)
        words = (str(stem), "wav", stop_keys, str(_ms(max_s)), "BEEP", f"s={max(1, math.ceil(silence_s))}")
        reply = await self._command("RECORD", "FILE", *words, timeout_s=max_s + self._session.limits.reply_s)
        await self._session.command("NOOP")  # the reply comes before the file is closed: only now it is whole
        seconds = await asyncio.to_thread(weigh, file)
        if reply.gone or self._session.gone:
            return Recorded(Ended.GONE, seconds)
        key = _stop_key(reply, stop_keys)
        return Recorded(Ended.KEYS if key else Ended.SILENCE, seconds, key)

    async def run_script(
        self, name: str, given: Mapping[str, str], wanted: Sequence[str], *, limit_s: float
    ) -> ScriptEnd:
        if self._launch is None:
            return ScriptEnd(GONE.ended if self._session.gone else SILENCE.ended, failed="there are no scripts here")
        return await run_agi_script(self._session, self._launch(name, limit_s), given, wanted, limit_s)

    async def announce(self, parts: Sequence[str | Spoken]) -> Heard:
        """Speak to a caller who waits: a knock ends it with MATCH, a key with KEYS. The music is off
        afterwards. A value that cannot be put into words is passed over."""
        for part in parts:
            path = self._path(part) if isinstance(part, str) else await self._utter(part, self._language)
            heard = await self._stream(path, _KEYPAD + _KNOCK) if path else SILENCE
            if heard is not SILENCE:
                return heard
        return GONE if self._session.gone else SILENCE

    async def ask(
        self,
        prompts: Sequence[str],
        *,
        first_digit_s: float,
        inter_digit_s: float,
        max_digits: int,
        barge_in: bool = True,
    ) -> Heard:
        """The last prompt by GET DATA, which plays and listens in one command; those before it by STREAM
        FILE, because GET DATA plays only one. GET DATA has one time-out for the first key and between keys
        (TIMEOUT() does not change it), so where the two differ the keys after the first are read one by one.
        What is pressed while no command runs is dropped by Asterisk, but that gap comes right after a key:
        240 of 240 keys came through.

        Without ``barge_in`` all prompts by STREAM FILE, which drops the keys that are no escape digits: one that is
        pressed, or held down, while it plays counts for nothing."""
        if not barge_in:
            heard = await self._play(prompts, "")
            return await self._collect(heard, first_digit_s, inter_digit_s, max_digits)
        *leading, last = prompts or ("",)
        heard = await self._play(leading, _KEYPAD)
        whole = first_digit_s == inter_digit_s
        if heard is SILENCE and last:
            heard = await self._get_data(self._path(last), first_digit_s, max_digits if whole else 1)
            if whole or heard is SILENCE or not heard.keys:
                return heard
        return await self._collect(heard, first_digit_s, inter_digit_s, max_digits)

    async def wait(self, timeout_s: float) -> Heard:
        """Listen for one key or the router's knock while the music plays."""
        limit_s = timeout_s + self._session.limits.reply_s
        reply = await self._command("WAIT", "FOR", "DIGIT", str(_ms(timeout_s)), timeout_s=limit_s)
        return GONE if reply.result == "-1" else _key(reply)

    async def music(self, on: bool, cls: str = "default") -> None:
        """Music on hold, until it is switched off or a prompt is played."""
        await self._command(*(("SET", "MUSIC", "ON", cls) if on else ("SET", "MUSIC", "OFF")))

    async def _play(self, prompts: Sequence[str], escapes: str) -> Heard:
        for prompt in prompts:
            heard = await self._stream(self._path(prompt), escapes)
            if heard is not SILENCE:
                return heard
        return GONE if self._session.gone else SILENCE

    async def _stream(self, path: str, escapes: str) -> Heard:
        return _key(await self._command("STREAM", "FILE", path, escapes, timeout_s=self._session.limits.play_s))

    async def _collect(self, first: Heard, first_digit_s: float, inter_digit_s: float, max_digits: int) -> Heard:
        """Key by key; ``first`` is what was heard already, SILENCE for nothing."""
        heard, keys = first, first.keys
        for _ in range(max_digits + _DEAF_TRIES):
            if heard is GONE or keys.endswith("#") or len(keys) >= max_digits:
                break
            heard = await self.wait(inter_digit_s if keys else first_digit_s)
            if heard is SILENCE:
                break
            keys += _NOT_TYPED.sub("", heard.keys)
        if heard is GONE or not keys:
            return GONE if heard is GONE else SILENCE
        return Heard(Ended.KEYS, keys.removesuffix("#"))

    async def _get_data(self, path: str, timeout_s: float, max_digits: int) -> Heard:
        limits = self._session.limits
        for _ in range(_DEAF_TRIES):
            reply = await self._command(
                "GET", "DATA", path, str(_ms(timeout_s)), str(max_digits), timeout_s=limits.play_s
            )
            if reply.result == "-1" and not reply.gone:  # the prompt cannot be played: listen all the same
                return await self._collect(SILENCE, timeout_s, timeout_s, max_digits)
            heard = _entry(reply, max_digits)
            if heard is not None:
                return heard
        return SILENCE

    async def _command(self, *words: str, timeout_s: float | None = None) -> Reply:
        reply = await self._session.command(*words, timeout_s=timeout_s)
        if not reply.gone and (reply.code != 200 or reply.result == "-1"):
            log.error("agi: %s failed on %s", words, self._session.request.channel)
        return reply

    def _path(self, prompt: str) -> str:
        return self._prompt_path(prompt, self._language)


def _key(reply: Reply) -> Heard:
    """``result`` is 0 or the ASCII code of the key. A file that is not there (-1, channel alive) is a
    silence."""
    if reply.gone:
        return GONE
    if reply.result in ("0", "-1", ""):
        return SILENCE
    key = chr(int(reply.result))
    return MATCH if key == _KNOCK else Heard(Ended.KEYS, key)


def _stop_key(reply: Reply, stop_keys: str) -> str:
    """RECORD FILE's note says what ended it: "dtmf", or "randomerror" for a key in the beep. Beside "timeout" the
    result is no key but the milliseconds that were left (seen: 14970)."""
    return next((key for key in stop_keys if reply.result == str(ord(key)) and reply.note in _BY_KEY), "")


def _entry(reply: Reply, max_digits: int) -> Heard | None:
    """``result`` holds the keys themselves, ``note`` is "timeout" when neither # nor the last key ended it.
    None: only keys that no phone has were sent."""
    if reply.gone:
        return GONE
    if reply.code != 200:
        return SILENCE
    keys = _NOT_A_KEY.sub("", reply.result)
    if not keys and (reply.note == "timeout" or len(reply.result) >= max_digits) and reply.result:
        return None
    return SILENCE if not keys and reply.note == "timeout" else Heard(Ended.KEYS, keys)


def _ms(seconds: float) -> int:
    """WAIT FOR DIGIT and GET DATA read 0 and less as something else: at least 1 ms."""
    return max(1, round(seconds * 1000))
