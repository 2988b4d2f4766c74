"""Where the package keeps what it stores, unless it is told another place."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

HOME_VARIABLE = "AGNO_LITE_HOME"
"""Environment variable with the directory below which the package keeps its data."""
ROOT_HOME = Path("/var/lib/agno_lite")
"""Home for root: PostgreSQL runs as another user, who cannot enter root's own directory."""


def default_home() -> Path:
    """The home directory that the environment names, else the usual one."""
    if named := os.environ.get(HOME_VARIABLE):
        return Path(named).expanduser().absolute()
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return ROOT_HOME
    return platformdirs.user_data_path("agno_lite")
