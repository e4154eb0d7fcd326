"""Import Matplotlib and Seaborn without the user's settings, because figures must be the same on every machine.

Matplotlib reads the user's settings when it is imported. It then fails if the backend that MPLBACKEND names is not
installed, or if the file `matplotlibrc` or a style of the user cannot be read. Of all files named `matplotlibrc`,
Matplotlib uses the first that it finds, and the working folder comes first. So this module imports it in a folder with
an empty `matplotlibrc`, and then Seaborn, which imports the rest of Matplotlib, with this folder as the user's
configuration. If Matplotlib is already imported, as in a notebook, nothing happens; `theme.use_theme` then replaces the
settings.
"""

import contextlib
import os
import sys
import tempfile
from pathlib import Path

if "matplotlib" not in sys.modules:
    users = {name: os.environ.pop(name, None) for name in ("MPLBACKEND", "MPLCONFIGDIR")}
    try:
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            Path("matplotlibrc").touch()
            if users["MPLCONFIGDIR"] is not None:
                os.environ["MPLCONFIGDIR"] = users["MPLCONFIGDIR"]
            import matplotlib

            matplotlib.get_cachedir()  # chosen before the configuration moves, because it keeps the list of fonts
            os.environ["MPLCONFIGDIR"] = folder
            import seaborn  # noqa: F401
    finally:
        os.environ.pop("MPLCONFIGDIR", None)
        os.environ.update({name: value for name, value in users.items() if value is not None})
