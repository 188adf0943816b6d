"""What `hotline prompts` knows of a site's prompts: a row for each in each language, and what is wrong with them."""

from __future__ import annotations

import wave
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hotline.settings import SiteFolders
from hotline.site.site import Site
from ivr.flow.nodes.form import Noun
from ivr.prompts.audio import AudioSegment
from ivr.prompts.decoding import Refused
from ivr.prompts.recordings import Recordings
from ivr.prompts.shelf import Origin, Standing

# Prompts that no flow names: the desk, the dialplan and the queue play them.
_HOUSE = ("desk_", "record_", "whisper_", "line_", "hold_notice", "voicemail_prompt", "too_many_calls")


@dataclass(frozen=True, slots=True)
class PromptRow:
    """``number`` is what *51 asks for. ``source``: recording, speech, sounds or nowhere. ``level``: dBFS RMS."""

    number: int
    key: str
    language: str
    source: str
    seconds: float | None
    level: float | None


@dataclass(frozen=True, slots=True)
class Fault:
    """``grave``: something of the admin's is not played. Otherwise a remark."""

    what: str
    why: str
    grave: bool


def prompt_rows(site: Site, standing: Mapping[tuple[str, str], Standing]) -> Iterator[PromptRow]:
    for number, key in enumerate(site.prompts, 1):
        for code in dict.fromkeys(site.languages.values()):
            found = standing.get((key, code))
            if found is None:
                yield PromptRow(number, key, code, Origin.NOWHERE.value, None, None)
            else:
                yield PromptRow(number, key, code, found.origin.value, *_measured(found.file))


def prompt_faults(site: Site, folders: SiteFolders) -> Iterator[Fault]:
    """Reads every recording. Blocks."""
    recordings = Recordings(folders.recordings)
    codes = [*dict.fromkeys(site.languages.values())]
    yield from _unfit(recordings, site, codes)
    for path, reason in recordings.strays(site.prompts, codes):
        yield Fault(f"recordings/{path}", reason, grave=True)
    for key, prompt in site.prompts.items():
        for code in codes:
            if not prompt.pieces(code) and recordings.file(key, code) is None:
                yield Fault(f"{key} in {code}", "has no text and no recording: another language is played", grave=False)
    named = {mention.name for flow in site.flows.values() for node in flow.nodes.values()
             for mention in node.mentions() if mention.noun is Noun.PROMPT}  # fmt: skip
    for key in site.prompts:
        if key not in named and not key.startswith(_HOUSE):
            yield Fault(key, "is in no flow", grave=False)


def _unfit(recordings: Recordings, site: Site, codes: list[str]) -> Iterator[Fault]:
    for key in site.prompts:
        for code in codes:
            path = recordings.file(key, code)
            try:
                if path is not None:
                    recordings.read(path)
            except Refused as reason:
                yield Fault(f"recordings/{code}/{path.name if path else key}", str(reason), grave=True)


def _measured(file: Path) -> tuple[float, float]:
    with wave.open(str(file)) as sound:
        segment = AudioSegment(sound.readframes(sound.getnframes()), sample_width=2, frame_rate=8000, channels=1)
    return round(segment.duration_seconds, 2), round(segment.dBFS, 1)
