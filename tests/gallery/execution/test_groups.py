"""Groups that a script starts itself are marked by structure; the script notices nothing of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agno_lite.tracing import semconv

if TYPE_CHECKING:
    from agno_lite.gallery.records import Capture, SpanRecord
    from tests.gallery.execution.conftest import Tiny

ROOT = Path(__file__).parents[3]

WAYS = {
    "asyncio.gather": "await asyncio.gather(*(talk(name) for name in names))",
    "asyncio.as_completed": "for one in asyncio.as_completed([talk(name) for name in names]): await one",
    "asyncio.TaskGroup": "async with asyncio.TaskGroup() as a: [a.create_task(talk(name)) for name in names]",
}
"""Three ways to run coroutines at the same time."""

TALKS = """
import asyncio, os, random, uuid
from agno_lite.tracing import span
from shop.till import Till

names = ["ada", "bob", "cyd", "dan"]
random.seed(os.environ.get("SEED"))

async def talk(name):
    for turn in range(3):
        await asyncio.sleep(random.random() / 200)
        with span("talk", name, turn=turn, id=str(uuid.uuid4())):
            await asyncio.sleep(random.random() / 200)
            Till(name).pay(turn)

async def main():
    {way}

asyncio.run(main())
Till("last").pay(1)
"""


def script(way: str) -> str:
    """Four coroutines with waits of random length, run in one of the three ways."""
    return TALKS.replace("{way}", WAYS[way])


def groups(capture: Capture) -> list[SpanRecord]:
    """The spans of groups."""
    return [span for span in capture.spans if span.kind == semconv.GATHER]


def branches(capture: Capture, group: SpanRecord) -> list[SpanRecord]:
    """The spans inside a group."""
    return [span for span in capture.spans if span.parent == group.id]


@pytest.mark.parametrize("way", WAYS)
def test_a_group_and_its_branches_are_marked(tiny: Tiny, way: str) -> None:
    """A concurrent span stands for the group, one inside it for each branch; both say whose code they are."""
    capture = tiny.capture(script(way))
    assert capture.exit_status == 0, capture.stderr
    (group,) = groups(capture)
    assert (group.name, group.concurrent, group.parent) == (f"agno_lite.gather {way}", True, None)
    assert (group.path, group.function) == (tiny.example.path, "main")
    inside = branches(capture, group)
    assert [(one.kind, one.name) for one in inside] == [(semconv.BRANCH, "agno_lite.branch talk")] * 4
    assert {(one.path, one.function) for one in inside} == {(tiny.example.path, "talk")}
    for branch, name in zip(inside, ("ada", "bob", "cyd", "dan"), strict=True):
        talks = [span for span in capture.spans if span.parent == branch.id]
        assert [(span.name, span.attributes["turn"]) for span in talks] == [
            (f"talk {name}", turn) for turn in range(3)
        ]
    assert [span.name for span in capture.spans if span.parent is None] == [group.name, "pay last"]


@pytest.mark.parametrize("way", WAYS)
def test_random_waits_leave_no_trace(tiny: Tiny, way: str) -> None:
    """Ten runs whose branches wait for other lengths of time each, and so overlap otherwise, are equal."""
    first, *others = (
        tiny.capture(script(way) if seed == 0 else None, environment={"SEED": str(seed)})
        for seed in range(10)
    )
    assert len(first.spans) == 5 + 12 * 2 + 1
    assert all(other == first for other in others)


def test_groups_inside_branches_keep_their_place(tiny: Tiny) -> None:
    """A branch may start a group of its own; a group that is started from a package counts too."""
    tiny.write(
        "shop/many.py",
        '''
        """Several at once."""
        from asyncio import gather

        async def one(number):
            """Do one."""

        async def all_of(count):
            """Do several."""
            await gather(*(one(number) for number in range(count)))
        ''',
    )
    capture = tiny.capture("""
        import asyncio
        from shop.many import all_of
        async def main():
            await asyncio.gather(all_of(2), all_of(3))
        asyncio.run(main())
    """)
    outer, *inner = groups(capture)
    assert [span.parent for span in inner] == [span.id for span in branches(capture, outer)]
    assert sorted(len(branches(capture, group)) for group in inner) == [2, 3]
    assert {(group.path, group.function) for group in inner} == {("shop/many.py", "all_of")}


def test_groups_of_libraries_are_not_marked(tiny: Tiny, tmp_path: Path) -> None:
    """What a library runs at the same time is its own business."""
    library = tmp_path / "elsewhere" / "library.py"
    library.parent.mkdir()
    library.write_text("import asyncio\nasync def both(*some): return await asyncio.gather(*some)\n")
    paths = os.pathsep.join([str(library.parent), str(ROOT)])
    capture = tiny.capture(
        """
        import asyncio, library
        print(asyncio.run(library.both(asyncio.sleep(0, 1), asyncio.sleep(0, 2))))
        """,
        environment={"PYTHONPATH": paths},
    )
    assert capture.stdout == "[1, 2]\n", capture.stderr
    assert capture.spans == ()


def test_an_error_ends_its_branch_and_is_told(tiny: Tiny) -> None:
    """The branch that failed says how; the one that was cancelled for it says that."""
    capture = tiny.capture("""
        import asyncio
        async def fails(): raise ValueError("no")
        async def waits(): await asyncio.sleep(60)
        async def main():
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(fails())
                    group.create_task(waits())
            except* ValueError as error:
                print(error.exceptions)
        asyncio.run(main())
    """)
    (group,) = groups(capture)
    assert [(one.name.split()[-1], one.error) for one in branches(capture, group)] == [
        ("fails", "ValueError: no"),
        ("waits", "CancelledError: "),
    ]
    assert capture.stdout == "(ValueError('no'),)\n"


BEHAVIOUR = """
import asyncio, contextvars, gc, sys, traceback

