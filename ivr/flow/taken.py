"""What comes from outside of the call and becomes one of its values.

A plain word becomes an attribute, which is kept over a restart of the engine; any other text is among the texts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ivr.flow.state import CallState

LONGEST = 2000  # characters; what is longer is cut
_PLAIN = re.compile(r"[A-Za-z0-9_.-]{1,64}")  # what fits an attribute
_UNSPEAKABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")


def take(state: CallState, found: Mapping[str, str | None]) -> None:
    """Write what was found under its names; None and '' forget what was there. What breaks or turns a line becomes a
    space."""
    for name, value in found.items():
        text = _UNSPEAKABLE.sub(" ", value or "").strip()[:LONGEST]
        state.attributes.pop(name, None)
        state.texts.pop(name, None)
        if text:
            shelf = state.attributes if _PLAIN.fullmatch(text) else state.texts
            shelf[name] = text


def text_of(found: Any) -> str | None:
    """One of JSON's values as a call has it; None for what is no text, number or truth. Numbers are written plain,
    without an exponent."""
    match found:
        case str():
            return found
        case bool():
            return "true" if found else "false"
        case int():
            return str(found)
        case Decimal() if found.is_finite() and abs(found.adjusted()) < 30:
            return f"{found:f}"
        case _:
            return None
