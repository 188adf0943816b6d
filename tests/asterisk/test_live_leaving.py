"""What callers leave behind, on the real Asterisk: messages, numbers to be called, marks.

A phone says a pure tone, so that a recording can be told from any other sound, and from nothing.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hotline.sip.scenario import PhoneManner, Talk
from tests.asterisk.test_calls_menu import another_flow
from tests.sip.live_site import LiveSite
from tests.sip.phones import ParkedPhone, PhonePark
from tests.sip.sound import RATE, samples_of, tone_share
from tests.sip.staff import at_desks, log_in
from tests.sip.witness import Witness, new_ani

pytestmark = pytest.mark.asyncio(loop_scope="module")

MESSAGES, NUMBERS, MARKS, TALKS = "4008001001", "4008001002", "4008001003", "4008001000"
LOW, HIGH = 440, 1000  # Hz
PROMPT = "whisper_queue_sales"  # half a second


@pytest.fixture(scope="module")
def prepare_site() -> Callable[[LiveSite], None]:
    def prepare(live: LiveSite) -> None:
        serve(live, "messages", MESSAGES, MESSAGE_NODES)
        serve(live, "numbers", NUMBERS, NUMBER_NODES)
        serve(live, "marks", MARKS, MARK_NODES)
        serve(live, "talk", TALKS, {**MARK_NODES, "start": {**TALK, "after": "ask"}}, start="start")
        live.edit("queues.yaml", lambda queues: queues["sales"].update(wrap_up_s=0))

    return prepare


def serve(live: LiveSite, name: str, number: str, nodes: dict[str, Any], start: str = "ask") -> None:
    another_flow(live, name, number, lambda _: None)
    live.edit(f"flows/{name}.yaml", lambda flow: flow.update(FRAME, nodes=nodes, start=start))


FRAME = {"default_way": "bye", "limits": {"seconds": 120}}
ENDS = {"bye": {"kind": "hangup"}, "nothing": {"kind": "hangup", "outcome": "rejected"}}
THANKS = {"kind": "play", "prompts": ["goodbye"], "then": "bye"}
MESSAGE_NODES = {
    "ask": {
        "kind": "voicemail",
        "prompts": [PROMPT],
        "box": "service",
        "max_s": 20,
        "silence_s": 2,
        "min_s": 1,
        "review": {"prompts": [PROMPT], "first_digit_s": 4},
        "then": "thanks",
        "otherwise": "nothing",
    },
    "thanks": THANKS,
    **ENDS,
}
NUMBER_NODES = {
    "ask": {
        "kind": "callback",
        "queue": "sales",
        "prompts": [PROMPT],
        "confirm": {"prompts": [PROMPT]},
        "then": "thanks",
        "otherwise": "nothing",
    },
    "thanks": THANKS,
    **ENDS,
}
MARK_NODES = {
    "ask": {
        "kind": "survey",
        "questions": [
            {"name": "content", "scale": "csat", "prompts": [PROMPT]},
            {"name": "friends", "scale": "nps", "prompts": [PROMPT]},
        ],
        "comment": {"prompts": [PROMPT], "silence_s": 1, "max_s": 10},
        "then": "bye",
    },
    "bye": ENDS["bye"],
}
TALK = {"kind": "queue", "queue": "sales", "attributes": {}, "then": "bye"}


class Speaker:
    """A phone whose caller speaks in tones. Its number is "2001", so each test has a site's rows of its own by the
    entries that are new."""

    def __init__(self, live: LiveSite, witness: Witness, phone: ParkedPhone, call: int) -> None:
        self.live, self.witness, self.phone, self.call = live, witness, phone, call

    async def says(self, hertz: int, seconds: float) -> None:
        await self.phone.speak(self.call, hertz)
        await asyncio.sleep(seconds)

    async def hushes(self) -> None:
        await self.phone.speak(self.call, 0)

    def files(self) -> list[Path]:
        return sorted(self.live.folders.voicemail.glob("*.wav"))

    async def until_recorded(self, file_count: int = 1) -> Path:
        """The recording has begun: its file is there. (The beep is over by then.)"""
        files = await self.witness.until(self.files, lambda files: len(files) >= file_count, 15)
        return Path(files[-1])


@pytest.fixture
def speaker(site: LiveSite, witness: Witness, park: PhonePark) -> Callable[[str], Any]:
    async def dial(number: str) -> Speaker:
        for file in site.folders.voicemail.glob("*.wav"):
            file.unlink()
        phone = await park.add_phone("2001", site.site.phones["2001"].sip_secret, answer="ignore")
        call = await phone.dial(number)
        await phone.wait("confirmed")
        return Speaker(site, witness, phone, call)

    return dial


def kept(witness: Witness, ani: str, kind: str) -> list[dict[str, Any]]:
    return [entry.fields for entry in witness.entries(ani) if entry.kind == kind]


async def last_outcome(witness: Witness, calls: int) -> dict[str, Any]:
    """Of the phone's ``calls``-th call."""
    found = await witness.until(lambda: kept(witness, "2001", "outcome"), lambda seen: len(seen) == calls, 25)
    return dict(found[-1])


