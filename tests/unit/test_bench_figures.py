"""The benchmarks' arithmetic: what is printed as a ratio must be one."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.figures import Target, percentile, report, spread

AT_LEAST = Target("slow", "fast", "p50", "at least", 80)
AT_MOST = Target("fast", "slow", "p99", "at most", 0.5)


def test_percentiles_are_samples_by_nearest_rank() -> None:
    found = spread([float(n) for n in range(100, 0, -1)])
    assert (found.n, found.p50, found.p95, found.p99, found.mean) == (100, 50, 95, 99, 50.5)


def test_a_lone_sample_is_every_percentile() -> None:
    assert spread([7.0]) == spread([7.0, 7.0]).__class__(1, 7.0, 7.0, 7.0, 7.0)


def test_nothing_measured_is_an_error_and_not_a_zero() -> None:
    with pytest.raises(ValueError, match="nothing was measured"):
        spread([])


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=300), st.floats(0, 100))
def test_at_least_that_share_does_not_exceed_it_and_no_smaller_sample_will_do(
    samples: list[float], share: float
) -> None:
    ranked = sorted(samples)
    found = percentile(ranked, share)
    wanted = max(1, math.ceil(len(ranked) * share / 100))
    assert sum(1 for sample in ranked if sample <= found) >= wanted
    assert sum(1 for sample in ranked if sample < found) < wanted


@pytest.mark.parametrize(("slow_ms", "met"), [(79.9, False), (80.0, True)])
def test_a_target_is_met_at_its_bound(slow_ms: float, met: bool) -> None:
    found = report("x", "", "ms", {"slow": [slow_ms], "fast": [1.0]}, [AT_LEAST])
    assert (found.ratios[0].value, found.met) == (slow_ms, met)


def test_one_missed_target_is_a_missed_report() -> None:
    found = report(
        "x", "", "ms", {"slow": [100.0], "fast": [60.0]}, [AT_MOST, Target("slow", "fast", "p50", "at least", 1)]
    )
    assert [ratio.met for ratio in found.ratios] == [False, True]
    assert not found.met


def test_the_json_has_each_peer_each_ratio_and_its_verdict() -> None:
    found = report("x", "t", "ms", {"slow": [100.0], "fast": [1.0]}, [AT_LEAST], notes=["fair"], aside={"a": [2.0]})
    said = json.loads(json.dumps(found.as_json()))
    assert said["bench"] == "x"
    assert said["peers"]["slow"] == {"n": 1, "p50": 100.0, "p95": 100.0, "p99": 100.0, "mean": 100.0}
    assert said["ratios"] == [
        {"top": "slow", "bottom": "fast", "at": "p50", "sense": "at least", "bound": 80, "value": 100.0, "met": True}
    ]
    assert (said["notes"], said["aside"]["a"]["n"]) == (["fair"], 1)
