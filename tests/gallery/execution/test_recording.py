"""What is recorded of a run: functions, requests, objects; and that recording changes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agno_lite.gallery.store import Store

if TYPE_CHECKING:
    from agno_lite.gallery.records import Capture
    from tests.gallery.execution.conftest import Server, Tiny


def _bodies(capture: Capture) -> list[tuple[Any, Any]]:
    return [
        (capture.bodies[exchange.request], capture.bodies[exchange.response])
        for exchange in capture.exchanges
    ]


# --- functions ---------------------------------------------------------------------------------


def test_functions_of_every_kind_are_seen(tiny: Tiny) -> None:
    """Coroutines, generators, nested functions, methods, decorated ones: each at its first call."""
    tiny.write(
        "shop/kinds.py",
        '''
        """All kinds."""
        import functools

        def noted(function):
            @functools.wraps(function)
            def wrapper(*arguments):
                return function(*arguments)
            return wrapper

        @noted
        def decorated(): "Only a docstring."

        async def coroutine():
            async with Context() as context:
                return [item async for item in agenerator()]

        async def agenerator():
            yield 1

        def generator():
            """A docstring, then a yield."""
            yield from (item for item in [1, 2])

        class Context:
            async def __aenter__(self): return self
            async def __aexit__(self, *_): pass
            @property
            def prop(self): return 1
            @staticmethod
            def static(): global _state; _state = 1
            @classmethod
            def cls(cls): return lambda: cls.static()

        def never(): pass
        ''',
    )
    capture = tiny.capture("""
        import asyncio
        from shop.kinds import *
        decorated()
        unstarted = generator()
        assert asyncio.run(coroutine()) == [1]
        assert list(unstarted) == [1, 2]
        Context().prop
        Context.cls()()
        print(decorated.__doc__, generator.__doc__, decorated.__name__)
    """)
    assert capture.stdout == "Only a docstring. A docstring, then a yield. decorated\n"
    assert [name.removeprefix("shop/kinds.py::") for name in capture.entered] == [
        "noted",
        "noted.<locals>.wrapper",
        "decorated",
        "coroutine",
        "Context.__aenter__",
        "agenerator",
        "Context.__aexit__",
        "generator",
        "Context.prop",
        "Context.cls",
        "Context.static",
    ]


def test_functions_of_the_script_are_seen(tiny: Tiny) -> None:
    """The script's own functions are listed with those of the package; future imports stay first."""
    capture = tiny.capture('''
        """A script."""
        from __future__ import annotations
        from shop.till import Till
        def main(till: Unknown) -> None:
            till.pay(1)
        main(Till("a"))
        print(main.__annotations__, __doc__)
    ''')
    assert capture.entered == (
        "shop/till.py::Till.__init__",
        "cookbook/01_topic/example.py::main",
        "shop/till.py::Till.pay",
        "shop/till.py::Counter.advance",
        "shop/till.py::total",
    )
    assert capture.stdout == "{'till': 'Unknown', 'return': 'None'} A script.\n"


def test_functions_on_threads_are_seen(tiny: Tiny) -> None:
    """Functions that only a thread enters are listed, in an order that does not depend on the thread."""
    capture = tiny.capture("""
        import asyncio, threading
        from shop.till import Till, total, unused
        thread = threading.Thread(target=lambda: (unused(), total(1, 1)))
        thread.start(); thread.join()
        asyncio.run(asyncio.to_thread(Till, "a"))
    """)
    assert capture.entered == ("shop/till.py::Till.__init__", "shop/till.py::total", "shop/till.py::unused")


@pytest.mark.parametrize(("call", "most"), [("tills[0].advance()", 0), ("tills[0].pay(1)", 200)])
def test_the_recorder_is_no_part_of_memory_figures(tiny: Tiny, call: str, most: int) -> None:
    """A script that measures its allocations finds none of the recorder's; spans leave a little, once."""
    capture = tiny.capture(f"""
        import tracemalloc
        from shop.till import Till
        def work():
            tills = [Till(str(number), tax=0.5) for number in range(100)]
            for _ in range(100):
                {call}
            return tills
        work()
        tracemalloc.start()
        kept = work()
        found = tracemalloc.take_snapshot().statistics("filename")
        print(sum(trace.size for trace in found if "gallery" in trace.traceback[0].filename))
    """)
    assert int(capture.stdout) <= most


# --- the wire ----------------------------------------------------------------------------------

_CLIENTS = """
import asyncio, json, os
import httpx2
from agno_lite.tracing import span

url = os.environ["SERVER"]

def sync():
    with httpx2.Client() as client, span("chat", "sync"):
        print(client.post(f"{url}/echo?key=1", json={"ask": "é"}, headers={"authorization": "hidden"}).json())
        with client.stream("POST", f"{url}/events", json={}) as response:
            for line in response.iter_lines():
                print(repr(line))

async def main():
    async with httpx2.AsyncClient() as client:
        with span("chat", "async"):
            print((await client.post(f"{url}/echo", json={"ask": "é"})).json())
            async with client.stream("POST", f"{url}/events", json={}) as response:
                async for line in response.aiter_lines():
                    print(repr(line))
"""


