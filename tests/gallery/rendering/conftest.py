"""A run as the recorder would have it, put together by hand, and the page that is made of it."""

from __future__ import annotations

import dataclasses
import functools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import markdown  # type: ignore[import-untyped]
import pytest
from bs4 import BeautifulSoup, Tag
from mermaid2 import fence_mermaid_custom

from agno_lite.gallery.config import Project
from agno_lite.gallery.records import (
    Analysis,
    Capture,
    Dependencies,
    Example,
    Exchange,
    ObjectConfiguration,
    Page,
    Setting,
    SpanRecord,
    Storage,
    Symbol,
    UserStorage,
)
from agno_lite.gallery.rendering import Edition, load_texts, render_example
from agno_lite.tracing import semconv

if TYPE_CHECKING:
    from collections.abc import Callable

SCRIPT = '''"""One agent talks with three users.

Each user's memories are kept apart.
"""

import asyncio

from agno_lite.agent import Agent
from agno_lite.db.postgres import PostgresDb
from agno_lite.models.openai import OpenAIChat

db = PostgresDb()

chat_agent = Agent(
    name="Chat Agent",
    model=OpenAIChat(id="gpt-4o-mini"),
    db=db,
    update_memory_on_run=True,
)

user_1_id = "user_1@example.com"
user_2_id = "user_2@example.com"
user_3_id = "user_3@example.com"


async def run_chat_agent() -> None:
    """Hold the conversations, one turn after the other."""
    await chat_agent.aprint_response("I am Mina.", user_id=user_1_id, session_id=user_1_session_1_id)
    await chat_agent.aprint_response("I read manga.", user_id=user_1_id, session_id=user_1_session_1_id)
    await chat_agent.aprint_response("What am I?", user_id=user_1_id, session_id=user_1_session_2_id)
    await chat_agent.aprint_response("I am Omar.", user_id=user_2_id, session_id=user_2_session_1_id)
    await chat_agent.aprint_response("I hike.", user_id=user_2_id, session_id=user_2_session_1_id)
    await chat_agent.aprint_response("I am Julia.", user_id=user_3_id, session_id=user_3_session_1_id)
    await chat_agent.aprint_response("I lift.", user_id=user_3_id, session_id=user_3_session_1_id)
    await chat_agent.aprint_response("And now?", user_id=user_1_id, session_id=user_1_session_1_id)


if __name__ == "__main__":
    asyncio.run(run_chat_agent())
    for user_id in (user_1_id, user_2_id, user_3_id):
        print(chat_agent.get_user_memories(user_id=user_id))
'''
PATH = "cookbook/11_memory/05_multi_user_multi_session_chat.py"

RUNS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("user_1@example.com", "<uuid:1>", "I am Mina.", ("User's name is Mina.",)),
    ("user_1@example.com", "<uuid:1>", "I read manga.", ("User likes manga.",)),
    ("user_1@example.com", "<uuid:2>", "What am I?", ()),
    ("user_2@example.com", "<uuid:3>", "I am Omar.", ("User's name is Omar.",)),
    ("user_2@example.com", "<uuid:3>", "I hike.", ("User likes hiking.",)),
    ("user_3@example.com", "<uuid:4>", "I am Julia.", ("User's name is Julia.",)),
    ("user_3@example.com", "<uuid:4>", "I lift.", ("User goes to the gym.",)),
    ("user_1@example.com", "<uuid:1>", "And now?", ()),
)
"""User, session, question, and the memories that the update adds."""


