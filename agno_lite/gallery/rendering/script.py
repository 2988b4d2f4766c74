"""What a script's text says about its calls: the one that enters, and those that runs come from."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

RUN_METHODS = frozenset({"run", "arun", "print_response", "aprint_response"})
"""Methods of agents and teams that begin a run."""
_CONCURRENT = frozenset({"gather", "as_completed", "TaskGroup", "create_task", "ThreadPoolExecutor"})
"""Names by whose calls a script does several things at the same time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptCall:
    """A method call in a script."""

    method: str
    """Last name of what is called: `aprint_response`."""
    text: str
    """What is called, as the script writes it: `chat_agent.aprint_response`."""
    line: int
    """Line of the call."""
    function: str
    """The script's function that it stands in; empty at module level."""
    values: dict[str, str]
    """Arguments that are text known without running; the first positional one is `""`."""
    sources: dict[str, str]
    """Source text of the arguments, by the same names."""
    lines: dict[str, int]
    """Lines of the arguments, by the same names."""

    @property
    def starts(self) -> str:
        """Name of the function whose call is its first argument: `main` in `asyncio.run(main())`."""
        name, called, _ = self.sources.get("", "").partition("(")
        return name if called else ""

    @property
    def asks_agent(self) -> bool:
        """Whether it begins a run of an agent, which has an input: no `asyncio.run`, no evaluation."""
        given = "" in self.sources or "input" in self.sources
        return self.method in RUN_METHODS and given and self.text != "asyncio.run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A script's calls."""

    calls: tuple[ScriptCall, ...]
    """All calls of names and methods, in source order."""
    functions: dict[str, ast.FunctionDef | ast.AsyncFunctionDef]
    """Its own functions, by name."""

    @property
    def concurrency(self) -> ScriptCall | None:
        """The first call by which it does several things at the same time."""
        return next((call for call in self.calls if call.method in _CONCURRENT), None)

    def line(self, function: str) -> int | None:
        """The first line of one of its own functions."""
        node = self.functions.get(function)
        return node.lineno if node else None

    def group(self, name: str) -> ScriptCall | None:
        """The first call that starts groups of that name, such as `asyncio.gather`."""
        return next((call for call in self.calls if call.method == name.rpartition(".")[2]), None)

    def printed(self, function: str, output: str) -> ScriptCall | None:
        """The last call by which one of its functions prints a text that can be told without running.

        Args:
            function: name of the function.
            output: what the script printed; the text must be a line of it.
        """
        prints = (call for call in self.calls if call.method == "print" and call.function == function)
        lines = output.splitlines()
        return next((call for call in reversed(list(prints)) if call.values.get("") in lines), None)

    @property
    def entry(self) -> ScriptCall | None:
        """The call at module level that sets it going: of an own function if there is one."""
        outer = [call for call in self.calls if not call.function]
        own = (call for call in outer if call.method in self.functions or call.starts in self.functions)
        runs = (call for call in outer if call.method in RUN_METHODS)
        return next(own, None) or next(runs, None)


def read_script(text: str) -> Script:
    """Read a script; one that cannot be parsed has no calls."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return Script(calls=(), functions={})
    constants = _constants(tree)
    calls = sorted(_calls(tree, "", constants), key=lambda call: call.line)
    functions = {
        node.name: node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    }
    return Script(calls=tuple(calls), functions=functions)


def _constants(tree: ast.Module) -> dict[str, str]:
    """Text that the module binds to names."""
    return {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _calls(node: ast.AST, function: str, constants: dict[str, str]) -> Iterator[ScriptCall]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call):
            yield _call(child, function, constants)
        inner = child.name if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)) else function
        yield from _calls(child, inner, constants)


def _call(node: ast.Call, function: str, constants: dict[str, str]) -> ScriptCall:
    arguments = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
    if node.args:
        arguments[""] = node.args[0]
    text = ast.unparse(node.func)
    values = {name: _value(argument, constants) for name, argument in arguments.items()}
    return ScriptCall(
        method=text.rpartition(".")[2],
        text=text,
        line=node.lineno,
        function=function,
        values={name: value for name, value in values.items() if value is not None},
        sources={name: ast.unparse(argument) for name, argument in arguments.items()},
        lines={name: argument.lineno for name, argument in arguments.items()},
    )


def _value(node: ast.expr, constants: dict[str, str]) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return constants.get(node.id) if isinstance(node, ast.Name) else None
