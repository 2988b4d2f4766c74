"""Statistics, and the record of a result."""

from __future__ import annotations

import json
import math
from dataclasses import FrozenInstanceError
from fractions import Fraction
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agno_lite.eval.performance import PerformanceResult
from agno_lite.eval.result import Statistics

figures = st.lists(st.floats(min_value=0, max_value=1e6, allow_subnormal=False), min_size=1, max_size=60)


def at_share(values: list[float], share: Fraction) -> Fraction:
    """The value at a share of the way from the smallest to the largest, linear between neighbours."""
    exact = sorted(map(Fraction, values))
    place = (len(exact) - 1) * share
    below = math.floor(place)
    above = min(below + 1, len(exact) - 1)
    return exact[below] + (place - below) * (exact[above] - exact[below])


@given(figures)
def test_statistics_are_those_of_the_textbook(values: list[float]) -> None:
    """Each statistic agrees with its formula in exact arithmetic."""
    found = Statistics.of(values)
    assert found is not None
    exact = list(map(Fraction, values))
    mean = sum(exact) / len(exact)
    variance = sum((value - mean) ** 2 for value in exact) / (len(exact) - 1) if len(exact) > 1 else 0
    near = partial(pytest.approx, rel=1e-9, abs=1e-9)
    assert found.mean == near(float(mean))
    assert (found.minimum, found.maximum) == (
        float(at_share(values, Fraction(0))),
        float(at_share(values, Fraction(1))),
    )
    assert found.standard_deviation == near(math.sqrt(variance))
    assert found.median == near(float(at_share(values, Fraction(1, 2))))
    assert found.percentile_95 == near(float(at_share(values, Fraction(95, 100))))


def test_no_figures_have_no_statistics() -> None:
    """A pass that was not made has no mean of 0."""
    assert Statistics.of([]) is None
    result = PerformanceResult(eval_id="e", name="n")
    assert (result.runtime, result.memory, result.avg_run_time, result.p95_memory_usage) == (None,) * 4


def test_a_result_has_agnos_names() -> None:
    """Statistics can also be read under the names that scripts for Agno use."""
    result = PerformanceResult(eval_id="e", name="n", run_times=(1.0, 3.0), memory_usages=(2.0, 2.0, 5.0))
    assert (result.avg_run_time, result.min_run_time, result.max_run_time) == (2.0, 1.0, 3.0)
    assert (result.std_dev_run_time, result.median_run_time) == (math.sqrt(2), 2.0)
    assert result.p95_run_time == pytest.approx(2.9)
    assert (result.avg_memory_usage, result.min_memory_usage, result.max_memory_usage) == (3.0, 2.0, 5.0)
    assert result.std_dev_memory_usage == pytest.approx(math.sqrt(3))
    assert result.median_memory_usage == 2.0
    assert result.p95_memory_usage == pytest.approx(4.7)


def test_a_result_cannot_be_changed_and_is_plain_data() -> None:
    """Results are frozen, and `to_dict` gives what JSON can hold, statistics included."""
    result = PerformanceResult(eval_id="e", name="n", run_times=(1.0, 3.0), run_requests=(1, 1))
    with pytest.raises(FrozenInstanceError):
        result.name = "other"  # type: ignore[misc]
    data = json.loads(json.dumps(result.to_dict()))
    assert data["run_times"] == [1.0, 3.0]
    assert data["runtime"]["mean"] == 2.0
    assert data["memory"] is None
