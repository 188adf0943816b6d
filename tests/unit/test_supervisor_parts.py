"""Marks, locks, patience: the small parts of the supervisor."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from hotline.boot import BootSecrets
from hotline.supervision.lock import AlreadyUp, UpLock
from hotline.supervision.mark import Mark, mark_of, read_mark, write_mark
from hotline.supervision.patience import BackOff, Patience


def own_mark() -> Mark:
    mark = mark_of(os.getpid())
    assert mark is not None
    return mark


def test_a_mark_knows_its_process_again(tmp_path: Path) -> None:
    write_mark(tmp_path / "pid", own_mark())
    assert read_mark(tmp_path / "pid") == own_mark()


@pytest.mark.parametrize("other", [{"ticks": 1}, {"boot": "another"}, {"pid": 2**22 + 1}])
def test_a_reused_pid_is_somebody_else(tmp_path: Path, other: dict[str, object]) -> None:
    stranger = replace(own_mark(), **other)  # type: ignore[arg-type]
    write_mark(tmp_path / "pid", stranger)
    assert read_mark(tmp_path / "pid") is None
    assert not stranger.signal(signal.SIGKILL)  # we are still here to tell


def test_a_zombie_is_dead() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    mark = mark_of(child.pid)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # ended, and not buried
    assert mark is not None
    assert not mark.alive
    child.wait()


@pytest.mark.parametrize("text", ["", "{}", "[]", "{", '{"pid": "x", "ticks": 1, "boot": ""}', "\xff"])
def test_a_broken_pid_file_is_nobody(tmp_path: Path, text: str) -> None:
    (tmp_path / "pid").write_text(text)
    assert read_mark(tmp_path / "pid") is None


def test_the_lock_has_one_holder_and_dies_with_it(tmp_path: Path) -> None:
    with UpLock(tmp_path), pytest.raises(AlreadyUp, match=str(os.getpid())), UpLock(tmp_path):
        pass
    holder = f"import os; from pathlib import Path; from hotline.supervision.lock import UpLock\n" \
             f"UpLock(Path({str(tmp_path)!r})).__enter__(); os.kill(os.getpid(), 9)"  # fmt: skip
    subprocess.run([sys.executable, "-c", holder], check=False)
    with UpLock(tmp_path):
        pass


def test_the_first_restart_is_at_once_and_the_next_ones_are_not() -> None:
    back_off = BackOff(first_s=0.5, most_s=4, healthy_s=60)
    assert [back_off.pause_s(1) for _ in range(6)] == [0, 0.5, 1, 2, 4, 4]
    assert back_off.pause_s(61) == 0


def test_patience_is_lost_after_its_limit_and_not_before() -> None:
    patience = Patience(10, last=100)
    assert not patience.lost(109.9)
    assert patience.lost(110)
    patience.sign(109)
    assert not patience.lost(118.9)


def test_boot_secrets_are_private_and_never_printed(tmp_path: Path) -> None:
    drawn = BootSecrets.draw()
    drawn.write(tmp_path / "secrets.json")
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600
    assert BootSecrets.read(tmp_path / "secrets.json") == drawn
    assert drawn.agi not in repr(drawn)
    assert drawn.ami not in repr(drawn)
    assert drawn != BootSecrets.draw()


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"agi": "half'])
def test_broken_secrets_are_a_value_error_that_tells_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "secrets.json").write_text(text)
    with pytest.raises(ValueError, match="is broken") as error:
        BootSecrets.read(tmp_path / "secrets.json")
    assert "half" not in str(error.value)
