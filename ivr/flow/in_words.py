"""A branch's cases in a few words, for people: on the edges of a graph, and as the reason of a way."""

from __future__ import annotations

from ivr.flow.nodes.branch import When


def condition(when: When) -> str:
    """``source tv_spot, value product in laptop printer``: every field that is written, in the schema's order."""
    asked = when.model_dump(mode="json", by_alias=True, exclude_none=True)
    return ", ".join(f"{field} {_plain(value)}" for field, value in asked.items())


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return " ".join(map(str, value.values()))
    return " ".join(map(str, value)) if isinstance(value, list) else str(value).lower()
