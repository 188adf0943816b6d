"""`--watch`: a table drawn anew every second until Ctrl-C. An engine that is away is told of, and waited for."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
    with _ctrl_c() as ended, Live(_drawn(draw), console=out, auto_refresh=False, screen=True) as live:
        while not ended.wait(_EVERY_S):
            live.update(_drawn(draw), refresh=True)


@contextmanager
def _ctrl_c() -> Iterator[threading.Event]:
    """Set by Ctrl-C. A flag and no exception: one that comes in the middle of an answer would be swallowed there."""
    ended = threading.Event()
    before = signal.signal(signal.SIGINT, lambda _number, _frame: ended.set())
    try:
        yield ended
    finally:
        signal.signal(signal.SIGINT, before)


def _drawn(draw: Callable[[], RenderableType]) -> RenderableType:
    now = Text(f"{datetime.now().astimezone():%H:%M:%S}   Ctrl-C ends", style="dim")
    try:
        return Group(draw(), now)
    except ControlError as reason:
        return Group(Text(str(reason)), now)
