"""What is said to one caller: made once, in time or not at all, and not kept for ever."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from pathlib import Path

import pytest

from ivr.prompts.audio import AudioSegment
from ivr.prompts.speech import CannotSpeak, EspeakSpeech, espeak_is_here
from ivr.prompts.utterances import Utterances
from ivr.spoken import SpokenKind
from ivr.spoken.value import spoken
from tests.unit.test_prompts import LANGUAGES, ToneSpeech, read

ORDER = spoken(SpokenKind.DIGITS, "1024")


class SlowSpeech(ToneSpeech):
    """Does not begin before it is let."""

    def __init__(self) -> None:
        super().__init__("zh")
        self.go = threading.Event()

    def speak(self, text: str, language: str) -> AudioSegment:
        self.go.wait(2)
        return super().speak(text, language)


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


async def test_it_is_made_once_and_found_again(tmp_path: Path) -> None:
    speech = ToneSpeech("zh", "en")
    said = Utterances(tmp_path, LANGUAGES, speech)
    path = await said.path(ORDER, "mandarin")
    assert path is not None
    assert len(read(path)) > 400
    assert await Utterances(tmp_path, LANGUAGES, speech).path(ORDER, "mandarin") == path
    assert speech.spoken == [("zh", "幺零二四")]
    assert await said.path(ORDER, "english") != path
    assert speech.spoken[1:] == [("en", "one zero two four")]


async def test_a_text_is_made_as_it_is_in_any_language(tmp_path: Path) -> None:
    speech = ToneSpeech("zh", "en", "fr")
    said = Utterances(tmp_path, {**LANGUAGES, "french": "fr"}, speech)
    for language in ("mandarin", "english", "french"):
        assert await said.path(spoken(SpokenKind.TEXT, " En stock:\n 7 "), language) is not None
    assert speech.spoken == [("zh", "En stock: 7"), ("en", "En stock: 7"), ("fr", "En stock: 7")]


async def test_the_files_name_does_not_tell_what_is_said(tmp_path: Path) -> None:
    await Utterances(tmp_path, LANGUAGES, ToneSpeech("zh")).path(ORDER, "mandarin")
    assert "1024" not in str(files(tmp_path))


async def test_another_voice_is_another_file(tmp_path: Path) -> None:
    first, second = ToneSpeech("zh"), ToneSpeech("zh")
    second.identity = "tone/2"
    paths = [await Utterances(tmp_path, LANGUAGES, speech).path(ORDER, "mandarin") for speech in (first, second)]
    assert paths[0] != paths[1]


async def test_many_callers_wait_for_one_making(tmp_path: Path) -> None:
    speech = SlowSpeech()
    said = Utterances(tmp_path, LANGUAGES, speech, limit_s=5)
    waiting = [asyncio.create_task(said.path(ORDER, "mandarin")) for _ in range(5)]
    await asyncio.sleep(0)
    speech.go.set()
    assert len(set(await asyncio.gather(*waiting))) == 1
    assert len(speech.spoken) == 1


async def test_a_caller_does_not_wait_for_ever_and_the_next_one_profits(tmp_path: Path) -> None:
    speech = SlowSpeech()
    said = Utterances(tmp_path, LANGUAGES, speech, limit_s=0.01)
    assert await said.path(ORDER, "mandarin") is None
    speech.go.set()
    await asyncio.gather(*said._making.values())
    assert await Utterances(tmp_path, LANGUAGES, speech, limit_s=5).path(ORDER, "mandarin") is not None
    assert len(speech.spoken) == 1


async def test_a_caller_who_leaves_does_not_end_it_for_the_others(tmp_path: Path) -> None:
    speech = SlowSpeech()
    said = Utterances(tmp_path, LANGUAGES, speech, limit_s=5)
    leaving, staying = (asyncio.create_task(said.path(ORDER, "mandarin")) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.sleep(0)
    speech.go.set()
    assert await staying is not None


async def test_what_cannot_be_said_is_none_and_is_not_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Hoarse(ToneSpeech):
        def speak(self, text: str, language: str) -> AudioSegment:
            raise CannotSpeak("no voice today")

    assert await Utterances(tmp_path, LANGUAGES, None).path(ORDER, "mandarin") is None
    with caplog.at_level(logging.DEBUG):
        assert await Utterances(tmp_path, LANGUAGES, Hoarse()).path(ORDER, "mandarin") is None
        assert await Utterances(tmp_path, LANGUAGES, ToneSpeech("zh")).path(ORDER, "klingon") is None
        (tmp_path / "no-folder").write_text("")
        assert await Utterances(tmp_path / "no-folder", LANGUAGES, ToneSpeech("zh")).path(ORDER, "mandarin") is None
    assert len(caplog.records) == 3
    assert "1024" not in caplog.text
    assert "幺" not in caplog.text


async def test_those_used_longest_ago_go(tmp_path: Path) -> None:
    said = Utterances(tmp_path, LANGUAGES, ToneSpeech("zh"), keep=10)
    paths = [await said.path(spoken(SpokenKind.NUMBER, str(n)), "mandarin") for n in range(10)]
    long_ago = time.time() - 1000
    for age, path in enumerate(paths):
        os.utime(f"{path}.wav", (long_ago + age, long_ago + age))
    assert await said.path(spoken(SpokenKind.NUMBER, "0"), "mandarin") == paths[0]  # used again
    assert await said.path(spoken(SpokenKind.NUMBER, "99"), "mandarin") is not None
    left = {str(file.with_suffix("")) for file in files(tmp_path)}
    assert [n for n, path in enumerate(paths) if path not in left] == [1, 2]
    assert len(left) == 9


@pytest.mark.skipif(not espeak_is_here(), reason="no espeak-ng")
@pytest.mark.parametrize(
    ("kind", "text"), [("digits", "13800138000"), ("money", "205.50"), ("date", "2026-03-05"), ("time", "23:05")]
)
@pytest.mark.parametrize("language", ["mandarin", "english"])
async def test_a_real_voice_says_it_in_time(tmp_path: Path, kind: str, text: str, language: str) -> None:
    path = await Utterances(tmp_path, LANGUAGES, EspeakSpeech()).path(spoken(SpokenKind(kind), text), language)
    assert path is not None
    assert 800 < len(read(path)) < 9000
    assert -24 < read(path).dBFS < -18  # as making.py states it: -19, or what the peak allows
