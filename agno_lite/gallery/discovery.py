"""Finding the scripts of the cookbook and the text written beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from agno_lite.exceptions import GalleryError
from agno_lite.gallery.config import Project
from agno_lite.gallery.records import LOCALES, Example


def discover(project: Project) -> tuple[Example, ...]:
    """All scripts below the cookbook, sorted by path, each with the narratives that stand beside it.

    Names that begin with `_` are private, those that begin with `.` are hidden: such folders are not
    entered, such files are no examples. Without a cookbook there are none.
    """
    scripts = sorted(_scripts(project.root / project.cookbook), key=project.relative)
    return tuple(_example(project, script) for script in scripts)


def choose(project: Project, paths: Sequence[Path]) -> list[Example]:
    """The examples at or below the given paths; all if there are none.

    Raises:
        GalleryError: a path holds no example.
    """
    examples = discover(project)
    if not paths:
        return list(examples)
    wanted: list[Example] = []
    for path in paths:
        place = path.resolve()
        found = [example for example in examples if (project.root / example.path).is_relative_to(place)]
        if not found:
            raise GalleryError(
                f"{path}: expected a script of {project.root / project.cookbook} or a folder of scripts, "
                f"found no example there; see what there is with: agno-lite gallery check"
            )
        wanted += [example for example in found if example not in wanted]
    return wanted


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
