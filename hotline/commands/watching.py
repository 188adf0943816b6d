"""`--watch`: a table drawn anew every second until Ctrl-C. An engine that is away is told of, and waited for."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import datetime

from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from hotline.commands.showing import out
from hotline.control import ControlError

_EVERY_S = 1.0


def watch(draw: Callable[[], RenderableType]) -> None:
    """``draw`` may raise ControlError. Where nobody looks (no terminal) it is drawn once."""
    if not sys.stdout.isatty():
        out.print(_drawn(draw))
        return
    try:
        with Live(_drawn(draw), console=out, auto_refresh=False, screen=True) as live:
            while True:
                time.sleep(_EVERY_S)
                live.update(_drawn(draw), refresh=True)
    except KeyboardInterrupt:
        return


def _drawn(draw: Callable[[], RenderableType]) -> RenderableType:
    now = Text(f"{datetime.now().astimezone():%H:%M:%S}   Ctrl-C ends", style="dim")
    try:
        return Group(draw(), now)
    except ControlError as reason:
        return Group(Text(str(reason)), now)