async def test_a_message_ends_with_the_callers_silence(witness: Witness, speaker: Any) -> None:
    person = await speaker(MESSAGES)
    file = await person.until_recorded()
    await person.says(LOW, 3.0)
    await person.hushes()
    await asyncio.sleep(4.0)  # two of silence, then the review's question
    await person.phone.press(person.call, "1")
    outcome = await last_outcome(witness, 1)
    (message,) = kept(witness, "2001", "voicemail")
    assert 2.7 <= message["seconds"] <= 3.3
    assert message == {
        "box": "service",
        "recording": file.stem,
        "seconds": message["seconds"],
        "number": "",
        "language": "mandarin",
    }
    assert (outcome["outcome"], outcome["hangup_by"]) == ("voicemail", "system")
    recorded = samples_of(file)
    assert 3.5 <= len(recorded) / RATE <= 4.5  # Asterisk leaves a second of the silence
    assert tone_share(recorded[RATE : 2 * RATE], LOW) > 0.99
    assert file.stem.startswith(witness.entries("2001")[0].call_id)
    assert file.stat().st_mode & 0o077 == 0


async def test_a_hang_up_while_they_speak_leaves_what_was_said(witness: Witness, speaker: Any) -> None:
    person = await speaker(MESSAGES)
    file = await person.until_recorded()
    await person.says(LOW, 2.5)
    await person.phone.hang_up(person.call)
    outcome = await last_outcome(witness, 2)
    message = kept(witness, "2001", "voicemail")[-1]
    assert (outcome["outcome"], outcome["hangup_by"]) == ("voicemail", "caller")
    assert message["recording"] == file.stem
    assert 2.0 <= message["seconds"] <= 2.8
    recorded = samples_of(file)
    assert abs(len(recorded) / RATE - message["seconds"]) < 0.5
    assert tone_share(recorded[RATE : 2 * RATE], LOW) > 0.99


