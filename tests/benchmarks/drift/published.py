"""Whether a published page is right, by the sources themselves and a plain run of its example.

Reads the pages as a reader does. Imports nothing of the gallery: symbols are found by `ast`, texts by lines.
"""

from __future__ import annotations

import ast
import html
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from babel.messages.pofile import read_po

from tests.benchmarks.drift.oracle import Outcome
from tests.benchmarks.drift.trees import Layout, first_line

LANGUAGES = ("en", "zh")
_LINK = re.compile(
    r"\[(?P<label>[^\[\]]*)\]\((?:\.\./)*source/(?P<path>[^()#]+)\.md#__codelineno-0-(?P<line>\d+)\)"
)
_LINES = re.compile(r"(?:lines? |第 ?)?(?P<first>\d+)(?:[–-](?P<last>\d+))?(?: ?行)?")
_FENCE = re.compile(r"^ *(`{3,})python(?P<info>[^\n]*)\n(?P<text>.*?)^ *\1$", re.MULTILINE | re.DOTALL)
_SECTION = re.compile(r"^## .*\{ #(?P<id>[\w-]+) \}$", re.MULTILINE)
_OUTPUT = re.compile(r'<pre class="terminal"><code>(.*?)</code></pre>', re.DOTALL)
_TAG = re.compile(r"</?span[^>]*>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something on a page that is not so."""

    page: str
    """The page's path."""
    what: str
    """What is wrong."""
    about: frozenset[str]
    """Files of which the page says it, and its example's own; who announces one of them announces this."""


class Sources:
    """What a project's files say, now.

    Args:
        root: the project's folder.
        layout: where it has what.
    """

    def __init__(self, root: Path, layout: Layout) -> None:
        self.root = root
        self.layout = layout
        self._definitions: dict[str, dict[str, set[tuple[int, int]]]] = {}

    def text(self, path: str) -> str:
        """The text of a file; empty if there is none."""
        place = self.root / path
        return place.read_text("utf-8") if place.is_file() else ""

    def definitions(self, path: str) -> Mapping[str, set[tuple[int, int]]]:
        """First and last lines of what a file defines, by last name."""
        if path not in self._definitions:
            self._definitions[path] = definitions(self.text(path)) if path.endswith(".py") else {}
        return self._definitions[path]

    @cached_property
    def classes(self) -> dict[str, ast.ClassDef]:
        """The package's classes by name."""
        files = sorted((self.root / self.layout.package).rglob("*.py"))
        trees = (ast.parse(path.read_text("utf-8")) for path in files)
        return {
            node.name: node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)
        }

    @cached_property
    def catalogue(self) -> Mapping[str, str]:
        """Good translations by message."""
        path = self.root / "docs/locales/zh.po"
        if not path.is_file():
            return {}
        messages = read_po(io.BytesIO(path.read_bytes()), locale="zh")
        return {str(entry.id): str(entry.string) for entry in messages if entry.string and not entry.fuzzy}


def definitions(text: str) -> dict[str, set[tuple[int, int]]]:
    """First and last line of everything that code defines, by its last name; decorators belong to it."""
    found: dict[str, set[tuple[int, int]]] = {}

    def add(name: str, first: int, last: int | None) -> None:
        found.setdefault(name, set()).add((first, last or first))

    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                add(node.name, first_line(node), node.end_lineno)
            case ast.arg():
                add(node.arg, node.lineno, node.end_lineno)
            case ast.Assign():
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        add(target.id, node.lineno, node.end_lineno)
            case ast.AnnAssign(target=ast.Name(id=name)):
                add(name, node.lineno, node.end_lineno)
            case _:
                pass
    return found


