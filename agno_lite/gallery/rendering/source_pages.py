"""A page per source file, so that every line has an address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agno_lite.exceptions import GalleryError
from agno_lite.gallery.records import Page
from agno_lite.gallery.rendering.escape import fence, text
from agno_lite.gallery.rendering.links import source_uri

if TYPE_CHECKING:
    from agno_lite.gallery.config import Project


def render_source(project: Project, path: str, locale: str) -> Page:
    """Make the page of a source file.

    Args:
        project: the project.
        path: the file, relative to the project.
        locale: language of the pages that link it.

    Raises:
        GalleryError: the file cannot be read as text.
    """
    try:
        content = (project.root / path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise GalleryError(
            f"{path}: expected a text file that a page links to, but {error}; restore it or remove the link"
        ) from error
    matter = "---\nsearch:\n  exclude: true\nhide:\n  - toc\n---\n"
    block = fence(content, "python" if path.endswith(".py") else "text", 'linenums="1"')
    return Page(
        uri=source_uri(locale, path),
        locale=locale,
        title=path,
        markdown=f"{matter}\n# {text(path)}\n\n{block}\n",
        sources=(path,),
    )
