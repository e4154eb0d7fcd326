"""What holds for every rule, script and environment."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from epochwise.figures import __path__ as figures_path
from epochwise.workflow import code
from tests.workflow.conftest import ROOT

RULES = {
    match[1]: match[2]
    for path in sorted((ROOT / "rules").glob("*.smk"))
    for match in re.finditer(r"^rule (\w+):\n(.*?)(?=^rule |\Z)", path.read_text(), re.M | re.S)
}
ENVIRONMENTS = sorted((ROOT / "envs").glob("*.yaml"))
IMPORTED_AS = {"pillow": "PIL", "scikit-learn": "sklearn", "pyyaml": "yaml", "vl-convert-python": "vl_convert"}


def pins(lines) -> dict[str, str]:
    return dict(line.strip().split("==") for line in lines if "==" in line)


LOCK = pins((ROOT / "requirements.lock").read_text().splitlines())


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_keeps_the_habits(rule):
    body = RULES[rule]
    assert body.lstrip().startswith('"""')
    for directive in ("input", "output", "log", "benchmark", "threads", "resources", "conda", "params", "script"):
        assert re.search(rf"^    {directive}:", body, re.M), directive
    assert "mem_mb=" in body and "runtime=" in body
    parameters = re.search(r"^    params:\n((?:        .*\n)+)", body, re.M)[1]
    assert re.findall(r"^        (\w+)=", parameters, re.M) == ["spec", "code"]
    assert f'"../workflow_scripts/{rule}.py"' in body


@pytest.mark.parametrize("path", sorted((ROOT / "workflow_scripts").glob("*.py")), ids=lambda path: path.stem)
def test_scripts_are_thin_and_never_read_the_global_configuration(path):
    assert path.stem in RULES
    assert "snakemake.config" not in path.read_text()
    assert not [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.FunctionDef | ast.ClassDef)]


def modules_of(rule: str) -> set[str]:
    """Packages outside the standard library that the script of a rule reaches, figures included."""
    scripts = [f"{rule}.py"]
    if rule == "figure":
        scripts += [f"epochwise/figures/{path.name}" for path in Path(figures_path[0]).glob("*.py")]
    found = set()
    for path in (path for path in code.reached_by(*scripts) if path.suffix == ".py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"epochwise"}


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda path: path.stem)
def test_environments_pin_what_the_lock_pins(path):
    packages = yaml.safe_load(path.read_text())["dependencies"][-1]["pip"]
    assert pins(packages).items() <= LOCK.items()
    assert len(pins(packages)) == len(packages)


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda path: path.stem)
def test_pip_resolves_the_environments_to_what_they_pin(path, tmp_path):
    packages = yaml.safe_load(path.read_text())["dependencies"][-1]["pip"]
    report = tmp_path / "report.json"
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet", "--report", report]
    done = subprocess.run([*command, *packages], capture_output=True, text=True)
    if "No matching distribution" not in done.stderr and "Failed to establish a new connection" in done.stderr:
        pytest.skip("no package index can be reached")
    assert done.returncode == 0, done.stderr
    resolved = {
        item["metadata"]["name"].lower(): item["metadata"]["version"]
        for item in json.loads(report.read_text())["install"]
    }
    found = {name: version.partition("+")[0] for name, version in resolved.items()}
    assert pins(packages).items() <= found.items()


def test_the_container_takes_the_lock_and_nothing_else():
    recipe = (ROOT / "envs" / "Containerfile").read_text()
    assert re.findall(r"pip install (.*)", recipe) == ["--no-cache-dir --requirement /tmp/requirements.lock"]
    assert "COPY requirements.lock /tmp/requirements.lock" in recipe
    assert "ENV USER=" in recipe, "without a name for the user's number, Snakemake does not start"
    python = re.search(r"FROM python:(\d+\.\d+)", recipe)[1]
    for path in ENVIRONMENTS:
        assert f"python={python}" in yaml.safe_load(path.read_text())["dependencies"]


# Imported inside functions that a stage of this environment never calls.
NOT_NEEDED = {
    "data": set(),
    "training": {"PIL", "scipy", "sklearn", "torchvision"},
    "measures": {"PIL", "torchvision"},
    "analysis": {"PIL", "torch", "torchvision"},
    "figures": {"sklearn", "torch", "torchvision"},
}


