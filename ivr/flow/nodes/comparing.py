"""A value of the call against what the flow's author wrote: numbers and amounts by their size, ISO dates by the day."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator

_NUMBER = re.compile(r"[+-]?[0-9]{1,16}(\.[0-9]{1,9})?")


def measure(text: str) -> Decimal | date | None:
    """What the text is the writing of: a number, or a date (a time behind it is left out); None for anything else."""
    if _NUMBER.fullmatch(text):
        return Decimal(text)
    try:
        return datetime.fromisoformat(text).date()
    except ValueError:
        return None


def _bound(written: Any) -> Any:
    """YAML reads 2026-03-05 as a date and 0.1 as a float: what was written is meant."""
    found = measure(str(written)) if isinstance(written, str | int | float) else written
    if isinstance(found, datetime):
        return found.date()
    if not isinstance(found, Decimal | date):
        raise ValueError("is neither a number nor a date (2026-03-05)")
    return found


Bound = Annotated[Decimal | date, BeforeValidator(_bound, json_schema_input_type=float | str)]


def compares(value: str, bound: Decimal | date, *, above: bool, equal: bool) -> bool:
    """Whether the value is above the bound (or below it), or ``equal`` to it where that counts. A text, or a date
    against a number, is neither."""
    known = measure(value)
    if isinstance(known, Decimal) and isinstance(bound, Decimal):
        return _ordered(known.compare(bound), above, equal)
    if isinstance(known, date) and isinstance(bound, date):
        return _ordered(Decimal((known - bound).days), above, equal)
    return False


def _ordered(difference: Decimal, above: bool, equal: bool) -> bool:
    return equal if difference == 0 else (difference > 0) is above
