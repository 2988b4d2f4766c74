"""Where a project keeps its parts, and what its pages say of it."""

from __future__ import annotations

import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from agno_lite.exceptions import GalleryError

PLUGIN = "agno_lite_gallery"
"""Name of the mkdocs plugin, under which `mkdocs.yml` holds its options."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project with a cookbook. Made once, at the border; every stage is given it."""

    root: Path
    """Absolute path of the project's folder: the one that holds `mkdocs.yml`."""
    packages: tuple[str, ...] = ("agno_lite",)
    """Top-level packages of the project, folders below `root`, whose code examples show."""
    cookbook: str = "cookbook"
    """Folder of the examples, below `root`."""
    docs: str = "docs"
    """Folder of the hand-written pages, below `root`."""
    environment: tuple[str, ...] = ()
    """Environment variables that every script sees, and whose values every capture depends on."""
    version: str = ""
    """Version of the project, shown on each page."""
    commit: str = ""
    """Commit that the pages are made from, short; `-dirty` is appended if files were changed since."""

    @property
    def captures(self) -> Path:
        """Folder of the captures: `cookbook/_captures`, which mirrors the cookbook."""
        return self.root / self.cookbook / "_captures"

    @property
    def definitions(self) -> Path:
        """Folder of what the modules that captures depend on defined: `cookbook/_captures/_definitions`."""
        return self.captures / "_definitions"

    def relative(self, path: Path) -> str:
        """The path as records hold it: relative to `root`, with `/`."""
        return path.resolve().relative_to(self.root).as_posix()


def find_root(start: Path) -> Path:
    """The nearest folder at or above `start` that holds a `mkdocs.yml`.

    Raises:
        GalleryError: there is none.
    """
    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / "mkdocs.yml").is_file():
            return folder
    raise GalleryError(
        f"{start}: expected to be inside a project, but neither it nor a folder above holds a mkdocs.yml; "
        "change into the project, or name it with --project"
    )


def open_project(
    root: Path,
    *,
    packages: tuple[str, ...] = ("agno_lite",),
    cookbook: str = "cookbook",
    docs: str = "docs",
    environment: tuple[str, ...] = (),
) -> Project:
    """The project in `root`, with the version and commit that its files name.

    The version is that of `pyproject.toml`, the commit that of the git work tree; both are left empty where
    there is none.
    """
    return Project(
        root=root.resolve(),
        packages=packages,
        cookbook=cookbook,
        docs=docs,
        environment=environment,
        version=_version(root / "pyproject.toml"),
        commit=_commit(root),
    )


def load_project(start: Path) -> Project:
    """The project at or above `start`, with the packages and cookbook that its `mkdocs.yml` gives the plugin.

    Raises:
        GalleryError: there is no project, or its `mkdocs.yml` cannot be read.
    """
    root = find_root(start)
    try:
        settings = yaml.load((root / "mkdocs.yml").read_text("utf-8"), Loader=_Loader)  # noqa: S506 - a safe one
    except yaml.YAMLError as error:
        raise GalleryError(f"mkdocs.yml: expected YAML, but {error}; correct the file") from error
    options = _plugin_options((settings or {}).get("plugins"))
    return open_project(
        root,
        packages=tuple(options.get("packages", ("agno_lite",))),
        cookbook=options.get("cookbook", "cookbook"),
        docs=(settings or {}).get("docs_dir", "docs"),
        environment=tuple(options.get("environment", ())),
    )


class _Loader(yaml.SafeLoader):
    """Reads the plain values of a `mkdocs.yml`; what its tags would make is left out."""


_Loader.add_multi_constructor("", lambda *_: None)


def _plugin_options(plugins: Any) -> dict[str, Any]:
    """The options of our plugin, which mkdocs lets stand in a list or a mapping."""
    entries = plugins.items() if isinstance(plugins, dict) else []
    if isinstance(plugins, list):
        entries = [pair for entry in plugins if isinstance(entry, dict) for pair in entry.items()]
    return next((options or {} for name, options in entries if name == PLUGIN), {})


def _version(path: Path) -> str:
    """`project.version` of a `pyproject.toml`."""
    if not path.is_file():
        return ""
    return str(tomllib.loads(path.read_text("utf-8")).get("project", {}).get("version", ""))


def _commit(root: Path) -> str:
    """The commit of the work tree, without names of tags and branches."""
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip()
