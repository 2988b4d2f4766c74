"""Groups of coroutines that the script's own code starts, marked by structure and not by time.

Whether two runs overlapped is a matter of chance; that `asyncio.gather` was given both is not. So a span
is opened around each group, and inside it one around each branch. The coroutines themselves are left alone:
their tasks begin in a context in which the branch is the current span, and nothing else differs.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import os
import sys
from contextvars import copy_context
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from agno_lite.tracing import semconv

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from contextvars import Context, ContextVar
    from types import FrameType
    from typing import Protocol

    class OpenSpan(Protocol):
        """A span that has not ended."""

        def __enter__(self) -> Any: ...
        def __exit__(self, *exc: Any) -> None: ...

    Opener = Callable[..., OpenSpan]

_OWN_PACKAGE = "agno_lite"
"""The runtime marks its own groups."""


class Groups:
    """Marks `asyncio.gather`, `asyncio.TaskGroup` and `asyncio.as_completed` where project code uses them.

    Args:
        span: opens a span, as `agno_lite.tracing.span` does.
        folders: absolute paths of the folders whose code is the project's.
    """

    def __init__(self, span: Opener, folders: Sequence[str]) -> None:
        self._span = span
        self._folders = tuple(folder.rstrip(os.sep) + os.sep for folder in folders)
        self._task_groups: WeakKeyDictionary[asyncio.TaskGroup, _Group] = WeakKeyDictionary()

    def install(self) -> None:
        """Put marking functions in the place of Python's, until the process ends."""
        functions = {
            "gather": self._gather(asyncio.gather),
            "as_completed": self._as_completed(asyncio.as_completed),
        }
        vars(asyncio).update(functions)
        vars(asyncio.tasks).update(functions)
        methods = {"__aenter__": self._enter, "create_task": self._create_task, "__aexit__": self._exit}
        for name, marking in methods.items():
            setattr(asyncio.TaskGroup, name, marking(getattr(asyncio.TaskGroup, name)))

    def _gather(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def gather(*awaitables: Any, **options: Any) -> Any:
            if not self._is_marked(sys._getframe(1), awaitables):  # noqa: SLF001 - the caller's frame
                return original(*awaitables, **options)
            group = self._open("asyncio.gather", sys._getframe(1))  # noqa: SLF001 - as above
            # The same coroutine may be given twice; it is one branch.
            unique = {id(one): one for one in awaitables}
            started = {key: group.start(one) for key, one in unique.items()}
            outer = original(*(started[id(one)] for one in awaitables), **options)
            outer.add_done_callback(group.close)
            return outer

        return gather

    def _as_completed(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def as_completed(awaitables: Any, **options: Any) -> Any:
            caller = sys._getframe(1)  # noqa: SLF001 - the documented way to a caller's frame
            if inspect.isawaitable(awaitables) or not self._is_project(caller):
                return original(awaitables, **options)
            return original(_Iterable(functools.partial(self._started, awaitables, caller)), **options)

        return as_completed

    def _started(self, awaitables: Iterable[Any], caller: FrameType) -> Iterator[Any]:
        """The awaitables as tasks, started when Python would: with the first that is asked for."""
        several = set(awaitables)
        if not self._is_marked(caller, several):
            yield from several
            return
        group = self._open("asyncio.as_completed", caller)
        for one in several:
            yield group.start(one)
        group.finish()

    def _enter(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def enter(task_group: asyncio.TaskGroup) -> Any:
            caller = sys._getframe(1)  # noqa: SLF001 - the documented way to a caller's frame
            if self._is_project(caller):
                self._task_groups[task_group] = self._open("asyncio.TaskGroup", caller)
            return original(task_group)

        return enter

    def _create_task(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def create_task(task_group: asyncio.TaskGroup, coroutine: Any, **options: Any) -> Any:
            group = self._task_groups.get(task_group)
            make = functools.partial(original, task_group, coroutine, **options)
            # A context of the script's own is the script's: what is in it stays.
            return make() if group is None or options.get("context") else group.branch(coroutine, make)

        return create_task

    def _exit(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def leave(task_group: asyncio.TaskGroup, *exc: Any) -> Any:
            group = self._task_groups.get(task_group)
            if group is not None:
                group.finish()
            return original(task_group, *exc)

        return leave

    def _is_marked(self, caller: FrameType, awaitables: Iterable[Any]) -> bool:
        """Whether there is anything to mark: project code starts something, on a loop that runs."""
        starts = any(_is_startable(one) for one in awaitables)
        return starts and self._is_project(caller) and asyncio._get_running_loop() is not None  # noqa: SLF001

    def _is_project(self, caller: FrameType) -> bool:
        own = caller.f_globals.get("__name__", "").partition(".")[0] == _OWN_PACKAGE
        return not own and caller.f_code.co_filename.startswith(self._folders)

    def _open(self, name: str, caller: FrameType) -> _Group:
        return _Group(self._span, name, caller)


class _Group:
    """An open span of a group, and how many of its branches have not ended."""

    def __init__(self, span: Opener, name: str, caller: FrameType) -> None:
        self._new = span
        self._opened = span(
            semconv.GATHER,
            name,
            concurrent=True,
            code__function__name=f"{caller.f_globals.get('__name__', '')}.{caller.f_code.co_qualname}",
            code__file__path=caller.f_code.co_filename,
        )
        self._context = copy_context()
        self._inside = _changes(self._context, self._opened)
        self._running = 0
        self._ending = False

    def start(self, awaitable: Any) -> Any:
        """A task for the awaitable, as a branch; what runs already, or is none, is left as it is."""
        if not _is_startable(awaitable):
            return awaitable
        task = self.branch(awaitable, functools.partial(asyncio.ensure_future, awaitable))
        task._log_destroy_pending = False  # noqa: SLF001 - as Python sets it for tasks that are not the script's
        return task

    def branch(self, awaitable: Any, make: Callable[[], Any]) -> Any:
        """Make a task in whose context this awaitable's branch is the current span."""
        context = copy_context()
        for variable, value in self._inside:
            context.run(variable.set, value)
        opened = context.run(functools.partial(self._new, semconv.BRANCH, **_described(awaitable)))
        context.run(opened.__enter__)
        task = context.run(make)
        self._running += 1
        task.add_done_callback(functools.partial(self._branch_ended, context, opened))
        return task

    def finish(self) -> None:
        """Close when the last branch ends."""
        self._ending = True
        if not self._running:
            self.close()

    def close(self, _outer: object = None) -> None:
        """End the span."""
        self._context.run(self._opened.__exit__, None, None, None)

    def _branch_ended(self, context: Context, opened: OpenSpan, task: asyncio.Task[Any]) -> None:
        # `exception()` would count as the script having seen it.
        error = asyncio.CancelledError() if task.cancelled() else task._exception  # noqa: SLF001
        context.run(opened.__exit__, type(error) if error else None, error, None)
        self._running -= 1
        if self._ending and not self._running:
            self.close()


class _Iterable:
    """Begins to iterate when it is asked to. A bare generator would be taken for a coroutine."""

    def __init__(self, begin: Callable[[], Iterator[Any]]) -> None:
        self._begin = begin

    def __iter__(self) -> Iterator[Any]:
        return self._begin()


def _changes(context: Context, opened: OpenSpan) -> list[tuple[ContextVar[Any], Any]]:
    """Open a span in a context; gives what that changed in it."""
    before = dict(context.items())
    context.run(opened.__enter__)
    return [(variable, value) for variable, value in context.items() if before.get(variable) is not value]


def _is_startable(awaitable: Any) -> bool:
    """Whether it does not run yet: a coroutine, or an object that can be awaited."""
    return inspect.isawaitable(awaitable) and not asyncio.isfuture(awaitable)


def _described(awaitable: Any) -> dict[str, str]:
    """Name of a branch, and the function whose coroutine it is."""
    name = getattr(awaitable, "__qualname__", type(awaitable).__qualname__)
    frame = getattr(awaitable, "cr_frame", None)
    module = frame.f_globals.get("__name__", "") if frame else type(awaitable).__module__
    path = frame.f_code.co_filename if frame else ""
    return {"name": name, "code__function__name": f"{module}.{name}", "code__file__path": path}
