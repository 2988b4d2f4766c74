"""Evaluations: what a function costs in time and memory."""

from __future__ import annotations

from agno_lite.eval.performance import PerformanceEval
from agno_lite.eval.result import PerformanceResult

__all__ = ["PerformanceEval", "PerformanceResult"]
