"""Mutations of what is no code: data, migrations, distributions, narratives, translations."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

from tests.benchmarks.drift.trees import Edit, Tree

_DATA = (".json", ".csv", ".txt", ".toml")
_WORD = re.compile(r"[A-Za-z]{3,}|\d+")
_SPAN = re.compile(r"(?<!`)`([A-Za-z_][\w.]*)`(?!`)")
_OPTION = re.compile(r'^(start|end): "(.+)"$', re.MULTILINE)
_VALUE = re.compile(r"\{\{ *([^}]*?) *\}\}")
_MESSAGE = re.compile(r'^msgid "(?P<id>.+)"\nmsgstr "(?P<text>.+)"$', re.MULTILINE)


def _substituted(text: str, match: re.Match[str], new: str, group: int = 0) -> str:
    return text[: match.start(group)] + new + text[match.end(group) :]


def _picked(pattern: re.Pattern[str], text: str, random: Random) -> re.Match[str] | None:
    found = list(pattern.finditer(text))
    return random.choice(found) if found else None


# --- data ----------------------------------------------------------------------------------------


def data(tree: Tree, random: Random) -> Edit | None:
    """Change a word of a data file, take the file away, or put another one beside it."""
    paths = tree.paths(tree.layout.package, *_DATA)
    if not paths:
        return None
    path = random.choice(paths)
    way = random.choice((_data_word, _data_word, _data_word, _data_line, _data_gone, _data_new))
    return way(tree, path, random)


def _data_word(tree: Tree, path: str, random: Random) -> Edit | None:
    text = tree.text(path)
    word = _picked(_WORD, text, random)
    if word is None:
        return None
    new = str(int(word[0]) + 1) if word[0].isdigit() else f"{word[0]}ish"
    return Edit(files={path: _substituted(text, word, new)}, summary=f"{path}: {word[0]} → {new}")


def _data_line(tree: Tree, path: str, random: Random) -> Edit:
    lines = tree.text(path).splitlines(keepends=True)
    index = random.randrange(len(lines))
    return Edit(files={path: "".join(lines[:index] + lines[index + 1 :])}, summary=f"{path}: a line less")


def _data_gone(tree: Tree, path: str, random: Random) -> Edit:
    return Edit(files={path: None}, summary=f"{path}: gone")


def _data_new(tree: Tree, path: str, random: Random) -> Edit:
    folder = path.rpartition("/")[0]
    new = f"{folder}/{random.choice(('discounts.txt', 'spare.txt', 'teas.csv'))}"
    return Edit(files={new: "green 3\n"}, summary=f"{new}: there now")


def migration(tree: Tree, random: Random) -> Edit | None:
    """Change a migration, add one, or put a comment into one."""
    paths = tree.paths(tree.layout.package, ".sql")
    if not paths:
        return None
    path = random.choice(paths)
    text = tree.text(path)
    if random.random() < 0.3:
        new = f"{path.rpartition('/')[0]}/0099_more.sql"
        return Edit(
            files={new: f"create table more_{random.randrange(99)} (id integer);\n"}, summary=f"{new}: new"
        )
    if random.random() < 0.2:
        return Edit(files={path: f"-- A remark.\n{text}"}, summary=f"{path}: a comment")
    literal = _picked(re.compile(r"'[^']+'|(?<=default )\d+|not null"), text, random)
    if literal is None:
        return Edit(files={path: text + "select 1;\n"}, summary=f"{path}: a statement more")
    new = (
        ""
        if literal[0] == "not null"
        else "'stale'"
        if literal[0].startswith("'")
        else str(int(literal[0]) + 1)
    )
    return Edit(files={path: _substituted(text, literal, new)}, summary=f"{path}: {literal[0]} → {new}")


def module(tree: Tree, random: Random) -> Edit | None:
    """Put a module where there was none, or take away one that nothing but itself needs."""
    package = tree.layout.package
    absent = [name for name in ("local", "extra") if not (tree.root / package / f"{name}.py").exists()]
    name = random.choice(absent)
    text = f'"""Settings of this place."""\n\nSHOP_NAME = "The Leaf, {random.randrange(100)}"\n'
    return Edit(files={f"{package}/{name}.py": text}, summary=f"{package}/{name}.py: there now")


def dependency(tree: Tree, random: Random) -> Edit | None:
    """Install another version of a distribution that is there, or put one in front of an installed one."""
    found = tree.paths(tree.layout.distributions, "")
    found = [path for path in found if path.endswith("/METADATA")]
    if not found:
        return _shadowed(tree, random)
    path = random.choice(found)
    text = tree.text(path)
    old = re.search(r"^Version: (.+)$", text, re.MULTILINE)
    assert old
    new = f"{random.randrange(2, 9)}.{random.randrange(9)}.0"
    files: dict[str, str | None] = {path: _substituted(text, old, new, 1)}
    name = path.split("/")[-2].partition("-")[0]
    code = f"{tree.layout.distributions}/{name}/__init__.py"
    if random.random() < 0.5:
        files[code] = tree.text(code).replace(old[1], new)
    return Edit(files=files, summary=f"{name} {old[1]} → {new}")


def _shadowed(tree: Tree, random: Random) -> Edit:
    name = random.choice(("rich", "openai", "psycopg", "pydantic", "mkdocs", "hypothesis", "jieba"))
    new = f"{random.randrange(90, 99)}.0"
    path = f"{tree.layout.distributions}/{name}-{new}.dist-info/METADATA"
    text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {new}\n"
    return Edit(files={path: text}, summary=f"{name} → {new}")


# --- words ---------------------------------------------------------------------------------------


def narrative(tree: Tree, random: Random) -> Edit | None:
    """Change a narrative: its prose, a name, where an excerpt begins or ends, a value, a section."""
    if not tree.narratives:
        return None
    path = random.choice(tree.narratives)
    text = tree.text(path)
    ways = (_prose, _prose, _name, _name, _anchor, _value, _section)
    changes = [change for way in ways if (change := way(text, random))]
    new, what = random.choice(changes)
    return Edit(files={path: new}, summary=f"{path}: {what}")


def _prose(text: str, random: Random) -> tuple[str, str] | None:
    lines = text.splitlines(keepends=True)
    plain = re.compile(r"^[^\W\d_][^`{}/|#:]*\n$")
    found = [number for number, line in enumerate(lines) if plain.match(line) and not line.startswith("///")]
    if not found:
        return None
    index = random.choice(found)
    lines[index] = f"{lines[index].rstrip()} (edited {random.randrange(100)})\n"
    return "".join(lines), "other words"


def _name(text: str, random: Random) -> tuple[str, str] | None:
    span = _picked(_SPAN, text, random)
    if span is None:
        return None
    new = f"{span[1]}_gone" if "." in span[1] or "_" in span[1] else f"{span[1]}Gone"
    return _substituted(text, span, new, 1), f"{span[1]} → {new}"


def _anchor(text: str, random: Random) -> tuple[str, str] | None:
    option = _picked(_OPTION, text, random)
    if option is None:
        return None
    return _substituted(text, option, f"{option[2]} never", 2), f"{option[1]} of an excerpt"


def _value(text: str, random: Random) -> tuple[str, str] | None:
    value = _picked(_VALUE, text, random)
    if value is None:
        return None
    new = value[1].replace("facts.", "facts.no_", 1) if random.random() < 0.5 else f"{value[1]} | string"
    return _substituted(text, value, new, 1), f"value {value[1]} → {new}"


def _section(text: str, random: Random) -> tuple[str, str] | None:
    headings = [match.start() for match in re.finditer(r"^## ", text, re.MULTILINE)]
    if len(headings) < 2:
        return None
    return text[: headings[-1]].rstrip() + "\n", "a section less"


def translation(tree: Tree, random: Random) -> Edit | None:
    """Change the catalogue: other words, none, doubtful ones, or those of another text."""
    paths = tree.paths("docs", ".po")
    if not paths:
        return None
    path = random.choice(paths)
    text = tree.text(path)
    entry = _picked(_MESSAGE, text, random)
    if entry is None:
        return None
    ways: dict[str, Callable[[], str]] = {
        "other words": lambda: _substituted(text, entry, f"{entry['text']}（改）", 2),
        "no words": lambda: _substituted(text, entry, "", 2),
        "fuzzy": lambda: text[: entry.start()] + "#, fuzzy\n" + text[entry.start() :],
        "of another text": lambda: _substituted(text, entry, f"{entry['id']} Once.", 1),
    }
    what = random.choice(list(ways))
    return Edit(files={path: ways[what]()}, summary=f"{path}: {what}: {entry['id']:.40}")
