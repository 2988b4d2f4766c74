"""Parent process of the private server: stops it when its last user is gone.

Run as a script with nothing but the standard library:
`supervisor.py USERS_LOCK UID GID PROGRAM ARGUMENT…` (UID and GID `-`: as this process).

Every user holds a shared lock on USERS_LOCK. The exclusive lock is therefore granted when there is
none left, however they ended. It is held until the server is down and this process has ended, so that
whoever comes meanwhile waits and then starts a new server.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

GENTLE = 60.0
"""Seconds that the server may take to shut down before it is told to drop everything."""
_PR_SET_PDEATHSIG = 1  # <sys/prctl.h>


def main(lock: str, uid: str, gid: str, *command: str) -> int:
    """Run the server until it ends, by itself or because nobody needs it; returns its exit status."""
    identity: dict[str, Any] = {}
    if uid != "-":
        identity = {"user": int(uid), "group": int(gid), "extra_groups": []}
    server = subprocess.Popen(
        command,
        cwd="/",
        preexec_fn=_die_with_parent(),  # noqa: PLW1509 - there is no other thread yet
        **identity,
    )
    threading.Thread(target=_stop_when_unused, args=(lock, server), daemon=True).start()
    return server.wait()


def _die_with_parent() -> Callable[[], None] | None:
    """What makes Linux shut the server down if this process is killed; nothing does elsewhere."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(_PR_SET_PDEATHSIG, signal.SIGINT)


def _stop_when_unused(lock: str, server: subprocess.Popen[bytes]) -> None:
    descriptor = os.open(lock, os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    server.send_signal(signal.SIGINT)
    try:
        server.wait(GENTLE)
    except subprocess.TimeoutExpired:
        server.send_signal(signal.SIGQUIT)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
