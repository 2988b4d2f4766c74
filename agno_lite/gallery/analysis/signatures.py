"""Parameters of functions and fields of classes, with their lines, defaults and descriptions."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest

import docstring_parser

from agno_lite.gallery.analysis.modules import Definition, FunctionNode


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterNode:
    """A parameter in a signature, or a field that makes one."""

    name: str
    """Its name, without stars."""
    line: int
    """First line, 1-based."""
    end_line: int
    """Last line, default included."""
    default: str | None
    """Source text of its default; `None` if it has to be passed."""
    positional: bool
    """Whether it may be passed by position."""
    docstring: str
    """The string under a field, or empty."""


def signature(node: FunctionNode) -> Iterator[ParameterNode]:
    """The parameters of a function in order; `*args` and `**kwargs` left out, `self` not."""
    positional = [*node.args.posonlyargs, *node.args.args]
    defaults = zip_longest(reversed(positional), reversed(node.args.defaults))
    for argument, default in reversed(list(defaults)):
        yield _parameter(argument, default, positional=True)
    for argument, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
        yield _parameter(argument, default, positional=False)


def _parameter(argument: ast.arg, default: ast.expr | None, *, positional: bool) -> ParameterNode:
    end = default or argument
    return ParameterNode(
        name=argument.arg,
        line=argument.lineno,
        end_line=end.end_lineno or argument.lineno,
        default=None if default is None else ast.unparse(default),
        positional=positional,
        docstring="",
    )


def fields(definitions: dict[str, Definition], owner: str) -> Iterator[ParameterNode]:
    """The annotated fields of the class `owner`, of which a dataclass makes its constructor."""
    for qualname, definition in definitions.items():
        node = definition.node
        if qualname.rpartition(".")[0] != owner or not isinstance(node, ast.AnnAssign):
            continue
        if not isinstance(node.target, ast.Name) or "ClassVar" in ast.unparse(node.annotation):
            continue
        options = _field_options(node.value)
        if options.get("init") != "False" and ast.unparse(node.annotation) != "KW_ONLY":
            yield ParameterNode(
                name=node.target.id,
                line=definition.line,
                end_line=definition.end_line,
                default=_field_default(node.value, options),
                positional=True,
                docstring=definition.docstring,
            )


def _field_options(value: ast.expr | None) -> dict[str, str]:
    """Keywords of `field(…)`, as source text."""
    if not isinstance(value, ast.Call) or ast.unparse(value.func).rpartition(".")[2] != "field":
        return {}
    return {keyword.arg: ast.unparse(keyword.value) for keyword in value.keywords if keyword.arg}


def _field_default(value: ast.expr | None, options: dict[str, str]) -> str | None:
    """What a field is if it is not passed: `dict()` for `field(default_factory=dict)`."""
    if value is None or not options:
        return None if value is None else ast.unparse(value)
    if "default_factory" in options:
        return f"{options['default_factory']}()"
    return options.get("default")


@lru_cache(maxsize=4096)
def described_parameters(docstring: str) -> dict[str, str]:
    """What the `Args:` and `Attributes:` of a Google-style docstring say, by name."""
    parsed = docstring_parser.parse(docstring, style=docstring_parser.DocstringStyle.GOOGLE)
    return {item.arg_name.lstrip("*"): item.description or "" for item in parsed.params}


# A full stop ends a sentence where a capital, a code span or nothing follows: not the ones in "e.g. this".
_SENTENCE = re.compile(r"(?:[.!?](?=\s+[A-Z`\[(]|\s*$)|[。！？])")


def first_sentence(docstring: str) -> str:
    """The first sentence of a text, on one line."""
    paragraph = " ".join(docstring.strip().split("\n\n")[0].split())
    end = _SENTENCE.search(paragraph)
    return paragraph[: end.end()] if end else paragraph
