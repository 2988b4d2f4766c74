"""The one background event loop of the process, and the ways onto it.

HTTP clients belong to the event loop that first used them, and user code may run any number of loops, or
none. So whatever holds connections lives on one loop in a daemon thread, and callers hop to it: `run_sync`
from synchronous code, `hop` and `hop_stream` from coroutines on any loop. The caller's context variables
come along.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import threading
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator

T = TypeVar("T")

_BUFFERED_PIECES = 64
"""How far a stream's source may run ahead of its reader."""
_EXIT_SECONDS = 2.0
"""How long closing may take at the end of the process."""


class _Background:
    """An event loop in a daemon thread, with what is to be closed before it ends."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.closers: list[Callable[[], Awaitable[None]]] = []
        self._ending = False
        self._thread = threading.Thread(target=self._serve, name="agno-lite-loop", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while not self._ending:
            # A task that calls sys.exit() hands the exception to its caller and also ends `run_forever`,
            # on which every other caller depends.
            with contextlib.suppress(SystemExit, KeyboardInterrupt):
                self.loop.run_forever()

    async def _clean_up(self) -> None:
        for close in reversed(self.closers):
            await close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self.loop.shutdown_asyncgens()

    def _stop(self) -> None:
        self._ending = True
        self.loop.stop()

    def close(self) -> None:
        """Close what is registered, cancel what still runs, end the thread."""
        wait([_Crossing(self._clean_up(), self.loop).result], timeout=_EXIT_SECONDS)
        self.loop.call_soon_threadsafe(self._stop)
        self._thread.join(_EXIT_SECONDS)
        if not self._thread.is_alive():
            self.loop.close()


class _Crossing(Generic[T]):
    """A coroutine that runs as a task on another thread's loop.

    `result` is done only when the task is, its clean-up included, and cannot be cancelled itself.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, T], loop: asyncio.AbstractEventLoop) -> None:
        self.result: Future[T] = Future()
        self.result.set_running_or_notify_cancel()
        self._loop = loop
        self._task: asyncio.Task[T] | None = None
        self._cancelled = False
        try:
            loop.call_soon_threadsafe(self._start, coroutine)
        except RuntimeError:
            coroutine.close()
            raise

    def _start(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self._task = self._loop.create_task(coroutine)
        self._task.add_done_callback(self._finish)
        if self._cancelled:
            self._task.cancel()

    def _finish(self, task: asyncio.Task[T]) -> None:
        if task.cancelled():
            self.result.set_exception(asyncio.CancelledError())
        elif (error := task.exception()) is not None:
            self.result.set_exception(error)
        else:
            self.result.set_result(task.result())

    def cancel(self) -> None:
        """Ask the task to stop; from any thread."""
        self._cancelled = True
        with contextlib.suppress(RuntimeError):  # the loop is closed: nothing runs any more
            self._loop.call_soon_threadsafe(self._cancel_task)

    def _cancel_task(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def wait(self) -> T:
        """Await the result from any loop; cancelling the caller cancels the task and waits for its end."""
        outcome = asyncio.wrap_future(self.result)
        try:
            return await asyncio.shield(outcome)
        except asyncio.CancelledError:
            self.cancel()
            await self.settle(outcome)
            raise

    async def settle(self, outcome: asyncio.Future[T] | None = None) -> None:
        """Wait until the task is done, however it ends."""
        outcome = outcome or asyncio.wrap_future(self.result)
        try:
            await asyncio.wait([outcome])
        finally:
            # Marks the outcome as seen, or lets go of it if the caller was cancelled once more.
            _ = outcome.cancel() or outcome.exception()


_background: _Background | None = None
_lock = threading.Lock()


def _forget() -> None:
    """In a forked child: the thread did not survive, and the loop's descriptors are the parent's."""
    global _background, _lock  # noqa: PLW0603 - the one place where the process keeps its loop
    _background = None
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def _get() -> _Background:
    global _background  # noqa: PLW0603 - see _forget
    with _lock:
        if _background is None:
            _background = _Background()
        return _background


def background_loop() -> asyncio.AbstractEventLoop:
    """The process's background event loop, started at the first call and anew after a fork."""
    return _get().loop


def close_at_exit(close: Callable[[], Awaitable[None]]) -> None:
    """Have `close` called on the background loop before it ends, last registered first."""
    _get().closers.append(close)


@atexit.register
def close_background() -> None:
    """Close everything registered and end the background loop; the next use starts a new one."""
    global _background
    with _lock:
        ending, _background = _background, None
    if ending is not None:
        ending.close()


def run_sync(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on the background loop and wait for it, also from inside another running loop.

    Ctrl-C cancels the coroutine and waits for its clean-up.

    Raises:
        RuntimeError: called on the background loop itself, which would wait for itself for ever.
    """
    loop = background_loop()
    if _running_loop() is loop:
        coroutine.close()
        raise RuntimeError(
            "a synchronous call was made from a coroutine of agno_lite's own event loop, for example from an"
            " async tool; use the asynchronous method there (`arun` in place of `run`)"
        )
    crossing = _Crossing(coroutine, loop)
    try:
        return crossing.result.result()
    except KeyboardInterrupt:
        crossing.cancel()
        wait([crossing.result])
        raise


def iterate_sync(source: AsyncGenerator[T, None]) -> Generator[T, None, None]:
    """Iterate over an async generator from synchronous code; closing early closes the source."""
    try:
        while True:
            try:
                piece = run_sync(_next(source))
            except StopAsyncIteration:
                return
            yield piece
    finally:
        run_sync(source.aclose())


async def _next(source: AsyncGenerator[T, None]) -> T:
    return await anext(source)


async def hop(coroutine: Coroutine[Any, Any, T]) -> T:
    """Await a coroutine that runs on the background loop. Cancellation passes through."""
    loop = background_loop()
    if _running_loop() is loop:
        return await coroutine
    return await _Crossing(coroutine, loop).wait()


async def hop_stream(source: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
    """Iterate over an async generator that runs on the background loop.

    The source runs in one task of its own, wherever the reader is, so that context variables that it sets
    stay with it. It is at most 64 pieces ahead. Closing this generator closes the source first.
    """
    pieces: asyncio.Queue[T | _End] = asyncio.Queue()
    reader, loop = asyncio.get_running_loop(), background_loop()
    room = asyncio.Semaphore(_BUFFERED_PIECES)
    pump = _Crossing(
        _pump(source, room, lambda piece: reader.call_soon_threadsafe(pieces.put_nowait, piece)), loop
    )
    try:
        while not isinstance(piece := await pieces.get(), _End):
            yield piece
            loop.call_soon_threadsafe(room.release)
        await pump.wait()
    finally:
        pump.cancel()
        await pump.settle()


class _End:
    """Says that no more pieces come."""


async def _pump(
    source: AsyncGenerator[T, None], room: asyncio.Semaphore, send: Callable[[T | _End], object]
) -> None:
    try:
        async with contextlib.aclosing(source):
            async for piece in source:
                await room.acquire()
                send(piece)
    finally:
        with contextlib.suppress(RuntimeError):  # the reader's loop is closed: nobody waits
            send(_End())


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
