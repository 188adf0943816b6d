"""RECORD FILE behind the Voice port, with the replies that were seen from Asterisk 22.10.1."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from ivr.agi.server import AgiServer
from ivr.agi.session import AgiSession
from ivr.agi_voice import AgiVoice
from ivr.voice import SILENCE, Ended, Heard, Recorded
from tests.fakes.fake_asterisk import Answer, FakeCaller

LOUD = b"\x00\x20\x00\xe0" * 8000  # two seconds
NAME = "c-1_5"


async def of_one_call(
    act: Callable[[AgiVoice], Awaitable[Recorded | Heard]], call: FakeCaller, folder: Path | None
) -> Recorded | Heard:
    result: list[Recorded | Heard] = []

    async def script(session: AgiSession) -> None:
        voice = AgiVoice(session, lambda key, language: f"/prompts/{key}", recordings=folder)
        result.append(await act(voice))

    server = AgiServer(host="127.0.0.1", port=0, secret="s", routes={"call": script})
    await server.start()
    call.port = server.port
    await call.call()
    try:
        await call.over()
    finally:
        await server.stop(0)
    return result[0]


def caller(reply: str, sound: bytes | None = LOUD) -> FakeCaller:
    """Says ``sound``. Asterisk replies, and only then closes the file: what is in it can be read after the next
    command. None: it never opens one."""
    files: list[Path] = []

    async def record(caller: FakeCaller, words: tuple[str, ...]) -> str | None:
        files.append(Path(f"{words[2]}.wav"))
        caller.hung_up = "hangup" in reply
        return reply

    async def close(caller: FakeCaller, words: tuple[str, ...]) -> str | None:
        if sound is not None:
            files[0].write_bytes(bytes(44) + sound)
        return None

    answers: dict[str, Answer] = {"RECORD FILE": record, "NOOP": close}
    return FakeCaller(0, "s", hurry=0.001, answers=answers)


async def recorded(call: FakeCaller, folder: Path | None) -> Recorded:
    found = await of_one_call(lambda v: v.record(NAME, max_s=20, silence_s=2.5, stop_keys="#1"), call, folder)
    assert isinstance(found, Recorded)
    return found


@pytest.mark.parametrize(
    ("reply", "ended", "key"),
    [
        ("200 result=14970 (timeout) endpos=32320", Ended.SILENCE, ""),  # the ms that were left
        ("200 result=35 (timeout) endpos=32320", Ended.SILENCE, ""),  # 35 ms, and no '#'
        ("200 result=0 (timeout) endpos=32320", Ended.SILENCE, ""),
        ("200 result=35 (dtmf) endpos=14560", Ended.KEYS, "#"),
        ("200 result=49 (dtmf) endpos=14560", Ended.KEYS, "1"),
        ("200 result=-1 (hangup) endpos=20160", Ended.GONE, ""),
        ("200 result=-1 (waitfor) endpos=0", Ended.SILENCE, ""),
    ],
)
async def test_how_a_recording_ends(tmp_path: Path, reply: str, ended: Ended, key: str) -> None:
    call = caller(reply)
    result = await recorded(call, tmp_path)
    assert (result.ended, result.keys, round(result.seconds, 1)) == (ended, key, 2.0)
    words = ("RECORD", "FILE", f"{tmp_path}/{NAME}", "wav", "#1", "20000", "BEEP", "s=3")
    assert call.commands[0] == words
    assert (tmp_path / f"{NAME}.wav").exists()


async def test_a_silence_leaves_no_file(tmp_path: Path) -> None:
    call = caller("200 result=17990 (timeout) endpos=8160", bytes(16000))
    assert await recorded(call, tmp_path) == Recorded(Ended.SILENCE, 0)
    assert not (tmp_path / f"{NAME}.wav").exists()


async def test_what_was_recorded_before_is_replaced_even_by_nothing(tmp_path: Path) -> None:
    """A key in the beep: Asterisk has not opened the file."""
    (tmp_path / f"{NAME}.wav").write_bytes(bytes(44) + LOUD)
    call = caller("200 result=35 (randomerror) endpos=0", None)
    assert await recorded(call, tmp_path) == Recorded(Ended.KEYS, 0, "#")


async def test_what_cannot_be_written_is_a_silence(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    call = caller("200 result=-1 (writefile)", None)
    assert await recorded(call, tmp_path / "missing") == Recorded(Ended.SILENCE, 0)
    assert "RECORD" in caplog.text


async def test_without_a_folder_nothing_is_recorded(caplog: pytest.LogCaptureFixture) -> None:
    call = caller("200 result=0 (timeout) endpos=0")
    assert await recorded(call, None) == Recorded(Ended.SILENCE, 0)
    assert (call.commands, len(caplog.records)) == ([], 1)


@pytest.mark.parametrize(
    ("typed", "barge_in", "expected"), [("", True, SILENCE), ("5", True, Heard(Ended.KEYS, "5")), ("5", False, SILENCE)]
)
async def test_it_is_played_again(tmp_path: Path, typed: str, barge_in: bool, expected: Heard) -> None:
    call = FakeCaller(0, "s", hurry=0.001)
    call.press(typed)
    found = await of_one_call(lambda v: v.play_recording(NAME, barge_in=barge_in), call, tmp_path)
    assert found == expected
    assert call.played == [f"{tmp_path}/{NAME}"]


async def test_without_a_folder_there_is_a_beep_to_play() -> None:
    call = FakeCaller(0, "s", hurry=0.001)
    assert await of_one_call(lambda v: v.play_recording(NAME), call, None) == SILENCE
    assert call.played == ["/prompts/beep"]
