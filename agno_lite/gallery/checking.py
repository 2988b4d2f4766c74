"""Everything that keeps pages from being right: only what changed since the last time is looked at.

Whether a capture is stale is decided for each of its parts (a module with the functions entered in it, the
files, the packages), which many captures share, and remembered by the contents of the file. The rest of a
page is examined again if one of the files that it may be made from changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import sysconfig
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from agno_lite.gallery.cache import Cache
from agno_lite.gallery.config import Project
from agno_lite.gallery.discovery import choose, discover
from agno_lite.gallery.execution import staleness
from agno_lite.gallery.records import LOCALES, Change, Dependencies, Examination, Example, Problem
from agno_lite.gallery.store import Store

_COMPARISON = re.compile(r"^\s*/{3,}\s*comparison\s*\|\s*(\S+)", re.MULTILINE)
_NOTHING = Dependencies(script="", modules={}, functions={}, files={}, packages={})
_NOT_SOURCES = frozenset({"__pycache__", "node_modules", "site-packages"})
"""Folders in which no page looks for a file; nor in hidden ones, nor in the built site."""


def check(
    project: Project, paths: Sequence[Path] = (), *, only_captures: bool = False
) -> tuple[Problem, ...]:
    """Everything that keeps a page from being right, found without running anything.

    Stale and missing captures, runs that failed, names and values in narratives that do not hold,
    differences between the languages, missing translations.

    Args:
        project: the project.
        paths: scripts and folders to look at; if empty, the whole cookbook.
        only_captures: say no more than which captures are stale or missing, and why.

    Raises:
        GalleryError: a path holds no example, or a capture cannot be read.
    """
    checker, examples = _Checker(project), choose(project, paths)
    if only_captures:
        return checker.check_captures(examples)
    return checker.check(examples, whole=not paths)


class _Checker:
    """One check."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._store = Store(project)
        self._cache = Cache(project.root / ".cache" / "agno_lite")
        self._verdicts: dict[str, tuple[Change, ...]] = {}

    def check_captures(self, examples: Sequence[Example]) -> tuple[Problem, ...]:
        found = tuple(problem for example in examples for problem in self._stale(example))
        self._cache.save(whole=False)
        return found

    def check(self, examples: Sequence[Example], *, whole: bool) -> tuple[Problem, ...]:
        stale = [tuple(self._stale(example)) for example in examples]
        examinations = self._examinations(examples)
        self._cache.save(whole=whole)
        pairs = zip(stale, examinations, strict=True)
        found = dict.fromkeys(problem for first, then in pairs for problem in (*first, *then.problems))
        return tuple(found or self._untranslated(examinations))

    def _untranslated(self, examinations: Sequence[Examination]) -> Iterator[Problem]:
        for locale in LOCALES:
            path = f"{self._project.docs}/locales/{locale}.po"
            texts = {text for one in examinations for text in one.untranslated.get(locale, ())}
            for message in sorted(texts):
                yield Problem(
                    path=path,
                    message=f"{message!r} has no translation, or one marked fuzzy; "
                    "run: agno-lite gallery translations, then translate it",
                )
            words = {text for one in examinations for text in one.missing.get(locale, ())}
            for message in sorted(words):
                yield Problem(
                    path=path, message=f"the gallery itself has no translation of {message!r}: report it"
                )

    # --- captures --------------------------------------------------------------------------------

    def _stale(self, example: Example) -> Iterator[Problem]:
        known = self._dependencies(example)
        remedy = f"run: agno-lite gallery capture {example.path}"
        if known is None:
            yield Problem(path=example.path, message=f"it was never captured; {remedy}")
            return
        found = [change for key in known["parts"] for change in self._verdict(key)]
        own = Dependencies(**_fields(_NOTHING) | known["own"])
        verdict = f"{example.path} {own.script} {self._cache.digest(self._project.root / example.path)}"
        script = self._remembered(
            verdict, partial(staleness.script_changes, self._project, example.path, own)
        )
        environment = staleness.environment_changes(self._project, example.path, own)
        if reasons := (*script, *found, *environment):
            text = "; ".join(map(str, reasons))
            message = f"its capture is stale: {text}; {remedy}"
            yield Problem(path=example.path, message=message, changes=reasons)

    def _dependencies(self, example: Example) -> Any:
        """What an example's capture depends on: parts by their keys, and what is its own."""
        digest = self._cache.digest(self._store.facts_path(example))
        if digest is None:
            return None
        known = self._cache.get("captures", digest)
        # Tables are written one by one: this one may know more than that of the parts.
        if known is None or any(self._cache.get("parts", key) is None for key in known["parts"]):
            capture = self._store.load(example)
            assert capture is not None
            parts = {_hash(part): part for part in _parts(capture.dependencies)}
            for key, part in parts.items():
                self._cache.put("parts", key, part)
            own = {"script": capture.dependencies.script, "environment": capture.dependencies.environment}
            known = {"parts": list(parts), "own": own}
            self._cache.put("captures", digest, known)
        return known

    def _verdict(self, key: str) -> tuple[Change, ...]:
        """What changed of a part; looked at once for all captures that have it."""
        if key not in self._verdicts:
            part = self._cache.get("parts", key)
            known = Dependencies(**_fields(_NOTHING) | part)
            path = next(iter(part.get("modules") or part.get("functions") or ()), None)
            compare = partial(staleness.part_changes, self._project, known, self._store.definitions)
            if path is None:
                self._verdicts[key] = tuple(compare())
            else:
                digest = self._cache.digest(self._project.root / path)
                self._verdicts[key] = self._remembered(f"{key} {digest}", compare)
        return self._verdicts[key]

    def _remembered(self, key: str, compare: Callable[[], Iterator[Change]]) -> tuple[Change, ...]:
        """What a comparison of two contents gives. Only that there is no change is remembered."""
        if self._cache.get("equal", key):
            return ()
        found = tuple(compare())
        if not found:
            self._cache.put("equal", key, True)
        return found

    # --- pages -----------------------------------------------------------------------------------

    def _examinations(self, examples: Sequence[Example]) -> list[Examination]:
        """What is wrong with pages, from before where their sources are the same."""
        common = self._common_sources()
        keys = [self._sources(example, common) for example in examples]
        known = [self._cache.get("pages", key) for key in keys]
        unknown = [example for example, found in zip(examples, known, strict=True) if found is None]
        new = self._examined(unknown)
        result = []
        for key, found in zip(keys, known, strict=True):
            if found is None:
                result.append(next(new))
                self._cache.put("pages", key, asdict(result[-1]))
            else:
                result.append(_examination(found))
        return result

    def _examined(self, examples: Sequence[Example]) -> Iterator[Examination]:
        if examples:
            from agno_lite.gallery.pipeline import examine  # takes longer to import than to do without

            yield from examine(self._project, examples)

    def _sources(self, example: Example, common: str) -> str:
        """Hash of all that the pages of an example are made from."""
        paths = [example.path, *example.narratives.values()]
        for narrative in example.narratives.values():
            if self._cache.digest(self._project.root / narrative):
                paths += self._compared(narrative)
        files = [self._project.root / path for path in paths]
        scripts = [Example(path=path, narratives={}) for path in paths if path.endswith(".py")]
        files += [self._store.facts_path(script) for script in scripts]
        files += [self._store.measurements_path(script) for script in scripts]
        return _hash([common, *((str(file), self._cache.digest(file)) for file in files)])

    def _compared(self, narrative: str) -> list[str]:
        """Scripts that a narrative compares its own with."""
        digest = self._cache.digest(self._project.root / narrative)
        key = f"{narrative} {digest}"
        found: list[str] | None = self._cache.get("comparisons", key)
        if found is None:
            text = (self._project.root / narrative).read_text(encoding="utf-8", errors="replace")
            inside = f"{self._project.cookbook}/"
            found = [path for path in _COMPARISON.findall(text) if path.startswith(inside)]
            self._cache.put("comparisons", key, found)
        return found

    def _common_sources(self) -> str:
        """Hash of all that every page may be made from: code, names of files, catalogues, settings."""
        root = self._project.root
        names = sorted(_names(root))
        inside = tuple(f"{package}/" for package in self._project.packages)
        code = [name for name in names if name.endswith(".py") and name.startswith(inside)]
        texts = [f"{self._project.docs}/locales/{locale}.po" for locale in LOCALES]
        files = [*code, *texts, "mkdocs.yml", "pyproject.toml"]
        installed = sorted(path.name for path in Path(sysconfig.get_path("purelib")).iterdir())
        examples = [example.path for example in discover(self._project)]
        settings = repr((self._project.packages, self._project.version, sys.version))
        captures = f"{self._project.relative(self._project.captures)}/"
        others = [name for name in names if not name.startswith(captures)]
        digests = [self._cache.digest(root / file) for file in files]
        return _hash([settings, examples, others, digests, installed])


def _names(root: Path) -> Iterator[str]:
    """Paths of all files that a text could name."""
    for folder, folders, files in os.walk(root):
        prefix = "" if folder == str(root) else f"{os.path.relpath(folder, root)}/"
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".") and name not in _NOT_SOURCES and prefix + name != "site"
        ]
        yield from (prefix + name for name in files)


def _parts(known: Dependencies) -> Iterator[dict[str, Any]]:
    """Dependencies in parts, each of which may be that of many captures."""
    for path in sorted(known.modules.keys() | known.functions.keys()):
        part: dict[str, Any] = {}
        if path in known.modules:
            part["modules"] = {path: known.modules[path]}
        if path in known.functions:
            part["functions"] = {path: known.functions[path]}
        yield part
    yield {"files": known.files}
    yield {"packages": known.packages}


def _fields(known: Dependencies) -> dict[str, Any]:
    return {name: getattr(known, name) for name in ("script", "modules", "functions", "files", "packages")}


def _examination(found: dict[str, Any]) -> Examination:
    problems = tuple(Problem(**problem | {"changes": ()}) for problem in found["problems"])
    return Examination(problems=problems, untranslated=found["untranslated"], missing=found["missing"])


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
