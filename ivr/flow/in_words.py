"""A branch's cases in a few words, for people: on the edges of a graph, and as the reason of a way."""

from __future__ import annotations

from collections.abc import Mapping

from ivr.flow.nodes.branch import When


def condition(when: When) -> str:
    """``source tv_spot, value product, in laptop printer``: every field that is written, in the schema's order."""
    asked = when.model_dump(mode="json", by_alias=True, exclude_none=True)
    return ", ".join(_told(field, value) for field, value in asked.items())


def _told(field: str, value: object) -> str:
    """``caller known and tier gold and not open order``; ``queue desk staffed and waiting below 3``."""
    name = field.replace("_", " ")
    if field == "caller" and isinstance(value, dict):
        return f"{name} {_facts(value)}"
    if field == "queue" and isinstance(value, dict):
        return f"{name} {value.pop('name')} {_facts(value)}"
    return f"{name} {_plain(value)}"


def _facts(asked: Mapping[str, object]) -> str:
    return " and ".join(_fact(field, value) for field, value in asked.items())


def _fact(field: str, value: object) -> str:
    words = field.replace("_", " ")
    if isinstance(value, bool):
        return words if value else f"not {words}"
    if isinstance(value, float):
        return f"{words.removesuffix(' s')} {value:g} s"
    return f"{words} {_plain(value)}"


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return " ".join(map(str, value.values()))
    return " ".join(map(str, value)) if isinstance(value, list) else str(value).lower()
