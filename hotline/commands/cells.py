"""How the CRM's values look: in a table and in a spreadsheet by the site's clock, in JSON in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Any

from crm_bridge.directory import plain_amount

_UNITS = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))


def in_json(value: Any) -> Any:
    """Instants as ISO 8601 in UTC with milliseconds; an amount as a text, so that no cent is lost."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, Mapping):
        return {key: in_json(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [in_json(each) for each in value]
    if isinstance(value, Decimal):
        return plain_amount(value)
    return value.isoformat() if isinstance(value, date) else value


def in_spreadsheet(value: Any, zone: tzinfo) -> object:
    if isinstance(value, datetime):
        return f"{value.astimezone(zone):%Y-%m-%d %H:%M:%S}"
    return joined(value) if isinstance(value, Mapping) else value


def in_table(value: Any, zone: tzinfo) -> object:
    if isinstance(value, datetime):
        return f"{value.astimezone(zone):%m-%d %H:%M:%S}"
    if isinstance(value, Mapping):
        return joined(value)
    if isinstance(value, Decimal):
        return plain_amount(value)
    return f"{value:.1f}" if isinstance(value, float) else value


def joined(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def span(seconds: float | None) -> str:
    """``5h 12min``, ``2d``; of what is over, ``3h ago``."""
    if seconds is None:
        return ""
    rest, told = int(abs(seconds)), []
    for unit, length in _UNITS:
        count, rest = divmod(rest, length)
        told += [f"{count}{unit}"] if count else []
    text = " ".join(told[:2]) or "0s"
    return f"{text} ago" if seconds < 0 else text
