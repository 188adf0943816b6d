"""Prompts: their forms, the telephone's sound, the shelf's fallbacks. A voice here is real, or a tone."""

from __future__ import annotations

import math
import wave
from array import array
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from ivr.prompts.audio import AudioSegment, low_pass, write_wav
from ivr.prompts.making import NoSound, telephone
from ivr.prompts.music import RMS_DBFS, SECONDS, make_music
from ivr.prompts.shelf import Made, Origin, PromptShelf
from ivr.prompts.speech import AsteriskSounds, CannotSpeak, EspeakSpeech, espeak_is_here
from ivr.prompts.text import PromptForm, PromptText

LANGUAGES = {"mandarin": "zh", "english": "en"}
HELLO = PromptText("hello", {"zh": "您好", "en": "hello"}, ("hello",))


def tone(hz: float, seconds: float = 1.0, rate: int = 22050, amplitude: float = 0.5) -> AudioSegment:
    count = int(rate * seconds)
    samples = (round(32767 * amplitude * math.sin(2 * math.pi * hz * n / rate)) for n in range(count))
    return AudioSegment(data=array("h", samples).tobytes(), sample_width=2, frame_rate=rate, channels=1)


class ToneSpeech:
    """Says everything as a tone, in the languages it was given."""

    identity = "tone/1"

    def __init__(self, *languages: str) -> None:
        self.languages = languages
        self.spoken: list[tuple[str, str]] = []

    def speak(self, text: str, language: str) -> AudioSegment:
        if language not in self.languages:
            raise CannotSpeak(language)
        self.spoken.append((language, text))
        return tone(440, 0.1 * len(text))


def read(path: str) -> AudioSegment:
    with wave.open(f"{path}.wav") as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (8000, 1, 2)
    return AudioSegment.from_wav(f"{path}.wav")


@pytest.mark.parametrize("amplitude", [0.01, 0.1, 1.0])
@pytest.mark.parametrize("rate", [8000, 22050, 48000])
def test_every_sound_gets_the_same_level_and_shape(amplitude: float, rate: int) -> None:
    made = telephone(tone(440, rate=rate, amplitude=amplitude).set_channels(2))
    assert (made.frame_rate, made.channels, made.sample_width) == (8000, 1, 2)
    assert made.dBFS == pytest.approx(-19, abs=0.7)


def test_a_click_is_not_raised_above_the_peak() -> None:
    noisy = tone(440, amplitude=0.03).overlay(tone(440, 0.01, amplitude=0.9), position=500)
    assert telephone(noisy).max_dBFS == pytest.approx(-3, abs=0.3)


def test_silence_around_is_cut_to_a_margin() -> None:
    quiet = AudioSegment.silent(2000, frame_rate=22050)
    assert len(telephone(quiet + tone(440, 1.0) + quiet)) == pytest.approx(1120, abs=30)


def test_nothing_but_silence_is_refused() -> None:
    with pytest.raises(NoSound):
        telephone(AudioSegment.silent(500, frame_rate=22050))


def test_what_a_phone_cannot_carry_does_not_come_back_as_an_image() -> None:
    """6 kHz would fold to 2 kHz in an 8 kHz file; speech below 3 kHz passes as it was."""
    assert low_pass(tone(6000), 3600).dBFS < tone(6000).dBFS - 40
    assert low_pass(tone(1000), 3600).dBFS == pytest.approx(tone(1000).dBFS, abs=0.3)


def strength(segment: AudioSegment, hz: float) -> float:
    """How much of ``hz`` is in it, in dB of no particular zero."""
    turn = 2 * math.pi * hz / segment.frame_rate
    samples = segment.get_array_of_samples()
    total = sum(sample * complex(math.cos(turn * n), math.sin(turn * n)) for n, sample in enumerate(samples))
    return 20 * math.log10(abs(total))


def test_a_prompt_has_no_images_of_its_high_sounds() -> None:
    made = telephone(tone(1000).overlay(tone(6000)))
    assert strength(made, 2000) < strength(made, 1000) - 40


async def test_each_prompt_is_made_once(tmp_path: Path) -> None:
    first, second = ToneSpeech("zh", "en"), ToneSpeech("zh", "en")
    shelf = PromptShelf(tmp_path, LANGUAGES, first)
    seen: list[tuple[int, int, Made]] = []
    made = await shelf.make_all({"hello": HELLO}, lambda *step: seen.append(step))
    assert [m.origin for m in made] == [Origin.SPEECH] * 2
    assert [(done, total) for done, total, _ in seen] == [(1, 2), (2, 2)]
    again = PromptShelf(tmp_path, LANGUAGES, second)
    assert {m.origin for m in await again.make_all({"hello": HELLO})} == {Origin.CACHE}
    assert second.spoken == []
    assert again.path("hello", "mandarin") == shelf.path("hello", "zh") != shelf.path("hello", "english")


async def test_a_changed_text_is_a_new_file_beside_the_old(tmp_path: Path) -> None:
    shelf = PromptShelf(tmp_path, LANGUAGES, ToneSpeech("zh", "en"))
    await shelf.make_all({"hello": HELLO})
    old = shelf.path("hello", "zh")
    await shelf.make_all({"hello": PromptText("hello", {"zh": "欢迎欢迎"})})
    assert shelf.path("hello", "zh") != old
    assert read(old).dBFS > -25


