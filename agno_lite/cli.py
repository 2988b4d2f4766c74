"""The command line: `agno-lite`."""

from __future__ import annotations

import contextlib
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agno_lite import __version__
from agno_lite.exceptions import AgnoLiteError, ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agno_lite.gallery.config import Project
    from agno_lite.gallery.pipeline import Done, Task

PROBLEMS = 1
"""Exit status of `gallery check` when something is wrong, and of `gallery capture` when a script failed."""
UNUSABLE = 2
"""Exit status when a command cannot do its work."""


class _Main(click.Group):
    """Prints errors of ours as one message, without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except AgnoLiteError as error:
            click.secho(f"Error: {error}", fg="red", err=True)
            ctx.exit(UNUSABLE)


@click.group(cls=_Main, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="agno-lite")
def main() -> None:
    """A compact agent runtime, and a cookbook whose pages are made from what really ran."""


@main.command("serve-model")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8484, show_default=True, help="Port to listen on; 0 takes a free one.")
@click.option("--latency", type=click.FloatRange(min=0), help="Seconds until each answer. [default: 0.05]")
def serve_model(host: str, port: int, latency: float | None) -> None:
    """Serve the built-in model over HTTP, to any client of Chat Completions.

    It follows rules; it is not a language model. Point a client at it with
    OPENAI_BASE_URL=http://HOST:PORT/v1 and any key. Ctrl-C ends it.
    """
    from agno_lite.models.offline.server import serve

    def ready(url: str) -> None:
        click.echo(f"The built-in model answers at {url} (Ctrl-C ends it)")

    serve(host, port, latency=latency, ready=ready)


@main.group()
@click.option(
    "--project",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    help="Folder of the project, or one inside it. [default: the current folder]",
)
@click.pass_context
def gallery(ctx: click.Context, folder: Path) -> None:
    """Run the examples of a cookbook, and check their pages."""
    if find_spec("mkdocs") is None:
        raise ConfigurationError(
            "the gallery needs packages that are not installed; run: pip install 'agno-lite[gallery]'"
        )
    from agno_lite.gallery.config import load_project

    ctx.obj = load_project(folder)


@gallery.command()
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--force", is_flag=True, help="Run examples also if their captures are fresh.")
@click.option("--measure", is_flag=True, help="Renew measurements also where the facts stay the same.")
@click.option("--timeout", default=120.0, show_default=True, help="Seconds that each script may run.")
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(min=1),
    help="How many scripts run at the same time. [default: the number of processors]",
)
@click.pass_obj
def capture(
    project: Project, paths: Sequence[Path], force: bool, measure: bool, timeout: float, jobs: int | None
) -> None:
    """Run the examples at PATHS (all, if none is named) whose captures are missing or stale.

    Each runs in a process of its own, several at the same time; the facts do not depend on how many.
    Evaluations are run once more, alone, for figures that hold nothing of the recorder. What is finished is
    kept if you interrupt with Ctrl-C.
    Exit status: 0 if all ran well, 1 if a script failed, 2 if the command cannot do its work.
    """
    from agno_lite.gallery import pipeline

    tasks = pipeline.plan(project, paths, only_stale=not (force or measure))
    if not tasks:
        click.echo("Every capture is fresh.")
        return
    failed = 0
    with _progress(tasks) as advance:
        for done in pipeline.capture(project, tasks, measure=measure, timeout=timeout, jobs=jobs):
            advance(done)
            failed += done.failure is not None
    pipeline.tidy(project)
    if failed:
        click.secho(f"{failed} of {len(tasks)} failed: their pages show what happened.", fg="red", err=True)
        sys.exit(PROBLEMS)


@contextlib.contextmanager
def _progress(tasks: Sequence[Task]) -> Any:
    """A progress bar over captures; gives a function that is told of each one done."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        whole = bar.add_task("Capturing", total=len(tasks))
        reasons = {task.example.path: task.reasons for task in tasks}

        def advance(done: Done) -> None:
            outcome = done.failure or ("new facts" if done.changed else "facts unchanged")
            bar.console.print(
                f"{done.example.path}: {outcome}, {done.duration:.1f} s", soft_wrap=True, highlight=False
            )
            for reason in reasons[done.example.path]:
                bar.console.print(f"  because {reason}", style="dim", soft_wrap=True, highlight=False)
            bar.advance(whole)

        yield advance


