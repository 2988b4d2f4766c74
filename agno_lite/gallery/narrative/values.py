"""Values in prose: `{{ facts.runs | length }}` is what the recorded run says."""

from __future__ import annotations

import re
import statistics
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from typing import Any

from jinja2 import StrictUndefined, TemplateError, Undefined
from jinja2.sandbox import SandboxedEnvironment

from agno_lite.exceptions import GalleryError
from agno_lite.gallery.records import JSON, Capture, Measurements
from agno_lite.gallery.text import printable

# Letters, digits and what has no meaning in Markdown anywhere stay; a point or hyphen after a digit or
# letter does too. All else becomes a character reference, which every Markdown leaves alone.
_SPECIAL = re.compile(r"(?<![0-9A-Za-z])[.\-]|[^\w\s.,;?%/()\-\u0080-\U0010ffff]|_", re.ASCII)


def namespace(capture: Capture, measurements: Measurements | None = None) -> Mapping[str, Any]:
    """What expressions may use: `facts`, the capture as plain data, and `measured`, if there is any.

    Beside the fields of `Capture`, `facts` has `requests`, the exchanges with their bodies in place of the
    keys, and `runs`, the spans of agents and teams that no other agent or team called. Beside those of
    `Measurements`, `measured` has `most_at_once`, `waited` and `exchanging`. A filter `median` is there for
    figures: `{{ measured.evaluations[0].memory_usages[1:] | median | round(2) }}`.
    """
    facts = asdict(capture)
    facts["requests"] = [_with_bodies(exchange, capture.bodies) for exchange in facts["exchanges"]]
    facts["runs"] = _outermost_runs(facts["spans"])
    return {"facts": facts} if measurements is None else {"facts": facts, "measured": _measured(measurements)}


def _measured(measurements: Measurements) -> JSON:
    computed = ("most_at_once", "waited", "exchanging")
    return asdict(measurements) | {name: getattr(measurements, name) for name in computed}


def _with_bodies(exchange: JSON, bodies: JSON) -> JSON:
    found = {side: bodies.get(exchange[side]) for side in ("request", "response")}
    return {**exchange, **found}


def _outermost_runs(spans: list[JSON]) -> list[JSON]:
    """Spans of a run that stand in no other run."""
    by_id = {span["id"]: span for span in spans}

    def inside_a_run(span: JSON) -> bool:
        parent = by_id.get(span["parent"])
        return parent is not None and (parent["kind"] in _RUNS or inside_a_run(parent))

    return [span for span in spans if span["kind"] in _RUNS and not inside_a_run(span)]


_RUNS = ("invoke_agent", "invoke_team")


def evaluate(expression: str, names: Mapping[str, Any]) -> str:
    """The text or number that an expression yields.

    Raises:
        GalleryError: it cannot be evaluated, names a fact that there is not, or yields something else.
    """
    try:
        value = _environment().compile_expression(expression.strip(), undefined_to_none=False)(**names)
        if isinstance(value, Undefined):
            str(value)  # raises the error that names what is missing
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        raise GalleryError(
            f"expected a value of the recorded run, but {{{{ {expression.strip()} }}}} cannot be evaluated: "
            f"{error}; correct it"
        ) from error
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise GalleryError(
            f"expected a text or a number, but {{{{ {expression.strip()} }}}} is a {type(value).__name__}; "
            "apply a filter such as length or join"
        )
    return str(value)


def escape(text: str) -> str:
    """The text so that Markdown and HTML show it as it is, on one line."""
    return _SPECIAL.sub(lambda match: f"&#{ord(match[0])};", " ".join(printable(text).split()))


@cache
def _environment() -> SandboxedEnvironment:
    environment = SandboxedEnvironment(undefined=StrictUndefined)
    environment.filters["median"] = statistics.median
    return environment
