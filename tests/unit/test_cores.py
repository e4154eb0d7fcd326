"""How many cores `make` uses, and on which machines it installs."""

import os
import platform
import subprocess
import sys
import tomllib

import pytest

from epochwise.workflow import cores
from tests.workflow.conftest import ROOT

sys.path.insert(0, str(ROOT / "envs"))
from supported import objection


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A machine with 16 cores, without scheduler and control groups; returns its folder of control groups."""
    for name in cores.SCHEDULERS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)), raising=False)
    monkeypatch.setattr(cores, "CGROUPS", tmp_path)
    return tmp_path


def test_without_limits_all_cores_are_used(machine):
    assert cores.usable_cores() == 16


def test_where_the_system_has_no_affinity_all_cores_are_used(machine, monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 10)
    assert cores.usable_cores() == 10


@pytest.mark.parametrize("name", cores.SCHEDULERS)
def test_an_allocation_limits_the_cores(machine, monkeypatch, name):
    monkeypatch.setenv(name, "3")
    assert cores.usable_cores() == 3
    monkeypatch.setenv(name, "64")
    assert cores.usable_cores() == 16
    monkeypatch.setenv(name, "4(x2)")
    assert cores.usable_cores() == 16


def test_cores_of_the_task_count_more_than_those_of_the_node(machine, monkeypatch):
    monkeypatch.setenv("SLURM_CPUS_ON_NODE", "8")
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "2")
    assert cores.usable_cores() == 2


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"user/job/cpu.max": "250000 100000"}, [2]),
        ({"user/job/cpu.max": "max 100000", "user/cpu.max": "400000 100000"}, [4]),
        ({"cpu.max": "50000 100000"}, [0]),  # a container's own group; usable_cores makes it 1
        ({"cpu/user/job/cpu.cfs_quota_us": "300000", "cpu/user/job/cpu.cfs_period_us": "100000"}, [3]),
        ({"cpu/user/job/cpu.cfs_quota_us": "-1", "cpu/user/job/cpu.cfs_period_us": "100000"}, []),
        ({}, []),
    ],
)
def test_a_control_group_limits_the_cores(machine, tmp_path, files, expected):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text + "\n")
    membership = tmp_path / "membership"
    membership.write_text("0::/user/job\n")
    assert cores._quotas(membership) == expected
    assert cores._quotas(tmp_path / "missing") == []


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity")
def test_make_uses_the_cores_of_its_affinity_and_of_its_allocation():
    def cores_of_make(allocation=None, affinity=None):
        environment = {name: value for name, value in os.environ.items() if name not in cores.SCHEDULERS}
        done = subprocess.run(
            ["make", "--dry-run", "all", f"PYTHON={sys.executable}"],
            cwd=ROOT,
            env={**environment, **({"SLURM_CPUS_PER_TASK": allocation} if allocation else {})},
            preexec_fn=(lambda: os.sched_setaffinity(0, affinity)) if affinity else None,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.partition("--cores ")[2].split()[0]

    assert cores_of_make(affinity={min(os.sched_getaffinity(0))}) == "1"
    assert cores_of_make(allocation="1") == "1"


def test_make_takes_several_experiments_but_reports_one():
    def make(*arguments):
        command = ["make", *arguments, "EXPERIMENT=[mnist, digits]", f"PYTHON={sys.executable}", "CORES=1"]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)

    assert " all --config 'experiment=[mnist, digits]'\n" in make("--dry-run", "all").stdout
    refused = make("named")
    assert refused.returncode != 0 and "name it: make EXPERIMENT=mnist" in refused.stdout


# -- Python versions and platforms -------------------------------------------------------------------------------------

LINUX = ("Linux", "x86_64", ("glibc", "2.31"))


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 12, 4), (3, 13, 1)])
@pytest.mark.parametrize("where", [LINUX, ("Linux", "aarch64", ("glibc", "2.28")), ("Darwin", "arm64", ("", ""))])
def test_supported_machines_are_accepted(version, where):
    assert objection(version, *where) is None


@pytest.mark.parametrize(
    ("version", "where", "message"),
    [
        ((3, 10, 2), LINUX, "Python 3.10 is not supported"),
        ((3, 14, 0), LINUX, "Python 3.14 is not supported"),
        ((3, 15, 0), LINUX, "make PYTHON=python3.12"),
        ((2, 7, 18), LINUX, "Python 2.7"),
        ((3, 12, 0), ("Darwin", "x86_64", ("", "")), "Darwin on x86_64 is not supported"),
        ((3, 12, 0), ("Windows", "AMD64", ("", "")), "Use Linux"),
        ((3, 12, 0), ("Linux", "ppc64le", ("glibc", "2.34")), "Linux on ppc64le"),
        ((3, 12, 0), ("Linux", "x86_64", ("glibc", "2.17")), "glibc 2.17 is not supported"),
        ((3, 12, 0), ("Linux", "x86_64", ("", "")), "glibc 2.28 or newer"),
    ],
)
def test_other_machines_are_refused_in_one_line(version, where, message):
    found = objection(version, *where)
    assert message in found and "\n" not in found


def test_make_refuses_before_it_makes_an_environment(tmp_path):
    """With a Python that says it is 3.14, as far as the file that decides can see."""
    folder = tmp_path / "my checkout"
    (folder / "envs").mkdir(parents=True)
    python = folder / "python3.14"
    python.write_text(
        f"#!/bin/sh\nexec '{sys.executable}' -c \"import sys, runpy; sys.version_info = (3, 14, 0); "
        'runpy.run_path(sys.argv[1], run_name=\'__main__\')" "$@"\n'
    )
    python.chmod(0o755)
    for name in ("Makefile", "requirements.lock", "pyproject.toml", "config.yaml"):
        (folder / name).write_text((ROOT / name).read_text())
    (folder / "envs" / "supported.py").write_text((ROOT / "envs" / "supported.py").read_text())
    done = subprocess.run(["make", "all", f"PYTHON={python}", "CORES=1"], cwd=folder, capture_output=True, text=True)
    assert done.returncode != 0 and not (folder / ".venv").exists()
    [line] = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert line.startswith("Python 3.14 is not supported")


def test_this_machine_and_the_project_file_agree():
    assert objection(sys.version_info, platform.system(), platform.machine(), platform.libc_ver()) is None
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == ">=3.11,<3.14"
    for minor in (10, 11, 12, 13, 14):
        accepted = objection((3, minor, 0), *LINUX) is None
        assert (f"Programming Language :: Python :: 3.{minor}" in project["classifiers"]) == accepted
