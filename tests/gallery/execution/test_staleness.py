"""The rule of staleness, point by point: whatever a run used in one of these ways, a change of it counts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from agno_lite.exceptions import GalleryError

if TYPE_CHECKING:
    from tests.gallery.execution.conftest import Tiny

_TILL = "shop/till.py"
_BODY = (_TILL, "round(price * (1 + tax), 2)", "round(price * (2 + tax), 2)")
_CHANGED = ("shop.till.total: body changed",)
_UNUSED = (_TILL, 'return "unused"', 'return "nothing"')


@pytest.mark.parametrize(
    "script",
    [
        ("import threading\nfrom shop.till import total\n"
        "thread = threading.Thread(target=total, args=(1, 1)); thread.start(); thread.join()"),
        ("from concurrent.futures import ThreadPoolExecutor\nfrom shop.till import total\n"
        "with ThreadPoolExecutor(1) as pool: pool.submit(total, 1, 1).result()"),
        ("import asyncio\nfrom shop.till import total\n"
        "async def work(): total(1, 1)\n"
        "async def main(): await asyncio.create_task(work())\nasyncio.run(main())"),
        ("import os\nfrom shop.till import total\n"
        "if not (child := os.fork()):\n    total(1, 1)\n    os._exit(0)\nos.waitpid(child, 0)"),
        ("import multiprocessing\nfrom shop.till import total\n"
        "if __name__ == '__main__':\n    context = multiprocessing.get_context('fork')\n"
        "    process = context.Process(target=total, args=(1, 1)); process.start(); process.join()"),
        ("import multiprocessing\nfrom shop.till import total\n"
        "if __name__ == '__main__':\n    context = multiprocessing.get_context('spawn')\n"
        "    process = context.Process(target=total, args=(1, 1)); process.start(); process.join()\n"
        "    assert process.exitcode == 0"),
        ("import subprocess, sys\n"
        "subprocess.run([sys.executable, '-c', 'from shop.till import total; total(1, 1)'], check=True)"),
        ("import os, subprocess, sys\n"
        "subprocess.run([sys.executable, '-c', 'from shop.till import total; total(1, 1)'], check=True,\n"
        "               env={'PATH': os.environ['PATH']})"),
        ("import asyncio, sys\n"
        "async def main():\n"
        "    code = 'from shop.till import total; total(1, 1)'\n"
        "    process = await asyncio.create_subprocess_exec(sys.executable, '-c', code)\n"
        "    assert await process.wait() == 0\nasyncio.run(main())"),
        ("import os, sys\n"
        "assert os.system(f'{sys.executable} -c \"from shop.till import total; total(1, 1)\"') == 0"),
        ("import subprocess, sys\n"
        "inner = \"import subprocess, sys; subprocess.run([sys.executable, '-c', "
        "'from shop.till import total; total(1, 1)'], check=True)\"\n"
        "subprocess.run([sys.executable, '-c', inner], check=True)"),
        "import subprocess, sys\nsubprocess.run([sys.executable, '-m', 'shop.run'], check=True)",
    ],
    ids=[
        "thread", "pool", "task", "fork", "multiprocessing-fork", "multiprocessing-spawn", "subprocess",
        "subprocess-with-env", "asyncio-subprocess", "shell", "grandchild", "module",
    ],
)  # fmt: skip
def test_functions_count_wherever_they_are_entered(tiny: Tiny, script: str) -> None:
    """In threads, tasks and child processes, forked or started anew; unused ones do not count."""
    tiny.write("shop/run.py", "from shop.till import total\ntotal(1, 1)\n")
    capture = tiny.capture(script)
    assert capture.exit_status == 0, capture.stderr
    assert tiny.reasons(capture) == ()
    tiny.edit(*_UNUSED)
    assert tiny.reasons(capture) == ()
    tiny.edit(*_BODY)
    assert tiny.reasons(capture) == _CHANGED


def test_a_child_process_sees_the_environment_as_without_the_recorder(tiny: Tiny) -> None:
    """Neither the script nor what it starts finds a trace of the recorder in its environment or path."""
    capture = tiny.capture("""
        import os, subprocess, sys
        look = "import os, sys; print(sorted(os.environ), os.environ.get('PYTHONPATH'), sys.path[1:])"
        exec(look)
        done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
        print(done.stdout, end="")
        print(done.stderr, end="")
    """)
    own, child = capture.stdout.splitlines()
    assert child == own
    assert "RECORD" not in own
    assert "startup" not in own


def test_what_a_child_process_does_is_no_fact_but_a_dependency(tiny: Tiny) -> None:
    """A script started by the script counts with its bytes, and so does what it reads and imports."""
    tiny.write("data/prices.txt", "1")
    tiny.write("tools/print.py", "import idna\nprint(open('data/prices.txt').read())")
    capture = tiny.capture("""
        import subprocess, sys
        subprocess.run([sys.executable, "tools/print.py"], check=True)
    """)
    assert set(capture.dependencies.files) == {"data/prices.txt", "tools/print.py"}
    assert set(capture.dependencies.packages) == {"idna"}
    assert capture.spans == ()


@pytest.mark.parametrize(
    "read",
    [
        "open('shop/data/prices.txt').read()",
        "__import__('pathlib').Path('shop/data/prices.txt').read_bytes()",
        "__import__('importlib.resources').resources.files('shop').joinpath('data/prices.txt').read_text()",
        "__import__('pkgutil').get_data('shop', 'data/prices.txt')",
        "__import__('os').read(__import__('os').open('shop/data/prices.txt', 0), 9)",
        "__import__('linecache').getline('shop/data/prices.txt', 1)",
        "__import__('sqlite3') and open('shop/data/prices.txt', 'rb').read()",
    ],
)
def test_data_files_count_however_they_are_read(tiny: Tiny, read: str) -> None:
    """The data files and migrations of a package are read in many ways; other files do not count."""
    tiny.write("shop/data/prices.txt", "1")
    tiny.write("shop/data/other.txt", "1")
    capture = tiny.capture(f"import shop\nprint({read})")
    assert capture.exit_status == 0, capture.stderr
    tiny.write("shop/data/other.txt", "2")
    assert tiny.reasons(capture) == ()
    tiny.write("shop/data/prices.txt", "2")
    assert tiny.reasons(capture) == ("shop/data/prices.txt: file changed",)


@pytest.mark.parametrize(
    "look",
    [
        "os.listdir('data')",
        "list(os.scandir('data'))",
        "list(os.walk('data'))",
        "list(Path('data').iterdir())",
        "list(Path('data').rglob('*.txt'))",
        "__import__('glob').glob('data/*')",
        "list(files('shop').parent.joinpath('data').iterdir())",
    ],
)
def test_folders_count_however_they_are_listed(tiny: Tiny, look: str) -> None:
    """A file more is a change; the contents of files that were not read are none."""
    tiny.write("data/prices.txt", "1")
    capture = tiny.capture(
        f"import os, shop\nfrom importlib.resources import files\nfrom pathlib import Path\nprint({look})"
    )
    assert capture.exit_status == 0, capture.stderr
    tiny.write("data/prices.txt", "2")
    assert tiny.reasons(capture) == ()
    tiny.write("data/more.txt", "1")
    assert tiny.reasons(capture) == ("data/: list of files changed",)


def test_the_root_can_be_listed(tiny: Tiny) -> None:
    """The folder of the project itself is one like others."""
    capture = tiny.capture("import os\nos.listdir()")
    assert tiny.reasons(capture) == ()
    tiny.write("more.txt", "1")
    assert tiny.reasons(capture) == ("./: list of files changed",)


@pytest.mark.parametrize(
    "look",
    [
        "Path('data/none.txt').exists()",
        "Path('data/none.txt').is_file()",
        "os.path.lexists('data/none.txt')",
        "os.access('data/none.txt', os.R_OK)",
    ],
)
def test_files_count_that_were_looked_for(tiny: Tiny, look: str) -> None:
    """A file that was not there and is now counts; and the other way round, but not what is in it."""
    script = f"import os\nfrom pathlib import Path\nprint({look})"
    capture = tiny.capture(script)
    assert (capture.stdout, tiny.reasons(capture)) == ("False\n", ())
    tiny.write("data/none.txt", "1")
    assert tiny.reasons(capture) == ("data/none.txt: file is there now",)
    capture = tiny.capture(script)
    assert capture.stdout == "True\n"
    tiny.write("data/none.txt", "2")
    assert tiny.reasons(capture) == ()
    (tiny.project.root / "data/none.txt").unlink()
    assert tiny.reasons(capture) == ("data/none.txt: file is gone",)


def test_a_file_counts_that_could_not_be_opened(tiny: Tiny) -> None:
    """Trying to open a file is looking for it."""
    capture = tiny.capture("try:\n    open('none.txt')\nexcept OSError:\n    print('without')")
    tiny.write("none.txt", "1")
    assert tiny.reasons(capture) == ("none.txt: file is there now",)


def test_a_module_counts_that_a_package_was_asked_for_in_vain(tiny: Tiny) -> None:
    """An optional module that comes into being is a change."""
    capture = tiny.capture("try:\n    import shop.extra\nexcept ImportError:\n    print('without')")
    assert tiny.reasons(capture) == ()
    tiny.write("shop/extra.py", "")
    assert tiny.reasons(capture) == ("shop/extra.py: file is there now",)


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        ("sys.path.insert(0, 'tools')", "tools.helper.VALUE changed: 1 → 2"),
        ("", "cookbook/01_topic/helper.py::VALUE changed: 1 → 2"),
    ],
)
def test_modules_count_wherever_in_the_project_they_are(tiny: Tiny, prepare: str, reason: str) -> None:
    """Beside the script, or in a folder that is put into the search path."""
    folder = "tools" if prepare else "cookbook/01_topic"
    tiny.write(f"{folder}/helper.py", "VALUE = 1\ndef unused(): ...\n")
    capture = tiny.capture(f"import sys\n{prepare}\nimport helper\nprint(helper.VALUE)")
    assert capture.exit_status == 0, capture.stderr
    tiny.edit(f"{folder}/helper.py", "...", "return 2  # a comment")
    assert tiny.reasons(capture) == ()
    tiny.edit(f"{folder}/helper.py", "VALUE = 1", "VALUE = 2")
    assert tiny.reasons(capture) == (reason,)


def test_a_module_that_is_loaded_by_its_path_counts_as_a_file(tiny: Tiny) -> None:
    """Code that is loaded past the import system counts with all its bytes."""
    tiny.write("tools/helper.py", "VALUE = 1")
    script = """
        from importlib.util import module_from_spec, spec_from_file_location
        spec = spec_from_file_location("helper", "tools/helper.py")
        spec.loader.exec_module(module_from_spec(spec))
    """
    tiny.capture(script)
    capture = tiny.capture(script)  # the second time from the cache of compiled modules
    tiny.write("tools/helper.py", "VALUE = 2")
    assert tiny.reasons(capture) == ("tools/helper.py: file changed",)


@pytest.mark.parametrize(
    "show",
    [
        "print(inspect.getsource(till.total))",
        "warnings.warn_explicit('odd', UserWarning, till.__file__, 3)",
        "print(Path(till.__file__).read_text())",
        "traceback.print_exception(error)",
        "raise error",
        "print(Path(__file__).read_text())",
    ],
)
def test_code_that_is_shown_counts_with_its_comments(tiny: Tiny, show: str) -> None:
    """Source text, and lines of it in warnings and tracebacks: a comment is a part of what is shown."""
    capture = tiny.capture(f"""
        import inspect, traceback, warnings
        from pathlib import Path
        from shop import till
        try:
            till.total("not", "numbers")
        except TypeError as caught:
            error = caught
        {show}
    """)
    assert tiny.reasons(capture) == ()
    path = tiny.example.path if "__file__)" in show and "till" not in show else "shop/till.py"
    text = (tiny.project.root / path).read_text()
    tiny.write(path, f"{text}# a comment\n")
    assert tiny.reasons(capture) == (f"{path}: file changed",)


def test_unrelated_modules_and_packages_do_not_count(tiny: Tiny) -> None:
    """What was not imported may change as it likes."""
    tiny.write("shop/other.py", "VALUE = 1")
    capture = tiny.capture("import shop")
    assert set(capture.dependencies.modules) == {"shop/__init__.py"}
    assert capture.dependencies.packages == {}
    tiny.write("shop/other.py", "VALUE = 2")
    assert tiny.reasons(capture) == ()


def test_docstrings_of_classes_and_modules_count_where_they_are_shown(tiny: Tiny) -> None:
    """A description that goes into the output or a request is part of it."""
    capture = tiny.capture("import shop.till\nprint(shop.till.Till.__doc__, shop.till.__doc__)")
    tiny.edit(_TILL, "Counts.", "Does count.")
    assert tiny.reasons(capture) == ()
    tiny.edit(_TILL, "Takes money.", "Takes coins.")
    tiny.edit(_TILL, "A till.", "Some till.")
    assert tiny.reasons(capture) == ("shop.till.Till: docstring changed", "shop.till: docstring changed")


def test_a_changed_order_of_definitions_counts(tiny: Tiny) -> None:
    """What a module does while it is imported depends on the order of its statements."""
    tiny.write("shop/order.py", "a = 1\nb = 2\n")
    capture = tiny.capture("import shop.order")
    tiny.write("shop/order.py", "b = 2\na = 1\n")
    assert tiny.reasons(capture) == ("shop/order.py: the order of definitions changed",)


# --- environment -------------------------------------------------------------------------------

_SHOW = "# agno-lite: environment = SHOP_CITY, SHOP_NONE\nimport os\nprint(os.environ.get('SHOP_CITY'))\n"


def test_declared_variables_reach_the_script_and_count(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    """A declared variable is handed to the script; another value is a reason, that of others is none."""
    monkeypatch.setenv("SHOP_CITY", "Lyon")
    monkeypatch.setenv("SHOP_OTHER", "1")
    capture = tiny.capture(_SHOW)
    assert capture.stdout == "Lyon\n"
    assert capture.dependencies.environment == {"SHOP_CITY": "Lyon", "SHOP_NONE": None}
    monkeypatch.setenv("SHOP_OTHER", "2")
    assert tiny.reasons(capture) == ()
    monkeypatch.setenv("SHOP_CITY", "Rome")
    monkeypatch.setenv("SHOP_NONE", "")
    assert tiny.reasons(capture) == (
        "environment variable SHOP_CITY changed: 'Lyon' → 'Rome'",
        "environment variable SHOP_NONE changed: not set → ''",
    )


def test_a_project_declares_variables_for_all_scripts(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is declared in `mkdocs.yml` counts for every script; to declare more or less is a change."""
    monkeypatch.setenv("SHOP_CITY", "Lyon")
    declaring = replace(tiny, project=replace(tiny.project, environment=("SHOP_CITY",)))
    capture = declaring.capture("import os\nprint(os.environ.get('SHOP_CITY'))")
    assert (capture.stdout, declaring.reasons(capture)) == ("Lyon\n", ())
    assert tiny.reasons(capture) == ("environment variable SHOP_CITY is not declared any more",)
    tiny.edit(tiny.example.path, "import os", "# agno-lite: environment = SHOP_NONE\nimport os")
    assert declaring.reasons(capture) == ("environment variable SHOP_NONE is declared now",)


def test_undeclared_variables_do_not_reach_the_script(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can depend on what nobody declared."""
    monkeypatch.setenv("SHOP_CITY", "Lyon")
    assert tiny.capture("import os\nprint(os.environ.get('SHOP_CITY'))").stdout == "None\n"


@pytest.mark.parametrize(
    ("names", "message"), [("SHOP CITY", "expected names"), ("", "expected names"), ("API_KEY", "a secret")]
)
def test_a_wrong_declaration_is_refused(tiny: Tiny, names: str, message: str) -> None:
    """Names only, and none of a variable whose value nobody may see in a capture."""
    with pytest.raises(GalleryError, match=f"example.py: .*{message}"):
        tiny.capture(f"# agno-lite: environment = {names}\n")
