"""The agent's desk on a keypad: *30 to *35. What was said is told by ears: the sound that came back is
compared with the site's own prompts. What was done is in the engine's view, and in the journal after a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hotline.sip.callers import Callers
from hotline.sip.scenario import Dial, PhoneManner, Talk
from tests.sip.live_site import LiveSite
from tests.sip.staff import at_desk, at_desks, log_in, queue_up
from tests.sip.witness import Witness

pytestmark = pytest.mark.asyncio(loop_scope="module")

# Eight digits, so that they are in a file because they were written there, and not by chance in some instant.
RIGHT, WRONG = "60418273", "91736405"


@pytest.fixture(scope="module")
def prepare_site() -> Callable[[LiveSite], None]:
    """One agent whose PIN is known, and fewer words in what is heard often."""

    def prepare(live: LiveSite) -> None:
        live.edit("agents.yaml", lambda agents: agents["1002"].update(pin=RIGHT))
        live.edit("prompts.yaml", _no_whisper)
        for key, text in {"desk_locked": "锁定了。", "desk_refused": "不能操作。"}.items():
            live.edit("prompts.yaml", lambda prompts, key=key, text=text: prompts[key]["text"].update(zh=text))

    return prepare


def _no_whisper(prompts: Any) -> None:
    for key in [key for key in prompts if key.startswith("whisper_")]:
        del prompts[key]


async def test_an_agent_logs_in_pauses_returns_and_logs_out(site: LiveSite, witness: Witness, tmp_path: Path) -> None:
    pin = site.site.agents["1001"].pin
    steps = [  # code, what is said, and what the agent is then
        ("*32", "desk_already", "logged_out", ""),
        ("*33", "desk_refused", "logged_out", ""),
        ("*31", "desk_logged_in", "available", ""),
        ("*31", "desk_already", "available", ""),
        ("*34", "desk_already", "available", ""),
        ("*337", "desk_paused", "paused", "7"),
        ("*33", "desk_paused", "paused", "0"),
        ("*34", "desk_ready", "available", ""),
        ("*35", "desk_that_is_all", "available", ""),
        ("*30", "desk_logged_out", "logged_out", ""),
        ("*30", "desk_logged_in", "available", ""),
        ("*32", "desk_logged_out", "logged_out", ""),
    ]
    for code, said, presence, reason in steps:
        pins = [pin] if said == "desk_logged_in" or code == "*31" else []
        assert (code, await at_desk(site, "1001", code, tmp_path, *pins)) == (code, said)
        view = await witness.agent("1001")
        assert (code, view["presence"], view["pause_reason"]) == (code, presence, reason)


async def test_three_wrong_pins_end_the_call_and_five_lock_the_account(
    site: LiveSite, witness: Witness, tmp_path: Path
) -> None:
    assert await at_desk(site, "1002", "*31", tmp_path, WRONG, WRONG, WRONG) == "desk_refused"
    assert (await witness.agent("1002"))["presence"] == "logged_out"
    assert await at_desk(site, "1002", "*31", tmp_path, WRONG, WRONG, RIGHT) == "desk_locked"  # the fifth, then right
    assert await at_desk(site, "1002", "*31", tmp_path, RIGHT) == "desk_locked"
    assert (await witness.agent("1002"))["presence"] == "logged_out"
    assert await at_desk(site, "1004", "*31", tmp_path, site.site.agents["1004"].pin) == "desk_logged_in"  # not all
    written = [path for folder in (site.folders.var, site.folders.run) for path in folder.rglob("*") if path.is_file()]
    for path in (*written, site.up_log):
        content = path.read_bytes()
        assert WRONG.encode() not in content, path
        assert RIGHT.encode() not in content, path


async def test_a_wrong_pin_is_told_and_asked_for_again(site: LiveSite, witness: Witness, tmp_path: Path) -> None:
    pin = site.site.agents["1006"].pin
    assert await at_desk(site, "1006", "*31", tmp_path, WRONG, pin) == "desk_logged_in"
    assert (await witness.agent("1006"))["presence"] == "available"


async def test_the_desk_knows_who_calls_by_the_phone_and_not_by_a_number(
    site: LiveSite, witness: Witness, tmp_path: Path
) -> None:
    await log_in(site, "1005")
    plain = Dial("*32", "2001", secret=site.site.phones["2001"].sip_secret)
    async with Callers(site.place.sipp, site.pbx, tmp_path / "plain", [plain], host=site.site.bind) as callers:
        await callers.ended()
        assert callers.only.ended == "peer"  # heard a refusal
    stranger = Dial("*32", "1005", secret=site.site.agents["1001"].sip_secret)
    async with Callers(site.place.sipp, site.pbx, tmp_path / "stranger", [stranger], host=site.site.bind) as callers:
        await witness.until(lambda: [m.status for m in callers.messages()], lambda codes: codes.count(401) == 2)
        assert 200 not in [m.status for m in callers.messages()]
    assert (await witness.agent("1005"))["presence"] == "available"


async def test_presences_survive_the_engine(site: LiveSite, witness: Witness, tmp_path: Path) -> None:
    """It is killed, not stopped: what was said to the agent was true already."""
    await log_in(site, "1003", "1001")
    assert await at_desk(site, "1001", "*335", tmp_path) == "desk_paused"
    async with at_desks(site, ["1003"], PhoneManner(ring_s=0.1, talk=Talk(2.5, 2.5))), queue_up(site, "4008001001"):
        before = await witness.until_agent("1003", engagement="wrap_up", timeout_s=15)
    killed = site.process("hotline.app")
    killed.kill()
    await asyncio.to_thread(killed.wait, 5)
    await site.until_up()
    back = await witness.agent("1003")
    assert (back["presence"], back["engagement"]) == ("available", "wrap_up")
    assert back["until"] == pytest.approx(before["until"], abs=0.1)
    paused = await witness.agent("1001")
    assert (paused["presence"], paused["pause_reason"]) == ("paused", "5")
    assert (await witness.agent("1002"))["presence"] == "logged_out"
    assert await at_desk(site, "1001", "*34", tmp_path) == "desk_ready"