@pytest.mark.parametrize("call", ["sync()", "asyncio.run(main())"])
def test_exchanges_are_recorded_and_not_changed(tiny: Tiny, server: Server, call: str) -> None:
    """Bodies, status and span of each exchange are recorded; the client reads a stream as it was sent."""
    capture = tiny.capture(_CLIENTS + call, environment={"SERVER": server.url})
    assert [path for path, _ in server.seen] == (["/echo?key=1"] if call == "sync()" else ["/echo"]) + [
        "/events"
    ]
    assert [(e.method, e.path, e.status, e.streamed, e.span) for e in capture.exchanges] == [
        ("POST", "/echo", 200, False, 1),
        ("POST", "/events", 200, True, 1),
    ]
    assert _bodies(capture) == [
        ({"ask": "é"}, {"echo": {"ask": "é"}}),
        ({}, [{"n": 1}, {"n": 2}, "[DONE]"]),
    ]
    assert capture.stdout.splitlines() == [
        "{'echo': {'ask': 'é'}}",
        *map(repr, ['data: {"n": 1}', "", "event: more", 'data: {"n": 2}', "", "data: [DONE]", ""]),
    ]
    assert capture.stderr == ""
    assert "hidden" not in json.dumps(capture.bodies)


def test_retries_and_failures_are_exchanges(tiny: Tiny, server: Server) -> None:
    """A request that is sent again is recorded again; one that nobody answers has no status."""
    capture = tiny.capture(
        """
        import os, httpx2
        client = httpx2.Client()
        for _ in range(2):
            print(client.post(os.environ["SERVER"] + "/flaky", json=[1]).status_code)
        try:
            client.post("http://127.0.0.1:9/nobody", json={})
        except httpx2.ConnectError as error:
            print(type(error).__name__)
        """,
        environment={"SERVER": server.url},
    )
    assert [(e.path, e.status) for e in capture.exchanges] == [
        ("/flaky", 500),
        ("/flaky", 200),
        ("/nobody", None),
    ]
    assert _bodies(capture) == [([1], "no"), ([1], {"echo": [1]}), ({}, None)]
    assert capture.stdout == "500\n200\nConnectError\n"


def test_packed_and_abandoned_streams_are_recorded(tiny: Tiny, server: Server) -> None:
    """A compressed answer is recorded unpacked; of a stream that is left early, what had come."""
    capture = tiny.capture(
        """
        import os, httpx2
        with httpx2.Client() as client:
            with client.stream("POST", os.environ["SERVER"] + "/packed", json={}) as response:
                print(response.headers["content-encoding"], response.read())
            with client.stream("POST", os.environ["SERVER"] + "/events", json={}) as response:
                next(response.iter_lines())
            print(response.is_closed, response.elapsed.total_seconds() > 0)
        """,
        environment={"SERVER": server.url},
    )
    assert capture.stdout == "gzip b'{\"packed\": true}'\nTrue True\n"
    (_, packed), (_, left) = _bodies(capture)
    assert packed == {"packed": True}
    assert left[:1] == [{"n": 1}]


# --- objects -----------------------------------------------------------------------------------


def test_what_a_script_constructs_is_recorded(tiny: Tiny) -> None:
    """Class and arguments of each construction site, by parameter, as stable text; the first time only."""
    capture = tiny.capture("""
        import enum, pathlib
        from decimal import Decimal
        from pathlib import Path
        from shop.till import Till
        import shop.till

        class Kind(enum.Enum):
            ONE = 1

        def tool() -> None: ...

        amounts = iter([0.5])
        first = Till("a", tax=0.1, tools=[tool, len, "é"], kind=Kind.ONE)
        for name in ("b", "c"):
            Till(name, inner=Till("inner"), other=first, many={"x": (1,), "y": {2, 1}, 3: Path("p")})
        shop.till.Till(*["d"], **{"tax": 0.3, "none": None})
        Decimal("1.5")
        print([till.name for till in [first]], list(amounts))
    """)
    assert capture.stdout == "['a'] [0.5]\n"
    assert {made.site: (made.cls, made.arguments) for made in capture.objects} == {
        0: ("shop.till.Till", {"name": "'a'", "tax": "0.1", "tools": "[tool, len, 'é']", "kind": "Kind.ONE"}),
        1: (
            "shop.till.Till",
            {
                "name": "'b'",
                "inner": "Till(...)",
                "other": "Till(...)",
                "many": "{'x': (1,), 'y': {1, 2}, 3: Path('p')}",
            },
        ),
        2: ("shop.till.Till", {"name": "'inner'"}),
        3: (f"{Path.__module__}.Path", {"args": "('p',)"}),
        4: ("shop.till.Till", {"name": "'d'", "tax": "0.3", "none": "None"}),
        5: ("decimal.Decimal", {"value": "'1.5'"}),
    }


