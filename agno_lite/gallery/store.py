"""Captures on disk: two JSON files for each example, made to be read in a review.

`NAME.facts.json` holds what is the same in every run, `NAME.measured.json` what varies. What the imported
modules defined is kept once for all captures, by the hashes of their skeletons, in `_definitions`.
"""

from __future__ import annotations

import json
import os
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from agno_lite.exceptions import CaptureError
from agno_lite.gallery.records import Capture, Measurements

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pydantic import TypeAdapter

    from agno_lite.gallery.config import Project
    from agno_lite.gallery.records import Example, Recording

FORMAT = 1
"""Number of the files' format; a file with another one is not read."""

_LINES = ("stdout", "stderr")
"""Texts that are stored as lists of lines, so that a change shows as changed lines."""

R = TypeVar("R", Capture, Measurements)


class Store:
    """The captures of a project, in `cookbook/_captures`."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def load(self, example: Example) -> Capture | None:
        """The facts of an example; `None` if it was never captured.

        Raises:
            CaptureError: the file cannot be read, or is of another format.
        """
        return self._load(self.facts_path(example), Capture)

    def load_measurements(self, example: Example) -> Measurements | None:
        """The measurements of an example; `None` if it was never captured.

        Raises:
            CaptureError: the file cannot be read, or is of another format.
        """
        return self._load(self.measurements_path(example), Measurements)

    def save(self, recording: Recording, *, measure: bool = False) -> bool:
        """Keep a recording.

        Args:
            recording: what was recorded.
            measure: renew the measurements also if the facts are what they were.

        Returns:
            Whether the facts differ from those that were there.
        """
        folder, name = self._place(recording.capture.example)
        facts, measured = folder / f"{name}.facts.json", folder / f"{name}.measured.json"
        text = _written(recording.capture)
        for skeleton, definitions in recording.capture.dependencies.definitions.items():
            self._keep_definitions(skeleton, definitions)
        changed = _differs(facts, text)
        if changed:
            _replace(facts, text)
        if changed or measure or not measured.is_file():
            _replace(measured, _written(recording.measurements))
        return changed

    def wants_measurements(self, recording: Recording) -> bool:
        """Whether `save` would keep the recording's measurements without being told to renew them."""
        folder, name = self._place(recording.capture.example)
        return (
            _differs(folder / f"{name}.facts.json", _written(recording.capture))
            or not (folder / f"{name}.measured.json").is_file()
        )

    def definitions(self, skeleton: str) -> dict[str, str] | None:
        """What a skeleton with that hash defined when a capture was made; `None` if it was not kept."""
        try:
            found = json.loads(self._definitions_path(skeleton).read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def prune(self, examples: Iterable[Example]) -> None:
        """Delete the definitions that no capture of these examples, which are all, refers to any more."""
        known = [capture for example in examples if (capture := self.load(example))]
        used = {skeleton for capture in known for skeleton in capture.dependencies.modules.values()}
        for path in self._project.definitions.glob("*.json"):
            if path.stem not in used:
                path.unlink(missing_ok=True)

    def _keep_definitions(self, skeleton: str, definitions: dict[str, str]) -> None:
        path = self._definitions_path(skeleton)
        text = json.dumps(definitions, ensure_ascii=False, indent=2) + "\n"
        if _differs(path, text):
            _replace(path, text)

    def _definitions_path(self, skeleton: str) -> Path:
        return self._project.definitions / f"{skeleton}.json"

    def facts_path(self, example: Example) -> Path:
        """File of an example's facts, whether it exists or not."""
        folder, name = self._place(example.path)
        return folder / f"{name}.facts.json"

    def measurements_path(self, example: Example) -> Path:
        """File of an example's measurements, whether it exists or not."""
        folder, name = self._place(example.path)
        return folder / f"{name}.measured.json"

    def _place(self, script: str) -> tuple[Path, str]:
        """Folder of a script's captures, and the script's name."""
        path = self._project.root / script
        inside = path.parent.relative_to(self._project.root / self._project.cookbook)
        return self._project.captures / inside, path.stem

    def _load(self, path: Path, kind: type[R]) -> R | None:
        try:
            return _read(path.read_text(encoding="utf-8"), kind)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CaptureError(
                f"{self._project.relative(path)}: expected a capture of format {FORMAT}, but {error}; "
                "delete the file and run `agno-lite gallery capture`"
            ) from error


@cache
def _adapters() -> dict[type, TypeAdapter[Any]]:
    from pydantic import TypeAdapter

    return {kind: TypeAdapter(kind) for kind in (Capture, Measurements)}


def _written(record: Capture | Measurements) -> str:
    """The text of a file."""
    fields: dict[str, Any] = _adapters()[type(record)].dump_python(record, mode="json")
    fields.get("dependencies", {}).pop("definitions", None)
    for name in _LINES:
        if fields.get(name) is not None:
            fields[name] = fields[name].split("\n")
    return json.dumps({"format": FORMAT, **fields}, ensure_ascii=False, indent=2) + "\n"


def _read(text: str, kind: type[R]) -> R:
    """The record in a file's text.

    Raises:
        ValueError: it is no JSON, of another format, or lacks something.
    """
    fields = json.loads(text)
    if not isinstance(fields, dict) or fields.pop("format", None) != FORMAT:
        raise ValueError("it is of another one")
    for name in _LINES:
        if fields.get(name) is not None:
            fields[name] = "\n".join(fields[name])
    record: R = _adapters()[kind].validate_python(fields)
    return record


def _differs(path: Path, text: str) -> bool:
    """Whether a file is not there, or holds another text."""
    return not path.is_file() or path.read_bytes() != text.encode()


def _replace(path: Path, text: str) -> None:
    """Write a file in one step: a reader sees the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        scratch.write_text(text, encoding="utf-8", newline="\n")
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
