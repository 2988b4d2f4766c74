"""Files that every page needs: the style, two small scripts, Mermaid, and the front door."""

from __future__ import annotations

import hashlib
from html import escape
from importlib.metadata import version
from importlib.resources import files
from string import Template

from agno_lite.exceptions import GalleryError
from agno_lite.gallery.records import LOCALES
from agno_lite.gallery.site.language import NAMES

STYLE = "assets/gallery/gallery.css"
"""Style sheet of the generated pages, below the site's root."""

SCRIPT = "assets/gallery/gallery.js"
"""Script that every page loads."""

SEARCH_FRAME = "assets/gallery/search-frame.js"
"""Script that makes the search work on pages opened from disk."""

MERMAID = "assets/gallery/mermaid.min.js"
"""The library that draws diagrams."""

_MERMAID_PACKAGE = "mermaidx"
_MERMAID_VERSION = "0.10.1"
_MERMAID_SHA256 = "74d7c46dabca328c2294733910a8aa1ed0c37451776e8d5295da38a2b758fb9b"
"""Of `mermaidx/assets/mermaid.js`, which is Mermaid 11.16.0, measured on the wheel of that version."""


def asset_files() -> dict[str, bytes]:
    """The files by their place below the site's root.

    Raises:
        GalleryError: the installed Mermaid is not the one that was tried.
    """
    folder = files("agno_lite.gallery.site") / "assets"
    own = {uri: (folder / uri.rpartition("/")[2]).read_bytes() for uri in (STYLE, SCRIPT, SEARCH_FRAME)}
    return own | {MERMAID: mermaid()}


def mermaid() -> bytes:
    """The Mermaid library, out of the installed package `mermaidx`.

    Raises:
        GalleryError: it is not the file that was tried.
    """
    content = (files(_MERMAID_PACKAGE) / "assets" / "mermaid.js").read_bytes()
    check_mermaid(content)
    return content


def check_mermaid(content: bytes) -> None:
    """Make sure that `content` is the library that the diagrams were tried with.

    The file is an inner part of `mermaidx`, so a new version may change it without notice.

    Raises:
        GalleryError: it is another one.
    """
    digest = hashlib.sha256(content).hexdigest()
    if digest != _MERMAID_SHA256:
        raise GalleryError(
            f"{_MERMAID_PACKAGE}/assets/mermaid.js: expected that of version {_MERMAID_VERSION}, "
            f"sha256 {_MERMAID_SHA256[:12]}…, but version {version(_MERMAID_PACKAGE)} has {digest[:12]}…; "
            f'install the tried version: pip install "{_MERMAID_PACKAGE}=={_MERMAID_VERSION}"'
        )


def front_door(site_name: str) -> str:
    """The page at the site's root: it leads to the reader's language, and without scripts offers them all.

    Args:
        site_name: Name of the site.
    """
    links = "\n".join(
        f'<p><a href="{locale}/index.html" lang="{locale}" hreflang="{locale}">{NAMES[locale]}</a></p>'
        for locale in LOCALES
    )
    page = Template((files("agno_lite.gallery.site") / "assets" / "index.html").read_text("utf-8"))
    return page.substitute(title=escape(site_name), first=LOCALES[0], links=links)
