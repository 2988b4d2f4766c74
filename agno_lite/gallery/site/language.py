"""What the site says in each language, and which language a page is in."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from agno_lite.gallery.records import LOCALES

NAMES = {"zh": "中文", "en": "English"}
"""What a language calls itself."""

TITLES = {
    "zh": {"home": "首页", "cookbook": "示例", "guides": "指南", "api": "API"},
    "en": {"home": "Home", "cookbook": "Examples", "guides": "Guides", "api": "API reference"},
}
"""Titles of the parts of the navigation, by language."""

ORIGIN = {
    "zh": "页面由代码与一次真实运行的记录生成",
    "en": "Pages are made from the code and the record of a real run",
}
"""The line below every page that says where its facts come from, by language."""

FAILURE = {"zh": "页面无法更新", "en": "The pages could not be refreshed"}
"""Heading of what `mkdocs serve` shows in place of pages that it cannot make, by language."""


def locale_of(uri: str) -> str | None:
    """Language of the page at `uri`, which is its first folder; `None` for one that has no language."""
    first = uri.split("/", 1)[0]
    return first if first in LOCALES else None


def without_locale(uri: str) -> str:
    """`uri` below the folder of its language: what a page and its translation have in common."""
    return uri.split("/", 1)[1] if locale_of(uri) else uri


def page_uri(written: str) -> str | None:
    """Where the hand-written page `written` belongs.

    Args:
        written: Path below the docs folder: `topic/NAME.zh.md`.

    Returns:
        `zh/topic/NAME.md`, or `None` if the name holds no language.
    """
    stem, suffix = posixpath.splitext(written)
    name, _, locale = stem.rpartition(".")
    return f"{locale}/{name}{suffix}" if suffix == ".md" and name and locale in LOCALES else None


def translation(uri: str, locale: str, known: Iterable[str]) -> str:
    """Uri of the page at `uri` in the language `locale`, or of that language's home page if there is none."""
    translated = f"{locale}/{without_locale(uri)}"
    return translated if translated in known else f"{locale}/index.md"
