"""Numbers, dates and money as a person says them. Pure: a value and a language code in, a sentence out.

One module per language; a new language is a new module and one more entry in `TONGUES`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ivr.spoken.english import ENGLISH
from ivr.spoken.mandarin import MANDARIN
from ivr.spoken.tongue import Tongue
from ivr.spoken.value import Spoken, SpokenKind, Unspeakable

__all__ = ["TONGUES", "Spoken", "SpokenKind", "Unspeakable", "in_words"]

TONGUES: Mapping[str, Tongue] = {"zh": MANDARIN, "en": ENGLISH}


def in_words(spoken: Spoken, code: str) -> str:
    """``code``: the language code of the prompts ("zh"). Raises Unspeakable for a language without a module; a text
    needs none."""
    if spoken.kind is SpokenKind.TEXT:
        return spoken.text
    tongue = TONGUES.get(code)
    if tongue is None:
        raise Unspeakable(f"numbers cannot be said in '{code}' yet")
    return _WORDS[spoken.kind](tongue, spoken)


_WORDS: Mapping[SpokenKind, Callable[[Tongue, Spoken], str]] = {
    SpokenKind.NUMBER: lambda tongue, spoken: tongue.number(spoken.amount),
    SpokenKind.ORDINAL: lambda tongue, spoken: tongue.ordinal(int(spoken.amount)),
    SpokenKind.DIGITS: lambda tongue, spoken: tongue.digits(spoken.text),
    SpokenKind.DATE: lambda tongue, spoken: tongue.day(spoken.day),
    SpokenKind.TIME: lambda tongue, spoken: tongue.time(*spoken.hour_minute),
    SpokenKind.DURATION: lambda tongue, spoken: tongue.duration(int(spoken.amount)),
    SpokenKind.MONEY: lambda tongue, spoken: tongue.money(spoken.amount, spoken.currency),
}