class CaptureBuilder:
    """Puts a capture together, span by span."""

    def __init__(self) -> None:
        self.spans: list[SpanRecord] = []
        self.exchanges: list[Exchange] = []
        self.bodies: dict[str, Any] = {}
        self.memories: dict[str, list[str]] = {}

    def span(
        self,
        parent: int | None,
        kind: str,
        name: str,
        owner: tuple[str, str] = ("agno_lite/run/loop.py", "execute"),
        *,
        concurrent: bool = False,
        **attributes: Any,
    ) -> int:
        """Add a span and give its id. Attributes are written with `__` for `.`."""
        record = SpanRecord(
            id=len(self.spans) + 1,
            parent=parent,
            kind=kind,
            name=name,
            concurrent=concurrent,
            path=owner[0],
            function=owner[1],
            attributes={key.replace("__", "."): value for key, value in attributes.items()},
            error=None,
        )
        self.spans.append(record)
        return record.id

    def body(self, value: Any) -> str:
        """Keep a body and give its key."""
        key = str(hash(json.dumps(value, sort_keys=True)))
        self.bodies[key] = value
        return key

    def chat(self, parent: int, request: Any, response: Any, *, status: int | None = 200) -> None:
        """A request to a model, with its span."""
        span = self.span(
            parent,
            semconv.CHAT,
            "chat gpt-4o-mini",
            ("agno_lite/models/openai/chat.py", "OpenAIChat.answer"),
            gen_ai__request__model="gpt-4o-mini",
            agno_lite__model__offline=True,
        )
        self.exchanges.append(
            Exchange(
                id=len(self.exchanges) + 1,
                span=span,
                method="POST",
                path="/v1/chat/completions",
                status=status,
                streamed=isinstance(response, list),
                request=self.body(request),
                response=self.body(response),
            )
        )

    def database(self, parent: int | None, operation: str, user: str) -> None:
        """A call of the storage interface."""
        self.span(
            parent,
            semconv.DATABASE,
            f"db {operation}",
            ("agno_lite/db/base.py", "BaseDb.offload"),
            db__system__name="postgresql",
            db__operation__name=operation,
            code__function__name=f"agno_lite.db.postgres.PostgresDb.{operation}",
            user__id=user,
        )

    def group(self, *names: str, path: str) -> list[int]:
        """A group of coroutines; gives the ids of its branches."""
        gather = self.span(
            None, semconv.GATHER, "agno_lite.gather asyncio.gather", (path, "main"), concurrent=True
        )
        return [self.span(gather, semconv.BRANCH, f"agno_lite.branch {name}", (path, name)) for name in names]

    def run(
        self, user: str, session: str, question: str, added: tuple[str, ...], parent: int | None = None
    ) -> None:
        """A run: load, build the prompt, ask and remember at the same time, save."""
        kept = self.memories.setdefault(user, [])
        run = self.span(
            parent,
            semconv.INVOKE_AGENT,
            "invoke_agent Chat Agent",
            gen_ai__agent__name="Chat Agent",
            gen_ai__conversation__id=session,
            user__id=user,
        )
        self.database(run, "load_turn", user)
        system = "Remember:\n" + "\n".join(f"- {memory}" for memory in kept) if kept else "Nothing yet."
        self.prompt(run, system)
        turn = self.span(run, semconv.TURN, "agno_lite.turn", concurrent=True)
        answering = self.span(turn, semconv.ANSWER, "agno_lite.answer")
        self.chat(
            answering,
            request_body(system, question),
            {"choices": [{"message": {"role": "assistant", "content": f"You said: {question}"}}]},
        )
        self.remember(turn, user, question, added)
        self.database(run, "save_run", user)
        kept += added

    def prompt(self, run: int, system: str) -> None:
        """The prompt's sections: a description left out, and the memories."""
        rows = [
            {
                "number": "3.3.1",
                "part": "description",
                "parameter": "description",
                "text": None,
                "active": False,
            },
            {
                "number": "3.3.9",
                "part": "memories",
                "parameter": "add_memories_to_context",
                "text": system,
                "active": True,
            },
        ]
        owner = ("agno_lite/run/prompt.py", "build_system_message")
        self.span(run, semconv.BUILD_PROMPT, "Chat Agent", owner, agno_lite__prompt__sections=rows)

    def remember(self, turn: int, user: str, question: str, added: tuple[str, ...]) -> None:
        """A memory update."""
        changes = [{"operation": "add", "memory": memory} for memory in added]
        update = self.span(
            turn,
            semconv.UPDATE_MEMORY,
            semconv.UPDATE_MEMORY,
            ("agno_lite/memory/manager.py", "MemoryManager._update"),
            user__id=user,
            agno_lite__memory__changes=changes,
        )
        calls = [
            {"function": {"name": "add_memory", "arguments": json.dumps({"memory": memory})}}
            for memory in added
        ]
        self.chat(
            update,
            request_body("Keep what matters.", question) | {"tools": [{"type": "function"}]},
            {"choices": [{"message": {"role": "assistant", "content": None, "tool_calls": calls}}]},
        )
        if added:
            self.database(update, "change_memories", user)

    def capture(self, **changes: Any) -> Capture:
        """The capture so far."""
        users = {
            user: UserStorage(rows={"sessions": 1, "memories": len(kept)}, memories=tuple(kept))
            for user, kept in sorted(self.memories.items())
        }
        made = Capture(
            example=PATH,
            dependencies=Dependencies(script="", modules={}, functions={}, files={}, packages={}),
            exit_status=0,
            failure=None,
            stdout="\x1b[1;34m┏━ Message ━┓\x1b[0m\n┃ I am Mina ┃\n",
            stderr="offline model\n",
            spans=tuple(self.spans),
            exchanges=tuple(self.exchanges),
            bodies=self.bodies,
            entered=("agno_lite/run/loop.py::execute", "agno_lite/memory/manager.py::MemoryManager._update"),
            objects=(),
            storage=Storage(
                tables={
                    "eval_runs": 0,
                    "sessions": len(users),
                    "memories": sum(len(kept) for kept in self.memories.values()),
                },
                users=users,
            ),
        )
        return dataclasses.replace(made, **changes)


