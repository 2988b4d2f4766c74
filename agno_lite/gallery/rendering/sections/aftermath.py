"""What the run left behind: its output, and the rows in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agno_lite.gallery.rendering.ansi import terminal
from agno_lite.gallery.rendering.escape import code, text

if TYPE_CHECKING:
    from agno_lite.gallery.rendering.edition import Context


def output(context: Context) -> str:
    """Standard output and standard error, colours kept, and the exit status."""
    capture = context.capture
    if capture is None:
        return ""
    stdout, stderr = context.printed
    return context.render(
        "output.md",
        stdout=terminal(stdout) if stdout.strip() else "",
        stderr=terminal(stderr) if stderr.strip() else "",
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
