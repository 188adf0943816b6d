"""A file of ours is the old one or the new one, and private from its birth."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hotline.whole_file import write_whole


def test_the_new_text_takes_the_place_of_the_old(tmp_path: Path) -> None:
    file = tmp_path / "a.conf"
    file.write_text("old")
    write_whole(file, "新")
    assert file.read_text(encoding="utf-8") == "新"
    assert file.stat().st_mode & 0o777 == 0o600
    assert [item.name for item in tmp_path.iterdir()] == ["a.conf"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.conf"
    write_whole(file, "old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(file, "new")
    assert file.read_text() == "old"
    monkeypatch.undo()
    write_whole(file, "newer")  # what the failed one left beside is in nobody's way
    assert file.read_text() == "newer"
