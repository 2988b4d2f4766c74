"""Which model answers."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from agno_lite.exceptions import ConfigurationError
from agno_lite.models.offline.settings import latency_setting
from agno_lite.models.openai import OpenAIChat
from agno_lite.models.settings import OPENAI_URL, resolve

if TYPE_CHECKING:
    from pathlib import Path

FALLBACK = '[tool.agno_lite]\noffline = "fallback"\n'
SCRIPT = """
from agno_lite.exceptions import ConfigurationError
from agno_lite.models.openai import OpenAIChat
try:
    print(OpenAIChat("gpt-4o-mini"{arguments}).describe())
except ConfigurationError as error:
    print("refused:", error)
"""
OFFLINE = (
    "gpt-4o-mini, played by the built-in offline model, which follows rules"
    " (another: set OPENAI_API_KEY, and not AGNO_LITE_OFFLINE)"
)
WAYS_OUT = ("OPENAI_API_KEY", "api_key", "base_url", "AGNO_LITE_OFFLINE=1", "offline =", "[tool.agno_lite]")


def described(directory: Path, arguments: str = "", **environment: str) -> str:
    """What a script in a directory prints of its model."""
    script = directory / "script.py"
    script.write_text(SCRIPT.format(arguments=arguments), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        cwd="/",
        env={"PATH": os.environ["PATH"], **environment},
    )
    return done.stdout.strip()


ORDER = [
    (", api_key='k'", {"AGNO_LITE_OFFLINE": "1"}, "gpt-4o-mini at api.openai.com"),
    (", base_url='http://h:1/v1'", {"AGNO_LITE_OFFLINE": "1"}, "gpt-4o-mini at h:1"),
    (", api_key='k'", {"OPENAI_BASE_URL": "http://h:2/v1"}, "gpt-4o-mini at h:2"),
    ("", {"AGNO_LITE_OFFLINE": "1", "OPENAI_API_KEY": "k"}, OFFLINE),
    ("", {"AGNO_LITE_OFFLINE": "0", "OPENAI_API_KEY": "k"}, "gpt-4o-mini at api.openai.com"),
    ("", {"OPENAI_API_KEY": "k"}, "gpt-4o-mini at api.openai.com"),
    ("", {"OPENAI_BASE_URL": "http://u:p@h:3/v1"}, "gpt-4o-mini at h:3"),
    ("", {"OPENAI_API_KEY": " "}, OFFLINE),
    ("", {}, OFFLINE),
]


@pytest.mark.parametrize(("arguments", "environment", "expected"), ORDER)
def test_first_match_wins(tmp_path: Path, arguments: str, environment: dict[str, str], expected: str) -> None:
    """Arguments come before AGNO_LITE_OFFLINE, that before OpenAI's variables, those before the project."""
    (tmp_path / "pyproject.toml").write_text(FALLBACK, encoding="utf-8")
    assert described(tmp_path, arguments, **environment) == expected


def test_nearest_project_alone_decides(tmp_path: Path) -> None:
    """The nearest pyproject.toml above the script counts, wherever the script is started."""
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text(FALLBACK, encoding="utf-8")
    assert described(inner).startswith(OFFLINE)
    (tmp_path / "a" / "pyproject.toml").write_text("[project]\nname = 'x'\n", encoding="utf-8")
    refused = described(inner)
    assert refused.startswith("refused: ")
    assert all(way in refused for way in WAYS_OUT)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[tool.agno_lite", "TOML"),
        ('[tool.agno_lite]\noffline = "always"\n', "expected \"fallback\" or no such line, got 'always'"),
        ("[tool.agno_lite]\noffline = true\n", "got True"),
        ("[tool]\nagno_lite = 1\n", "expected a table, got 1"),
        ("tool = 3\n", "expected a table, got 3"),
    ],
)
def test_broken_project_is_named(tmp_path: Path, text: str, expected: str) -> None:
    """A pyproject.toml that cannot be used is named with what was expected and what is there."""
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    refused = described(tmp_path)
    assert f"refused: {tmp_path / 'pyproject.toml'}: " in refused
    assert expected in refused
    assert described(tmp_path, OPENAI_API_KEY="k") == "gpt-4o-mini at api.openai.com"


def test_no_script_means_the_working_directory(tmp_path: Path) -> None:
    """In an interactive session the project is looked for above the working directory."""
    (tmp_path / "pyproject.toml").write_text(FALLBACK, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", "from agno_lite.models.settings import resolve; print(resolve().offline)"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={},
    )
    assert done.stdout == "True\n"


def test_settings_with_impossible_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that says neither yes nor no, or no number, is named with its value."""
    monkeypatch.setenv("AGNO_LITE_OFFLINE", "maybe")
    with pytest.raises(ConfigurationError, match="AGNO_LITE_OFFLINE: expected 1 or 0, got 'maybe'"):
        OpenAIChat().describe()
    for value in ("soon", "-1", "nan", "inf"):
        monkeypatch.setenv("AGNO_LITE_OFFLINE_LATENCY", value)
        with pytest.raises(ConfigurationError, match=f"expected seconds, such as 0.05, got '{value}'"):
            latency_setting()


def test_key_of_the_environment_goes_to_the_given_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address without a key takes the key of the environment, and a placeholder if there is none."""
    assert resolve(base_url="http://h/v1").api_key == "no-key"
    monkeypatch.setenv("OPENAI_API_KEY", " k\n")
    assert resolve(base_url="http://h/v1").api_key == "k"
    assert resolve(given_client=True).base_url == OPENAI_URL
    assert "api_key" not in repr(resolve())