def test_annotations_and_failing_constructions_stay_as_they_are(tiny: Tiny) -> None:
    """An annotation with a call in it reads as written; a constructor that raises leaves no object."""
    capture = tiny.capture("""
        from __future__ import annotations
        from typing import Annotated
        from pydantic import BaseModel, Field
        from shop.till import Till
        class Model(BaseModel):
            size: Annotated[int, Field(gt=3)]
        try:
            Till("a", "b")
        except TypeError as error:
            print(error)
        print(Model.__annotations__, Model(size=4))
    """)
    assert capture.stdout.splitlines() == [
        "Till.__init__() takes 2 positional arguments but 3 were given",
        "{'size': 'Annotated[int, Field(gt=3)]'} size=4",
    ]
    assert capture.objects == ()


# --- determinism -------------------------------------------------------------------------------

_CONCURRENT = """
import asyncio, os, random, secrets, time, uuid
import httpx2
from agno_lite.tracing import span
from shop.till import Till, total, unused

url = os.environ["SERVER"]

def pause():
    time.sleep(secrets.randbelow(20) / 1000)

async def customer(client, name):
    await asyncio.sleep(secrets.randbelow(20) / 1000)
    key = str(uuid.uuid4())
    with span("serve", key=key):
        await asyncio.sleep(secrets.randbelow(20) / 1000)
        answer = (await client.post(f"{url}/echo", json={"name": name, "key": key})).json()
        await client.post(f"{url}/echo", json={"again": answer, "at": time.time()})
        await asyncio.to_thread(Till(name).pay, 3)
        await asyncio.to_thread(pause)
    return key

async def main():
    async with httpx2.AsyncClient() as client:
        with span("open", concurrent=True):
            keys = await asyncio.gather(*(customer(client, f"c{i // 2}") for i in range(8)))
        with span("close", keys=keys):
            unused()
    print(*keys, sep="\\n")
    print(f"took {time.time():.3f}s", object(), "it took (0.1s)")

asyncio.run(main())
"""


def test_a_concurrent_script_gives_the_same_facts_each_time(tiny: Tiny, server: Server) -> None:
    """Whatever order things happen in, the facts are equal, and the file is the same to the byte."""
    store = Store(tiny.project)
    recordings = [tiny.record(_CONCURRENT, environment={"SERVER": server.url}) for _ in range(4)]
    files = set()
    for recording in recordings:
        store.save(recording)
        files.add(store.facts_path(tiny.example).read_bytes())
    assert len(files) == 1
    capture = recordings[0].capture
    assert all(recording.capture == capture for recording in recordings)
    assert capture.exit_status == 0, capture.stderr
    assert [span.name for span in capture.spans] == [
        "open",
        "agno_lite.gather asyncio.gather",
        *["agno_lite.branch customer", "serve", "pay c0"] * 2,
        *["agno_lite.branch customer", "serve", "pay c1"] * 2,
        *["agno_lite.branch customer", "serve", "pay c2"] * 2,
        *["agno_lite.branch customer", "serve", "pay c3"] * 2,
        "close",
    ]
    assert [exchange.span for exchange in capture.exchanges] == [n for n in range(4, 28, 3) for _ in (1, 2)]
    assert len({path for path, _ in server.seen}) == 1
    assert len(server.seen) == 4 * len(capture.exchanges)
    assert capture.entered[:2] == (
        "cookbook/01_topic/example.py::main",
        "cookbook/01_topic/example.py::customer",
    )
    assert capture.entered[-1] == "shop/till.py::unused"
    (keys,) = [span.attributes["keys"] for span in capture.spans if span.name == "close"]
    assert sorted(keys) == [f"<uuid:{number}>" for number in range(1, 9)]
    assert capture.stdout.splitlines()[:8] == keys
    assert capture.stdout.endswith("took <time>s <object object at 0x…> it took (#.#s)\n")


def test_measurements_belong_to_the_canonical_numbers(tiny: Tiny, server: Server) -> None:
    """Each span and exchange of the facts has its timing under the same number."""
    recording = tiny.record(_CONCURRENT, environment={"SERVER": server.url})
    assert list(recording.measurements.spans) == [span.id for span in recording.capture.spans]
    assert list(recording.measurements.exchanges) == [e.id for e in recording.capture.exchanges]
    opened = recording.measurements.spans[1]
    for number in range(2, 18):
        inner = recording.measurements.spans[number]
        assert opened.start <= inner.start
        assert inner.start + inner.duration <= opened.start + opened.duration + 1e-5
