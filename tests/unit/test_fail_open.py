"""The standalone script as Asterisk runs it: a process, AGI over its stdin and stdout, files in a spool."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import wave
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from agi_scripts.standalone import fail_open
from crm_bridge import intake

ENV = {
    "agi_request": "/venv/bin/python",
    "agi_channel": "PJSIP/carrier-0000002a",
    "agi_uniqueid": "1795375802.42",
    "agi_callerid": "13800138000",
    "agi_calleridname": "王 Bob",
    "agi_dnid": "4008001001",
    "agi_extension": "s",
    "agi_context": "alone",
}
NUMBERS = {"4008001001": {"source": "tv_spot", "campaign": "spring"}}
COMMAND = (sys.executable, "-I", "-m", "agi_scripts.standalone.fail_open")


@dataclass
class Asterisk:
    """Asterisk's side of one stdio AGI: the environment, then an answer per command. ``dead``: the caller has left."""

    folder: Path
    env: dict[str, str] = field(default_factory=lambda: dict(ENV))
    variables: dict[str, str] = field(default_factory=dict)
    dead: bool = False
    commands: list[str] = field(default_factory=list)

    @property
    def config(self) -> Path:
        return self.folder / "fail_open.json"

    @property
    def spool(self) -> Path:
        return self.folder / "spool"

    def run(self, phase: str, *, raw_env: bytes | None = None) -> subprocess.Popen[bytes]:
        if not self.config.exists():
            self.config.write_text(json.dumps({"spool": str(self.spool), "numbers": NUMBERS}))
        pipe = subprocess.PIPE
        script = subprocess.Popen([*COMMAND, phase, str(self.config)], stdin=pipe, stdout=pipe, stderr=pipe)
        assert script.stdin is not None
        assert script.stdout is not None
        env = raw_env or "".join(f"{key}: {value}\n" for key, value in self.env.items()).encode()
        try:
            script.stdin.write(env + b"\n")
            script.stdin.flush()
            for line in script.stdout:
                script.stdin.write(self._answer(line.decode().rstrip("\n")))
                script.stdin.flush()
        except BrokenPipeError:  # it ended at once: the test looks at what it left
            pass
        script.wait(20)
        return script

    def _answer(self, command: str) -> bytes:
        self.commands.append(command)
        if command.startswith("GET FULL VARIABLE "):
            text = command.removeprefix("GET FULL VARIABLE ").strip('"')
            text = re.sub(r"\$\{([^}]+)\}", lambda name: self.variables.get(name[1], ""), text)
            return f"200 result=1 ({text})\n".encode()
        if self.dead and not command.startswith("SET VARIABLE "):
            return b"511 Command Not Permitted on a dead channel or intercept routine\n"
        _, _, name, value = command.split(" ", 3)
        self.variables[name.strip('"')] = value.strip('"')
        return b"200 result=1\n"

    def records(self) -> dict[str, dict[str, Any]]:
        return {path.name: json.loads(path.read_text()) for path in sorted(self.spool.glob("*"))}


@pytest.fixture
def asterisk(tmp_path: Path) -> Asterisk:
    return Asterisk(tmp_path)


def test_start_tags_the_channel_and_the_cdr_and_writes_the_call_down(asterisk: Asterisk) -> None:
    assert asterisk.run("start").returncode == 0
    [(name, record)] = asterisk.records().items()
    assert name == f"{record['call_id']}.start.json"
    assert asterisk.variables["HOTLINE_CALL_ID"] == record["call_id"] == fail_open.call_id_of("1795375802.42")
    assert asterisk.variables["HOTLINE_SOURCE"] == asterisk.variables["CDR(userfield)"] == "tv_spot"
    assert record["phase"] == "start"
    assert record["started_at"] == 1795375802.0
    assert (record["dnis"], record["ani"], record["name"]) == ("4008001001", "13800138000", "王 Bob")
    assert (record["source"], record["campaign"]) == ("tv_spot", "spring")


def test_an_id_and_a_source_that_the_engine_gave_are_kept(asterisk: Asterisk) -> None:
    asterisk.variables |= {"HOTLINE_CALL_ID": "5f0c", "HOTLINE_SOURCE": "paper", "HOTLINE_JOINED": "1795375800123"}
    asterisk.run("start")
    record = asterisk.records()["5f0c.start.json"]
    assert (record["source"], record["joined_at"]) == ("paper", 1795375800.123)


def test_start_and_end_agree_on_the_id_though_the_variable_could_not_be_set(asterisk: Asterisk) -> None:
    asterisk.run("start")
    asterisk.variables.clear()
    asterisk.run("end")
    assert len({record["call_id"] for record in asterisk.records().values()}) == 1


def test_end_of_a_conversation(asterisk: Asterisk) -> None:
    asterisk.dead = True
    asterisk.variables |= {
        "DIALSTATUS": "ANSWER",
        "DIALEDPEERNUMBER": "1002",
        "HANGUPCAUSE": "16",
        "HOTLINE_ANSWERED": "1795375900250",
    }
    asterisk.run("end")
    [record] = asterisk.records().values()
    assert (record["outcome"], record["agent"]) == ("answered", "1002")
    assert record["answered_at"] == 1795375900.25


def test_a_conversation_is_measured_from_the_picking_up() -> None:
    asked = {"dialstatus": "ANSWER", "picked_up_ms": "1795375900250"}
    record = fail_open.build("end", ENV, asked, NUMBERS, now=1795375961.75)
    assert (record["talked_s"], record["answered_ms"]) == (61.5, "61500")


