"""Prompts as callers hear them: each of the sample's is played by Asterisk and held against its file; a recording from
a phone takes a text's place; a wideband phone gets the 16 kHz file.

What is heard is compared with what is on the shelf by its loudness over time (`likeness`); recordings are pure tones.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from hotline.prompting import bare_shelf
from hotline.sip.rtp import level_dbfs
from hotline.sip.scenario import Dial
from ivr.prompts.audio import write_wav
from tests.sip.live_site import LiveSite, edit_yaml
from tests.sip.phones import ParkedPhone, PhonePark
from tests.sip.sound import RATE, likeness, samples_of, saved, tone_share
from tests.sip.witness import new_ani
from tests.unit.test_prompts import tone

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]

CALLS = 16  # the prompts of a language are told in so many calls at once
EVERY_NTH_IN_ENGLISH = 3
RECITALS = {"mandarin": "40070001", "english": "40070002"}  # and two digits
ONE_PROMPT = "4007000300"  # a number that only says `goodbye`
CHOSEN = "goodbye"
SLACK_S = 1.5


def shares(keys: Sequence[str], language: str) -> list[list[str]]:
    """Which prompts each of the calls tells."""
    chosen = keys if language == "mandarin" else keys[::EVERY_NTH_IN_ENGLISH]
    return [part for part in (list(chosen[n::CALLS]) for n in range(CALLS)) if part]


@pytest.fixture(scope="module")
def prepare_site() -> Callable[[LiveSite], None]:
    def prepare(live: LiveSite) -> None:
        keys = [*live.site.prompts]
        for language, begin in RECITALS.items():
            for n, part in enumerate(shares(keys, language)):
                recital(live, f"{begin}{n:02d}", f"recital_{language}_{n}", language, part)
        recital(live, ONE_PROMPT, "recital_one", "mandarin", [CHOSEN])
        live.edit("site.yaml", lambda site: site["asterisk"].update(codecs=["g722", "ulaw", "alaw"]))
        build = (sys.executable, "-m", "hotline.cli", "prompts", "build", "--site", str(live.folders.site))
        subprocess.run(build, check=True, stdout=subprocess.DEVNULL, timeout=600)  # all of them, at both rates

    return prepare


def recital(live: LiveSite, number: str, flow: str, language: str, keys: list[str]) -> None:
    nodes = {
        "language": {"kind": "set", "set_language": language, "then": "all"},
        "all": {"kind": "play", "prompts": keys, "then": "end"},
        "end": {"kind": "hangup"},
    }
    path = live.folders.site / "flows" / f"{flow}.yaml"
    path.write_text("start: language\ndefault_way: end\nnodes: {}\n")
    edit_yaml(path, lambda form: form.update(nodes=nodes))
    live.edit("numbers.yaml", lambda numbers: numbers.update({number: {"flow": flow}}))


async def heard_at(live: LiveSite, dials: Sequence[Dial], work: Path) -> list[list[int]]:
    """What each of the callers heard to the end, in the order of ``dials``."""
    found = []
    async with AsyncExitStack() as stack:
        all_callers = [await stack.enter_async_context(live.callers([dial])) for dial in dials]
        for n, callers in enumerate(all_callers):
            await callers.ended(timeout_s=120)
            assert callers.only.ended == "peer"
            callers.only.sound.save(work / f"{n}.wav")
            found.append(saved(work / f"{n}.wav"))
    return found


@pytest.mark.parametrize(("language", "code"), [("mandarin", "zh"), ("english", "en")])
async def test_every_prompt_is_heard_as_it_was_made(site: LiveSite, tmp_path: Path, language: str, code: str) -> None:
    files = bare_shelf(site.site, site.folders).found(site.site.prompts)
    parts = shares([*site.site.prompts], language)
    dials = [Dial(f"{RECITALS[language]}{n:02d}", new_ani()) for n in range(len(parts))]
    for part, heard in zip(parts, await heard_at(site, dials, tmp_path), strict=True):
        prompts = {key: samples_of(files[key, code]) for key in part}
        whole_s = sum(map(len, prompts.values())) / RATE
        assert whole_s - 0.5 < len(heard) / RATE < whole_s + 2.5, part
        at = 0
        for key, prompt in prompts.items():
            window = heard[max(0, at - round(SLACK_S * RATE)) : at + len(prompt) + round(SLACK_S * RATE)]
            assert likeness(window, prompt) > 0.9, key
            assert level_dbfs(window) > -30, key
            at += len(prompt)


async def test_a_recording_in_the_folder_is_heard_without_a_restart(site: LiveSite, tmp_path: Path) -> None:
    dial = [Dial(ONE_PROMPT, new_ani())]
    (spoken,) = await heard_at(site, dial, tmp_path)
    assert tone_of(spoken, 500) < 0.1
    write_wav(tone(500, 2.5, 44100).set_channels(2), site.folders.recordings / "zh" / f"{CHOSEN}.wav")
    assert "1 made" in await site.cli("prompts", "build")
    (recorded,) = await heard_at(site, dial, tmp_path)
    assert tone_of(recorded, 500) > 0.9
    (site.folders.recordings / "zh" / f"{CHOSEN}.wav").write_bytes(b"not a sound")
    with pytest.raises(AssertionError, match="ended with 1"):
        await site.cli("prompts", "build")
    (after,) = await heard_at(site, dial, tmp_path)
    assert tone_of(after, 500) > 0.9  # what is refused changes nothing
    (site.folders.recordings / "zh" / f"{CHOSEN}.wav").unlink()
    await site.cli("prompts", "build")
    (again,) = await heard_at(site, dial, tmp_path)
    assert tone_of(again, 500) < 0.1


def tone_of(samples: list[int], hertz: int) -> float:
    """Of the middle of what was heard."""
    return tone_share(samples[len(samples) // 4 : len(samples) * 3 // 4], hertz)


async def test_a_wideband_phone_gets_the_wide_file(site: LiveSite, park: PhonePark) -> None:
    """Both files lie there, with tones that tell them apart. Asterisk chooses by the phone's codec."""
    write_wav(tone(500, 3.0, 44100), site.folders.recordings / "zh" / f"{CHOSEN}.wav")
    await site.cli("prompts", "build")
    file = bare_shelf(site.site, site.folders).found(site.site.prompts)[CHOSEN, "zh"]
    assert file.with_suffix(".wav16").exists()
    write_wav(tone(900, 3.0, 16000), file.with_suffix(".wav16"))
    phone = await park.add_phone("2001", site.site.phones["2001"].sip_secret, answer="ignore")
    heard = {}
    for codec in ("PCMU/8000/1", "G722/16000/1"):
        await park.ask("only_codec", codec=codec)
        call = await phone.dial(ONE_PROMPT)
        await phone.wait("confirmed")
        await phone.wait("disconnected", timeout_s=15)
        await asyncio.sleep(0.5)
        samples = samples_of(park.recording(call))
        heard[codec] = [round(tone_of(samples, hertz)) for hertz in (500, 900)]
    assert heard == {"PCMU/8000/1": [1, 0], "G722/16000/1": [0, 1]}
    (site.folders.recordings / "zh" / f"{CHOSEN}.wav").unlink()
    file.with_suffix(".wav16").unlink()
    file.unlink()


