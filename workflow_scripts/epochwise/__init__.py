"""The library behind the workflow: plain functions over arrays and tables, unaware of Snakemake.

`epochwise.open_run("results/mnist")` opens results in Python.
"""

import importlib


def __getattr__(name: str):
    if name == "open_run":  # not imported above, because every job imports this package, and its code stamp follows
        return importlib.import_module("epochwise.report.results").open_run
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
