"""What the run left behind: its output, and the rows in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agno_lite.gallery.rendering.ansi import terminal
from agno_lite.gallery.rendering.escape import code, text

if TYPE_CHECKING:
    from agno_lite.gallery.rendering.edition import Context


def output(context: Context) -> str:
    """Standard output and standard error, colours kept, and the exit status.

    Of a script that evaluates, they are those of the run that was measured: the same, and the figures are
    those of the page.
    """
    capture, measured = context.capture, context.measurements
    if capture is None:
        return ""
    figures = measured if measured and measured.stdout is not None else None
    stdout, stderr = (figures.stdout, figures.stderr) if figures else (capture.stdout, capture.stderr)
    return context.render(
        "output.md",
        stdout=terminal(stdout) if stdout and stdout.strip() else "",
        stderr=terminal(stderr) if stderr and stderr.strip() else "",
        status=capture.exit_status,
        failure=text(capture.failure or ""),
    )


def storage(context: Context) -> str:
    """Rows by table and user, and each user's memories; tables that stayed empty are left out."""
    found = context.capture.storage if context.capture else None
    if found is None:
        return ""
    tables = [table for table, count in found.tables.items() if count] or list(found.tables)
    total = (context.say("all"), *(str(found.tables[table]) for table in tables))
    rows = [
        (code(user), *(str(kept.rows.get(table, 0)) for table in tables))
        for user, kept in found.users.items()
    ]
    return context.render(
        "storage.md",
        head=[context.say("User"), *map(code, tables)],
        rows=[*rows, total],
        users=[
            (code(user), [text(memory) for memory in kept.memories]) for user, kept in found.users.items()
        ],
    )
