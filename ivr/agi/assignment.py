"""Values on their way into channel variables through one `EXEC MSet`.

MSet cuts its line at commas, and this cut minds brackets and takes quotes and backslashes away: so what is
special is escaped once. The second cut, at the first `=`, takes nothing away (both measured on Asterisk
22.10). Nothing is expanded on this way: `${X}` stays `${X}`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ivr.agi.errors import LocalError
from ivr.agi.limits import LINE_OUT_BYTES

PAIRS = 24  # MSet has room for so many and drops the rest
_ROOM = LINE_OUT_BYTES // 2  # quoting the line for AGI may double it
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\([A-Za-z0-9_:-]*\))?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SPECIAL = re.compile(r'([\\"()\[\],])')


def assignments(values: Mapping[str, str]) -> Iterator[str]:
    """The arguments of as few MSets as it takes, in order. LocalError for a name that is none and for a
    control character in a value."""
    batch: list[str] = []
    for name, value in values.items():
        pair = _pair(name, value)
        if batch and (len(batch) == PAIRS or len(",".join([*batch, pair]).encode()) > _ROOM):
            yield ",".join(batch)
            batch = []
        batch.append(pair)
    if batch:
        yield ",".join(batch)


def _pair(name: str, value: str) -> str:
    if not _NAME.fullmatch(name):
        raise LocalError(f"{name!r} is not the name of a channel variable")
    if _CONTROL.search(value):
        raise LocalError(f"control character in the value of {name}")
    escaped = _SPECIAL.sub(r"\\\1", value)
    return f"{name}={escaped}"
