"""What callers have recorded: how much of it is sound, and that no name leads out of the folder."""

from __future__ import annotations

import math
from array import array
from pathlib import Path

import pytest

from ivr.recordings import recording_file, recording_stem, sound_s, weigh

RATE = 8000


def tone(seconds: float, loudness: int = 4000) -> bytes:
    return array("h", (round(loudness * math.sin(n / 3)) for n in range(round(seconds * RATE)))).tobytes()


def hush(seconds: float, loudness: int = 60) -> bytes:
    """A line is never quite still."""
    return tone(seconds, loudness)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "c-1_1.wav"


def recorded(file: Path, *pieces: bytes) -> Path:
    """As Asterisk leaves it when it was killed: the header counts no samples."""
    file.write_bytes(b"RIFF" + bytes(40) + b"".join(pieces))
    return file


@pytest.mark.parametrize(
    ("pieces", "seconds"),
    [
        ([tone(3)], 3.0),
        ([tone(3), hush(2)], 3.0),
        ([hush(1), tone(3), hush(2)], 3.0),
        ([tone(1), hush(1.5), tone(1), hush(1)], 3.5),
        ([hush(5)], 0.0),
        ([hush(3), tone(0.1), hush(1)], 0.1),
        ([], 0.0),
        ([tone(1), b"x"], 1.0),
    ],
)
def test_from_the_first_sound_to_the_last(file: Path, pieces: list[bytes], seconds: float) -> None:
    assert sound_s(recorded(file, *pieces)) == pytest.approx(seconds, abs=0.041)


def test_a_header_alone_or_half_of_one_is_nothing(file: Path) -> None:
    assert sound_s(file) == 0
    file.write_bytes(b"RIFF")
    assert sound_s(file) == 0


def test_what_holds_nothing_does_not_stay(file: Path) -> None:
    assert weigh(recorded(file, hush(4))) == 0
    assert not file.exists()
    assert weigh(file) == 0


def test_what_holds_something_is_for_its_owner_alone(file: Path) -> None:
    recorded(file, tone(2)).chmod(0o644)
    assert weigh(file) == pytest.approx(2, abs=0.021)
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["../x", "a/b", "", "a.b", "x\n", "名", "a" * 121, "/etc/passwd", "a b"])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="no name of a recording"):
        recording_file(tmp_path, name)


def test_a_name_is_one_file(tmp_path: Path) -> None:
    assert recording_stem(tmp_path, "c-1_2") == tmp_path / "c-1_2"
    assert recording_file(tmp_path, "c-1_2") == tmp_path / "c-1_2.wav"
