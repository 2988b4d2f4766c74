"""Compares what the tool says with what is true, and gives three lists: stale, in vain, wrong reasons.

A page is **stale and unannounced** if something on it is not so and nothing was said:

- a plain run gives another outcome (exit status, output, requests), and the first check did not announce the
  example, or it was not run again, or its page published before that run did not say that it is out of date;
- after the runs the page shows another output than a plain run, a reference to a line where the symbol is
  not, an excerpt that is not in the file, a setting that the script does not pass, a docstring that is not
  translated, and the last check found no problem in the files concerned.

A run is **in vain** if it gives the outcome of before and the edit touched nothing that the run before had
executed or read: no module-level statement of an imported module (signatures, defaults, class bodies are
such), no body of a function that was entered, no file that was opened or looked for, no folder that was
listed, no version of a distribution that was imported. Comments, docstrings and positions are none of these.

A reason is **wrong** if it names a file that the edit did not change, a symbol in it whose code is as before,
or nothing at all; or if the check announces a problem where there was none before and the edit did nothing to
the file, to what it names, or to the run.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from tests.benchmarks.drift.effects import MODULE, changed_pieces, definitions
from tests.benchmarks.drift.oracle import Baseline, Outcome, Touched, touched
from tests.benchmarks.drift.published import Sources, faults, pages_of
from tests.benchmarks.drift.tool import Answer, Problem, Reason
from tests.benchmarks.drift.trees import Edit, Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is wrong with a tool's answer to one mutation."""

    stale: tuple[str, ...] = ()
    """Pages left stale and unannounced, each with all that is wrong on it."""
    vain: tuple[str, ...] = ()
    """Runs in vain."""
    reasons: tuple[str, ...] = ()
    """Wrong reasons."""
    needed: int = 0
    """Examples whose outcome changed."""
    ran: int = 0
    """Examples that were run again."""

    @property
    def wrong(self) -> bool:
        """Whether anything is."""
        return bool(self.stale or self.vain or self.reasons)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One mutation, with what is known before and after it."""

    tree: Tree
    """The project; the edit is in effect in it when the answer is judged."""
    edit: Edit
    """What was changed."""
    before: Mapping[str, str | None]
    """Texts of the edited files as they were."""
    baselines: Mapping[str, Baseline]
    """What each example did before."""
    known: frozenset[Problem]
    """Problems that were announced before."""
    touched: Mapping[str, Touched]
    """What of each example's run the edit touches."""
    exact: bool = True
    """Whether pages show the output of a plain run as it is."""

    @classmethod
    def of(
        cls,
        tree: Tree,
        edit: Edit,
        baselines: Mapping[str, Baseline],
        known: frozenset[Problem] = frozenset(),
        *,
        exact: bool = True,
    ) -> Case:
        """Take down what was, before the edit is applied."""
        before = {path: tree.text(path) if (tree.root / path).is_file() else None for path in edit.files}
        hit = {script: touched(tree, edit, baseline.trace) for script, baseline in baselines.items()}
        return cls(
            tree=tree, edit=edit, before=before, baselines=baselines, known=known, touched=hit, exact=exact
        )


def judge(case: Case, answer: Answer, outcomes: Mapping[str, tuple[bool, Outcome]]) -> Verdict:
    """What is wrong with an answer.

    Args:
        case: the mutation, which is in effect now.
        answer: the tool's.
        outcomes: whether each example's outcome changed, and what it is now.
    """
    sources = Sources(case.tree.root, case.tree.layout)
    changed = {script for script, (differs, _) in outcomes.items() if differs}
    return Verdict(
        stale=tuple(_stale_pages(case, sources, answer, outcomes)),
        vain=tuple(_in_vain(case, answer, changed)),
        reasons=tuple(_wrong_reasons(case, sources, answer, outcomes)),
        needed=len(changed),
        ran=len(answer.runs),
    )


# --- stale and unannounced -----------------------------------------------------------------------


def _stale_pages(
    case: Case, sources: Sources, answer: Answer, outcomes: Mapping[str, tuple[bool, Outcome]]
) -> Iterator[str]:
    """One line for each page that is wrong without a word."""
    wrong: dict[str, list[str]] = {}
    for page, what in (*_unannounced(answer, outcomes), *_wrong_facts(case, sources, answer, outcomes)):
        wrong.setdefault(page, []).append(what)
    for page, whats in wrong.items():
        yield f"{page}: {'; '.join(whats)}"


Found = Iterator[tuple[str, str]]
"""A page, and what is wrong with it."""


def _unannounced(answer: Answer, outcomes: Mapping[str, tuple[bool, Outcome]]) -> Found:
    """Pages of examples whose outcome changed, and of which the tool did not say so."""
    for script in sorted(script for script, (differs, _) in outcomes.items() if differs):
        for page in pages_of(script):
            if script not in answer.runs:
                yield page, "the outcome changed, and the example was not run again"
            elif script not in answer.stale:
                yield page, "the outcome changed, and the first check did not say so"
            elif answer.drafts is not None and page not in answer.marked:
                yield page, "the outcome changed, and the page published before the run did not say so"


def _wrong_facts(
    case: Case, sources: Sources, answer: Answer, outcomes: Mapping[str, tuple[bool, Outcome]]
) -> Found:
    """Pages published after the runs that say what is not so."""
    announced = {problem.path for problem in answer.problems}
    if answer.pages is None:
        if not announced:
            yield (
                "all pages",
                f"not published, and the check finds nothing wrong: {answer.refusal.strip()[:200]}",
            )
        return
    for script, (_, outcome) in outcomes.items():
        exact = case.exact and not case.baselines[script].varying
        for fault in faults(sources, script, outcome, answer.pages, exact=exact):
            if not fault.about & announced:
                yield fault.page, fault.what


