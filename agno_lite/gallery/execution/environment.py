"""Environment variables that a script's result may depend on, because somebody declared so.

A script sees nothing else of the caller's environment. They are declared for all scripts in `mkdocs.yml`,
as the plugin's option `environment`, or for one script by a line of its own:
`# agno-lite: environment = NAME, NAME`.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from agno_lite.exceptions import GalleryError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agno_lite.gallery.config import Project

_DECLARATION = re.compile(r"^#\s*agno-lite:\s*environment\s*=(?P<names>.*)$", re.MULTILINE)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL", re.IGNORECASE)
"""What is in the name of a variable whose value nobody may see."""


def declared(project: Project, script: str) -> dict[str, str | None]:
    """Values of the variables that are declared for a script, `None` for one that is not set.

    Raises:
        GalleryError: a declaration names no variable, or one that looks like a secret.
    """
    names = [*(("mkdocs.yml", name) for name in project.environment), *_own(project, script)]
    for place, name in names:
        _check(place, name)
    return {name: os.environ.get(name) for name in sorted({name for _, name in names})}


def _own(project: Project, script: str) -> Iterator[tuple[str, str]]:
    """The script and each name that it declares itself."""
    path = project.root / script
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    for line in _DECLARATION.finditer(text):
        for name in line["names"].split(","):
            yield script, name.strip()


def _check(place: str, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise GalleryError(
            f"{place}: expected names of environment variables, separated by commas, got {name!r}; correct it"
        )
    if SECRET_NAME.search(name):
        raise GalleryError(
            f"{place}: the environment variable {name} looks like a secret, and values of declared variables "
            "are kept in captures; declare one that anybody may see"
        )
