"""What can be known of an example without running it: nothing here imports or executes the project."""

from __future__ import annotations

import ast
from pathlib import PurePosixPath

from agno_lite.gallery.analysis.configuration import configurations
from agno_lite.gallery.analysis.lines import locate
from agno_lite.gallery.analysis.modules import parse_module
from agno_lite.gallery.analysis.symbols import Parameter, SymbolIndex
from agno_lite.gallery.config import Project
from agno_lite.gallery.records import Analysis, Capture, Example

__all__ = ["Parameter", "SymbolIndex", "analyse", "locate"]


def analyse(project: Project, example: Example, capture: Capture | None, index: SymbolIndex) -> Analysis:
    """Everything static about an example, with the values of its run put in where there is one.

    A script that cannot be parsed has an analysis too: its text, and `error`.
    """
    text = (project.root / example.path).read_text(encoding="utf-8")
    try:
        ast.parse(text)
    except (SyntaxError, ValueError) as error:
        where = f"line {error.lineno}: {error.msg}" if isinstance(error, SyntaxError) else str(error)
        return Analysis(example=example, docstring="", text=text, configurations=(), error=where)
    script = parse_module(PurePosixPath(example.path).stem, example.path, text)
    return Analysis(
        example=example,
        docstring=ast.get_docstring(script.tree) or "",
        text=text,
        configurations=configurations(script, capture, index),
    )
