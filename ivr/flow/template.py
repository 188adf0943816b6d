"""Text with `{name}` in it: the call's value of that name is put there, once, and never evaluated, so a value that
holds braces stays as it is. Only for what is spoken, sent or looked up; nothing of it reaches a dialplan or a command.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

_NAMED = re.compile(r"\{([a-z][a-z0-9_]{0,63})\}")


def names(template: str) -> list[str]:
    """The values that it needs, each once, in order."""
    return list(dict.fromkeys(_NAMED.findall(template)))


def filled(template: str, known: Mapping[str, str], quote: Callable[[str], str] = str) -> str | None:
    """``quote``: what is done to each value before it is put in. None when one of them is not known."""
    if not all(known.get(name) for name in names(template)):
        return None
    return _NAMED.sub(lambda found: quote(known[found[1]]), template)
