"""One navigation for each language: home, examples by topic, guides, API."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, groupby, pairwise

from mkdocs.structure import StructureItem
from mkdocs.structure.nav import Navigation, Section
from mkdocs.structure.pages import Page

from agno_lite.gallery.records import topic_title
from agno_lite.gallery.site.language import TITLES, without_locale


def navigation(pages: Iterable[Page], locale: str) -> Navigation:
    """The navigation of one language.

    It also sets the pages' parents, and their neighbours, which are never of another language.

    Args:
        pages: All pages of that language that readers should find without a search.
        locale: The language.
    """
    rooms = _by_room(pages)
    titles = TITLES[locale]
    home = rooms.pop("home", [])
    for page in home:
        page.title = titles["home"]
    sections = [
        _section(titles["cookbook"], _topics(rooms["cookbook"])),
        _section(titles["guides"], rooms["guides"]),
        _section(titles["api"], rooms["api"]),
    ]
    items: list[StructureItem] = [*home, *(section for section in sections if section.children)]
    for item in items:
        item.parent = None
    return _navigation(items, home)


def _by_room(pages: Iterable[Page]) -> dict[str, list[Page]]:
    """Pages by the part of the site that they belong to, in order of their addresses."""
    rooms: dict[str, list[Page]] = {"home": [], "cookbook": [], "guides": [], "api": []}
    for page in sorted(pages, key=_index_first):
        uri = without_locale(page.file.src_uri)
        first = uri.split("/", 1)[0] if "/" in uri else ""
        rooms["home" if uri == "index.md" else first if first in rooms else "guides"].append(page)
    return rooms


def _index_first(page: Page) -> tuple[str, bool, str]:
    """Sort key: folder by folder, and in each the overview before the rest."""
    folder, _, name = page.file.src_uri.rpartition("/")
    return folder, name != "index.md", name


def _topics(pages: Sequence[Page]) -> list[StructureItem]:
    """The overview of the examples, and a section for each topic."""
    items: list[StructureItem] = []
    for topic, members in groupby(pages, key=_topic):
        if topic:
            items.append(_section(topic_title(topic), [_example(page) for page in members]))
        else:
            items.extend(members)
    return items


def _topic(page: Page) -> str:
    """Folder of an example below the cookbook, empty for the overview."""
    return without_locale(page.file.src_uri).removeprefix("cookbook/").rpartition("/")[0]


def _example(page: Page) -> Page:
    """The page, titled with the script's name: its heading is too long for a list."""
    page.title = page.file.name
    return page


def _section(title: str, children: Sequence[StructureItem]) -> Section:
    section = Section(title, list(children))
    for child in children:
        child.parent = section
    return section


def _navigation(items: list[StructureItem], home: Sequence[Page]) -> Navigation:
    """The items as a navigation, their pages linked to the ones before and after."""
    pages = list(chain.from_iterable(_pages(item) for item in items))
    for before, after in pairwise([None, *pages, None]):
        if before:
            before.next_page = after
        if after:
            after.previous_page = before
    result = Navigation(items, pages)
    result.homepage = home[0] if home else None
    return result


def _pages(item: StructureItem) -> list[Page]:
    """The item if it is a page, else the pages below it."""
    if isinstance(item, Section):
        return [page for child in item.children for page in _pages(child)]
    return [item] if isinstance(item, Page) else []
