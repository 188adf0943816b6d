"""AGI scripts of the site's: our side of the session, and the launcher that sees to their time."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from ivr.agi.codec import Reply
from ivr.agi.limits import AgiLimits
from ivr.agi_script import run_agi_script, variable
from ivr.voice import Ended, ScriptEnd


class PaperSession:
    """Answers as Asterisk does when the script has ended with ``status`` and set ``sets``."""

    def __init__(self, status: str = "SUCCESS", *, gone: bool = False, **sets: str) -> None:
        self.limits = AgiLimits()
        self.gone = False
        self.variables: dict[str, str] = {"HOTLINE_SCRIPT_OLD": "stale"}
        self.executed: list[tuple[str, str, float]] = []
        self._after = {"AGISTATUS": status, **sets}
        self._leaves = gone

    async def set_variables(self, values: dict[str, str]) -> Reply:
        self.variables |= values
        return Reply(200, "0")

    async def execute(self, app: str, args: str = "", timeout_s: float | None = None) -> Reply:
        self.executed.append((app, args, timeout_s or 0.0))
        self.gone = self._leaves
        self.variables |= self._after
        return Reply(200, "0")

    async def full_variable(self, *names: str) -> tuple[str, ...]:
        return tuple(self.variables.get(name, "") for name in names)


async def test_values_go_in_and_come_out_as_variables() -> None:
    session = PaperSession(HOTLINE_SCRIPT_TIER="gold", HOTLINE_SCRIPT_UNASKED="x")
    end = await run_agi_script(session, "words", {"a": 'x,"y\nz', "tier": "tin"}, ["tier", "old"], 5.0)  # type: ignore[arg-type]
    assert end == ScriptEnd(Ended.SILENCE, {"tier": "gold"})  # what another script had set is not taken for its own
    assert session.executed[0][:2] == ("AGI", "words")
    assert session.variables[variable("a")] == 'x,"y z'


@pytest.mark.parametrize(
    ("session", "end"),
    [
        (
            PaperSession("FAILURE", HOTLINE_SCRIPTFAILED="it ended with 1"),
            ScriptEnd(Ended.SILENCE, {}, "it ended with 1"),
        ),
        (PaperSession("FAILURE"), ScriptEnd(Ended.SILENCE, {}, "Asterisk says FAILURE")),
        (PaperSession("NOTFOUND"), ScriptEnd(Ended.SILENCE, {}, "Asterisk says NOTFOUND")),
        (PaperSession("HANGUP", gone=True), ScriptEnd(Ended.GONE)),
    ],
)
async def test_endings(session: PaperSession, end: ScriptEnd) -> None:
    assert await run_agi_script(session, "words", {}, [], 5.0) == end  # type: ignore[arg-type]


def launched(folder: Path, script: str, limit_s: float = 20.0) -> subprocess.Popen[str]:
    (folder / "s.py").write_text(script, "utf-8")
    words = [sys.executable, "-I", "-m", "agi_scripts.standalone.timed", str(folder / "s.py"), str(limit_s)]
    return subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_the_script_has_the_channel_for_itself(tmp_path: Path) -> None:
    script = "import os\nprint('NOOP', input(), os.path.basename(os.getcwd()))\n"
    process = launched(tmp_path, script)
    assert process.communicate("agi_x: 1\n", timeout=30)[0] == f"NOOP agi_x: 1 {tmp_path.name}\n"
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("script", "failed"),
    [
        ("import sys\nsys.exit(3)", "it ended with 3"),
        ("raise LookupError('what was typed')", "it ended with 1 (LookupError)"),
        ("import sys\nsys.stderr.write('x' * 100_000 + 'what was typed')\nsys.exit(1)", "it ended with 1"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "it ended with -9"),
    ],
)
def test_why_it_failed_is_told_to_the_channel(tmp_path: Path, script: str, failed: str) -> None:
    process = launched(tmp_path, script)
    assert process.communicate(timeout=30)[0] == f'\nSET VARIABLE HOTLINE_SCRIPTFAILED "{failed}"\n'
    assert process.returncode == 1


def test_a_script_that_hangs_is_ended_in_the_middle_of_a_command_with_its_children(tmp_path: Path) -> None:
    script = "import subprocess, time\nsubprocess.Popen(['sleep', '43.1'])\nprint('half', end='', flush=True)\n"
    process = launched(tmp_path, script + "time.sleep(60)\n", 3.0)
    out = process.communicate(timeout=30)[0]
    assert out == 'half\nSET VARIABLE HOTLINE_SCRIPTFAILED "its 3 s were over"\n'
    sleepers = [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", "43.1"]]
    assert not psutil.wait_procs(sleepers, timeout=5)[1]


def test_a_hang_up_is_passed_on_and_ends_a_script_that_does_not_hear(tmp_path: Path) -> None:
    deaf = "import signal, time\nsignal.signal(signal.SIGHUP, lambda *_: print('heard', flush=True))\n"
    process = launched(tmp_path, deaf + "print('up', flush=True)\nwhile True:\n    time.sleep(1)\n", 60.0)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    begun = time.monotonic()
    process.send_signal(signal.SIGHUP)
    assert process.stdout.readline() == "heard\n"
    assert process.wait(timeout=30) == 0
    assert time.monotonic() - begun < 20
