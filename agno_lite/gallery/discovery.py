"""Finding the scripts of the cookbook and the text written beside them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from agno_lite.gallery.config import Project
from agno_lite.gallery.records import LOCALES, Example


def discover(project: Project) -> tuple[Example, ...]:
    """All scripts below the cookbook, sorted by path, each with the narratives that stand beside it.

    Names that begin with `_` are private, those that begin with `.` are hidden: such folders are not
    entered, such files are no examples. Without a cookbook there are none.
    """
    scripts = sorted(_scripts(project.root / project.cookbook), key=project.relative)
    return tuple(_example(project, script) for script in scripts)


def _scripts(folder: Path) -> Iterator[Path]:
    """Public scripts in `folder` and below."""
    for entry in folder.iterdir() if folder.is_dir() else ():
        if entry.name.startswith(("_", ".")):
            continue
        if entry.is_dir():
            yield from _scripts(entry)
        elif entry.suffix == ".py":
            yield entry


def _example(project: Project, script: Path) -> Example:
    """The script and those of its narratives that exist."""
    beside = {locale: script.with_suffix(f".{locale}.md") for locale in LOCALES}
    return Example(
        path=project.relative(script),
        narratives={locale: project.relative(path) for locale, path in beside.items() if path.is_file()},
    )