@gallery.command()
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    show_default=True,
    help="For a reader, for a program, or for the annotations of a pull request on GitHub.",
)
@click.option("--captures", is_flag=True, help="Say only which captures are stale or missing, and why.")
@click.option("--rerun", is_flag=True, help="Run the examples and show how their facts differ; keep nothing.")
@click.option("--timeout", default=120.0, show_default=True, help="Seconds that each script may run.")
@click.pass_obj
def check(
    project: Project, paths: Sequence[Path], form: str, captures: bool, rerun: bool, timeout: float
) -> None:
    """Say what keeps the pages of the examples at PATHS (all, if none is named) from being right.

    Runs nothing, but for --rerun. Finds stale captures with the symbols that made them so, failed runs, names
    and values in narratives that do not hold, missing translations.

    Exit status: 0 if nothing is wrong, 1 if something is, 2 if the command cannot do its work.
    """
    from agno_lite.gallery.reports import report, report_rerun

    if rerun:
        from agno_lite.gallery import pipeline

        different = 0
        for done in pipeline.rerun(project, paths, timeout=timeout):
            if text := report_rerun(done, form):
                click.echo(text)
            different += bool(done.differences)
        sys.exit(PROBLEMS if different else 0)
    from agno_lite.gallery.checking import check as find

    problems = find(project, paths, only_captures=captures)
    if text := report(problems, form):
        click.echo(text)
    if any(problem.severity == "error" for problem in problems):
        sys.exit(PROBLEMS)


@gallery.command()
@click.argument("example", type=click.Path(path_type=Path))
@click.pass_obj
def why(project: Project, example: Path) -> None:
    """Explain whether the capture of EXAMPLE is stale: why, or what it would have to change for that.

    Exit status: 0 if it is fresh, 1 if it is stale or missing, 2 if the command cannot do its work.
    """
    from agno_lite.gallery import lineage

    found = lineage.why(project, example)
    path = found.example.path
    if not found.captured:
        click.echo(f"{path}: it was never captured; run: agno-lite gallery capture {path}")
    elif found.changes:
        click.echo(f"{path}: stale, because")
        for change in found.changes:
            click.echo(f"  {change}")
    else:
        click.echo(f"{path}: fresh. It depends on:")
        for what, count in found.counts.items():
            click.echo(f"  {count:>5} {what}")
    if found.changes or not found.captured:
        sys.exit(PROBLEMS)


@gallery.command()
@click.argument("name")
@click.pass_obj
def deps(project: Project, name: str) -> None:
    """List the examples that depend on NAME, and how.

    NAME is a symbol, in full or its end (Agent.arun), a file or folder of the project, a package, or a
    declared environment variable. Exit status: 0, also if there are none; 2 if nothing is called so.
    """
    from agno_lite.gallery import lineage

    found = lineage.dependents(project, name)
    for dependent in found:
        click.echo(f"{dependent.example.path}: {'; '.join(dependent.kinds)}")
    click.echo(f"{len(found)} depend on it." if found else "No example depends on it.")


@gallery.command()
@click.pass_obj
def translations(project: Project) -> None:
    """Add texts that pages show and that are not translated yet to the catalogues."""
    from agno_lite.gallery import pipeline

    for path in pipeline.translations(project):
        click.echo(f"{project.relative(path)}: up to date with the code; translate what is empty or fuzzy")


@gallery.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.pass_obj
def export(project: Project, folder: Path) -> None:
    """Write all generated pages as Markdown into FOLDER, for another site generator."""
    from agno_lite.gallery import pipeline

    made = pipeline.pages(project)
    for page in made:
        target = folder / page.uri
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(page.markdown, encoding="utf-8")
    click.echo(f"{len(made)} pages are in {folder}")
