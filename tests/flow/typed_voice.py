"""A caller for the flow's tests: what they do at each prompt is a list, time is a number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ivr.flow.outside import Outside
from ivr.spoken import Spoken, in_words
from ivr.voice import GONE, MATCH, SILENCE, Ended, Heard, Recorded, ScriptEnd

_CODES = {"mandarin": "zh", "english": "en"}
NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)  # a Monday, 12:00 in Shanghai


@dataclass
class PaperWorld:
    at: datetime = NOON
    closed: frozenset[str] = frozenset()
    holidays: frozenset[str] = frozenset()
    outside: Outside = field(default_factory=Outside)

    def now(self) -> datetime:
        return self.at

    def is_open(self, line: str) -> bool:
        return line not in self.closed

    def is_holiday(self, line: str) -> bool:
        return line in self.holidays


@dataclass
class TypedVoice:
    """``acts``: one for each time something is played or asked (a question that no key may cut short is both): keys
    ("1", "#"), "" silence, "D" a match, "hang up". For a recording: "speak 12" (seconds, then silence), with "#" or
    "hang up" after it ("speak 12 hang up"), or as above. After the last act the caller is silent. Each prompt takes two
    seconds of the world's time."""

    world: PaperWorld
    acts: Iterable[str] = ()
    said: list[tuple[str, str]] = field(default_factory=list)  # (prompt, language)
    languages: list[str] = field(default_factory=list)
    scripts: dict[str, ScriptEnd] = field(default_factory=dict)
    given: dict[str, str] = field(default_factory=dict)  # to the last script

    def __post_init__(self) -> None:
        self._acts = iter(self.acts)

    def speak_language(self, language: str) -> None:
        self.languages.append(language)

    async def play(self, prompts: Sequence[str], *, barge_in: bool = True) -> Heard:
        heard = self._next(prompts, 1)
        return SILENCE if heard.ended is Ended.KEYS and not barge_in else heard

    async def say(self, spoken: Spoken, *, barge_in: bool = True) -> Heard:
        """What is said stands among the prompts, in words."""
        return await self.play((in_words(spoken, _CODES[self.languages[-1]]),), barge_in=barge_in)

    async def play_recording(self, name: str, *, barge_in: bool = True) -> Heard:
        return await self.play((f"recording {name}",), barge_in=barge_in)

    async def record(self, name: str, *, max_s: float, silence_s: float, stop_keys: str = "#") -> Recorded:
        self.said.append((f"record {name}", self.languages[-1]))
        speaking, _, rest = next(self._acts, "").removeprefix("speak ").partition(" ")
        seconds = min(float(speaking), max_s) if speaking.isdecimal() else 0.0
        act = rest if seconds else f"{speaking} {rest}".strip()
        self.world.at += timedelta(seconds=seconds)
        if act == "hang up":
            return Recorded(Ended.GONE, seconds)
        if act and act in stop_keys:
            return Recorded(Ended.KEYS, seconds, act)
        self.world.at += timedelta(seconds=silence_s)
        return Recorded(Ended.SILENCE, seconds)

    async def run_script(
        self, name: str, given: Mapping[str, str], wanted: Sequence[str], *, limit_s: float
    ) -> ScriptEnd:
        self.given = dict(given)
        self.said.append((f"script {name}", self.languages[-1]))
        return self.scripts.get(name, ScriptEnd(Ended.SILENCE, failed="there is no such script"))

    async def ask(
        self,
        prompts: Sequence[str],
        *,
        first_digit_s: float,
        inter_digit_s: float,
        max_digits: int,
        barge_in: bool = True,
    ) -> Heard:
        if prompts and not barge_in:
            heard = await self.play(prompts, barge_in=False)
            if heard.ended is Ended.GONE:
                return heard
            prompts = ()
        heard = self._next(prompts, max_digits)
        if heard.ended is Ended.SILENCE:
            self.world.at += timedelta(seconds=first_digit_s)
        if heard.ended is Ended.KEYS:
            return Heard(Ended.KEYS, heard.keys.partition("#")[0])
        return heard

    def _next(self, prompts: Sequence[str], max_digits: int) -> Heard:
        self.said += [(prompt, self.languages[-1]) for prompt in prompts]
        self.world.at += timedelta(seconds=2 * len(prompts))
        act = next(self._acts, "")
        everyday = {"": SILENCE, "D": MATCH, "hang up": GONE}
        return everyday.get(act) or Heard(Ended.KEYS, act[:max_digits])
