"""What was remembered is used only where it holds."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from agno_lite.gallery.cache import Cache

if TYPE_CHECKING:
    from pathlib import Path

_LONG_AGO = 1_000_000_000


def _filled(folder: Path) -> None:
    cache = Cache(folder)
    cache.put("words", "one", [1])
    cache.put("words", "two", {"2": None})
    cache.save(whole=True)


def test_values_are_kept_as_long_as_they_are_used(tmp_path: Path) -> None:
    """What a whole check did not ask for is dropped; one of a part of the project drops nothing."""
    _filled(tmp_path)
    part = Cache(tmp_path)
    assert part.get("words", "one") == [1]
    assert part.get("words", "three") is None
    part.save(whole=False)
    whole = Cache(tmp_path)
    assert whole.get("words", "two") == {"2": None}
    whole.save(whole=True)
    assert Cache(tmp_path).get("words", "one") is None
    assert Cache(tmp_path).get("words", "two") == {"2": None}


@pytest.mark.parametrize("damage", ["", "{}", "no json", "\n{}", "\x00\xff"])
def test_a_damaged_table_is_empty(tmp_path: Path, damage: str) -> None:
    """A file that was cut, replaced or edited is not believed."""
    _filled(tmp_path)
    path = tmp_path / "words.json"
    text = path.read_text()
    for content in (damage, text[:-1], text.replace("[1]", "[2]"), text.split("\n")[0]):
        path.write_bytes(content.encode("latin-1"))
        assert Cache(tmp_path).get("words", "one") is None


def test_a_file_is_hashed_again_when_it_changes(tmp_path: Path) -> None:
    """By size or times; also if both are set to what they were, which has a time of its own."""
    path = tmp_path / "file"
    path.write_text("a")
    os.utime(path, (_LONG_AGO, _LONG_AGO))
    cache = Cache(tmp_path / "cache")
    first = cache.digest(path)
    cache.save(whole=True)
    path.write_text("b")
    os.utime(path, (_LONG_AGO, _LONG_AGO))
    assert Cache(tmp_path / "cache").digest(path) != first
    path.unlink()
    assert Cache(tmp_path / "cache").digest(path) is None
    assert Cache(tmp_path / "cache").digest(tmp_path) is None


def test_a_young_file_is_not_known_by_its_times(tmp_path: Path) -> None:
    """Two edits may fall into one tick of a clock, and clocks go wrong: such a file is read each time."""
    path = tmp_path / "file"
    path.write_text("a")
    os.utime(path, (2 * _LONG_AGO, 4 * _LONG_AGO))  # in the future
    cache = Cache(tmp_path / "cache")
    cache.digest(path)
    cache.save(whole=True)
    assert Cache(tmp_path / "cache").get("digests", str(path)) is None


def test_a_settled_file_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its hash is that of the cache, as long as its times and size are."""
    path = tmp_path / "file"
    path.write_text("a")
    monkeypatch.setattr("agno_lite.gallery.cache._SETTLED", -_LONG_AGO)
    cache = Cache(tmp_path / "cache")
    digest = cache.digest(path)
    cache.save(whole=True)
    *stamp, known = Cache(tmp_path / "cache").get("digests", str(path))
    assert known == digest
    other = Cache(tmp_path / "cache")
    other.put("digests", str(path), [*stamp, "from the cache"])
    assert other.digest(path) == "from the cache"


def test_several_processes_may_use_it_at_once(tmp_path: Path) -> None:
    """Whoever reads finds a whole table, whoever writes last has written one."""

    def use(number: int) -> bool:
        cache = Cache(tmp_path)
        found = cache.get("words", "one")
        cache.put("words", "one", [1])
        cache.put("words", str(number), "x" * 10_000)
        cache.save(whole=True)
        return found in (None, [1])

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(use, range(200)))
    assert Cache(tmp_path).get("words", "one") == [1]
    assert [path.name for path in tmp_path.iterdir()] == ["words.json"]


def test_without_a_place_to_write_nothing_is_kept(tmp_path: Path) -> None:
    """A cache that cannot be written answers all the same."""
    (tmp_path / "cache").write_text("a file is in the way")
    cache = Cache(tmp_path / "cache")
    assert cache.digest(tmp_path / "cache") is not None
    cache.put("words", "one", 1)
    cache.save(whole=True)
    assert cache.get("words", "one") == 1
