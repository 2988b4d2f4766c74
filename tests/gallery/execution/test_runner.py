"""Whatever a script does, its run is recorded, and nothing of it is left."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agno_lite.exceptions import CaptureError
from agno_lite.gallery.execution.child import OUTPUT_LIMIT
from agno_lite.gallery.store import Store

if TYPE_CHECKING:
    from tests.gallery.execution.conftest import Tiny


def _facts(tiny: Tiny) -> str:
    return Store(tiny.project).facts_path(tiny.example).read_text(encoding="utf-8")


def _is_alive(process: int) -> bool:
    """Whether a process runs; one that has ended and was not waited for does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _wait_until_dead(process: int) -> None:
    deadline = time.monotonic() + 10
    while _is_alive(process):
        assert time.monotonic() < deadline, f"process {process} is still there"
        time.sleep(0.01)


def test_a_script_runs_as_python_runs_it(tiny: Tiny) -> None:
    """`__main__`, arguments, path, file, folder and neighbouring modules are as with `python path`."""
    tiny.write("cookbook/01_topic/neighbour.py", "def near() -> str:\n    return 'near'\n")
    script = """
        import json, os, sys
        from neighbour import near
        print(json.dumps([__name__, __file__, sys.argv, sys.path[0], os.getcwd(), near(), __doc__,
                          __spec__ is None, sys.modules["__main__"].__dict__ is globals()]))
        print("to stderr", file=sys.stderr)
    """
    capture = tiny.capture(script)
    assert json.loads(capture.stdout) == [
        "__main__",
        tiny.example.path,
        [tiny.example.path],
        "cookbook/01_topic",
        ".",
        "near",
        None,
        True,
        True,
    ]
    assert capture.stderr == "to stderr\n"
    assert (capture.exit_status, capture.failure) == (0, None)
    assert capture.entered == ("cookbook/01_topic/neighbour.py::near",)


@pytest.mark.parametrize(
    ("ending", "status", "stderr"),
    [
        ("sys.exit(3)", 3, ""),
        ("sys.exit()", 0, ""),
        ("sys.exit('no more')", 1, "no more\n"),
        ("os._exit(4)", 4, ""),
        ("raise SystemExit(5)", 5, ""),
    ],
)
def test_an_exit_status_is_recorded(tiny: Tiny, ending: str, status: int, stderr: str) -> None:
    """The exit status is that of the process, and nothing that was printed or entered before is lost."""
    capture = tiny.capture(f"""
        import os, sys
        from shop.till import total
        print(total(10, 0.5))
        {ending}
    """)
    assert (capture.exit_status, capture.stdout, capture.stderr) == (status, "15.0\n", stderr)
    assert capture.entered == ("shop/till.py::total",)