def request_body(system: str, question: str) -> dict[str, Any]:
    """A request in the Chat Completions format."""
    messages = [{"role": "developer", "content": system}, {"role": "user", "content": question}]
    return {"model": "gpt-4o-mini", "messages": messages}


SYMBOLS = {
    name: Symbol(name=name, kind=kind, path=path, line=line, end_line=line + 3, summary=summary)
    for name, kind, path, line, summary in (
        ("agno_lite.agent.agent.Agent", "class", "agno_lite/agent/agent.py", 12, "Talks with users."),
        (
            "agno_lite.agent.agent.Agent(update_memory_on_run)",
            "parameter",
            "agno_lite/agent/agent.py",
            40,
            "Whether memories are kept after each `run`.",
        ),
        ("agno_lite.run.loop.execute", "function", "agno_lite/run/loop.py", 80, "Carry out a run."),
        (
            "agno_lite.memory.manager.MemoryManager._update",
            "function",
            "agno_lite/memory/manager.py",
            150,
            "Ask and store.",
        ),
        ("agno_lite.db.postgres.PostgresDb", "class", "agno_lite/db/postgres.py", 30, "Stores rows."),
        (
            "agno_lite.db.postgres.PostgresDb.load_turn",
            "function",
            "agno_lite/db/postgres.py",
            60,
            "Read what a run needs.",
        ),
    )
}


def analysis_of(script: str = SCRIPT, **changes: Any) -> Analysis:
    """The analysis of the example."""
    agent = SYMBOLS["agno_lite.agent.agent.Agent"]
    memory = SYMBOLS["agno_lite.agent.agent.Agent(update_memory_on_run)"]
    settings = (
        Setting(name="name", source='"Chat Agent"', value="'Chat Agent'", read=True, symbol=None),
        Setting(name="db", source="db", value="PostgresDb()", read=True, symbol=None),
        Setting(name="update_memory_on_run", source="True", value="True", read=True, symbol=memory),
        Setting(name="markdown", source=None, value="False", read=True, symbol=None),
        Setting(name="unread", source=None, value="False", read=False, symbol=None),
    )
    made = Analysis(
        example=Example(path=PATH, narratives={}),
        docstring="One agent talks with three users.\n\nEach user's memories are kept apart.",
        text=script,
        configurations=(
            ObjectConfiguration(
                site=1, line=15, cls="Agent", variable="chat_agent", symbol=agent, settings=settings
            ),
        ),
    )
    return dataclasses.replace(made, **changes)


@pytest.fixture
def builder() -> CaptureBuilder:
    """A capture of eight runs, three reads by the script at the end."""
    made = CaptureBuilder()
    for run in RUNS:
        made.run(*run)
    for user in made.memories:
        made.database(None, "get_user_memories", user)
    return made


