"""A tiny project with every kind of definition that has to be found."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from agno_lite.gallery.analysis import SymbolIndex
from agno_lite.gallery.config import Project

FILES = {
    "mkdocs.yml": "",
    "tiny/__init__.py": '''
        """A tiny package."""
        _PUBLIC = {"Robot": "tiny.machines.robot", "Base": ".machines.base", "go": "tiny.machines.robot:go"}

        def __getattr__(name):
            raise AttributeError(name)
    ''',
    "tiny/machines/__init__.py": '''
        """Machines."""
        from .robot import *
        from tiny.machines.base import Base as Machine
    ''',
    "tiny/machines/base.py": '''
        """What machines share."""
        from __future__ import annotations

        class Base:
            """A machine.

            Args:
                name: what it is called, e.g. by people. More about it.
                speed: how fast it goes.
            """

            def __init__(self, name: str, *, speed: int = 3) -> None:
                self.name = name
                self.speed = speed

            def stop(self) -> None:
                """Stand still."""
    ''',
    "tiny/machines/robot.py": '''
        """Robots."""
        from __future__ import annotations

        import functools
        from dataclasses import dataclass, field
        from typing import ClassVar, overload

        from .base import Base

        LIMIT: int = 9
        """How many there may be. At most."""


        @functools.lru_cache(
            maxsize=None,
        )
        def go(
            where: str,
            *,
            fast: bool = (
                True
            ),
        ) -> str:
            """Go there."""

            def step() -> str:
                return where

            return step()


        class Robot(Base):
            """A robot."""

            laws: ClassVar[int] = 3

            @property
            def mood(self) -> str:
                """How it feels."""
                return "fine"

            @mood.setter
            def mood(self, value: str) -> None:
                self._mood = value

            @overload
            def carry(self, what: int) -> int: ...
            @overload
            def carry(self, what: str) -> str: ...
            def carry(self, what):
                """Carry something."""
                self.load = what
                return what

            @staticmethod
            def count(of: str, at: int = 0) -> int:
                return 1

            class Arm:
                def lift(self) -> None: ...


        @dataclass(
            frozen=True,
        )
        class Plan:
            """A plan.

            Attributes:
                goal: where to.
            """

            goal: str
            steps: list[str] = field(default_factory=list)
            """What to do. In order."""
            kind: str = field(default="plain")
            hidden: int = field(init=False, default=1)
            laws: ClassVar[int] = 3


        @dataclass
        class LongPlan(Plan):
            goal: str = "home"
            length: int = 1

        if LIMIT:
            def maybe() -> None: ...
        else:
            def maybe() -> None:
                """The other one."""
        try:
            import nothing
        except ImportError:
            def fallback() -> None: ...
    ''',
    "tiny/machines/other.py": """
        class Arm:
            def lift(self) -> None: ...
        def reads(machine, plan: Plan):
            return machine.speed, plan.kind
    """,
    "cookbook/one/a.py": '''
        """Shows a robot."""
        from tiny import Robot
        from tiny.machines.robot import Plan
        import tiny.machines.robot as robots
        from pathlib import Path

        r2 = Robot("r2", speed=2 + 3)
        with robots.Robot(name="x") as other:
            pass
        Plan("there", **{"kind": "odd"})
        Path("a", strict=True)

        def main(): ...
    ''',
}


def write(root: Path, files: dict[str, str]) -> None:
    """Writes the files below `root`, without the indentation of their texts."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(dedent(text).lstrip("\n"), encoding="utf-8")


@pytest.fixture
def tiny(tmp_path: Path) -> Project:
    """The tiny project."""
    write(tmp_path, FILES)
    return Project(root=tmp_path.resolve(), packages=("tiny",))


@pytest.fixture
def index(tiny: Project) -> SymbolIndex:
    """Its symbols."""
    return SymbolIndex(tiny)


@pytest.fixture(scope="session")
def repository() -> Project:
    """This repository."""
    return Project(root=Path(__file__).resolve().parents[3])
