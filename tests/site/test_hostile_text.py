"""Hostile text, wherever an example gets it from, is shown as text and breaks nothing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from babel.messages.pofile import read_po, write_po
from playwright.sync_api import Page, expect

from agno_lite.gallery import checking, pipeline
from agno_lite.gallery.config import Project, open_project
from agno_lite.gallery.records import LOCALES
from agno_lite.gallery.text import printable

from .conftest import ROOT, Open, Site, build_site

pytestmark = pytest.mark.browser

LONG_WORD = "Donaudampfschiff" * 20

HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(2)>",
    "</pre></code></details>",
    "</div></article></body>",
    "```",
    "````",
    "```mermaid",
    "~~~",
    "end",
    "this is not the end",
    "'single' and \"double\"",
    'a"]; b["c',
    "a | b || c",
    "{{ 7*7 }}",
    "{% raw %}",
    "{# nothing #}",
    "<!-- hidden -->",
    "-->",
    "&amp;",
    "&#60;b&#62;",
    "# no heading",
    "*a* _b_ **c** __d__",
    "[x](javascript:alert(3))",
    "[y]: javascript:alert(4)",
    "![](x)",
    "<javascript:alert(5)>",
    "::: tiny.nothing",
    "/// excerpt | tiny.nothing",
    "$$ x $$",
    "%%{init: {}}%%",
    "one; two;",
    'click step1 href "x"',
    "subgraph s",
    "\\",
    "\\n \\u0041 \\(z\\)",
    "text { #output .c onclick=alert(6) }",
    '!!! note "n"',
    "??? tip",
    "[TOC]",
    "*[HTML]: z",
    "#!python q",
    "中文，标点。",
    "👩‍👧 🎉",
    "\x1b[31mred\x1b[0m",
    "\x1b]8;;javascript:alert(7)\x07link\x1b]8;;\x07",
    "\u202edesrever",
    "bell\x07 back\x08 form\x0c del\x7f c1\x9b",
    "line\u2028separator\x85next",
    "One. Two! Three? 四。",
    LONG_WORD,
)
"""One line each."""

HARMLESS = tuple(f"word {number}" for number in range(len(HOSTILE)))

SECRETS = {"OPENAI_API_KEY": "sk-hardly-to-be-guessed-1234", "MY_TOKEN": "tok-hardly-to-be-guessed-5678"}

SECTIONS = (
    "overview",
    "configuration",
    "architecture",
    "components",
    "system-prompt",
    "api-requests",
    "output",
    "storage",
    "flowchart",
    "source-index",
    "source",
)

PAGE = "cookbook/01_first/talk.html"

SCRIPT = """\
{comment}
import os

from agno_lite.agent import Agent
from agno_lite.db.postgres import PostgresDb
from agno_lite.memory import MemoryManager
from agno_lite.models.openai import OpenAIChat
from tiny.weather import weather

db = PostgresDb()

agent = Agent(
    name={name!r},
    model=OpenAIChat(id={model!r}),
    db=db,
    instructions={instructions!r},
    tools=[weather],
    update_memory_on_run=True,
)
manager = MemoryManager(db=db)


def main() -> None:
    {docstring!r}
{calls}
    for name in ("OPENAI_API_KEY", "MY_TOKEN"):
        print(name, os.environ.get(name))
    print(dict(os.environ))


if __name__ == "__main__":
    main()
"""

PACKAGE = '''\
"""The weather."""


def weather(question: str) -> str:
    """Tell the weather."""
    return {result!r}
'''

QUOTED = """\
### {{{{ {value} }}}} and {{{{ {value} }}}}

{{{{ {value} }}}}

- {{{{ {value} }}}}

