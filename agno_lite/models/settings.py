"""Which model answers: the service, or the built-in offline model.

First match wins:

1. `api_key`, `base_url` or `http_client` given to the model object: the service;
2. `AGNO_LITE_OFFLINE=1`: the offline model;
3. `OPENAI_API_KEY` or `OPENAI_BASE_URL`: the service;
4. `offline = "fallback"` under `[tool.agno_lite]` in the nearest pyproject.toml above the running
   script: the offline model;
5. otherwise an error that names these ways out. Nothing else ever makes the offline model answer.
"""

from __future__ import annotations

import os
import sys
import tomllib
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from agno_lite.exceptions import ConfigurationError

OPENAI_URL = "https://api.openai.com/v1"
"""Where OpenAI's service is, if nothing else is said."""
NO_KEY = "no-key"
"""Sent as key to a given address when there is none: local servers need no key."""

_TRUTH = {"": False, "0": False, "false": False, "no": False, "1": True, "true": True, "yes": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where requests go."""

    offline: bool = False
    """Whether the built-in model answers."""
    base_url: str = OPENAI_URL
    """Address of the service, without meaning if offline."""
    api_key: str = field(default=NO_KEY, repr=False)
    """Key for the service."""


def resolve(
    *, api_key: str | None = None, base_url: str | None = None, given_client: bool = False
) -> Endpoint:
    """Find out which model answers.

    Args:
        api_key: the key given to the model object.
        base_url: the address given to the model object.
        given_client: whether an HTTP client was given to the model object.

    Raises:
        ConfigurationError: no rule applies, or a setting has a value that it cannot have.
    """
    if api_key is not None or base_url is not None or given_client:
        return _service(api_key, base_url)
    if _offline_forced():
        return Endpoint(offline=True)
    if _environment("OPENAI_API_KEY") or _environment("OPENAI_BASE_URL"):
        return _service(None, None)
    if _fallback_allowed(_script_directory()):
        return Endpoint(offline=True)
    raise ConfigurationError(
        "no model can be reached: expected an API key, got none. Set OPENAI_API_KEY (and OPENAI_BASE_URL for"
        " another service), or give api_key=… or base_url=… to the model. To be answered by the built-in"
        ' offline model, which follows rules, set AGNO_LITE_OFFLINE=1 or write offline = "fallback" under'
        " [tool.agno_lite] in the project's pyproject.toml"
    )


def _service(api_key: str | None, base_url: str | None) -> Endpoint:
    key = (api_key or _environment("OPENAI_API_KEY") or NO_KEY).strip()
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise ConfigurationError(
            "the API key cannot be sent in a header: expected printable ASCII without spaces, got a key of"
            f" {len(key)} characters with others; copy it again into OPENAI_API_KEY or api_key"
        )
    return Endpoint(base_url=base_url or _environment("OPENAI_BASE_URL") or OPENAI_URL, api_key=key)


def _environment(name: str) -> str:
    return os.environ.get(name, "").strip()


def _offline_forced() -> bool:
    value = _environment("AGNO_LITE_OFFLINE")
    if value.lower() not in _TRUTH:
        raise ConfigurationError(f"AGNO_LITE_OFFLINE: expected 1 or 0, got {value!r}")
    return _TRUTH[value.lower()]


def _script_directory() -> Path:
    """Directory of the running script; the working directory in an interactive session."""
    script = getattr(sys.modules.get("__main__"), "__file__", None)
    return Path(script).absolute().parent if script else Path.cwd()


@lru_cache(maxsize=64)
def _fallback_allowed(directory: Path) -> bool:
    files = (parent / "pyproject.toml" for parent in (directory, *directory.parents))
    nearest = next((file for file in files if file.is_file()), None)
    if nearest is None:
        return False
    settings = _tool_table(nearest)
    value = settings.get("offline")
    if value not in (None, "fallback"):
        raise ConfigurationError(
            f'{nearest}: offline under [tool.agno_lite]: expected "fallback" or no such line, got {value!r}'
        )
    return value == "fallback"


def _tool_table(file: Path) -> dict[str, Any]:
    try:
        project = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(
            f"{file}: expected a readable TOML file, got: {error}; correct it, or set OPENAI_API_KEY or"
            " AGNO_LITE_OFFLINE=1, with which it is not read"
        ) from error
    tool = project.get("tool", {})
    settings = tool.get("agno_lite", {}) if isinstance(tool, dict) else tool
    if not isinstance(settings, dict):
        raise ConfigurationError(f"{file}: tool.agno_lite: expected a table, got {settings!r}")
    return settings
