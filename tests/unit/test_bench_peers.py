"""The peers' files, the bench's site, and how its calls are told apart: all that needs no Asterisk."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from bench import reach
from bench.__main__ import main
from bench.children import BenchError
from bench.numbers import AGENTS, BARE_AGENTS, BARE_REACH, DESK_AGENTS, ECHO_RING, FORKED_MENU
from bench.peers import MODULES, MenuSounds, dialplan, queues
from bench.site import PIN, make_site
from bench.spending import per_call_ms
from hotline.sip.messages import SipMessage
from hotline.sip.timeline import PhoneCall

SOUNDS = MenuSounds("/s/welcome", "/s/language", "/s/topic")


def test_the_dialplan_adds_to_the_trunk_and_leaves_nothing_open() -> None:
    text = dialplan(SOUNDS, echo_url="agi://127.0.0.1:1/secret/echo", forked=("/bin/python", "-I", "/b/forked.py"))
    assert "[from-trunk](+)" in text
    assert f"exten => {ECHO_RING},1,AGI(agi://127.0.0.1:1/secret/echo)" in text
    assert f"exten => {FORKED_MENU},1,AGI(/bin/python,-I,/b/forked.py,/s/welcome,/s/language,/s/topic)" in text
    assert text.count("Read(LANG,/s/welcome&/s/language,1,,2,4)") == 2
    blocks = text.split("exten => ")[1:]
    assert all(block.rstrip().endswith("Hangup()") for block in blocks)


def test_a_path_that_the_dialplan_would_cut_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot hold"):
        MenuSounds("/s/a,b", "/s/language", "/s/topic")


def test_app_queue_gets_every_agent_and_no_pause_of_its_own() -> None:
    text = queues(AGENTS)
    assert [f"member => PJSIP/{agent}" in text for agent in AGENTS] == [True] * 20
    for tuned in ("strategy = leastrecent", "autofill = yes", "ringinuse = no", "retry = 1", "wrapuptime = 0"):
        assert tuned in text


def test_the_site_is_sound_private_and_without_wrap_up_or_whisper(tmp_path: Path) -> None:
    site = make_site(tmp_path / "site")
    assert tuple(site.agents) == AGENTS
    assert {agent.pin for agent in site.agents.values()} == {PIN}
    assert {queue.wrap_up_s for queue in site.queues.values()} == {0}
    assert site.asterisk.extra_modules == MODULES
    assert not [key for key in site.prompts if key.startswith("whisper_")]
    files = [file for file in (tmp_path / "site").rglob("*") if file.is_file()]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_the_engine_and_the_bare_dialplan_ring_different_agents() -> None:
    assert (*DESK_AGENTS, *BARE_AGENTS) == AGENTS
    assert tuple(str(int(BARE_AGENTS[0]) + digit) for digit in range(10)) == BARE_AGENTS


def _said(at: float, call_id: str, first_line: str, *, sent: bool) -> SipMessage:
    return SipMessage(at, sent, call_id, 1, "INVITE", first_line)


def test_the_nth_call_to_a_number_is_the_nth_to_ring_its_agents() -> None:
    said = [
        _said(10.0, "a", f"INVITE sip:{BARE_REACH}@host SIP/2.0", sent=True),
        _said(10.1, "b", "INVITE sip:4008000002@host SIP/2.0", sent=True),
        _said(11.0, "c", f"INVITE sip:{BARE_REACH}@host SIP/2.0", sent=True),
    ]
    rung = [
        PhoneCall(BARE_AGENTS[0], "x", 12.0),
        PhoneCall(DESK_AGENTS[0], "y", 12.5),
        PhoneCall(BARE_AGENTS[1], "z", 13.5),
    ]
    first, second = reach.ways(said, BARE_REACH, rung, BARE_AGENTS)
    assert (first.whole_s, second.whole_s) == (2.0, 2.5)
    assert first.ours_s == pytest.approx(2.0 - 1.1)


def test_a_call_that_rang_nobody_is_an_error_and_not_a_missing_sample() -> None:
    said = [_said(10.0, "a", f"INVITE sip:{BARE_REACH}@host SIP/2.0", sent=True)]
    with pytest.raises(BenchError, match="0 of 1 calls"):
        reach.ways(said, BARE_REACH, [], BARE_AGENTS)


def test_cpu_per_call_is_without_what_is_used_anyway() -> None:
    found = per_call_ms([("a", 0.50, 10.0), ("b", 0.3, 5.0), ("a", 0.30, 10.0)], 10, 0.01)
    assert found == {"a": [pytest.approx(40.0), pytest.approx(20.0)], "b": [pytest.approx(25.0)]}


def test_without_an_asterisk_it_refuses_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOTLINE_CACHE", str(tmp_path))
    assert main(["ring"]) == 2
    said = capsys.readouterr().err
    assert said == "hotline bench: there is no Asterisk to measure; asterisk/bring brings one, without root\n"


def test_an_unknown_benchmark_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["wring"])
    assert "no benchmark 'wring'; there is ring, reach, menu, " in capsys.readouterr().err
