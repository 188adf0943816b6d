"""Samples → spreads → ratios → a verdict. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Place = Literal["p50", "p95", "p99", "mean"]


@dataclass(frozen=True, slots=True)
class Spread:
    """``n`` samples of one peer. The percentiles are samples that were really seen (nearest rank)."""

    n: int
    p50: float
    p95: float
    p99: float
    mean: float


def spread(samples: Sequence[float]) -> Spread:
    """Raises ValueError for no samples."""
    if not samples:
        raise ValueError("nothing was measured")
    ranked = sorted(samples)
    p50, p95, p99 = (percentile(ranked, share) for share in (50, 95, 99))
    return Spread(len(ranked), p50, p95, p99, math.fsum(ranked) / len(ranked))


def percentile(ranked: Sequence[float], share: float) -> float:
    """The smallest of ``ranked`` (ascending, not empty) that at least ``share`` per cent do not exceed."""
    return ranked[max(0, math.ceil(len(ranked) * share / 100) - 1)]


@dataclass(frozen=True, slots=True)
class Target:
    """What is wanted of ``top`` / ``bottom``, two peers, at one place of their spreads."""

    top: str
    bottom: str
    at: Place
    sense: Literal["at least", "at most"]
    bound: float


@dataclass(frozen=True, slots=True)
class Ratio:
    target: Target
    value: float

    @property
    def met(self) -> bool:
        wanted = self.target
        return self.value >= wanted.bound if wanted.sense == "at least" else self.value <= wanted.bound


@dataclass(frozen=True, slots=True)
class Report:
    """One benchmark's outcome. ``aside``: further spreads that no target is set on; ``notes``: how fair it is."""

    name: str
    title: str
    unit: str
    peers: Mapping[str, Spread]
    ratios: tuple[Ratio, ...]
    notes: tuple[str, ...]
    aside: Mapping[str, Spread]

    @property
    def met(self) -> bool:
        return all(ratio.met for ratio in self.ratios)

    def as_json(self) -> dict[str, Any]:
        return {
            "bench": self.name,
            "unit": self.unit,
            "peers": {name: asdict(found) for name, found in self.peers.items()},
            "aside": {name: asdict(found) for name, found in self.aside.items()},
            "ratios": [{**asdict(r.target), "value": r.value, "met": r.met} for r in self.ratios],
            "notes": list(self.notes),
        }


def report(
    name: str,
    title: str,
    unit: str,
    samples: Mapping[str, Sequence[float]],
    targets: Sequence[Target],
    *,
    notes: Sequence[str] = (),
    aside: Mapping[str, Sequence[float]] | None = None,
) -> Report:
    """``samples`` and ``aside``: peer → samples in ``unit``. Raises ValueError for a peer without samples."""
    peers = {peer: spread(found) for peer, found in samples.items()}
    return Report(
        name,
        title,
        unit,
        peers,
        tuple(Ratio(target, _quotient(peers, target)) for target in targets),
        tuple(notes),
        {peer: spread(found) for peer, found in (aside or {}).items()},
    )


def _quotient(peers: Mapping[str, Spread], target: Target) -> float:
    top, bottom = (getattr(peers[name], target.at) for name in (target.top, target.bottom))
    return float(top / bottom) if bottom else math.inf
