"""The mkdocs plugin: it hands generated pages to mkdocs and does nothing that a hook does not need."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING, Literal

from mkdocs.config.base import Config
from mkdocs.config.config_options import ListOfItems, Type
from mkdocs.exceptions import PluginError
from mkdocs.plugins import BasePlugin, event_priority, get_plugin_logger
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.utils import get_relative_url

from agno_lite.exceptions import AgnoLiteError
from agno_lite.gallery import checking, pipeline
from agno_lite.gallery.config import open_project
from agno_lite.gallery.records import LOCALES
from agno_lite.gallery.site import assets
from agno_lite.gallery.site.language import (
    FAILURE,
    NAMES,
    ORIGIN,
    locale_of,
    page_uri,
    translation,
    without_locale,
)
from agno_lite.gallery.site.navigation import navigation
from agno_lite.gallery.site.search import split_index

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.livereload import LiveReloadServer
    from mkdocs.structure.nav import Navigation
    from mkdocs.structure.pages import Page
    from mkdocs.utils.templates import TemplateContext

    from agno_lite.gallery.config import Project

log = get_plugin_logger("agno_lite.gallery")


class GalleryOptions(Config):  # type: ignore[no-untyped-call] # mkdocs annotates half of it
    """Options of the plugin in `mkdocs.yml`."""

    packages = ListOfItems(Type(str), default=["agno_lite"])
    """Top-level packages of the project, folders beside `mkdocs.yml`."""
    cookbook = Type(str, default="cookbook")
    """Folder of the examples, beside `mkdocs.yml`."""
    api = ListOfItems(Type(str), default=[])
    """Modules that get an API page in each language."""
    environment = ListOfItems(Type(str), default=[])
    """Environment variables that examples see, and on whose values their captures depend."""
    capture = Type(bool, default=False)
    """Whether `mkdocs build` runs examples whose captures are not fresh; `mkdocs serve` always does."""


class GalleryPlugin(BasePlugin[GalleryOptions]):  # type: ignore[no-untyped-call]
    """Puts the generated pages, one navigation per language and all that a page loads into the site."""

    def __init__(self) -> None:
        super().__init__()
        self._serving = False
        self._server: LiveReloadServer | None = None
        self._watched: set[Path] = set()
        self._known = {f"{locale}/cookbook/index.md" for locale in LOCALES}

    # --- life of the command -----------------------------------------------------------------

    def on_startup(self, *, command: Literal["build", "gh-deploy", "serve"], **_: object) -> None:
        """Note whether the site is served, for then it is kept fresh.

        Having this hook makes mkdocs keep the plugin for all builds of the process.
        """
        self._serving = command == "serve"

    def on_serve(self, server: LiveReloadServer, **_: object) -> LiveReloadServer:
        """Rebuild when a package or the cookbook is edited."""
        self._server, self._watched = server, set()
        self._watch()
        return server

    def on_shutdown(self) -> None:
        """Let go of the server."""
        self._serving, self._server = False, None

    def _watch(self) -> None:
        """Watch every folder whose files matter, one by one: what a build writes must not start the next.

        A new folder is watched from the next build on.
        """
        if self._server is None:
            return
        project = self._project
        roots = [project.root / name for name in (*project.packages, project.cookbook)]
        found = {folder for root in roots for folder in _folders(root, without=project.captures)}
        for folder in found - self._watched:
            self._server.watch(str(folder), recursive=False)
        self._watched |= found

    # --- one build ---------------------------------------------------------------------------

    def on_config(self, config: MkDocsConfig) -> MkDocsConfig:
        """Describe the project, and name the files that every page loads."""
        for chatty in ("jieba", "mkdocs.plugins.mermaid2.util"):
            logging.getLogger(chatty).setLevel(logging.WARNING)
        self._navigations: dict[str, Navigation] = {}
        self._urls: dict[str, str] = {}
        self._project = open_project(
            Path(config.config_file_path).resolve().parent,
            packages=tuple(self.config.packages),
            cookbook=self.config.cookbook,
            docs=Path(config.docs_dir).name,
            environment=tuple(self.config.environment),
        )
        config.theme["language"] = LOCALES[0]
        config.extra_css.insert(0, assets.STYLE)
        config.extra_javascript.append(assets.SCRIPT)
        config.extra.setdefault("polyfills", []).append(assets.SEARCH_FRAME)
        if "mermaid2" in config.plugins:
            # The plugin would look for the file in docs_dir, where a generated one is not.
            vars(config.plugins["mermaid2"])["_javascript"] = assets.MERMAID
        return config

    def on_files(self, files: Files, *, config: MkDocsConfig) -> Files:
        """Put hand-written pages in the folder of their language, and add all that is generated."""
        self._watch()
        for file in list(files.documentation_pages()):
            _move(file, files, config)
        with _reported():
            for uri, content in assets.asset_files().items():
                files.append(File.generated(config, uri, content=content))
        files.append(File.generated(config, "index.html", content=assets.front_door(config.site_name)))
        for uri, markdown in _api_pages(self.config.api):
            files.append(File.generated(config, uri, content=markdown))
        for uri, markdown in self._pages(config.use_directory_urls).items():
            level = InclusionLevel.NOT_IN_NAV if _is_source(uri) else InclusionLevel.UNDEFINED
            files.append(File.generated(config, uri, content=markdown, inclusion=level))
        return files

    def _pages(self, use_directory_urls: bool) -> dict[str, str]:
        """Markdown of the pipeline's pages by uri; while serving, what is wrong if one cannot be made."""
        try:
            if self._serving or self.config.capture:
                self._capture()
            self._warn()
            pages = pipeline.pages(self._project, use_directory_urls=use_directory_urls)
        except AgnoLiteError as error:
            if not self._serving:
                raise PluginError(str(error)) from error
            log.warning("%s", error)
            return {uri: _failure(uri, str(error)) for uri in self._known}
        self._known = {page.uri for page in pages}
        return {page.uri: page.markdown for page in pages}

    def _capture(self) -> None:
        """Run the examples whose captures are not fresh."""
        for done in pipeline.capture(self._project, pipeline.plan(self._project)):
            log.info("%s: %s after %.1f s", done.example.path, done.failure or "captured", done.duration)

    def _warn(self) -> None:
        """Log what keeps pages from being right; in strict mode a warning fails the build."""
        for problem in checking.check(self._project):
            where = f"{problem.path}:{problem.line}" if problem.line else problem.path
            log.warning("%s: %s", where, problem.message)

    @event_priority(-50)  # after plugins that change the navigation of the whole site
    def on_nav(self, nav: Navigation, *, files: Files, **_: object) -> Navigation:  # noqa: ARG002 - replaced
        """Make a navigation for each language; the site as a whole gets that of the first."""
        documents = files.documentation_pages()
        shown = [file.page for file in documents if file.page and not _is_source(file.src_uri)]
        for locale in LOCALES:
            own = [page for page in shown if locale_of(page.file.src_uri) == locale]
            self._navigations[locale] = navigation(own, locale)
        self._urls = {file.src_uri: file.url for file in documents}
        return self._navigations[LOCALES[0]]

    # --- one page ----------------------------------------------------------------------------

    def on_page_content(self, html: str, *, page: Page, **_: object) -> str:
        """Tell mkdocs of the lines of a source page, so that it can check links to them."""
        if _is_source(page.file.src_uri):
            lines = re.findall(r'id="(__codelineno-[\d-]+)"', html)
            page.present_anchor_ids = (page.present_anchor_ids or set()) | set(lines)
        return html

    def on_page_context(
        self, context: TemplateContext, *, page: Page, config: MkDocsConfig, **_: object
    ) -> TemplateContext:
        """Show the page in its language: interface, navigation, search, and the way to its translations."""
        locale = locale_of(page.file.src_uri) or LOCALES[0]
        self._localise(config, locale, page.file.src_uri)
        context["nav"] = self._navigations[locale]
        # The theme keeps the reader's colours by `scope`, and looks for the search index below `base_url`.
        config.extra["scope"] = context["base_url"]
        context["base_url"] = get_relative_url(f"{locale}/", page.url)
        return context

    def on_template_context(
        self, context: TemplateContext, *, config: MkDocsConfig, **_: object
    ) -> TemplateContext:
        """Show pages that belong to no language, such as `404.html`, in the first."""
        self._localise(config, LOCALES[0], "index.md")
        config.extra.pop("scope", None)
        return context

    def _localise(self, config: MkDocsConfig, locale: str, uri: str) -> None:
        """Set what the templates read from the configuration."""
        config.theme["language"] = locale
        config.copyright = _origin(config.site_name, self._project, locale)
        config.extra["alternate"] = [
            {"name": NAMES[other], "lang": other, "link": self._urls[translation(uri, other, self._urls)]}
            for other in LOCALES
        ]

    def on_post_page(self, output: str, **_: object) -> str:
        """Drop the links to translations from the head."""
        return _without_alternates(output)

    def on_post_template(self, output_content: str, **_: object) -> str:
        """Drop them from `404.html` too."""
        return _without_alternates(output_content)

    @event_priority(-50)  # after the search plugin wrote its index
    def on_post_build(self, *, config: MkDocsConfig) -> None:
        """Give each language its own search index."""
        split_index(Path(config.site_dir))


