"""Import Matplotlib without the user's settings, because figures must be the same on every machine.

Matplotlib reads the user's settings when it is imported. It then fails if the backend that MPLBACKEND names is not
installed, or if the file `matplotlibrc` cannot be read. Of all files with this name, Matplotlib uses the first that it
finds, and the working folder comes first. So this module imports it in a folder with an empty `matplotlibrc`.
If Matplotlib is already imported, as in a notebook, nothing happens; `theme.applied` then replaces the settings.
"""

import contextlib
import os
import sys
import tempfile
from pathlib import Path

if "matplotlib" not in sys.modules:
    backend = os.environ.pop("MPLBACKEND", None)
    try:
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            Path("matplotlibrc").touch()
            import matplotlib  # noqa: F401
    finally:
        if backend is not None:
            os.environ["MPLBACKEND"] = backend
