"""One cluster for all tests; they are skipped, with the reason, where it cannot be started."""

import importlib.util
from pathlib import Path

import pytest

from tests.slurm import cluster


def pytest_collection_modifyitems(items):
    reason = cluster.missing()
    if reason is None and importlib.util.find_spec("snakemake_executor_plugin_slurm") is None:
        reason = "the SLURM executor is not installed: `make slurm` installs it and runs these tests"
    for item in items:
        if reason and Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def slurm(tmp_path_factory):
    """A running cluster."""
    folder = tmp_path_factory.mktemp("slurm")
    with cluster.running(folder):
        yield folder
