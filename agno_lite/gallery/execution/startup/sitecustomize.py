"""Runs while a Python process starts that a recorded script began: has it recorded as well."""

import importlib
import os
import sys
from pathlib import Path

_OWN_CODE = str(Path(__file__).parents[4])

# Another Python, which the script starts by its own path, may be too old to be recorded.
if "AGNO_LITE_GALLERY_RECORD" in os.environ and sys.version_info >= (3, 11):
    sys.path.insert(0, _OWN_CODE)
    importlib.import_module("agno_lite.gallery.execution.children").begin(_OWN_CODE)

# The module of this name that the environment has itself.
own = sys.modules.pop("sitecustomize")
try:
    importlib.import_module("sitecustomize")
except ImportError as error:
    if error.name != "sitecustomize":
        raise
    sys.modules["sitecustomize"] = own
