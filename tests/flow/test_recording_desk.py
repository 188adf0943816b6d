"""*51 and the phone that the console rings: a prompt is recorded, with everything real but Asterisk, which here writes
what the test has put into the caller's mouth."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from agi_scripts.centre import Credentials
from agi_scripts.recording_desk import serve_record
from hotline.settings import SiteFolders
from hotline.studio import EngineStudio
from ivr.agi.server import AgiServer
from ivr.prompts.audio import AudioSegment, write_wav
from ivr.prompts.recordings import Recordings
from ivr.prompts.shelf import PromptShelf
from tests.fakes.fake_asterisk import FakeCaller
from tests.flow.centre import SECRET, Caller, SampleCentre, open_centre, sample_site
from tests.unit.test_prompts import ToneSpeech, tone

PIN = "60418273"
PHONE = "PJSIP/1006-0000002a"
NUMBER = [*sample_site().prompts].index("goodbye") + 1
GOOD, LOUD, SILENT = tone(800, 2.0, 8000), tone(800, 2.0, 8000, 0.9).apply_gain(6), AudioSegment.silent(3000, 8000)


@dataclass
class Desk:
    centre: SampleCentre
    folders: SiteFolders
    engine: EngineStudio
    shelf: PromptShelf
    takes: list[AudioSegment] = field(default_factory=list)

    async def dial(self, keys: str = "", *takes: AudioSegment, **more: object) -> list[str]:
        """What was said; a take that was heard back is "take"."""
        caller = self.caller(keys, *takes, **more)
        await caller.call()
        await caller.over()
        assert caller.next == "desk_done"
        assert [*self.folders.takes.iterdir()] == []
        return [self._word(file) for file in caller.played]

    def caller(self, keys: str = "", *takes: AudioSegment, **more: object) -> Caller:
        self.takes = [*takes]
        words = {"route": "desk", "args": ["51"], "channel": PHONE, **more}
        caller = self.centre.caller(keys, **words)
        caller.answers["RECORD FILE"] = self._record
        return caller

    async def _record(self, caller: FakeCaller, words: tuple[str, ...]) -> str:
        """The take is said, then # is pressed."""
        if self.takes:
            await asyncio.to_thread(write_wav, self.takes.pop(0), Path(f"{words[2]}.wav"))
        return "200 result=35 (dtmf) endpos=16000"

    def _word(self, file: str) -> str:
        return "take" if file.startswith(str(self.folders.takes)) else file.removeprefix("/prompts/mandarin/")

    def kept(self) -> list[str]:
        return sorted(str(path.relative_to(self.folders.recordings)) for path in self.folders.recordings.rglob("*.wav"))


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    folders = SiteFolders(tmp_path / "studio")
    site = sample_site()
    shelf = PromptShelf(
        folders.prompts, site.languages, ToneSpeech("zh", "en"), recordings=Recordings(folders.recordings)
    )
    await shelf.make_all({"goodbye": site.prompts["goodbye"]})
    engine = EngineStudio(site, folders, shelf)

    async def utter(spoken: object, language: str) -> str:
        return f"/prompts/{language}/number"

    async with AsyncExitStack() as ends:
        centre = await ends.enter_async_context(open_centre(tmp_path))
        given = {**centre.centre.credentials, "1006": Credentials("1006", PIN, supervisor=True)}
        centre.centre = replace(centre.centre, credentials=given, studio=engine.studio, utter=utter)
        yield Desk(centre, folders, engine, shelf)
        assert PIN not in " ".join(line.getMessage() for line in centre.lines)


ASKED = ["desk_pin", "record_which", "number", "record_language", "record_after_tone"]


async def test_a_take_is_heard_back_kept_and_played_from_then_on(desk: Desk):
    before = desk.shelf.path("goodbye", "zh")
    assert await desk.dial(f"{PIN}#{NUMBER}#1" + "1", GOOD) == [*ASKED, "take", "record_kept"]
    assert desk.kept() == ["zh/goodbye.wav"]
    assert desk.shelf.path("goodbye", "zh") != before
    assert Path(before + ".wav").exists()  # noqa: ASYNC240 - somebody may be hearing it


async def test_the_other_language(desk: Desk):
    await desk.dial(f"{PIN}#{NUMBER}#2" + "1", GOOD)
    assert desk.kept() == ["en/goodbye.wav"]


async def test_two_is_once_more(desk: Desk):
    said = await desk.dial(f"{PIN}#{NUMBER}#1" + "2" + "1", GOOD, tone(900, 1.0, 8000))
    assert said[len(ASKED) :] == ["take", "record_after_tone", "take", "record_kept"]
    kept = Recordings(desk.folders.recordings).read(desk.folders.recordings / "zh/goodbye.wav")
    assert kept.duration_seconds == pytest.approx(1.0)


@pytest.mark.parametrize(("bad", "heard_back"), [(LOUD, ["take"]), (SILENT, [])])
async def test_what_cannot_be_used_is_told_and_made_again(desk: Desk, bad: AudioSegment, heard_back: list[str]):
    before = desk.shelf.path("goodbye", "zh")
    keys = "1" * len(heard_back)
    said = await desk.dial(f"{PIN}#{NUMBER}#1" + keys + "1", bad, GOOD)
    assert said[len(ASKED) :] == [*heard_back, "record_refused", "record_after_tone", "take", "record_kept"]
    assert desk.shelf.path("goodbye", "zh") != before


