"""The admin's own recordings: what is taken, what is refused and why, and what is played meanwhile (invariants, 13)."""

from __future__ import annotations

import io
import os
import shutil
import struct
import subprocess
import wave
from array import array
from collections.abc import Callable
from pathlib import Path

import pytest

from ivr.prompts import decoding
from ivr.prompts import recordings as recordings_module
from ivr.prompts.audio import AudioSegment, audioop, write_wav
from ivr.prompts.clipping import MOST_CLIPPED, clipped_share
from ivr.prompts.decoding import Refused, read_answer
from ivr.prompts.making import MAKING, PEAK_DBFS, RMS_DBFS
from ivr.prompts.recordings import Recordings
from ivr.prompts.shelf import Origin, PromptShelf
from tests.sip.sound import tone_share
from tests.unit.test_prompts import HELLO, LANGUAGES, ToneSpeech, tone

PROMPTS = {"hello": HELLO}
needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="there is no ffmpeg")


def wav(path: Path, sound: AudioSegment, *, width: int = 2) -> Path:
    """Written by the standard library, at any width: pydub knows no 8 bit without a sign and no 24."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = audioop.lin2lin(sound.raw_data, sound.sample_width, width)
    with wave.open(str(path), "wb") as file:
        file.setparams((sound.channels, width, sound.frame_rate, 0, "NONE", ""))
        file.writeframes(audioop.bias(data, 1, 128) if width == 1 else data)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "recordings"


@pytest.fixture
def shelf(tmp_path: Path, folder: Path) -> PromptShelf:
    return PromptShelf(tmp_path / "shelf", LANGUAGES, ToneSpeech("zh", "en"), recordings=Recordings(folder))


def played(shelf: PromptShelf, language: str = "zh", ending: str = ".wav") -> AudioSegment:
    with wave.open(shelf.path("hello", language) + ending) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        data, rate = file.readframes(file.getnframes()), file.getframerate()
    return AudioSegment(data, sample_width=2, frame_rate=rate, channels=1)


def is_tone(sound: AudioSegment, hertz: int) -> bool:
    middle = sound[100:-100].set_frame_rate(8000)
    return tone_share([*memoryview(middle.raw_data).cast("h")], hertz) > 0.9


@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (44100, 2), (96000, 2), (96000, 1), (11025, 1)])
async def test_every_wav_becomes_a_telephones(
    shelf: PromptShelf, folder: Path, width: int, rate: int, channels: int
) -> None:
    sound = tone(1000, 2.0, rate, amplitude=0.2).set_channels(channels)
    wav(folder / "zh" / "hello.wav", sound, width=width)
    made = await shelf.make_all(PROMPTS)
    assert [each.origin for each in made] == [Origin.RECORDING, Origin.SPEECH]
    phone = played(shelf)
    assert phone.frame_rate == 8000
    assert is_tone(phone, 1000)
    assert phone.duration_seconds == pytest.approx(2.1, abs=0.05)
    assert phone.dBFS == pytest.approx(RMS_DBFS, abs=0.5)
    assert is_tone(played(shelf, "en"), 440)


async def test_its_silence_is_cut_and_its_level_raised(shelf: PromptShelf, folder: Path) -> None:
    quiet = AudioSegment.silent(3000, frame_rate=48000)
    wav(folder / "zh" / "hello.wav", quiet + tone(1000, 1.0, 48000, amplitude=0.02) + quiet)
    await shelf.make_all(PROMPTS)
    assert played(shelf).duration_seconds == pytest.approx(1.12, abs=0.03)
    assert played(shelf).dBFS == pytest.approx(RMS_DBFS, abs=1)
    assert played(shelf).max_dBFS <= PEAK_DBFS + 0.1


async def test_wideband_is_twice_the_rate_and_has_what_a_narrow_one_cannot_have(tmp_path: Path, folder: Path) -> None:
    shelf = PromptShelf(tmp_path / "shelf", LANGUAGES, recordings=Recordings(folder), wideband=True)
    wav(folder / "zh" / "hello.wav", tone(1000, 1.0, 48000).overlay(tone(6000, 1.0, 48000)) - 6)
    await shelf.make_all(PROMPTS)
    wide, narrow = played(shelf, ending=".wav16"), played(shelf)
    assert (wide.frame_rate, narrow.frame_rate) == (16000, 8000)
    middle = [*memoryview(wide[100:-100].raw_data).cast("h")]
    assert tone_share(middle, 3000) == pytest.approx(0.5, abs=0.1)  # 6 kHz at 16,000 a second is 3 kHz at 8,000
    assert is_tone(narrow, 1000)


async def test_a_shelf_without_wide_files_gets_them_when_they_are_wanted(tmp_path: Path, folder: Path) -> None:
    wav(folder / "zh" / "hello.wav", tone(1000))
    recordings = Recordings(folder)
    await PromptShelf(tmp_path / "shelf", LANGUAGES, recordings=recordings).make_all(PROMPTS)
    wide = PromptShelf(tmp_path / "shelf", LANGUAGES, recordings=recordings, wideband=True)
    assert (await wide.make_all(PROMPTS))[0].origin is Origin.RECORDING
    assert (await wide.make_all(PROMPTS))[0].origin is Origin.CACHE


async def test_only_what_changed_is_made(shelf: PromptShelf, folder: Path) -> None:
    path = wav(folder / "zh" / "hello.wav", tone(1000))
    await shelf.make_all(PROMPTS)
    before = shelf.path("hello", "zh")
    os.utime(path, (0, 0))  # the same content, another time: nothing to make
    assert [each.origin for each in await shelf.make_all(PROMPTS)] == [Origin.CACHE] * 2
    assert shelf.path("hello", "zh") == before
    wav(path, tone(1500))
    assert [each.origin for each in await shelf.make_all(PROMPTS)] == [Origin.RECORDING, Origin.CACHE]
    assert shelf.path("hello", "zh") != before
    assert os.path.exists(f"{before}.wav")  # noqa: ASYNC240 - a call may still play it
    path.unlink()
    assert (await shelf.make_all(PROMPTS))[0].origin is Origin.SPEECH
    assert is_tone(played(shelf), 440)


def write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def not_audio(path: Path) -> None:
    write(path, b"%PDF-1.7 " * 1000)


def nothing(path: Path) -> None:
    write(path, b"")


def cut_header(path: Path) -> None:
    write(path, b"RIFF\xff\xff\xff\x7fWAVEfmt ")


def no_samples(path: Path) -> None:
    wav(path, AudioSegment(b"", sample_width=2, frame_rate=8000, channels=1))


def silence(path: Path) -> None:
    wav(path, AudioSegment.silent(3000, frame_rate=48000))


def hiss(path: Path) -> None:
    wav(path, tone(3000, 2.0, 16000, amplitude=0.0015))


def opposite_channels(path: Path) -> None:
    one = tone(500)
    wav(path, AudioSegment.from_mono_audiosegments(one, one.invert_phase()))


def clipped(path: Path) -> None:
    wav(path, tone(440, amplitude=0.9).apply_gain(6))


def clipped_8_bit(path: Path) -> None:
    wav(path, tone(440, amplitude=0.9, rate=8000).apply_gain(6), width=1)


def clipped_in_one_channel(path: Path) -> None:
    wav(path, AudioSegment.from_mono_audiosegments(tone(440, amplitude=0.2), tone(440, amplitude=0.9).apply_gain(9)))


def clipped_by_the_phone(path: Path) -> None:
    loud = tone(440, amplitude=0.9, rate=8000).apply_gain(9)
    wav(path, loud._spawn(audioop.ulaw2lin(audioop.lin2ulaw(loud.raw_data, 2), 2)))


def a_gigabyte(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(2**30)


def too_long(path: Path) -> None:
    wav(path, tone(440, 1, rate=4000, amplitude=0.3) * 601)


def six_channels(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((6, 2, 8000, 0, "NONE", ""))
        file.writeframes(b"\x01\x10" * 6 * 8000)


def absurd_rate(path: Path) -> None:
    sound = io.BytesIO()
    with wave.open(sound, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(tone(440, rate=8000).raw_data)
    write(path, sound.getvalue().replace(struct.pack("<I", 8000), struct.pack("<I", 1), 1))


def link_away(path: Path) -> None:
    elsewhere = wav(path.parents[2] / "secret.wav", tone(1000))
    path.parent.mkdir(parents=True)
    path.symlink_to(elsewhere)


def link_to_nothing(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.symlink_to("/nowhere")


def folder_link(path: Path) -> None:
    wav(path.parents[2] / "elsewhere" / path.name, tone(1000))
    path.parent.parent.mkdir(parents=True)
    path.parent.symlink_to(path.parents[2] / "elsewhere")


def directory(path: Path) -> None:
    path.mkdir(parents=True)


def pipe(path: Path) -> None:
    path.parent.mkdir(parents=True)
    os.mkfifo(path)


BAD = [
    (not_audio, "not audio"),
    (nothing, "not audio"),
    (cut_header, "not audio" if shutil.which("ffmpeg") else "needs ffmpeg"),
    (no_samples, "no sound"),
    (silence, "nothing but silence"),
    (hiss, "nothing but silence"),
    (opposite_channels, "nothing but silence"),
    (clipped, "clipped"),
    (clipped_8_bit, "clipped"),
    (clipped_in_one_channel, "clipped"),
    (clipped_by_the_phone, "clipped"),
    (a_gigabyte, "1024 MB"),
    (too_long, "longer than 10 minutes"),
    (six_channels, "6 channels"),
    (absurd_rate, "samples a second"),
    (link_away, "link"),
    (link_to_nothing, "link"),
    (folder_link, "link"),
    (directory, "no plain file"),
    (pipe, "no plain file"),
]
Make = Callable[[Path], None]


@pytest.mark.parametrize(("make", "reason"), BAD, ids=lambda value: getattr(value, "__name__", None))
async def test_what_is_refused_is_told_and_the_text_is_spoken(
    shelf: PromptShelf, folder: Path, make: Make, reason: str
) -> None:
    make(folder / "zh" / "hello.wav")
    first, second = await shelf.make_all(PROMPTS)
    assert reason in first.refused
    assert (first.origin, second.origin, second.refused) == (Origin.SPEECH, Origin.SPEECH, "")
    assert is_tone(played(shelf), 440)


async def test_a_bad_recording_in_the_place_of_a_good_one_changes_nothing(shelf: PromptShelf, folder: Path) -> None:
    path = wav(folder / "zh" / "hello.wav", tone(1000))
    await shelf.make_all(PROMPTS)
    before = shelf.path("hello", "zh")
    for make in (silence, clipped, not_audio):
        make(path)
        assert (await shelf.make_all(PROMPTS))[0].refused
        assert shelf.path("hello", "zh") == before


async def test_a_file_that_may_not_be_read(shelf: PromptShelf, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wav(folder / "zh" / "hello.wav", tone(1000))
    really = os.open

    def denied(path: object, *words: object, **more: object) -> int:
        if str(path).endswith("hello.wav"):
            raise PermissionError(13, "Permission denied")
        return really(path, *words, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(decoding.os, "open", denied)  # a test that runs as root cannot be denied otherwise
    assert "Permission denied" in (await shelf.make_all(PROMPTS))[0].refused


@pytest.mark.parametrize("key", ["../hello", "zh/../../x", "", "a" * 65, "hello.wav", "Hello", "."])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, folder: Path, key: str) -> None:
    wav(tmp_path / "hello.wav", tone(1000))
    recordings = Recordings(folder)
    assert recordings.file(key, "zh") is None
    assert recordings.file("hello", "..") is None
    take = wav(tmp_path / "take.wav", tone(1000))
    for name, code in ((key, "zh"), ("hello", "../zh")):
        with pytest.raises(Refused):
            recordings.keep(name, code, take)
    assert not folder.exists()


def test_a_gigabyte_is_refused_unread(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_gigabyte(folder / "zh" / "hello.wav")
    monkeypatch.setattr(recordings_module.hashlib, "file_digest", lambda *_: pytest.fail("it was read"))
    with pytest.raises(Refused, match="1024 MB"):
        Recordings(folder).digest(folder / "zh" / "hello.wav")


@pytest.mark.parametrize(("hertz", "amplitude"), [(440, 1.0), (1000, 1.0), (3000, 0.99), (300, 0.95)])
def test_what_only_touches_the_top_is_not_clipped(hertz: int, amplitude: float) -> None:
    assert clipped_share(tone(hertz, 2, 48000, amplitude)) <= MOST_CLIPPED


TOPS = [
    ((32767,) * 10, 0.1),
    ((32124,) * 10, 0.1),  # full scale of µ-law
    ((-32124,) * 10, 0.1),
    ((31000,) * 10, 0.0),
    ((32767,) * 2, 0.0),
    ((32767, -32768) * 5, 0.0),
]


@pytest.mark.parametrize(("samples", "share"), TOPS)
def test_the_share_is_what_lies_in_cut_tops(samples: tuple[int, ...], share: float) -> None:
    """Of 100 samples at 8 kHz: three in a row, of one sign, are 0.3 ms."""
    row = array("h", [*samples, *[0] * (100 - len(samples))] * 80)
    sound = AudioSegment(row.tobytes(), sample_width=2, frame_rate=8000, channels=1)
    assert clipped_share(sound) == pytest.approx(share)


def encoded(path: Path, sound: AudioSegment, *words: str) -> Path:
    source = wav(path.with_name("source.wav"), sound)
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", str(source), *words, str(path)], check=True)
    source.unlink()
    return path


KINDS = [(".mp3", ()), (".m4a", ()), (".flac", ()), (".ogg", ("-c:a", "libvorbis")), (".wav", ("-c:a", "pcm_f32le"))]


@needs_ffmpeg
@pytest.mark.parametrize(("ending", "words"), KINDS)
async def test_ffmpeg_reads_the_rest(shelf: PromptShelf, folder: Path, ending: str, words: tuple[str, ...]) -> None:
    encoded(folder / "zh" / f"hello{ending}", tone(1000, 2.0, 44100, 0.3).set_channels(2), *words)
    assert (await shelf.make_all(PROMPTS))[0].origin is Origin.RECORDING
    assert is_tone(played(shelf), 1000)


@pytest.mark.parametrize("ending", [".mp3", ".m4a", ".ogg", ".flac"])
async def test_without_ffmpeg_it_says_so(
    shelf: PromptShelf, folder: Path, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder / "zh" / f"hello{ending}", b"ID3")
    monkeypatch.setattr(decoding, "_ffmpeg", lambda: None)
    assert "needs ffmpeg" in (await shelf.make_all(PROMPTS))[0].refused


@needs_ffmpeg
@pytest.mark.parametrize("ending", [".mp3", ".m4a", ".ogg", ".flac"])
async def test_ffmpeg_refuses_what_is_not_audio(shelf: PromptShelf, folder: Path, ending: str) -> None:
    not_audio(folder / "zh" / f"hello{ending}")
    assert "not audio" in (await shelf.make_all(PROMPTS))[0].refused


@needs_ffmpeg
@pytest.mark.parametrize("ending", [".mp3", ".ogg"])
async def test_a_playlist_under_a_false_name_opens_no_other_file(
    shelf: PromptShelf, folder: Path, tmp_path: Path, ending: str
) -> None:
    """Left to guess, ffmpeg follows what it names."""
    other = encoded(tmp_path / "other.mp3", tone(1000, 2.0, 44100, 0.3))
    path = folder / "zh" / f"hello{ending}"
    playlist = f"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{other}\n#EXT-X-ENDLIST\n"
    write(path, playlist.encode())
    assert (await shelf.make_all(PROMPTS))[0].refused


async def test_an_ffmpeg_that_does_not_end_is_ended(
    shelf: PromptShelf, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = tmp_path / "ffmpeg"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    write(folder / "zh" / "hello.mp3", b"ID3")
    monkeypatch.setattr(decoding, "_ffmpeg", lambda: str(slow))
    monkeypatch.setattr(decoding, "_FFMPEG_S", 0.2)
    assert "not done" in (await shelf.make_all(PROMPTS))[0].refused


def test_a_take_is_kept_and_the_one_before_beside_it(folder: Path, tmp_path: Path) -> None:
    recordings = Recordings(folder)
    old = wav(folder / "zh" / "hello.wav", tone(1000))
    before = old.read_bytes()
    place = recordings.keep("hello", "zh", wav(tmp_path / "take.wav", tone(1500)))
    assert place == recordings.file("hello", "zh") == old
    assert recordings.read(place).duration_seconds == pytest.approx(1.0)
    assert (folder / "zh" / "hello.wav~").read_bytes() == before
    assert [*recordings.strays({"hello"}, {"zh", "en"})] == []


@pytest.mark.parametrize("bad", [silence, clipped, not_audio, a_gigabyte])
def test_a_bad_take_changes_nothing(folder: Path, tmp_path: Path, bad: Make) -> None:
    old = wav(folder / "zh" / "hello.wav", tone(1000))
    before = old.read_bytes()
    bad(tmp_path / "take.wav")
    with pytest.raises(Refused):
        Recordings(folder).keep("hello", "zh", tmp_path / "take.wav")
    assert [path.name for path in old.parent.iterdir()] == ["hello.wav"]
    assert old.read_bytes() == before


def test_a_take_is_not_written_through_a_link(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    folder.mkdir()
    (folder / "zh").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Refused, match="link"):
        Recordings(folder).keep("hello", "zh", wav(tmp_path / "take.wav", tone(1000)))
    assert [*(tmp_path / "elsewhere").iterdir()] == []


def test_a_take_takes_the_place_of_an_mp3(folder: Path, tmp_path: Path) -> None:
    write(folder / "zh" / "hello.mp3", b"ID3")
    recordings = Recordings(folder)
    assert recordings.keep("hello", "zh", wav(tmp_path / "take.wav", tone(1000))) == recordings.file("hello", "zh")
    assert sorted(path.name for path in (folder / "zh").iterdir()) == ["hello.mp3~", "hello.wav"]


def test_what_will_never_be_heard_is_told(folder: Path) -> None:
    for name in ("zh/hello.wav", "zh/hello.mp3", "zh/nobody.wav", "zh/hello.txt", "fr/hello.wav", "hello.wav"):
        write(folder / name, b"RIFF")
    told = {str(path): reason.split(" (")[0] for path, reason in Recordings(folder).strays({"hello"}, {"zh", "en"})}
    assert told == {
        "fr": "is not in a language's folder",
        "fr/hello.wav": "is not in a language's folder",
        "hello.wav": "is not in a language's folder",
        "zh/hello.mp3": "is passed over for hello.wav",
        "zh/hello.txt": "has no ending of a sound file",
        "zh/nobody.wav": "is a recording of no prompt",
    }


def test_the_level_is_part_of_the_cache() -> None:
    assert str(RMS_DBFS) in MAKING
    assert str(PEAK_DBFS) in MAKING


@pytest.mark.parametrize("data", [b"", b"<html>", b"{}", b"RIFF"])
def test_an_answer_that_is_no_sound(data: bytes) -> None:
    with pytest.raises(Refused):
        read_answer(data)


def test_an_answer_in_wav(tmp_path: Path) -> None:
    write_wav(tone(1000), tmp_path / "a.wav")
    assert read_answer((tmp_path / "a.wav").read_bytes()).duration_seconds == pytest.approx(1.0)
