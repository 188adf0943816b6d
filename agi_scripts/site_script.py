"""How Asterisk starts an AGI script of the site's: by our launcher, which sees to its time."""

from __future__ import annotations

import sys
from pathlib import Path

from ivr.agi_script import Launch

_LAUNCHER = "agi_scripts.standalone.timed"


def launch_from(folder: Path) -> Launch:
    """``folder``: the site's scripts, absolute. Raises ValueError for one whose name would fall apart in the arguments
    of AGI()."""
    text = str(folder)
    if not folder.is_absolute() or any(letter in text for letter in ',"\\()[]{}$|\n\r') or not text.isprintable():
        raise ValueError(f"AGI scripts cannot be started in {text!r}")

    def launch(name: str, limit_s: float) -> str:
        return f"{sys.executable},-I,-m,{_LAUNCHER},{text}/{name}.py,{limit_s:g}"

    return launch
