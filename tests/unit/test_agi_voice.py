"""The Voice port over AGI, with a caller who types: what is heard, and where a D changes nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from ivr.agi.server import AgiServer
from ivr.agi.session import AgiSession
from ivr.agi_voice import AgiVoice, Utter, speechless
from ivr.spoken import Spoken, SpokenKind
from ivr.voice import GONE, MATCH, SILENCE, Ended, Heard
from tests.fakes.fake_asterisk import FakeCaller

Act = Callable[[AgiVoice], Awaitable[Heard]]
ENTRY = {"first_digit_s": 8, "inter_digit_s": 4, "max_digits": 4}
ALIKE = {"first_digit_s": 4, "inter_digit_s": 4, "max_digits": 4}
ONE = {"first_digit_s": 8, "inter_digit_s": 4, "max_digits": 1}


async def heard(act: Act, keys: str = "", utter: Utter = speechless, **wishes: object) -> tuple[Heard, FakeCaller]:
    """Run one act of the voice against a caller who has typed ``keys`` ahead."""
    result: list[Heard] = []

    async def script(session: AgiSession) -> None:
        voice = AgiVoice(session, lambda key, language: f"/prompts/{language}/{key}", utter)
        voice.speak_language("zh")
        result.append(await act(voice))

    server = AgiServer(host="127.0.0.1", port=0, secret="s", routes={"call": script})
    await server.start()
    call = FakeCaller(server.port, "s", hurry=0.001, **wishes)  # type: ignore[arg-type]
    call.press(keys)
    await call.call()
    try:
        await call.over()
    finally:
        await server.stop(0)
    return result[0], call


def keys(typed: str) -> Heard:
    return Heard(Ended.KEYS, typed)


@pytest.mark.parametrize(
    ("typed", "barge_in", "expected", "played"),
    [
        ("", True, SILENCE, 2),
        ("5", True, keys("5"), 1),
        ("#", True, keys("#"), 1),
        ("5", False, SILENCE, 2),
        ("D", True, SILENCE, 2),
        ("D", False, SILENCE, 2),
    ],
)
async def test_play(typed: str, barge_in: bool, expected: Heard, played: int):
    result, call = await heard(lambda voice: voice.play(["a", "b"], barge_in=barge_in), typed)
    assert result == expected
    assert call.played == ["/prompts/zh/a", "/prompts/zh/b"][:played]


@pytest.mark.parametrize(("typed", "expected"), [("", SILENCE), ("D", MATCH), ("7", keys("7")), ("*", keys("*"))])
async def test_announce_is_ended_by_a_knock(typed: str, expected: Heard):
    assert (await heard(lambda voice: voice.announce(["a"]), typed))[0] == expected


@pytest.mark.parametrize(("typed", "expected"), [("", SILENCE), ("D", MATCH), ("7", keys("7")), ("A", keys("A"))])
async def test_wait(typed: str, expected: Heard):
    assert (await heard(lambda voice: voice.wait(20), typed))[0] == expected


@pytest.mark.parametrize("prompts", [[], ["a"], ["a", "b"], ["nofile"], ["a", "nofile"]])
@pytest.mark.parametrize("times", [ENTRY, ALIKE])
@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("", SILENCE),
        ("1", "1"),
        ("12", "12"),
        ("12#34", "12"),
        ("123456", "1234"),
        ("#", ""),
        ("*1#", "*1"),
        ("D", SILENCE),
        ("DD", SILENCE),
        ("D#", ""),
        ("D12", "12"),
        ("1D2", "12"),
    ],
)
async def test_ask(prompts: list[str], times: dict[str, int], typed: str, expected: str | Heard):
    wanted = keys(expected) if isinstance(expected, str) else expected
    missing = frozenset({"/prompts/zh/nofile"})
    result, _ = await heard(lambda voice: voice.ask(prompts, **times), typed, missing_files=missing)
    assert result == wanted


@pytest.mark.parametrize(("typed", "expected"), [("1", "1"), ("12", "1"), ("#", ""), ("DD1", "1")])
async def test_ask_for_one_key_is_one_command(typed: str, expected: str):
    result, call = await heard(lambda voice: voice.ask(["a"], **ONE), typed)
    assert result == keys(expected)
    assert {words[:2] for words in call.commands} == {("GET", "DATA")}


@pytest.mark.parametrize("prompts", [[], ["a"], ["a", "b"]])
@pytest.mark.parametrize("times", [ENTRY, ALIKE])
@pytest.mark.parametrize(
    ("early", "late", "expected"),
    [
        ("", "", SILENCE),
        ("1", "", SILENCE),
        ("9#", "12#", "12"),
        ("9", "12345", "1234"),
        ("", "#", ""),
        ("1", "D2", "2"),
        ("D", "", SILENCE),
    ],
)
async def test_ask_without_barge_in_hears_only_what_comes_after_the_prompts(
    prompts: list[str], times: dict[str, int], early: str, late: str, expected: str | Heard
):
    async def stream(call: FakeCaller, words: tuple[str, ...]) -> str:
        """Asterisk drops what is pressed while a file plays, but for the escape digits."""
        call.press(early)
        key = await call.key(words[-1], 0)
        call._keys.clear()
        call.press(late if words[2].endswith(prompts[-1]) else "")
        return f"200 result={ord(key) if key else 0} endpos=800"

    async def ask(voice: AgiVoice) -> Heard:
        return await voice.ask(prompts, **times, barge_in=False)

    result, call = await heard(ask, "" if prompts else late, answers={"STREAM": stream})
    assert result == (keys(expected) if isinstance(expected, str) else expected)
    assert call.played == [f"/prompts/zh/{prompt}" for prompt in prompts]
    assert not any(words[:2] == ("GET", "DATA") for words in call.commands)


@pytest.mark.parametrize(
    "act",
    [
        lambda voice: voice.play(["a", "b"]),
        lambda voice: voice.play(["a"], barge_in=False),
        lambda voice: voice.ask(["a", "b"], **ENTRY),
        lambda voice: voice.ask([], **ENTRY),
        lambda voice: voice.ask(["a"], **ENTRY, barge_in=False),
        lambda voice: voice.announce(["a"]),
        lambda voice: voice.wait(20),
    ],
)
async def test_a_caller_who_has_left(act: Act):
    async def leave(call: FakeCaller, words: tuple[str, ...]) -> None:
        call.hang_up()

    anything = {"STREAM": leave, "GET": leave, "WAIT": leave}
    assert (await heard(act, "1", answers=anything))[0] == GONE


async def test_music():
    async def act(voice: AgiVoice) -> Heard:
        await voice.music(True)
        await voice.music(False)
        return SILENCE

    _, call = await heard(act)
    assert call.commands == [("SET", "MUSIC", "ON", "default"), ("SET", "MUSIC", "OFF")]


PRICE, ORDER = Spoken(SpokenKind.MONEY, "12.50", "CNY"), Spoken(SpokenKind.DIGITS, "1024")


async def in_words(spoken: Spoken, language: str) -> str | None:
    return f"/said/{language}/{spoken.text}"


@pytest.mark.parametrize(
    ("spoken", "utter", "command"),
    [
        (PRICE, in_words, ("STREAM", "FILE", "/said/zh/12.50")),
        (ORDER, in_words, ("STREAM", "FILE", "/said/zh/1024")),
        (ORDER, speechless, ("SAY", "DIGITS", "1024")),
        (PRICE, speechless, ("STREAM", "FILE", "/prompts/zh/beep")),
    ],
)
@pytest.mark.parametrize(
    ("typed", "barge_in", "expected"),
    [("", True, SILENCE), ("5", True, keys("5")), ("#", True, keys("#")), ("5", False, SILENCE), ("D", True, SILENCE)],
)
async def test_say(spoken: Spoken, utter: Utter, command: tuple[str, ...], typed: str, barge_in: bool, expected: Heard):
    """In words; else the digits where they are the whole truth; else a beep. Never nothing."""
    result, call = await heard(lambda voice: voice.say(spoken, barge_in=barge_in), typed, utter)
    assert result == expected
    assert [words[:3] for words in call.commands] == [command]


@pytest.mark.parametrize("utter", [in_words, speechless])
async def test_say_to_a_caller_who_has_left(utter: Utter):
    async def leave(call: FakeCaller, words: tuple[str, ...]) -> None:
        call.hang_up()

    answers = {"STREAM": leave, "SAY": leave}
    assert (await heard(lambda voice: voice.say(ORDER), "", utter, answers=answers))[0] == GONE


async def test_a_caller_who_left_while_the_words_were_made():
    async def hang_up(spoken: Spoken, language: str) -> str | None:
        calls[0].hang_up()
        return None

    calls: list[FakeCaller] = []
    server_side: list[Heard] = []

    async def script(session: AgiSession) -> None:
        server_side.append(await AgiVoice(session, lambda key, language: key, hang_up).say(ORDER))

    server = AgiServer(host="127.0.0.1", port=0, secret="s", routes={"call": script})
    await server.start()
    calls.append(FakeCaller(server.port, "s", hurry=0.001))
    await calls[0].call()
    try:
        await calls[0].over()
    finally:
        await server.stop(0)
    assert server_side == [GONE]