async def test_the_path_is_absolute_and_without_its_ending(tmp_path: Path) -> None:
    shelf = PromptShelf(tmp_path, LANGUAGES, ToneSpeech("zh", "en"))
    await shelf.make_all({"hello": HELLO})
    path = Path(shelf.path("hello", "mandarin"))
    assert path.is_absolute()
    assert path.suffix == ""
    assert read(str(path)).dBFS > -25


async def test_the_other_language_where_this_one_cannot_be_spoken(tmp_path: Path) -> None:
    shelf = PromptShelf(tmp_path, LANGUAGES, ToneSpeech("en"))
    made = await shelf.make_all({"hello": HELLO})
    assert [m.origin for m in made] == [Origin.NOWHERE, Origin.SPEECH]
    assert shelf.path("hello", "mandarin") == shelf.path("hello", "english")


async def test_in_turn_is_the_same_words_for_everybody(tmp_path: Path) -> None:
    speech = ToneSpeech("zh", "en")
    both = PromptText("both", {"zh": "您好", "en": "hello"}, in_turn=True)
    await PromptShelf(tmp_path, LANGUAGES, speech).make_all({"both": both})
    assert speech.spoken == [("zh", "您好"), ("en", "hello")] * 2


async def test_asterisks_sounds_where_there_is_no_voice(tmp_path: Path) -> None:
    write_wav(tone(300, 0.5, rate=8000), tmp_path / "sounds" / "hello.wav")
    shelf = PromptShelf(tmp_path / "shelf", LANGUAGES, None, AsteriskSounds(tmp_path / "sounds"))
    made = await shelf.make_all({"hello": HELLO})
    assert [m.origin for m in made] == [Origin.SOUNDS] * 2
    assert len(read(shelf.path("hello", "mandarin"))) == pytest.approx(620, abs=20)


@pytest.mark.parametrize("content", [None, b"", b"not a sound", b"RIFF\x00\x00\x00\x00WAVE"])
async def test_a_beep_when_all_else_fails(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "hello.wav").write_bytes(content)
    shelf = PromptShelf(tmp_path / "shelf", LANGUAGES, None, AsteriskSounds(tmp_path))
    await shelf.make_all({"hello": HELLO})
    assert not shelf.has("hello")
    assert read(shelf.path("hello", "mandarin")).dBFS > -20
    assert shelf.path("never heard of", "latin") == shelf.path("hello", "mandarin")


def test_a_broken_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    write_wav(tone(300), path)
    before = path.read_bytes()

    class Broken:
        def export(self, out: Any, format: str) -> None:
            out.write(b"half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_wav(Broken(), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not espeak_is_here(), reason="espeakng-loader is not installed")
@pytest.mark.parametrize(
    ("language", "text"), [("zh", "欢迎致电客户服务热线。"), ("en", "Welcome to our customer hotline.")]
)
def test_espeak_really_speaks(language: str, text: str) -> None:
    made = telephone(EspeakSpeech().speak(text, language))
    assert 1.2 < made.duration_seconds < 6
    assert -24 < made.dBFS <= -18.9
    assert made.max_dBFS <= -2.9


def test_espeak_has_no_latin() -> None:
    with pytest.raises(CannotSpeak):
        EspeakSpeech().speak("salve", "la")


def test_music_is_made_once_soft_and_without_a_seam(tmp_path: Path) -> None:
    (tmp_path / "hold-0.wav").write_bytes(b"of an older version")
    path = make_music(tmp_path)
    assert list(tmp_path.iterdir()) == [path]
    born = path.stat().st_mtime_ns
    assert make_music(tmp_path).stat().st_mtime_ns == born
    music = read(str(path.with_suffix("")))
    assert music.duration_seconds == SECONDS
    assert music.dBFS == pytest.approx(RMS_DBFS, abs=0.1)
    samples = music.get_array_of_samples()
    steps = [abs(b - a) for a, b in pairwise(samples)]
    assert abs(samples[0] - samples[-1]) <= max(steps)
    assert all(music[at : at + 1000].dBFS > -45 for at in range(0, len(music), 1000))


@pytest.mark.parametrize(
    "form",
    [
        {"text": {}},
        {"text": {"zh": ""}},
        {"text": {"zh": "a\x00b"}},
        {"text": {"zh": "a" * 1001}},
        {"text": {"../x": "a"}},
        {"text": "您好"},
        {"text": []},
        {"text": [{"zh": "a", "en": "b"}]},
        {"text": [{"zh": "a"}, {"zh": "b"}]},
        {"text": {"zh": "a"}, "sound": ["../../etc/passwd"]},
        {"text": {"zh": "a"}, "voice": "x"},
    ],
)
def test_refused(form: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PromptForm.model_validate(form)


def test_a_list_of_texts_is_said_in_its_order() -> None:
    prompt = PromptForm.model_validate({"text": [{"en": "hello"}, {"zh": "您好"}]}).prompt("hi")
    assert prompt.pieces("zh") == prompt.pieces("en") == (("en", "hello"), ("zh", "您好"))