# --- in vain -------------------------------------------------------------------------------------


def _in_vain(case: Case, answer: Answer, changed: set[str]) -> Iterator[str]:
    for script, reasons in answer.runs.items():
        if script not in changed and not case.touched[script]:
            said = "; ".join(reason.text for reason in reasons)
            yield f"{script}: run again because {said or 'of nothing'}, with nothing that it uses changed"


# --- reasons -------------------------------------------------------------------------------------


def _wrong_reasons(
    case: Case, sources: Sources, answer: Answer, outcomes: Mapping[str, tuple[bool, Outcome]]
) -> Iterator[str]:
    for script in answer.stale.keys() | answer.runs.keys():
        for given in {answer.stale.get(script, ()), answer.runs.get(script, ())}:
            said = [reason for reason in given if reason.text]
            if not said:
                yield f"{script}: stale without a reason"
            for reason in said:
                if not _true(case, script, reason):
                    yield f"{script}: {reason.text!r} is not so"
    for problem in answer.problems:
        if problem not in case.known and not _justified(case, sources, problem, outcomes):
            yield f"{problem.path}: {problem.message[:160]!r} has nothing to do with the change"


def _true(case: Case, script: str, reason: Reason) -> bool:
    """Whether what a reason names was changed by the edit."""
    if reason.package is not None:
        return any(
            path.rpartition("/")[0].rpartition("/")[2].startswith(reason.package) for path in case.edit.files
        )
    path = reason.path or script
    if path.endswith("/"):
        return any(f"{PurePosixPath(other).parent}/" == path for other in _made_or_gone(case))
    if path not in case.edit.files:
        return False
    return reason.symbol is None or _changed(case, path, reason, reason.symbol)


def _made_or_gone(case: Case) -> Iterator[str]:
    for path, text in case.edit.files.items():
        if text is None or case.before[path] is None:
            yield path


def _changed(case: Case, path: str, reason: Reason, symbol: str) -> bool:
    """Whether the code, docstring or definition of the symbol that a reason names is another one now."""
    before, after = case.before[path], case.edit.files[path]
    if reason.kind == "docstring":
        return _docstrings(before).get(symbol) != _docstrings(after).get(symbol)
    if reason.kind == "definition":
        old, new = definitions(before), definitions(after)
        plain = symbol.replace("*", "")
        if plain in old.keys() | new.keys():
            return old.get(plain) != new.get(plain)
        # A statement that binds no name is called by its words.
        return " " in plain and MODULE in changed_pieces(before, after)
    pieces = changed_pieces(before, after)
    return any(name == symbol or name.startswith(f"{symbol}.<locals>") for name in pieces)


def _docstrings(text: str | None, prefix: str = "") -> dict[str, str | None]:
    """Docstrings by qualified name."""
    found: dict[str, str | None] = {}

    def visit(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            inner = prefix
            if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                found[prefix + child.name] = ast.get_docstring(child)
                inner = f"{prefix}{child.name}."
            visit(child, inner)

    visit(ast.parse(text or ""), prefix)
    return found


def _justified(
    case: Case, sources: Sources, problem: Problem, outcomes: Mapping[str, tuple[bool, Outcome]]
) -> bool:
    """Whether a problem can come of the edit."""
    tests: tuple[Callable[[], bool], ...] = (
        lambda: problem.path in case.edit.files,
        lambda: problem.path in outcomes and outcomes[problem.path][1].status != 0,
        lambda: problem.path.endswith(".po") and _translates(case, problem),
        lambda: problem.path.endswith(".md") and _speaks_of(case, sources, problem),
    )
    return any(test() for test in tests)


def _translates(case: Case, problem: Problem) -> bool:
    """Whether a text that lacks a translation stands in what the edit wrote, or comes on pages by it."""
    words = "".join(problem.message.split("has no translation")[0].split())[1:20]
    texts = ("".join((text or "").split()) for text in case.edit.files.values())
    return any(words[1:] in text for text in texts)


def _speaks_of(case: Case, sources: Sources, problem: Problem) -> bool:
    """Whether a narrative has to do with what was changed: a name in it, or a value of a run that changed."""
    script = problem.path.rpartition(".md")[0].rpartition(".")[0] + ".py"
    twin = {path for path in case.edit.files if path.startswith(script.removesuffix(".py"))}
    line = sources.text(problem.path).splitlines()[(problem.line or 1) - 1 : problem.line or 1]
    text = "".join(line) + problem.message
    names = {name for path in case.edit.files for name in _names(case, path)}
    return bool(twin) or any(name in text for name in names) or ("{{" in text and bool(case.touched[script]))


def _names(case: Case, path: str) -> set[str]:
    """Names that an edit took away from or brought to a file, and of functions that it changed."""
    before, after = case.before[path] or "", case.edit.files[path] or ""
    if not path.endswith(".py"):
        return {path.rpartition("/")[2]}
    pieces = {name.rpartition(".")[2] for name in changed_pieces(before, after)} - {MODULE}
    kept = set(_docstrings(before)) ^ set(_docstrings(after))
    return pieces | {name.rpartition(".")[2] for name in kept} | _assigned(before) ^ _assigned(after)


def _assigned(text: str) -> set[str]:
    return {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
