"""Which advert brought the call: the number that was dialled tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# An explicit source, so that no report ever has a hole: the number was not one of ours to map.
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class MediaSource:
    """``kind``: the medium ("tv", "newspaper", "web", "packaging")."""

    id: str
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class NumberSpec:
    """One toll-free number of the site. ``source`` None: the number stands in no advert."""

    number: str
    source: str | None
    campaign: str | None
    flow: str


@dataclass(frozen=True, slots=True)
class Tag:
    """What a call is marked with at first contact. ``campaign`` may be ''."""

    source: str
    campaign: str


def tag(dnis: str, numbers: Mapping[str, NumberSpec]) -> Tag:
    """The tag for a call to ``dnis``. Exact numbers only: a near miss is unknown, never somebody else's
    advert."""
    spec = numbers.get(dnis)
    if spec is None:
        return Tag(UNKNOWN, "")
    return Tag(spec.source or UNKNOWN, spec.campaign or "")