async def test_nothing_but_bad_takes_changes_nothing(desk: Desk):
    before = desk.shelf.path("goodbye", "zh")
    said = await desk.dial(f"{PIN}#{NUMBER}#1" + "1" * 20, *[LOUD] * 20)
    assert said[-1] == "desk_refused"
    assert said.count("take") == 10
    assert desk.kept() == []
    assert desk.shelf.path("goodbye", "zh") == before


async def test_neither_one_nor_two(desk: Desk):
    said = await desk.dial(f"{PIN}#{NUMBER}#1" + "999", GOOD)
    assert said[len(ASKED) :] == ["take", "take", "take", "desk_refused"]
    assert desk.kept() == []


@pytest.mark.parametrize("number", ["0", "999", "*1", ""])
async def test_a_number_that_no_prompt_has(desk: Desk, number: str):
    assert await desk.dial(f"{PIN}#" + f"{number}#" * 3, GOOD) == ["desk_pin", *["record_which"] * 3, "desk_refused"]


async def test_only_a_supervisor_and_only_with_the_pin(desk: Desk):
    other = sample_site().agents["1001"].pin
    assert await desk.dial(f"{other}#1#1", GOOD, channel="PJSIP/1001-0000002a") == ["desk_refused"]
    assert await desk.dial(f"{PIN}#1#1", GOOD, channel="PJSIP/2001-0000002a") == ["desk_refused"]
    assert (await desk.dial("1234#" * 3, GOOD))[-1] == "desk_refused"
    assert desk.kept() == []


async def test_whoever_hangs_up_in_the_middle_leaves_nothing(desk: Desk):
    for moment in range(1, 16):
        caller = desk.caller(f"{PIN}#{NUMBER}#1", GOOD, moment=moment)
        await caller.call()
        await caller.over()
        assert [*desk.folders.takes.iterdir()] == []
    assert desk.kept() == []


async def test_the_console_rings_a_phone(desk: Desk):
    async with ringing(desk) as (order, dial):
        assert await dial(order, "1", GOOD) == ["record_after_tone", "take", "record_kept"]
        assert desk.kept() == ["en/goodbye.wav"]
        assert await desk.engine.state({"take": order}) == {"state": "kept", "why": ""}
        assert await dial(order, "1", GOOD) == []  # an order is for one call


async def test_another_phone_or_another_token_is_no_order(desk: Desk):
    async with ringing(desk) as (order, dial):
        assert await dial(order, "1", GOOD, channel="PJSIP/1003-0000002a") == []
        assert await dial("x", "1", GOOD) == []
        assert desk.kept() == []


async def test_an_order_whose_caller_leaves_is_gone_and_says_why_it_was_refused(desk: Desk):
    async with ringing(desk) as (order, dial):
        said = await dial(order, "1" * 20, *[LOUD] * 20)
        assert said[-1] == "desk_refused"
        state = await desk.engine.state({"take": order})
        assert state["state"] == "gone"
        assert "clipped" in state["why"]
    assert await desk.engine.state({"take": "x"}) == {"state": "gone", "why": ""}


@pytest.mark.parametrize(
    "question",
    [
        {"key": "nothing", "language": "zh", "extension": "1001"},
        {"key": "goodbye", "language": "fr", "extension": "1001"},
        {"key": "goodbye", "language": "zh", "extension": "4008001001"},
        {"key": "goodbye", "language": "zh", "extension": "1001&PJSIP/trunk"},
        {},
    ],
)
async def test_an_order_that_names_nothing_is_not_rung(desk: Desk, question: dict[str, str]):
    answer = await desk.engine.order(question, Silent())  # type: ignore[arg-type]
    assert answer["take"] == ""
    assert answer["why"]


class Silent:
    """Asterisk that would ring whatever it is told; nobody may tell it."""

    async def ring(self, *_: object, **__: object) -> str:
        raise AssertionError("it rang")


class Rings:
    """Asterisk that rings. ``told``: the phone's variable."""

    told = ""

    async def ring(self, extension: str, context: str, *, variable: str, ring_s: float) -> str:
        assert (extension, context) == ("1002", "hotline-record")
        self.told = variable
        return ""


class ringing:
    """An order for the goodbye in English at 1002, and what its phone hears when it is picked up."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def __aenter__(self):
        desk, rings = self._desk, Rings()
        answer = await desk.engine.order({"key": "goodbye", "language": "en", "extension": "1002"}, rings)  # type: ignore[arg-type]
        assert answer["why"] == ""
        assert rings.told == f"HOTLINE_TAKE={answer['take']}"
        routes = {"record": lambda session: serve_record(session, desk.centre.centre)}
        self._server = AgiServer(host="127.0.0.1", port=0, secret=SECRET, routes=routes)
        await self._server.start()

        async def dial(token: str, keys: str, *takes: AudioSegment, channel: str = "PJSIP/1002-0000002a") -> list[str]:
            return await desk.dial(keys, *takes, route="record", args=[token], channel=channel, port=self._server.port)

        return answer["take"], dial

    async def __aexit__(self, *_: object) -> None:
        await self._server.stop(0)