def faults(
    sources: Sources, script: str, outcome: Outcome, pages: Mapping[str, str], *, exact: bool
) -> Iterator[Fault]:
    """What is wrong with the pages of an example, in both languages.

    Args:
        sources: the project's files.
        script: path of the example.
        outcome: what a plain run gives now.
        pages: all published pages by path.
        exact: whether the output has to be that of the plain run, character by character.
    """
    for language, uri in zip(LANGUAGES, pages_of(script), strict=True):
        if uri not in pages:
            yield Fault(page=uri, what="the page is missing", about=frozenset({script}))
            continue
        narrative = script.removesuffix(".py") + f".{language}.md"
        page = pages[uri]
        checks = [
            *_references(sources, page),
            *_excerpts(sources, page),
            *_settings(sources, script, page),
            *_source(sources, script, page),
            *_prose(sources, narrative, page),
            *(_output(outcome, page) if exact else ()),
        ]
        for what, path in checks:
            yield Fault(page=uri, what=what, about=frozenset({script, narrative, path}))
    yield from _translations(sources, script, pages)


def pages_of(script: str) -> tuple[str, ...]:
    """Paths of an example's pages."""
    return tuple(f"{language}/{script.removesuffix('.py')}.md" for language in LANGUAGES)


Check = Iterator[tuple[str, str]]
"""What is wrong, and in which file it is otherwise."""


# --- references ----------------------------------------------------------------------------------


def _references(sources: Sources, page: str) -> Check:
    """Links that show a name lead to its definition, links that show a line to that line."""
    for link in _LINK.finditer(page):
        path, line, label = link["path"], int(link["line"]), link["label"]
        name = _named(label)
        if shown := _LINES.fullmatch(label):
            if int(shown["first"]) != line:
                yield f"{label} leads to {path}:{line}", path
        elif name and line not in {first for first, _ in sources.definitions(path).get(name, ())}:
            yield f"{label} leads to {path}:{line}, where it is not defined", path
        number = re.match(r" L(\d+)", page[link.end() :])
        if number and int(number[1]) != line:
            yield f"{label} is said to be at line {number[1]} and leads to {line}", path


def _named(label: str) -> str | None:
    """The last name in a label: `Agent.arun()`, `Agent(model)`, `model=True`."""
    code = re.fullmatch(r"`+ ?(.+?) ?`+", label)
    if code is None or "/" in code[1] or code[1].endswith((".py", ".sql")):
        return None
    parameter = re.fullmatch(r"[\w.]+\((\w+)\)", code[1])
    name = parameter[1] if parameter else (re.match(r"[\w.]*", code[1]) or [""])[0]
    return name.rpartition(".")[2] or None


def _excerpts(sources: Sources, page: str) -> Check:
    """Each line of an excerpt is the file's line with the number beside it."""
    path = ""
    for block in re.findall(r'<div class="excerpt" markdown>(.*?)</div>', page, re.DOTALL):
        for fence in _FENCE.finditer(block):
            title = re.search(r'title="([^"]+)"', fence["info"])
            path = title[1] if title else path
            number = re.search(r'linenums="(\d+)"', fence["info"])
            start = int(number[1]) if number else 1
            shown = [line.strip() for line in fence["text"].rstrip("\n").split("\n")]
            lines = sources.text(path).split("\n")[start - 1 : start - 1 + len(shown)]
            if shown != [line.strip() for line in lines]:
                yield f"the excerpt of {path} from line {start} is not what stands there", path


# --- configuration -------------------------------------------------------------------------------


def _settings(sources: Sources, script: str, page: str) -> Check:
    """Every keyword that the script gives to a class of the package is shown with the value it gives."""
    section = _section(page, "configuration")
    rows = [
        re.split(r"(?<!\\) \| ", line.strip(" |"))
        for line in section.splitlines()
        if line.lstrip().startswith("| ")
    ]
    shown = {(_cell(row[0]), _spelled(_cell(row[1]))) for row in rows if len(row) > 1}
    for call in ast.walk(ast.parse(sources.text(script))):
        if not isinstance(call, ast.Call):
            continue
        called = ast.unparse(call.func).rpartition(".")[2]
        if called not in sources.classes:
            continue
        for given in call.keywords:
            if given.arg and (given.arg, _spelled(ast.unparse(given.value))) not in shown:
                yield f"{called}({given.arg}={ast.unparse(given.value)}) is not in the table", script