**{{{{ {value} }}}}**, `{{{{ {value} }}}}`, [{{{{ {value} }}}}](#output)

`{{{{ {value} }}}}`

> `{{{{ {value} }}}}`

| one | two |
|---|---|
| {{{{ {value} }}}} | `{{{{ {value} }}}}` |

!!! note "{{{{ {value} }}}}"

    {{{{ {value} }}}}

"""


def chunks(snippets: Sequence[str]) -> list[str]:
    """The snippets in a few texts of several lines."""
    return ["\n".join(snippets[start : start + 10]) for start in range(0, len(snippets), 10)]


def users_of(snippets: Sequence[str]) -> list[str]:
    """Ids of users, as many as there are sessions."""
    return [f"user {text}" for text in chunks(snippets)]


def script(snippets: Sequence[str]) -> str:
    """An example that says all that, to everybody and everywhere."""
    users, sessions = users_of(snippets), chunks(snippets)
    calls = [f"manager.add_user_memory({text!r}, user_id={users[0]!r})" for text in sessions]
    calls += [
        f"agent.print_response({text!r}, user_id={users[number]!r}, session_id={text!r})"
        for number, text in enumerate(sessions)
    ]
    calls += [
        f"agent.print_response({f'I love {snippets[0]}.'!r}, user_id={users[1]!r}, session_id='loves')",
        f"agent.print_response({'How is the weather? ' + users[2]!r}, user_id={users[1]!r}, stream=True)",
    ]
    calls += [f"print({text!r})" for text in snippets]
    calls += [f"print([found.memory for found in agent.get_user_memories({user!r})])" for user in users]
    return SCRIPT.format(
        comment="\n".join(f"# {line}" for line in snippets),
        name=agent_name(snippets),
        model=f"model {snippets[1]} {snippets[10]} {snippets[12]} {snippets[22]}",
        instructions="\n".join(snippets),
        docstring=" ".join(snippet for snippet in snippets if "`" not in snippet),
        calls="\n".join(f"    {call}" for call in calls),
    )


def agent_name(snippets: Sequence[str]) -> str:
    """What the agent is called."""
    return f"Agent {snippets[0]}\n{snippets[4]} {snippets[8]}"


def narrative(title: str, users: int) -> str:
    """Text that quotes the users' ids in every kind of place."""
    quoted = (QUOTED.format(value=f"facts.runs[{number}].attributes['user.id']") for number in range(users))
    value = f"`{{{{ facts.runs[{users - 1}].attributes['user.id'] }}}}`"
    first = f"`tiny.weather.weather` is used by {value}, see [{value}](#output)."
    return f"## {title} {{ #overview }}\n\n{first}\n\n" + "\n".join(quoted)


def write_project(root: Path, snippets: Sequence[str]) -> Project:
    """A project whose one example is made of the snippets, captured and translated."""
    users = len(users_of(snippets))
    files = {
        "mkdocs.yml": f"INHERIT: {ROOT / 'mkdocs.yml'}\n"
        "site_name: tiny\nplugins:\n  agno_lite_gallery:\n    packages: [tiny]\n    api: []\n",
        "tiny/__init__.py": "",
        "tiny/weather.py": PACKAGE.format(result="\n".join(snippets)),
        "cookbook/01_first/talk.py": script(snippets),
        "cookbook/01_first/talk.zh.md": narrative("概述", users),
        "cookbook/01_first/talk.en.md": narrative("Overview", users),
        "docs/index.zh.md": "# 小站\n",
        "docs/index.en.md": "# A tiny site\n",
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    project = open_project(root, packages=("tiny",))
    assert [done.failure for done in pipeline.capture(project, pipeline.plan(project))] == [None]
    for path in pipeline.translations(project):
        translate(path)
    return project


def translate(path: Path) -> None:
    """Give each text of a catalogue a translation: itself."""
    with path.open("rb") as file:
        catalog = read_po(file, locale="zh")
    for message in catalog:
        message.string = message.id or message.string
    with path.open("wb") as file:
        write_po(file, catalog)


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Project]:
    """The example made of hostile text, and of harmless text, run by somebody who has secrets."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SECRETS.items():
            patch.setenv(name, value)
        return {
            "hostile": write_project(tmp_path_factory.mktemp("hostile"), HOSTILE),
            "harmless": write_project(tmp_path_factory.mktemp("harmless"), HARMLESS),
        }


@pytest.fixture(scope="module")
def sites(projects: dict[str, Project], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Site]:
    """Their sites, built in strict mode."""
    folder = tmp_path_factory.mktemp("sites")
    return {name: build_site(project.root, folder / name) for name, project in projects.items()}


LOOK = """
() => {
  const article = document.querySelector("article");
  const all = (root, selector) => [...root.querySelectorAll(selector)];
  const sections = {};
  let section = "";
  for (const element of article.children) {
    if (element.tagName === "H2") sections[section = element.id] = "";
    else if (section) sections[section] += element.textContent + "\\n";
  }
  const elements = {};
  for (const { tagName } of all(article, ":not(span, br, .highlight a)"))
    elements[tagName] = (elements[tagName] || 0) + 1;
  const labels = all(article, "div.mermaid").flatMap(diagram => all(diagram.shadowRoot, "foreignObject"));
  const contents = all(document, ".md-nav--secondary a.md-nav__link");
  return {
    sections,
    elements,
    labels: labels.map(label => label.textContent),
    drawn: labels.length,
    contents: contents.map(link => link.textContent),
    targets: contents.map(link => link.hash),
    headings: all(article, "h1, h2, h3, h4").map(heading => [heading.tagName, heading.id]),
    attributes: [...new Set(all(document, "*").flatMap(element => element.getAttributeNames()))].sort(),
    protocols: [...new Set([...document.links].map(link => link.protocol))].sort(),
  };
}
"""
"""What a page consists of, as the browser made it."""


def look(visit: Open, site: Site, locale: str) -> dict[str, Any]:
    """The example's page, once its diagrams are drawn."""
    page = visit(f"{site.folder.as_uri()}/{locale}/{PAGE}")
    drawn(page)
    found: dict[str, Any] = page.evaluate(LOOK)
    return found


def drawn(page: Page) -> None:
    """Wait for the two diagrams, neither of which is Mermaid's picture of an error."""
    expect(page.locator("pre.mermaid")).to_have_count(0)
    diagrams = page.locator("div.mermaid")
    expect(diagrams).to_have_count(2)
    for diagram in diagrams.all():
        expect(diagram.locator("svg g.node").first).to_be_attached()
        expect(diagram.locator("svg .error-icon")).to_have_count(0)


def flat(text: str) -> str:
    """A text as it is compared: white space is one space."""
    return " ".join(text.split())


def missing(snippets: Sequence[str], text: str) -> list[str]:
    """The snippets that are not to be read in a text."""
    return [snippet for snippet in snippets if flat(snippet) not in flat(text)]


def test_nothing_is_to_be_corrected(projects: dict[str, Project]) -> None:
    """Checks and strict mode have nothing against such text."""
    assert checking.check(projects["hostile"]) == ()


@pytest.mark.parametrize("locale", LOCALES)
def test_it_is_text_and_nothing_else(visit: Open, sites: dict[str, Site], locale: str) -> None:
    """Each snippet is to be read where the example says it, on a page that harmless text makes just so."""
    hostile, harmless = (look(visit, sites[name], locale) for name in ("hostile", "harmless"))
    sections = hostile.pop("sections")
    assert list(sections) == list(harmless.pop("sections")) == list(SECTIONS)
    assert all(text.strip() for text in sections.values())
    shown = [printable(snippet) for snippet in HOSTILE]
    for section in ("overview", "configuration", "system-prompt", "storage", "source"):
        assert missing(shown, sections[section]) == [], section
    bodies = [printable(json.dumps(snippet, ensure_ascii=False)[1:-1]) for snippet in HOSTILE]
    assert missing(bodies, sections["api-requests"]) == []
    printed = [snippet for snippet in HOSTILE if printable(snippet) == snippet]
    assert missing([*printed, "red", "link"], sections["output"]) == []
    assert missing([text[:30] for text in shown], "\n".join(hostile.pop("labels"))) == []
    assert missing(agent_name(shown).split("\n"), "\n".join(hostile.pop("contents"))) == []
    assert hostile == {name: value for name, value in harmless.items() if name in hostile}


def test_both_languages_have_the_same_headings(sites: dict[str, Site]) -> None:
    """A link to a section holds in the other language."""
    zh, en = (sites["hostile"].page(f"{locale}/{PAGE}") for locale in LOCALES)
    selector = "article :is(h1, h2, h3, h4)"
    assert [tag.get("id") for tag in zh.select(selector)] == [tag.get("id") for tag in en.select(selector)]


@pytest.mark.parametrize("locale", LOCALES)
def test_the_list_of_examples_quotes_it_too(sites: dict[str, Site], locale: str) -> None:
    """The first sentence of an overview is cut off at its own end, not inside of what it quotes."""
    lists = [sites[name].page(f"{locale}/cookbook/index.html").select_one("article") for name in sites]
    hostile, harmless = [Counter(tag.name for tag in found.select(":not(br)")) for found in lists if found]
    assert hostile == harmless
    assert lists[0] is not None
    assert missing(users_of([printable(snippet) for snippet in HOSTILE])[-1:], lists[0].get_text()) == []


def test_the_search_shows_it_as_text(visit: Open, sites: dict[str, Site]) -> None:
    """What the search finds makes no element either."""
    page = visit(f"{sites['hostile'].folder.as_uri()}/en/index.html")
    results = page.locator(".md-search-result__list")
    for word in ("script", "onerror", "javascript"):
        page.locator("input.md-search__input").fill("")
        page.locator("input.md-search__input").press_sequentially(word)
        expect(results.locator("mark", has_text=word).first).to_be_attached()
        expect(results.locator("script, img, pre.mermaid, a[href^='javascript']")).to_have_count(0)


def test_secrets_of_the_caller_are_nowhere(projects: dict[str, Project], sites: dict[str, Site]) -> None:
    """Neither facts nor measurements nor any file of the site holds one, though the script prints its own."""
    for name, project in projects.items():
        captures = list(project.captures.rglob("*.json"))
        assert len(captures) == 4  # facts, measurements, and what two modules defined
        assert "OPENAI_API_KEY None" in "".join(path.read_text("utf-8") for path in captures)
        built = [path for path in sites[name].folder.rglob("*") if path.is_file()]
        for path in (*captures, *built):
            content = path.read_bytes()
            assert not [secret for secret in SECRETS.values() if secret.encode() in content], path