CONCURRENT_PATH = "cookbook/11_memory/06_x.py"
CONCURRENT_SCRIPT = """import asyncio

async def talk_1():
    await chat_agent.arun("I am Mina.", user_id="user_1@example.com", session_id=one)
    await chat_agent.arun("What am I?", user_id="user_1@example.com", session_id=two)
    print("User 1 Done")

async def talk_2():
    await chat_agent.arun("I am Omar.", user_id="user_2@example.com", session_id=three)
    print("User 2 Done")

async def main():
    await asyncio.gather(talk_1(), talk_2())

asyncio.run(main())
print(chat_agent.get_user_memories(user_id=user_id))
"""


@pytest.fixture
def concurrent_builder() -> CaptureBuilder:
    """A capture of two branches with two runs and one, and two reads by the script at the end."""
    made = CaptureBuilder()
    first, second = made.group("talk_1", "talk_2", path=CONCURRENT_PATH)
    made.run("user_1@example.com", "<uuid:1>", "I am Mina.", ("User's name is Mina.",), first)
    made.run("user_1@example.com", "<uuid:2>", "What am I?", (), first)
    made.run("user_2@example.com", "<uuid:3>", "I am Omar.", ("User's name is Omar.",), second)
    for user in made.memories:
        made.database(None, "get_user_memories", user)
    return made


@pytest.fixture
def concurrent_analysis() -> Analysis:
    """The analysis of a script with two branches."""
    return analysis_of(CONCURRENT_SCRIPT, example=Example(path=CONCURRENT_PATH, narratives={}))


@pytest.fixture
def edition_of(tmp_path: Path) -> Callable[..., Edition]:
    """Makes editions of an empty project by language."""

    def make(locale: str = "en", **settings: Any) -> Edition:
        project = Project(root=tmp_path, version="0.1.0", commit="abc1234")
        known = {"resolve": SYMBOLS.get, "locate": lambda _: None} | settings
        return Edition(project=project, texts=load_texts(project, locale), **known)

    return make


@pytest.fixture
def page_of(builder: CaptureBuilder, edition_of: Callable[..., Edition]) -> Callable[..., Page]:
    """Makes the example's page; keywords change the capture."""

    def make(locale: str = "en", narrative: dict[str, str] | None = None, **changes: Any) -> Page:
        capture = builder.capture(**changes)
        return render_example(analysis_of(), capture, None, narrative or {}, edition_of(locale))

    return make


@functools.cache
def site_markdown() -> markdown.Markdown:
    """A converter with the site's extensions."""
    fences = [{"name": "mermaid", "class": "mermaid", "format": fence_mermaid_custom}]
    return markdown.Markdown(
        extensions=[
            "attr_list",
            "admonition",
            "tables",
            "md_in_html",
            "toc",
            "pymdownx.details",
            "pymdownx.highlight",
            "pymdownx.inlinehilite",
            "pymdownx.superfences",
        ],
        extension_configs={
            "pymdownx.highlight": {"anchor_linenums": True, "line_spans": "__span"},
            "pymdownx.superfences": {"custom_fences": fences},
        },
    )


def to_html(text: str) -> BeautifulSoup:
    """A page's Markdown as the site renders it."""
    return BeautifulSoup(site_markdown().reset().convert(text), "html.parser")


def section(soup: BeautifulSoup, name: str) -> BeautifulSoup:
    """The part of a page under the heading with that id."""
    heading = soup.find("h2", id=name)
    assert isinstance(heading, Tag), f"no section {name}"
    parts = []
    for sibling in heading.find_next_siblings():
        if sibling.name == "h2":
            break
        parts.append(str(sibling))
    return BeautifulSoup("".join(parts), "html.parser")


@pytest.fixture
def render() -> Callable[[str], BeautifulSoup]:
    """`to_html`."""
    return to_html


@pytest.fixture
def part() -> Callable[[BeautifulSoup, str], BeautifulSoup]:
    """`section`."""
    return section


@pytest.fixture
def analysis() -> Callable[..., Analysis]:
    """`analysis_of`."""
    return analysis_of