def _cell(text: str) -> str:
    """What the code in a table's cell says."""
    code = re.search(r"(`+) ?(.*?) ?\1", text)
    plain = code[2] if code else re.sub(r"<[^>]+>", "", text)
    return html.unescape(plain).replace("\\|", "|")


def _spelled(source: str) -> str:
    try:
        return ast.dump(ast.parse(source.strip(), mode="eval"))
    except SyntaxError:
        return source


# --- the run -------------------------------------------------------------------------------------


def _output(outcome: Outcome, page: str) -> Check:
    """The output shown is that of a plain run, and so are the values in the prose."""
    section = _section(page, "output")
    shown = _OUTPUT.findall(section)
    printed = html.unescape(_TAG.sub("", shown[0])) if shown and outcome.raw.strip() else ""
    if printed.strip() != outcome.raw.strip():
        yield f"shows the output {printed.strip()[:60]!r}, a run prints {outcome.raw.strip()[:60]!r}", ""
    status = re.search(r"`(-?\d+)`\s*$", section.strip())
    if status and outcome.status is not None and int(status[1]) != outcome.status:
        yield f"shows exit status {status[1]}, a run ends with {outcome.status}", ""
    for number in re.findall(r"LINES=(\d+)", page):
        if int(number) != len(outcome.raw.splitlines()):
            yield f"says that there are {number} lines, a run prints {len(outcome.raw.splitlines())}", ""


# --- texts ---------------------------------------------------------------------------------------


def _source(sources: Sources, script: str, page: str) -> Check:
    """The whole script is shown as it is."""
    fences = [fence["text"] for fence in _FENCE.finditer(_section(page, "source"))]
    if fences and fences[-1].rstrip("\n") != sources.text(script).rstrip("\n"):
        yield "the script shown is another one", script


def _prose(sources: Sources, narrative: str, page: str) -> Check:
    """Lines of the narrative without markup stand on the page."""
    for line in sources.text(narrative).splitlines():
        if re.match(r"^[^\W\d_][^`{}/|#:\"*\[\]<>]*$", line) and line not in page:
            yield f"lacks the narrative's words {line[:40]!r}", narrative


def _translations(sources: Sources, script: str, pages: Mapping[str, str]) -> Iterator[Fault]:
    """Docstrings in tables stand on the Chinese page in the catalogue's words, and nowhere in English."""
    english, chinese = (_roles(pages.get(uri, "")) for uri in pages_of(script))
    about = frozenset({script, "docs/locales/zh.po"})
    uri = pages_of(script)[1]
    for symbol, text in english.items():
        known = {_same(message): words for message, words in sources.catalogue.items()}
        wanted = known.get(_same(text))
        shown = chinese.get(symbol)
        if not text or shown is None:
            continue
        if wanted is None:
            yield Fault(page=uri, what=f"{text[:40]!r} has no translation", about=about)
        elif _same(shown) != _same(wanted):
            yield Fault(page=uri, what=f"{text[:40]!r} is not translated as the catalogue says", about=about)


def _roles(page: str) -> dict[str, str]:
    """What the index of sources says of each symbol, by its link."""
    rows = (line.strip("| ").split(" | ") for line in _section(page, "source-index").splitlines())
    return {row[1]: row[2] for row in rows if len(row) == 3 and "](" in row[1]}


def _same(text: str) -> str:
    """A text without its markup, and without the case of its first letter, which a page may change."""
    plain = re.sub(r"[`*\\\s]", "", html.unescape(re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)))
    return plain[:1].casefold() + plain[1:]


def _section(page: str, identifier: str) -> str:
    """The text of a section."""
    heads = list(_SECTION.finditer(page))
    for head, after in zip(heads, [*heads[1:], None], strict=True):
        if head["id"] == identifier:
            return page[head.end() : after.start() if after else None]
    return ""