@pytest.mark.parametrize("rule", RULES)
def test_environments_cover_what_their_scripts_import(rule):
    name = re.search(r'"../envs/(\w+).yaml"', RULES[rule])[1]
    packages = yaml.safe_load((ROOT / "envs" / f"{name}.yaml").read_text())["dependencies"][-1]["pip"]
    offered = {IMPORTED_AS.get(package, package) for package in pins(packages)}
    assert modules_of(rule) <= offered | NOT_NEEDED[name]


def test_the_lock_satisfies_what_the_project_asks_for():
    import tomllib

    from packaging.requirements import Requirement

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for text in [*project["dependencies"], *project["optional-dependencies"]["dev"]]:
        requirement = Requirement(text)
        assert requirement.specifier.contains(LOCK[requirement.name]), text


def test_the_readme_stays_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 130


def test_the_front_door_stays_small():
    assert len((ROOT / "Snakefile").read_text().splitlines()) <= 60


def test_the_profile_for_several_gpus_lets_each_training_job_ask_for_one(checkout):
    told = checkout.build("--dry-run", "all", "--profile", "profiles/gpus")
    asked = re.findall(r"^rule train:\n(?:    .*\n)*?    resources: (.*)$", told, re.M)
    assert len(asked) == 3, "on a GPU the seeds of every model are stacked"
    assert all("gpu=1, jobs_per_gpu=1" in line for line in asked)


def resources_of(checkout, rule, *arguments, **training):
    """Resources of the jobs of a rule in a dry run, one dict each."""
    overlay = {"experiments": {"digits": {"training": training}}}
    told = checkout.build("--dry-run", "all", *arguments, overlay=overlay)
    lines = re.findall(rf"^rule {rule}:\n(?:    .*\n)*?    resources: (.*)$", told, re.M)
    return [dict(part.split("=") for part in line.split(", ")) for line in lines]


def test_what_is_set_for_training_holds_for_stacks_too(checkout):
    both = ("--set-resources", "train:mem=5GB", "train:runtime=77", "--set-threads", "train=2")
    asked = resources_of(checkout, "train", *both, "--cores", "4")
    assert [(found["mem_mb"], found["runtime"]) for found in asked] == 7 * [("5000", "77")]


@pytest.mark.parametrize(("device", "gpus"), [("cuda", "1"), ("auto", "0"), ("cpu", "0")])
def test_training_asks_for_a_gpu_where_the_configuration_asks_for_cuda(checkout, device, gpus):
    for stacked in (False, True):
        found = resources_of(checkout, "train", device=device, stack_seeds=stacked)
        assert found and {resources["gpu"] for resources in found} == {gpus}
    assert "gpu" not in resources_of(checkout, "extract", device=device)[0]


def test_longer_training_asks_for_more_time_and_larger_networks_for_more_memory(checkout):
    short, long = (resources_of(checkout, "train", epochs=epochs)[0] for epochs in (300, 30_000))
    assert int(long["runtime"]) > int(short["runtime"]) and long["mem_mb"] == short["mem_mb"]
    large = resources_of(checkout, "train", batch_size=1000)[0]
    assert int(large["mem_mb"]) > int(short["mem_mb"]), "a batch is held"
    wide = {"experiments": {"digits": {"models": {"mlp7": {"hidden_layers": 6, "width": 2048}}}}}
    told = checkout.build("--dry-run", "results/digits/symmetric30/mlp7/seed0/history.parquet", overlay=wide)
    assert int(re.search(r"checkpoint_seconds=60, mem_mb=(\d+)", told)[1]) > int(short["mem_mb"]) + 500


def test_a_job_that_failed_asks_for_more(checkout):
    path = checkout.folder / "workflow_scripts" / "epochwise" / "data" / "samples.py"
    before = path.read_text()
    path.write_text(before + "\nraise MemoryError\n")
    try:
        _, told = checkout.snakemake("results/digits/symmetric30/labels.parquet", "--retries", "1")
    finally:
        path.write_text(before)
    asked = re.findall(r"noise=symmetric30, draw=\n    resources: .*?runtime=(\d+), mem_mb=(\d+)", told)
    assert asked == [("5", "1000"), ("10", "2000")]
