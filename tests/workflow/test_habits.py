"""What holds for every rule, script and environment."""

import ast
import json
import re
import subprocess
import sys

import pytest
import yaml
from docs.references import read_rules

from epochwise.workflow import code
from tests.workflow import staleness
from tests.workflow.conftest import ROOT

RULES = read_rules()
DIRECTIVES = {"input", "output", "log", "benchmark", "threads", "resources", "conda", "params", "script"}
ENVIRONMENTS = sorted((ROOT / "envs").glob("*.yaml"))
IMPORTED_AS = {"pillow": "PIL", "scikit-learn": "sklearn", "pyyaml": "yaml", "vl-convert-python": "vl_convert"}


def pins(lines) -> dict[str, str]:
    return dict(line.strip().split("==") for line in lines if "==" in line)


LOCK = pins((ROOT / "requirements.lock").read_text().splitlines())


def test_every_rule_keeps_the_habits():
    for rule, directives in RULES.items():
        assert directives["about"] and directives.keys() >= DIRECTIVES, rule
        assert "mem_mb=" in directives["resources"] and "runtime=" in directives["resources"], rule
        *settings, hash_of_code = re.findall(r"^        (\w+)=(\w*)", directives["params"], re.M)
        assert {function for _, function in settings} == {"setting"} and hash_of_code[0] == "code", rule
        assert f'"../workflow_scripts/{staleness.script_of(rule)}"' in directives["script"], rule


def test_scripts_are_thin_and_never_read_the_global_configuration():
    for path in (ROOT / "workflow_scripts").glob("*.py"):
        tree = ast.parse(path.read_text())
        assert path.name in {staleness.script_of(rule) for rule in RULES}
        assert "snakemake.config" not in path.read_text()
        assert not [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)], path


def packages_of(rule: str) -> set[str]:
    """Packages outside the standard library that a rule imports."""
    paths = [code.SCRIPTS / staleness.script_of(rule)]
    paths += [staleness.LIBRARY / f"{name}.py" for name in staleness.modules_of(rule)]
    found = set()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"epochwise"}


def test_environments_pin_what_the_lock_pins():
    for path in ENVIRONMENTS:
        packages = yaml.safe_load(path.read_text())["dependencies"][-1]["pip"]
        assert pins(packages).items() <= LOCK.items(), path
        assert len(pins(packages)) == len(packages), path


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


def test_environments_cover_what_their_scripts_import():
    missing = {}
    for rule, directives in RULES.items():
        name = re.search(r'"../envs/(\w+).yaml"', directives["conda"])[1]
        packages = yaml.safe_load((ROOT / "envs" / f"{name}.yaml").read_text())["dependencies"][-1]["pip"]
        offered = {IMPORTED_AS.get(package, package) for package in pins(packages)}
        missing[rule] = packages_of(rule) - offered - NOT_NEEDED[name]
    assert not {rule: packages for rule, packages in missing.items() if packages}


def test_the_page_of_rules_lists_every_rule(checkout):
    loaded = re.findall(r"^(\w+) \(", checkout.build("--list-rules"), re.M)
    page = (ROOT / "docs" / "rules.md").read_text("utf-8")
    assert re.findall(r"^## (\w+)$", page, re.M) == list(RULES)
    assert sorted(loaded) == sorted(["all", *RULES])


def test_the_lock_satisfies_what_the_project_asks_for():
    import tomllib

    from packaging.requirements import Requirement

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for text in [*project["dependencies"], *project["optional-dependencies"]["dev"]]:
        requirement = Requirement(text)
        assert requirement.specifier.contains(LOCK[requirement.name]), text


def test_the_front_door_stays_small():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 130
    assert len((ROOT / "Snakefile").read_text().splitlines()) <= 60


def test_the_profile_for_several_gpus_lets_each_training_job_ask_for_one(checkout):
    messages = checkout.build("--dry-run", "all", "--profile", "profiles/gpus")
    requested = re.findall(r"^rule train:\n(?:    .*\n)*?    resources: (.*)$", messages, re.M)
    assert len(requested) == 3, "on a GPU the seeds of every model are stacked"
    assert all("gpu=1, jobs_per_gpu=1" in line for line in requested)


def resources_of(checkout, rule, *arguments, **training):
    """Resources of the jobs of a rule in a dry run, one dict each."""
    overlay = {"experiments": {"digits": {"training": training}}}
    messages = checkout.build("--dry-run", "all", *arguments, overlay=overlay)
    lines = re.findall(rf"^rule {rule}:\n(?:    .*\n)*?    resources: (.*)$", messages, re.M)
    return [dict(part.split("=") for part in line.split(", ")) for line in lines]


def test_what_is_set_for_training_holds_for_stacks_too(checkout):
    both = ("--set-resources", "train:mem=5GB", "train:runtime=77", "--set-threads", "train=2")
    requested = resources_of(checkout, "train", *both, "--cores", "4")
    assert [(found["mem_mb"], found["runtime"]) for found in requested] == 7 * [("5000", "77")]


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
    messages = checkout.build("--dry-run", "results/digits/symmetric30/mlp7/seed0/history.parquet", overlay=wide)
    assert int(re.search(r"checkpoint_seconds=60, mem_mb=(\d+)", messages)[1]) > int(short["mem_mb"]) + 500


def test_a_job_that_failed_asks_for_more(checkout):
    path = checkout.folder / "workflow_scripts" / "epochwise" / "data" / "samples.py"
    before = path.read_text()
    path.write_text(before + "\nraise MemoryError\n")
    try:
        _, messages = checkout.snakemake("results/digits/symmetric30/labels.parquet", "--retries", "1")
    finally:
        path.write_text(before)
    requested = re.findall(r"noise=symmetric30, draw=\n    resources: .*?runtime=(\d+), mem_mb=(\d+)", messages)
    assert requested == [("5", "1000"), ("10", "2000")]
