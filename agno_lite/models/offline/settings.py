"""Settings of the offline model that are not given in code."""

from __future__ import annotations

import math
import os

from agno_lite.exceptions import ConfigurationError

DEFAULT_LATENCY = 0.05
"""Seconds that an answer takes, if nothing else is said: waiting shows, and is bearable."""


def latency_setting() -> float:
    """Seconds that each answer takes: `AGNO_LITE_OFFLINE_LATENCY`, else 0.05.

    Raises:
        ConfigurationError: the variable is no number of seconds.
    """
    value = os.environ.get("AGNO_LITE_OFFLINE_LATENCY", "")
    try:
        seconds = float(value) if value.strip() else DEFAULT_LATENCY
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise ConfigurationError(f"AGNO_LITE_OFFLINE_LATENCY: expected seconds, such as 0.05, got {value!r}")
    return seconds