colour = contextvars.ContextVar("colour", default="none")

async def give(value, delay=0.0):
    await asyncio.sleep(delay)
    return value

async def fail(text, delay=0.0):
    await asyncio.sleep(delay)
    raise ValueError(text)

async def paint(new):
    before = colour.get()
    colour.set(new)
    await asyncio.sleep(0)
    return before, colour.get(), asyncio.current_task().get_coro().__name__

class Awaited:
    def __await__(self):
        yield from asyncio.sleep(0).__await__()
        return "awaited"

async def gathers():
    same = give("same")
    task = asyncio.create_task(give("task"), name="mine")
    print(await asyncio.gather(same, give(2, 0.01), same, task, Awaited(), give(3)))
    print(await asyncio.gather(fail("a"), give(1), fail("b"), return_exceptions=True))
    print(await asyncio.gather(), await asyncio.gather(task))
    colour.set("red")
    print(await asyncio.gather(paint("blue"), paint("green")), colour.get())
    try:
        await asyncio.gather(fail("first"), fail("second", 0.01), give(1, 0.02))
    except ValueError as error:
        frames = traceback.extract_tb(error.__traceback__)
        print(error, [frame.name for frame in frames])
    try:
        await asyncio.gather(give(1), 5)
    except TypeError as error:
        print(error)
    waiting = asyncio.gather(give(1, 60), give(2, 60))
    await asyncio.sleep(0)
    print(waiting.cancel(), waiting.done())
    try:
        await waiting
    except asyncio.CancelledError as error:
        print("cancelled", error.args)
    try:
        await asyncio.wait_for(asyncio.gather(give(1, 60)), 0.01)
    except TimeoutError:
        print("too late")

async def groups():
    async with asyncio.TaskGroup() as group:
        colour.set("inside")
        inner = group.create_task(paint("yellow"), name="painter")
        own = contextvars.copy_context()
        other = group.create_task(paint("violet"), context=own)
    print(inner.get_name(), inner.result(), other.result(), colour.get(), own[colour])
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail("x"))
            await asyncio.sleep(60)
    except* ValueError as several:
        frames = [frame.name for frame in traceback.extract_tb(several.exceptions[0].__traceback__)]
        print(several.exceptions, frames)
    async with asyncio.TaskGroup() as group:
        async def more(depth):
            if depth:
                group.create_task(more(depth - 1))
            await asyncio.sleep(0)
        group.create_task(more(3))
    try:
        group.create_task(coroutine := give(1))
    except RuntimeError as error:
        print(str(error).partition(" <")[2][:9])
        coroutine.close()

async def completed():
    some = [give(1, 0.02), give(2), fail("c", 0.01)]
    for one in asyncio.as_completed(some):
        try:
            print(await one)
        except ValueError as error:
            print("failed", error)
    try:
        for one in asyncio.as_completed([give(1, 60)], timeout=0.01):
            await one
    except TimeoutError:
        print("too late")
    for one in asyncio.as_completed([]):
        print("never")

async def unseen():
    handled = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: handled.append(context["message"]))
    for one in asyncio.as_completed([give(1), fail("unseen", 0.01)]):
        await one
        break
    del one
    await asyncio.sleep(0.02)
    gc.collect()
    print(handled)

for main in (gathers, groups, completed, unseen):
    asyncio.run(main())
print(asyncio.gather.__name__, asyncio.as_completed.__module__, asyncio.TaskGroup.create_task.__name__)
"""


def test_the_script_notices_nothing(tiny: Tiny) -> None:
    """Results, order, errors and their tracebacks, cancellation, context, names: all as without recording."""
    capture = tiny.capture(BEHAVIOUR)
    plain = subprocess.run(
        [sys.executable, str(tiny.project.root / tiny.example.path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (plain.returncode, capture.exit_status) == (0, 0), plain.stderr + capture.stderr
    assert capture.stdout == plain.stdout
    assert capture.stderr == plain.stderr
    assert len(groups(capture)) > 10