async def supervisor_phone(site: LiveSite, park: PhonePark, tone_hz: int) -> tuple[ParkedPhone, str]:
    """With the PIN of its agent."""
    extension, agent = next((ext, agent) for ext, agent in site.site.agents.items() if agent.supervisor)
    phone = await park.add_phone(extension, agent.sip_secret, answer="auto", tone_hz=tone_hz)
    return phone, agent.pin


async def test_star_51_records_a_prompt_that_is_heard_next(site: LiveSite, park: PhonePark, tmp_path: Path) -> None:
    phone, pin = await supervisor_phone(site, park, tone_hz=600)
    number = [*site.site.prompts].index(CHOSEN) + 1
    call = await phone.dial("*51")
    await phone.wait("confirmed")
    for wait_s, keys in ((0.5, f"{pin}#"), (3.0, f"{number}#"), (4.0, "1")):
        await asyncio.sleep(wait_s)
        await phone.press(call, keys)
    await record_and_keep(phone, call)
    await phone.wait("disconnected", timeout_s=20)
    (heard,) = await heard_at(site, [Dial(ONE_PROMPT, new_ani())], tmp_path)
    assert tone_of(heard, 600) > 0.9
    assert 2.0 < len(heard) / RATE < 12.0
    await forget(site)


async def record_and_keep(phone: ParkedPhone, call: int) -> None:
    """The instruction takes 4 s; then the tone; the take is heard back, and a key in it counts."""
    await asyncio.sleep(9.0)
    await phone.press(call, "#")
    await asyncio.sleep(2.0)
    await phone.press(call, "1")


async def test_star_51_is_not_for_every_agent(site: LiveSite, park: PhonePark) -> None:
    phone = await park.add_phone("1001", site.site.agents["1001"].sip_secret, tone_hz=600)
    call = await phone.dial("*51")
    await phone.wait("confirmed")
    await phone.wait("disconnected", timeout_s=10)
    assert len(samples_of(park.recording(call))) / RATE < 5.0  # "that cannot be done", and no question


async def test_the_console_rings_a_phone_that_records(site: LiveSite, park: PhonePark, tmp_path: Path) -> None:
    phone = await park.add_phone("1002", site.site.agents["1002"].sip_secret, answer="auto", tone_hz=700)
    await until_free(site, "1002")
    words = ("prompts", "record", CHOSEN, "--extension", "1002", "--site", str(site.folders.site))
    console = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hotline.cli", *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    call = (await phone.wait("incoming")).call
    await phone.wait("confirmed")
    await record_and_keep(phone, call)
    told = (await asyncio.wait_for(console.communicate(), 30))[0].decode()
    assert console.returncode == 0, told
    assert "played from now on" in told
    (heard,) = await heard_at(site, [Dial(ONE_PROMPT, new_ani())], tmp_path)
    assert tone_of(heard, 700) > 0.9
    await forget(site)


async def until_free(site: LiveSite, extension: str) -> None:
    for _ in range(100):
        views: list[dict[str, Any]] = (await site.ask("agents"))["agents"]
        if any(view["extension"] == extension and view["phone"] == "free" for view in views):
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"{extension} is not free")


async def test_a_phone_that_is_not_there_is_not_rung(site: LiveSite) -> None:
    answer = await site.ask("record", key=CHOSEN, language="zh", extension="1003")
    assert "not there" in answer["why"]


async def forget(site: LiveSite) -> None:
    (site.folders.recordings / "zh" / f"{CHOSEN}.wav").unlink()
    await site.cli("prompts", "build")
