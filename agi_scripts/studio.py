"""What recording a prompt by telephone needs of the centre; the talk itself is in `recording_desk.py`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(slots=True)
class Order:
    """A take that was ordered at the console. ``state``: ringing, recording, kept, refused, gone. ``extension``: only
    its phone may do it."""

    key: str
    code: str
    extension: str
    state: str = "ringing"
    why: str = ""


@dataclass(frozen=True, slots=True)
class Studio:
    """``keys``: the prompts, in the order of their numbers. ``languages``: the site's words → codes, in the order of
    the keys that choose them. ``takes``: the folder that Asterisk records into. ``keep(key, code, take)`` makes the
    file a recording that is played; raises Refused with the reason, and OSError. ``orders``: by token."""

    keys: tuple[str, ...]
    languages: Mapping[str, str]
    takes: Path
    keep: Callable[[str, str, Path], Awaitable[None]]
    orders: dict[str, Order] = field(default_factory=dict)
