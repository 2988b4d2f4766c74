"""Evaluations: what a function costs in time and memory."""

from __future__ import annotations

from agno_lite.eval.performance import PerformanceEval
from agno_lite.eval.result import AllocationGrowth, MemoryGrowth, PerformanceResult, Statistics

__all__ = ["AllocationGrowth", "MemoryGrowth", "PerformanceEval", "PerformanceResult", "Statistics"]
