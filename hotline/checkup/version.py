"""Is this Asterisk old enough to work and new enough to be safe?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hotline.checkup.finding import Finding, fail, ok, warn

_OLDEST = 20
# Nineteen changes that close security reports entered the 22 branch with 22.10.1 (2026-06-25).
_FLOORS = {22: (22, 10, 1)}


def asterisk_version(text: str) -> Iterator[Finding]:
    """``text``: ``22.10.1+dfsg…`` or ``Asterisk 20.6.0~dfsg…``."""
    version = parse_version(text)
    if not version:
        yield warn(f"the version '{text[:60]}' of Asterisk is not understood", "compare it with 22.10.1 yourself")
        return
    told, floor = f"Asterisk {'.'.join(map(str, version))}", _FLOORS.get(version[0])
    if version[0] < _OLDEST:
        yield fail(f"{told} is too old", "asterisk/bring brings a new one, without root")
    elif floor is not None and version < floor:
        yield fail(f"{told} has known holes", f"bring {'.'.join(map(str, floor))} or later (asterisk/bring)")
    elif floor is None:
        yield warn(f"{told}: we know the safe floor of branch 22 only", "see that your distribution patches it")
    else:
        yield ok(told)


def parse_version(text: str) -> tuple[int, ...]:
    """(22, 10, 1), or () when there is no number in front. A release without a third number has a 0 there."""
    found = re.match(r"(?:Asterisk )?(?:\d+:)?(?:certified[-/])?(\d+)(?:\.(\d+))?(?:\.(\d+))?", text)
    return tuple(int(part or 0) for part in found.groups()) if found else ()
