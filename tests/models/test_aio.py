"""The background event loop and the ways onto it."""

from __future__ import annotations

import asyncio
import contextvars
import signal
import subprocess
import sys
import textwrap
import threading
from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest

from agno_lite.utils.aio import background_loop, close_at_exit, close_background, hop, hop_stream, run_sync

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

WHO: contextvars.ContextVar[str] = contextvars.ContextVar("who", default="nobody")


async def where() -> tuple[asyncio.AbstractEventLoop, str]:
    """Where a coroutine runs, and what it knows of its caller."""
    await asyncio.sleep(0)
    return asyncio.get_running_loop(), WHO.get()


async def count(upto: int, ended: threading.Event | None = None) -> AsyncGenerator[int, None]:
    """Numbers, one after another."""
    try:
        for number in range(upto):
            await asyncio.sleep(0)
            yield number
    finally:
        await asyncio.sleep(0)
        if ended:
            ended.set()


def in_new_process(code: str) -> subprocess.CompletedProcess[str]:
    """Run code where every warning is an error and unfinished coroutines are reported."""
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", textwrap.dedent(code)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_sync_code_runs_coroutines_with_and_without_a_running_loop() -> None:
    """`run_sync` works from plain code and from inside a running loop, with the caller's context."""
    WHO.set("caller")
    assert run_sync(where()) == (background_loop(), "caller")

    async def inside() -> tuple[asyncio.AbstractEventLoop, str]:
        return run_sync(where())

    assert asyncio.run(inside()) == (background_loop(), "caller")


def test_sync_call_on_the_background_loop_is_refused() -> None:
    """A synchronous call that would wait for itself raises and names the asynchronous method."""

    async def inside() -> None:
        run_sync(where())

    with pytest.raises(RuntimeError, match="arun"):
        run_sync(inside())


def test_hop_serves_one_loop_after_another_and_itself() -> None:
    """`hop` runs the coroutine on the background loop, whatever loop awaits it."""
    loop = background_loop()
    assert [asyncio.run(hop(where()))[0] for _ in range(2)] == [loop, loop]
    assert run_sync(hop(where()))[0] is loop


def test_errors_arrive_as_they_were_raised() -> None:
    """What the coroutine raises comes out of `run_sync`, `hop` and `hop_stream`, even SystemExit."""

    async def fail(error: BaseException) -> None:
        raise error

    async def failing() -> AsyncGenerator[int, None]:
        yield 1
        raise KeyError("late")

    async def read() -> list[int]:
        return [piece async for piece in hop_stream(failing())]

    with pytest.raises(KeyError, match="late"):
        asyncio.run(read())
    with pytest.raises(ZeroDivisionError):
        asyncio.run(hop(fail(ZeroDivisionError())))
    with pytest.raises(SystemExit):
        run_sync(fail(SystemExit(3)))
    assert run_sync(where())[0] is background_loop()


def test_cancelling_a_hop_cancels_and_waits_for_clean_up() -> None:
    """A cancelled caller gets control back only after the coroutine has cleaned up."""
    steps: list[str] = []

    async def slow() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.01)
            steps.append("cleaned")

    async def caller() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await hop(slow())
        steps.append("back")

    asyncio.run(caller())
    assert steps == ["cleaned", "back"]


@pytest.mark.parametrize("upto", [0, 1, 500])
def test_streams_cross_whole_and_in_order(upto: int) -> None:
    """Every piece crosses, also where there are more than the buffer holds."""

    async def read() -> list[int]:
        return [piece async for piece in hop_stream(count(upto))]

    assert asyncio.run(read()) == list(range(upto))
    assert run_sync(read()) == list(range(upto))


def test_stream_waits_for_its_reader() -> None:
    """The source runs at most the buffer's length ahead."""
    made: list[int] = []

    async def source() -> AsyncGenerator[int, None]:
        for number in range(1000):
            made.append(number)
            yield number

    async def read() -> None:
        async with aclosing(hop_stream(source())) as pieces:
            await anext(pieces)
            await asyncio.sleep(0.02)
            assert len(made) <= 70

    asyncio.run(read())


def test_closing_a_stream_early_closes_its_source_first() -> None:
    """When the reader stops, the source's clean-up is done before the reader goes on."""
    ended = threading.Event()

    async def read() -> None:
        async with aclosing(hop_stream(count(1000, ended))) as pieces:
            async for piece in pieces:
                if piece == 3:
                    break
        assert ended.is_set()

    asyncio.run(read())


def test_context_set_by_a_source_stays_with_it() -> None:
    """A context variable that the source sets is seen in all of the source and not by the reader."""

    async def source() -> AsyncGenerator[str, None]:
        token = WHO.set("source")
        yield WHO.get()
        yield WHO.get()
        WHO.reset(token)

    async def read() -> list[str]:
        seen = []
        async for piece in hop_stream(source()):
            seen += [piece, WHO.get()]
        return seen

    WHO.set("reader")
    assert asyncio.run(read()) == ["source", "reader"] * 2
    assert run_sync(read()) == ["source", "reader"] * 2


def test_resources_are_closed_with_the_loop_and_a_new_one_starts() -> None:
    """Closing the loop closes what was registered on it; the next use gets another loop."""
    closed: list[asyncio.AbstractEventLoop] = []

    async def close() -> None:
        closed.append(asyncio.get_running_loop())

    first = background_loop()
    close_at_exit(close)
    close_background()
    assert closed == [first]
    assert first.is_closed()
    assert run_sync(where())[0] is not first


def test_nothing_is_left_at_exit() -> None:
    """A process that ends with work under way closes its resources and prints no warning."""
    done = in_new_process(
        """
        import asyncio
        from agno_lite.utils.aio import *

        async def close():
            print("closed")

        async def endless():
            close_at_exit(close)
            try:
                await asyncio.sleep(60)
            finally:
                print("cancelled")

        run_sync(asyncio.sleep(0))
        asyncio.run_coroutine_threadsafe(endless(), background_loop())
        run_sync(asyncio.sleep(0.01))
        """
    )
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, ["closed", "cancelled"], "")


def test_a_forked_child_gets_a_loop_of_its_own() -> None:
    """After a fork the child starts a new loop and does not disturb the parent's."""
    done = in_new_process(
        """
        import asyncio, os, warnings
        from agno_lite.utils.aio import run_sync

        run_sync(asyncio.sleep(0))
        warnings.simplefilter("ignore")
        child = os.fork()
        if child == 0:
            run_sync(asyncio.sleep(0.01))
            os._exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        run_sync(asyncio.sleep(0.01))
        """
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_ctrl_c_cancels_and_waits_for_clean_up() -> None:
    """Ctrl-C in `run_sync` lets the coroutine clean up, then KeyboardInterrupt goes on."""
    code = """
        import asyncio
        from agno_lite.utils.aio import run_sync

        async def slow():
            print("started", flush=True)
            try:
                await asyncio.sleep(60)
            finally:
                await asyncio.sleep(0.01)
                print("cleaned", flush=True)

        try:
            run_sync(slow())
        except KeyboardInterrupt:
            print("interrupted")
    """
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(code)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "started\n"
        child.send_signal(signal.SIGINT)
        assert child.communicate(timeout=30) == ("cleaned\ninterrupted\n", "")