def test_it_ends_with_the_hang_up_and_not_with_our_start() -> None:
    asked = {"dialstatus": "ANSWER", "picked_up_ms": "1795375900250", "ended_ms": "1795375960250"}
    record = fail_open.build("end", ENV, asked, NUMBERS, now=1795375961.75)
    assert (record["talked_s"], record["ended_at"]) == (60.0, 1795375960.25)


@pytest.mark.parametrize(
    ("asked", "who"),
    [
        ({"left": ENV["agi_channel"]}, "caller"),
        ({"left": ENV["agi_channel"], "picked_up_ms": "1000"}, "caller"),
        ({"left": "dialplan/hangup", "picked_up_ms": "1000"}, "agent"),
        ({"left": "PJSIP/1002-0000002b", "picked_up_ms": "1000"}, "agent"),
        ({"left": "dialplan/hangup"}, "system"),
        ({"next": "hangup"}, "system"),
        ({}, "caller"),
    ],
)
def test_who_hung_up(asked: dict[str, str], who: str) -> None:
    assert fail_open.build("end", ENV, asked, NUMBERS, now=1.0)["hangup_by"] == who


def message(folder: Path, seconds: float) -> str:
    with wave.open(str(folder / "m.wav"), "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes(bytes(int(seconds * 16000)))
    return str(folder / "m")


@pytest.mark.parametrize(("seconds", "outcome"), [(4.0, "voicemail"), (0.5, "abandoned_queue")])
def test_a_voicemail_counts_when_somebody_spoke(asterisk: Asterisk, seconds: float, outcome: str) -> None:
    recorded = message(asterisk.folder, seconds)
    asterisk.variables |= {"DIALSTATUS": "NOANSWER", "RECORDED_FILE": recorded, "RECORD_STATUS": "HANGUP"}
    asterisk.run("end")
    [record] = asterisk.records().values()
    assert record["outcome"] == outcome
    assert record["voicemail"] == (f"{recorded}.wav" if outcome == "voicemail" else "")


@pytest.mark.parametrize(
    ("variables", "outcome"),
    [
        ({}, "abandoned_ivr"),
        ({"HOTLINE_JOINED": "1795375800123"}, "abandoned_queue"),
        ({"DIALSTATUS": "CANCEL"}, "abandoned_queue"),
        ({"RECORDED_FILE": "/nowhere/at/all"}, "abandoned_ivr"),
    ],
)
def test_a_caller_who_left(asterisk: Asterisk, variables: dict[str, str], outcome: str) -> None:
    asterisk.variables |= variables
    asterisk.run("end")
    [record] = asterisk.records().values()
    assert (record["outcome"], record["hangup_by"]) == (outcome, "caller")


def test_the_engine_takes_in_what_is_written(asterisk: Asterisk) -> None:
    asterisk.run("start")
    asterisk.run("end")
    kinds = [[entry.kind for entry in intake.entries_of(record)] for record in asterisk.records().values()]
    assert sorted(kinds, key=len) == [["call_started"], ["call_started", "outcome"]]


def test_a_number_that_is_not_ours_is_the_source_unknown(asterisk: Asterisk) -> None:
    asterisk.env["agi_dnid"] = "4000000000"
    asterisk.run("start")
    [record] = asterisk.records().values()
    assert (record["source"], record["campaign"]) == ("unknown", "")


@pytest.mark.parametrize("caller", ['"${SHELL(id)}",x', "‮x", "\x1b[31m\x07", "=cmd|x", "a" * 300, "unknown", ""])
def test_any_caller_is_written_down(asterisk: Asterisk, caller: str) -> None:
    asterisk.env |= {"agi_callerid": caller, "agi_calleridname": caller}
    asterisk.run("start")
    [record] = asterisk.records().values()
    assert set(record["ani"]) <= set("0123456789+")
    assert len(record["name"]) <= 80
    assert record["name"].isprintable()


def test_broken_utf8_and_a_colonless_line_do_not_stop_it(asterisk: Asterisk) -> None:
    raw = b"agi_uniqueid: 1795375802.42\nagi_calleridname: \xff\xfe\xe7\nnonsense\nagi_dnid: 4008001001\n"
    assert asterisk.run("start", raw_env=raw).returncode == 0
    [record] = asterisk.records().values()
    assert record["source"] == "tv_spot"


def test_a_spool_that_cannot_be_written_still_tags_and_ends_well(asterisk: Asterisk) -> None:
    asterisk.spool.write_text("a file where the folder should be")
    script = asterisk.run("start")
    assert script.returncode == 0
    assert asterisk.variables["HOTLINE_SOURCE"] == "tv_spot"


@pytest.mark.parametrize("config", ["", "[]", "{", '{"spool": 1}', '{"numbers": [1]}', "\x00"])
def test_a_broken_config_does_not_hurt_the_caller(asterisk: Asterisk, config: str) -> None:
    asterisk.config.write_text(config)
    assert asterisk.run("start").returncode == 0


def test_a_phase_it_does_not_know_is_said_and_nothing_more(asterisk: Asterisk) -> None:
    script = asterisk.run("middle")
    assert script.returncode == 0
    assert script.stderr is not None
    assert b"middle" in script.stderr.read()


def test_nothing_half_written_is_ever_named_json(asterisk: Asterisk) -> None:
    asterisk.run("start")
    assert [path.suffix for path in asterisk.spool.iterdir()] == [".json"]
    [file] = asterisk.spool.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_call_id_cannot_leave_the_spool(tmp_path: Path) -> None:
    record: fail_open.Record = {"call_id": "../../etc/passwd", "phase": "start"}
    assert fail_open.write(tmp_path / "spool", record).parent == tmp_path / "spool"