@pytest.mark.parametrize(
    "script",
    [
        "1 / 0",
        "from shop.till import Till\n\n\ndef f() -> None:\n    Till('a').pay('no')\n\n\nf()",
        "from shop.till import Till\n\nTill('a', 'b', 'c')",
        "import decimal\n\ndecimal.Decimal(\n    'x'\n)",
        "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise KeyError('outer') from error",
        "try:\n    1 / 0\nexcept ZeroDivisionError:\n    raise KeyError('outer')",
        "def f(:\n    pass",
        "import shop.nowhere",
        "raise ExceptionGroup('several', [ValueError('one'), KeyError('two')])",
        "raise KeyboardInterrupt",
    ],
)
def test_a_traceback_is_what_python_prints(tiny: Tiny, script: str) -> None:
    """A script that fails prints the same traceback as without the recorder, but for the line numbers."""
    capture = tiny.capture(script)
    path = tiny.project.root / tiny.example.path
    expected = subprocess.run(
        [sys.executable, path],
        cwd=tiny.project.root,
        env={"PYTHONPATH": str(tiny.project.root), "PYTHONDONTWRITEBYTECODE": "1"},
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    plain = expected.stderr.replace(f"{tiny.project.root}/", "")
    assert capture.stderr == re.sub(r"(?m)(, line )\d+(?=, in |$)", r"\1#", plain)
    assert capture.exit_status == (130 if "KeyboardInterrupt" in script else expected.returncode)


def test_a_failing_request_shows_no_frame_of_the_recorder(tiny: Tiny) -> None:
    """The recorder stands between client and wire, and still is not in the traceback."""
    capture = tiny.capture("import httpx2\n\nhttpx2.post('http://127.0.0.1:9', json={})")
    assert "ConnectError" in capture.stderr
    assert "gallery" not in capture.stderr


def test_an_endless_script_is_stopped(tiny: Tiny) -> None:
    """At the timeout the script and the processes it started are gone; what it printed is kept."""
    capture = tiny.capture(
        """
        import subprocess, sys
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        open("child", "w").write(str(child.pid))
        print("begun", flush=True)
        while True:
            pass
        """,
        timeout=1,
    )
    assert (capture.exit_status, capture.failure) == (None, "timed out after 1 s")
    assert capture.stdout == "begun\n"
    _wait_until_dead(int((tiny.project.root / "child").read_text()))


def test_a_process_left_behind_is_ended(tiny: Tiny) -> None:
    """A script that ends before a process it started does not hang the recording, nor leave the process."""
    capture = tiny.capture("""
        import subprocess
        child = subprocess.Popen(["sleep", "600"])
        open("child", "w").write(str(child.pid))
    """)
    assert capture.exit_status == 0
    _wait_until_dead(int((tiny.project.root / "child").read_text()))


def test_a_killed_script_is_recorded(tiny: Tiny) -> None:
    """A signal is named, and what happened before is there, the open span too."""
    capture = tiny.capture("""
        import os, signal
        from agno_lite.tracing import span
        with span("pay", "open"):
            print("before")
            os.kill(os.getpid(), signal.SIGKILL)
    """)
    assert (capture.exit_status, capture.failure) == (None, "killed by SIGKILL")
    assert capture.stdout == "before\n"
    assert [span.name for span in capture.spans] == ["pay open"]


def test_output_without_end_is_cut(tiny: Tiny) -> None:
    """Of a great output whole lines of the beginning are kept, with a note, the same each time."""
    script = """
        import os
        line = b"x" * 99 + b"\\n"
        for _ in range(300):
            os.write(1, line * 10_000)
    """
    capture = tiny.capture(script)
    assert len(capture.stdout) < OUTPUT_LIMIT + 200
    lines = capture.stdout.splitlines()
    assert set(lines[:-1]) == {"x" * 99}
    assert lines[-1] == "[output cut: only the first 1,000,000 bytes are kept]"
    assert tiny.capture() == capture


def test_output_of_every_way_is_kept(tiny: Tiny) -> None:
    """`print`, writing to the descriptor, and processes the script runs: all in order, outputs apart."""
    capture = tiny.capture("""
        import os, subprocess, sys
        print("one")
        os.write(1, "zwei — 二\\n".encode())
        subprocess.run(["sh", "-c", "echo three; echo error >&2"], check=True)
        sys.stdout.buffer.write(b"\\xff four\\n")
    """)
    assert capture.stdout == "one\nzwei — 二\nthree\n\ufffd four\n"
    assert capture.stderr == "error\n"


def test_colours_are_kept_and_the_width_is_fixed(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rich prints colours, a hundred columns wide, whatever the caller's terminal is."""
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("NO_COLOR", "1")
    capture = tiny.capture("""
        from rich.console import Console
        console = Console()
        console.print("[red]red[/red]")
        console.rule()
    """)
    red, rule = capture.stdout.splitlines()
    assert red == "\x1b[31mred\x1b[0m"
    assert rule.count("─") == 100


def test_no_secret_of_the_caller_is_recorded(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the script's environment nor the record has a secret, even if the script goes and gets it."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-recorded-nowhere-1")
    monkeypatch.setenv("MY_TOKEN", "tok/recorded-nowhere-2")
    monkeypatch.setenv("UNKNOWN_SETTING", "recorded-nowhere-3")
    recording = tiny.record("""
        import json, os
        from pathlib import Path
        from agno_lite.tracing import span
        everything = dict(os.environ)
        print(json.dumps(everything))
        # The process that started this one has them still.
        parent = Path(f"/proc/{os.getppid()}/environ")
        print(parent.exists() and parent.read_text() and "sk-recorded-nowhere-1 tok/recorded-nowhere-2x")
        with span("look", environment=everything):
            pass
    """)
    Store(tiny.project).save(recording)
    assert "recorded-nowhere" not in _facts(tiny)
    assert "<secret>" in recording.capture.stdout


def test_the_environment_is_fixed_and_can_be_added_to(tiny: Tiny) -> None:
    """A script gets a fixed environment, a home of its own, and what the caller gives."""
    script = """
        import os, tempfile
        from pathlib import Path
        names = ["PYTHONHASHSEED", "TZ", "LC_ALL", "COLUMNS", "AGNO_LITE_OFFLINE", "GIVEN"]
        print([os.environ.get(name) for name in names])
        print(Path.home(), list(Path.home().iterdir()), tempfile.gettempdir())
        print(os.environ["AGNO_LITE_EMBEDDED_DATABASE"])
    """
    capture = tiny.capture(script, environment={"GIVEN": "yes"})
    assert capture.stdout.splitlines() == [
        "['0', 'UTC', 'C.UTF-8', '100', '1', 'yes']",
        "<home> [] <tmp>",
        "<database>",
    ]


def test_random_numbers_are_the_same_each_time(tiny: Tiny) -> None:
    """`random` is seeded, and sets of texts have one order."""
    script = "import random\nprint(random.random(), {'a', 'b', 'c', 'd'})"
    assert tiny.capture(script).stdout == tiny.capture().stdout


def test_compiled_modules_are_not_left_behind(tiny: Tiny) -> None:
    """No module with probes gets into the cache of compiled modules."""
    tiny.capture("import shop.till")
    assert not list(tiny.project.root.rglob("*.pyc"))


def test_ctrl_c_leaves_nothing(tiny: Tiny, tmp_path: Path) -> None:
    """An interrupted recording ends the script's processes and removes its temporary folder."""
    tiny.write(
        tiny.example.path,
        """
        import os, time
        from pathlib import Path
        Path("place.part").write_text(f"{os.getpid()} {os.environ['TMPDIR']}")
        Path("place.part").rename("place")
        time.sleep(600)
        """,
    )
    program = textwrap.dedent(f"""
        from pathlib import Path
        from agno_lite.gallery.config import Project
        from agno_lite.gallery.execution.runner import run
        from agno_lite.gallery.records import Example
        run(Project(root=Path({str(tiny.project.root)!r}), packages=("shop",)),
            Example(path={tiny.example.path!r}, narratives={{}}))
    """)
    recorder = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE)
    place = tiny.project.root / "place"
    while not place.exists():
        assert recorder.poll() is None
        time.sleep(0.01)
    recorder.send_signal(signal.SIGINT)
    _, stderr = recorder.communicate(timeout=30)
    assert stderr.endswith(b"KeyboardInterrupt\n")
    process, folder = place.read_text().split()
    assert not _is_alive(int(process))
    assert not Path(folder).parent.exists()


def test_a_recorder_that_cannot_start_is_an_error(tiny: Tiny) -> None:
    """If the child cannot begin, the error says so, with what it printed."""
    with pytest.raises(
        CaptureError, match=r"example\.py: its process ended before the script began[\s\S]*broken"
    ):
        tiny.capture(
            "print()",
            environment={"PYTHONPATH": str(tiny.write("bad/fcntl.py", "raise OSError('broken')").parent)},
        )


def test_measurements_tell_time_and_memory(tiny: Tiny) -> None:
    """Duration, peak memory and the time of each span are measured, also of a script that ends abruptly."""
    script = """
        import os, time
        from agno_lite.tracing import span
        block = bytearray(50_000_000)
        with span("wait"):
            time.sleep(0.05)
        {}
    """
    for ending in ("", "os._exit(0)"):
        measured = tiny.record(script.format(ending)).measurements
        assert measured.peak_memory > 50_000_000
        assert measured.spans[1].duration >= 0.05
        assert measured.duration >= measured.spans[1].start + measured.spans[1].duration


def test_a_forked_process_writes_no_spans_of_its_own(tiny: Tiny) -> None:
    """Functions that a forked process enters count as entered; its spans are not taken for the script's."""
    capture = tiny.capture("""
        import os
        from shop.till import Till, total
        if not os.fork():
            Till("forked").pay(1)
            os._exit(0)
        os.wait()
    """)
    assert capture.spans == ()
    assert "shop/till.py::total" in capture.entered
