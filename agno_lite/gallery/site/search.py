"""A search index for each language, so that a reader finds a page once and not once per language."""

from __future__ import annotations

import json
from pathlib import Path

from agno_lite.gallery.records import LOCALES


def split_index(site: Path) -> None:
    """Write `<locale>/search/search_index.json` out of the site's index, and a script of it for `file://`.

    Does nothing where the search is switched off. Locations in it are relative to the folder of the
    language. The index of the whole site stays: the page for lost readers belongs to no language.

    Args:
        site: Folder of the built site.
    """
    whole = site / "search" / "search_index.json"
    if not whole.is_file():
        return
    index = json.loads(whole.read_text("utf-8"))
    for locale in LOCALES:
        docs = [
            entry | {"location": entry["location"].removeprefix(f"{locale}/")}
            for entry in index["docs"]
            if entry["location"].startswith(f"{locale}/")
        ]
        text = json.dumps(index | {"docs": docs}, ensure_ascii=False, separators=(",", ":"))
        folder = site / locale / "search"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "search_index.json").write_text(text, "utf-8")
        (folder / "search_index.js").write_text(f"var __index = {text}", "utf-8")