async def test_a_message_is_listened_to_and_said_again(witness: Witness, speaker: Any, park: PhonePark) -> None:
    person = await speaker(MESSAGES)
    file = await person.until_recorded()
    await person.says(LOW, 2.0)
    await person.phone.press(person.call, "#")
    await person.hushes()
    await asyncio.sleep(1.5)
    await person.phone.press(person.call, "2")
    await asyncio.sleep(4.0)  # the tone comes back, then the question
    heard = samples_of(park.recording(person.call))
    back = max(tone_share(heard[n : n + RATE], LOW) for n in range(0, len(heard) - RATE, RATE // 4))
    assert back > 0.9
    await person.phone.press(person.call, "3")
    await witness.until(lambda: file.exists() and file.stat().st_size, lambda size: 0 < size < RATE, 10)
    await person.says(HIGH, 1.6)
    await person.phone.press(person.call, "#")
    await person.hushes()
    await asyncio.sleep(1.5)
    await person.phone.press(person.call, "1")
    outcome = await last_outcome(witness, 3)
    assert outcome["outcome"] == "voicemail"
    assert [message["recording"] for message in kept(witness, "2001", "voicemail")[2:]] == [file.stem]
    recorded = samples_of(file)
    assert tone_share(recorded[RATE // 4 : RATE], HIGH) > 0.99
    assert 1.0 <= len(recorded) / RATE <= 2.2
    assert person.files() == [file]


async def test_who_says_nothing_leaves_nothing(witness: Witness, speaker: Any) -> None:
    person = await speaker(MESSAGES)
    outcome = await last_outcome(witness, 4)
    assert (outcome["outcome"], len(kept(witness, "2001", "voicemail"))) == ("rejected", 3)
    assert person.files() == []


async def test_without_a_folder_the_call_goes_on(site: LiveSite, witness: Witness, speaker: Any) -> None:
    shutil.rmtree(site.folders.voicemail)
    site.folders.voicemail.write_text("no folder")
    try:
        person = await speaker(MESSAGES)
        outcome = await last_outcome(witness, 5)
    finally:
        site.folders.voicemail.unlink()
        site.folders.voicemail.mkdir(mode=0o700)
    assert outcome["outcome"] == "rejected"
    assert person.files() == []


async def test_a_number_is_offered_changed_and_kept(site: LiveSite, witness: Witness) -> None:
    """The caller's own is read back; they press 2 and type another, which is read back too."""
    ani = new_ani()
    async with site.caller(NUMBERS, ani=ani) as callers:
        await callers.answered()
        await asyncio.sleep(6.0)  # eleven digits and the question
        await callers.only.press("2")
        await asyncio.sleep(1.5)
        await callers.only.press("02158888888#")
        await asyncio.sleep(6.0)
        await callers.only.press("1")
        await callers.ended(timeout_s=15)
    (wish,) = kept(witness, ani, "callback")
    about = {"queue": "sales", "language": "mandarin", "priority": 0, "attributes": "language=mandarin"}
    assert wish == {"number": "+862158888888", **about}
    assert (await witness.row(ani)).outcome == "callback"


async def test_the_callers_own_number_is_called_back(site: LiveSite, witness: Witness) -> None:
    ani = new_ani()
    async with site.caller(NUMBERS, ani=ani) as callers:
        await callers.answered()
        await asyncio.sleep(6.0)
        await callers.only.press("1")
        await asyncio.sleep(0.5)
        callers.hang_up(callers.only)  # in the thanks
        await callers.ended(timeout_s=15)
    (wish,) = kept(witness, ani, "callback")
    assert wish["number"] == f"+86{ani}"
    assert (await witness.row(ani)).outcome == "callback"


@pytest.mark.parametrize(("keys", "mark"), [("9", 9), ("10", 10), ("1", 1)])
async def test_marks_by_key(site: LiveSite, witness: Witness, keys: str, mark: int) -> None:
    ani = new_ani()
    async with site.caller(MARKS, ani=ani) as callers:
        await callers.answered()
        await asyncio.sleep(1.5)
        await callers.only.press("4")
        await asyncio.sleep(1.5)
        await callers.only.press(keys)
        await asyncio.sleep(4.0)
        callers.hang_up(callers.only)
        await callers.ended(timeout_s=15)
    assert (await witness.row(ani)).outcome == "abandoned_ivr"
    assert kept(witness, ani, "survey") == [{"content": 4, "friends": mark}]


async def test_a_comment_is_recorded(witness: Witness, speaker: Any) -> None:
    person = await speaker(MARKS)
    for key in "57":
        await asyncio.sleep(1.5)
        await person.phone.press(person.call, key)
    file = await person.until_recorded()
    await person.says(HIGH, 2.0)
    await person.hushes()
    outcome = await last_outcome(witness, 6)
    (marks,) = kept(witness, "2001", "survey")
    assert {**marks, "comment_s": 0} == {"content": 5, "friends": 7, "comment": file.stem, "comment_s": 0}
    assert 1.7 <= marks["comment_s"] <= 2.3
    assert outcome["outcome"] == "self_served"
    assert tone_share(samples_of(file)[RATE // 2 : RATE], HIGH) > 0.99


async def test_marks_after_the_agent_has_hung_up(site: LiveSite, witness: Witness) -> None:
    await log_in(site, "1001")
    async with at_desks(site, ["1001"], PhoneManner(talk=Talk(4.0, 4.0))):
        ani = new_ani()
        async with site.caller(TALKS, ani=ani) as callers:
            await witness.until_noted(ani, "outcome", timeout_s=15)
            await asyncio.sleep(1.0)
            await callers.only.press("3")
            await asyncio.sleep(1.5)
            await callers.only.press("10")
            await asyncio.sleep(2.0)
            callers.hang_up(callers.only)
            await callers.ended(timeout_s=15)
        await witness.until_noted(ani, "survey")
    assert kept(witness, ani, "survey") == [{"content": 3, "friends": 10}]
    assert witness.story(ani).count("outcome") == 1
    assert (await witness.row(ani)).outcome == "answered"
