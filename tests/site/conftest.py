"""A tiny project, the real one, the sites built of them, and a browser to look at them."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from bs4 import BeautifulSoup
from mkdocs.commands.build import build
from mkdocs.config import load_config
from playwright.sync_api import Browser, Dialog, Page, Request, sync_playwright

ROOT = Path(__file__).resolve().parents[2]

CHROMIUM = Path("/usr/bin/chromium")
CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

SUB_PATH = "/some/where"
"""Below which the built site is served: nothing may rely on being at the root of a host."""

OPEN_SHADOW_ROOTS = """
const attach = Element.prototype.attachShadow;
Element.prototype.attachShadow = function (options) {
  return attach.call(this, { ...options, mode: "open" });
};
"""
"""The theme draws diagrams where scripts of the page cannot look."""

Open = Callable[..., Page]
"""Opens a page of a site in a browser."""

DIAGRAM = "```mermaid\nflowchart LR\n  a --> b\n```\n\n"

TINY_FILES = {
    "mkdocs.yml": f"INHERIT: {ROOT / 'mkdocs.yml'}\n"
    "site_name: tiny\nplugins:\n  agno_lite_gallery:\n    packages: [tiny]\n    api: [tiny.greeting]\n",
    "pyproject.toml": '[project]\nname = "tiny"\nversion = "1.2.3"\n',
    "tiny/__init__.py": '"""A tiny package."""\n',
    "tiny/greeting.py": '"""Greetings."""\n\n\ndef greet(name: str) -> str:\n'
    '    """Greet somebody."""\n    return f"Hello, {name}!"\n',
    "cookbook/01_first/hello.py": 'from tiny.greeting import greet\n\nprint(greet("you"))\n',
    "cookbook/01_first/hello.zh.md": "## 概述 { #overview }\n\n问候一次。由 `tiny.greeting.greet` 完成。\n",
    "cookbook/01_first/hello.en.md": "## Overview { #overview }\n\nA greeting. By `tiny.greeting.greet`.\n",
    "cookbook/02_second_topic/again.py": 'from tiny.greeting import greet\n\nprint(greet("again"))\n',
    "docs/locales/zh.po": 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'
    'msgid "Greet somebody."\nmsgstr "问候某人。"\n',
    "docs/index.zh.md": "# 小站\n\n[问候][tiny.greeting.greet]，[指南](tour.md)\n",
    "docs/index.en.md": "# A tiny site\n\n[greeting][tiny.greeting.greet], [tour](tour.md)\n",
    "docs/tour.zh.md": f"# 参观\n\n{DIAGRAM}[一行](source/tiny/greeting.py.md#__codelineno-0-4)\n",
    "docs/tour.en.md": f"# A tour\n\n{DIAGRAM}[a line](source/tiny/greeting.py.md#__codelineno-0-4)\n",
    "docs/notes/only.en.md": "# Not translated\n",
}


class Site:
    """A built site."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def page(self, uri: str) -> BeautifulSoup:
        """The page at `uri`, parsed."""
        return BeautifulSoup((self.folder / uri).read_text("utf-8"), "html.parser")

    def pages(self) -> dict[str, BeautifulSoup]:
        """Every page by its path."""
        uris = sorted(path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*.html"))
        return {uri: self.page(uri) for uri in uris}


def build_site(root: Path, folder: Path, *, strict: bool = True, **options: Any) -> Site:
    """Build the site of the project in `root` into `folder`; `options` go to mkdocs."""
    build(load_config(str(root / "mkdocs.yml"), site_dir=str(folder), strict=strict, **options))
    return Site(folder)


def write_tiny_project(root: Path) -> Path:
    """Write the tiny project into `root`."""
    for name, text in TINY_FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return root


@pytest.fixture
def tiny_project(tmp_path: Path) -> Path:
    """A tiny project that a test may change, without captures."""
    return write_tiny_project(tmp_path / "tiny project")


@pytest.fixture(scope="session")
def captured_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny project with its captures. Tests leave it alone."""
    from agno_lite.gallery import pipeline
    from agno_lite.gallery.config import open_project

    root = write_tiny_project(tmp_path_factory.mktemp("captured"))
    project = open_project(root, packages=("tiny",))
    assert [done.failure for done in pipeline.capture(project, pipeline.plan(project))] == [None, None]
    return root


@pytest.fixture
def captured_copy(captured_project: Path, tmp_path: Path) -> Path:
    """The tiny project with its captures, for a test to change."""
    return shutil.copytree(captured_project, tmp_path / "copy")


@pytest.fixture(scope="session")
def tiny_site(captured_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The site of the tiny project, built in strict mode."""
    return build_site(captured_project, tmp_path_factory.mktemp("tiny") / "site")


@pytest.fixture(scope="session")
def real_site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The site of this repository."""
    served = tmp_path_factory.mktemp("served")
    return build_site(ROOT, served.joinpath(*SUB_PATH.strip("/").split("/")), strict=False)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="session")
def real_url(real_site: Site) -> Iterator[str]:
    """Address of this repository's site on a loopback server, below a sub-path."""
    root = real_site.folder.parents[SUB_PATH.count("/") - 1]
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(root)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}{SUB_PATH}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A headless Chromium of the system. While it runs, its event loop does: it ends with the module."""
    if not CHROMIUM.exists():
        pytest.fail(f"{CHROMIUM} is missing; install it with: apt-get install -y chromium fonts-noto-cjk")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=CHROMIUM_OPTIONS)
        yield browser
        browser.close()


def _failure(request: Request) -> list[str]:
    """What went wrong with a request, unless the page was left before it was done."""
    return [] if request.failure == "net::ERR_ABORTED" else [f"{request.failure}: {request.url}"]


def _closed(dialog: Dialog) -> str:
    """Close a dialog, and tell what it said."""
    dialog.dismiss()
    return f"dialog: {dialog.message}"


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Open]:
    """Open a page. At the end of the test: no error in a console, no dialog, no request to another host."""
    contexts = []
    requests: list[str] = []
    errors: list[str] = []

    def open_page(url: str, *, colours: str = "light", width: int = 1280, locale: str = "en-US") -> Page:
        context = chromium.new_context(
            color_scheme="dark" if colours == "dark" else "light",
            viewport={"width": width, "height": 900},
            locale=locale,
        )
        contexts.append(context)
        context.add_init_script(OPEN_SHADOW_ROOTS)
        page = context.new_page()
        page.on("request", lambda request: requests.append(request.url))
        page.on("requestfailed", lambda request: errors.extend(_failure(request)))
        page.on("dialog", lambda dialog: errors.append(_closed(dialog)))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on(
            "console", lambda line: errors.append(line.text) if line.type in ("error", "warning") else None
        )
        page.goto(url)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []
    assert requests
    assert {urlsplit(url).hostname for url in requests if not url.startswith("data:")} <= {"127.0.0.1", None}