def _folders(root: Path, *, without: Path) -> Iterator[Path]:
    """`root` and the folders below it that hold files written by hand."""
    if root.is_dir() and root != without and root.name != "__pycache__":
        yield root
        for entry in root.iterdir():
            yield from _folders(entry, without=without)


def _move(file: File, files: Files, config: MkDocsConfig) -> None:
    """Put the hand-written `NAME.zh.md` at `zh/NAME.md`."""
    uri = page_uri(file.src_uri)
    if uri is None:
        log.warning("%s: expected a name that ends in .%s.md", file.src_uri, ".md or .".join(LOCALES))
    elif file.abs_src_path:
        files.remove(file)
        files.append(File.generated(config, uri, abs_src_path=file.abs_src_path))


def _api_pages(modules: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Uri and Markdown of the pages on which mkdocstrings shows `modules`."""
    for locale in LOCALES:
        for module in modules:
            yield f"{locale}/api/{module}.md", f"# {module}\n\n::: {module}\n"


def _is_source(uri: str) -> bool:
    """Whether `uri` is the page of a source file."""
    return without_locale(uri).startswith("source/")


def _failure(uri: str, message: str) -> str:
    """A page that says what is wrong; indented, so that nothing in the message is taken for Markdown."""
    return f"# {FAILURE[locale_of(uri) or LOCALES[0]]}\n\n" + indent(message, "    ")


def _origin(site_name: str, project: Project, locale: str) -> str:
    """What stands below every page: what it was made from, and how."""
    name = f"{site_name} {project.version}".strip()
    made_from = f"{name} · {project.commit}" if project.commit else name
    return f"{escape(made_from)}<br>{ORIGIN[locale]}"


def _without_alternates(html: str) -> str:
    """The page without `rel="alternate"`: for each the theme asks for a sitemap, and `file://` has none."""
    return re.sub(r'<link rel="alternate" href="[^"]*" hreflang="[^"]*"\s*/?>', "", html)


@contextmanager
def _reported() -> Iterator[None]:
    """Turn our errors into mkdocs's, which are shown without a traceback."""
    try:
        yield
    except AgnoLiteError as error:
        raise PluginError(str(error)) from error
