"""The workflow called from other folders, used by other workflows, and kept in folders with unusual names."""

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml

from tests.workflow import warm
from tests.workflow.conftest import ROOT, TINY, new_checkout

LABELS = "results/digits/symmetric30/labels.parquet"


def jobs_in(messages: str) -> Counter:
    """Jobs per rule of a dry run."""
    return Counter(re.findall(r"^(?:rule|localrule) (\w+):$", messages, re.M))


def jobs_of_tiny() -> dict[str, int]:
    """Jobs that TINY needs: two networks with two seeds each."""
    runs = dict.fromkeys(("train", "publish", "extract", "separation", "outliers", "measures", "interventions"), 4)
    return {
        **runs,
        **dict.fromkeys(
            (
                "dataset",
                "features",
                "corrupt",
                "summarize_runs",
                "summarize_measures",
                "summarize_interventions",
                "claims",
            ),
            1,
        ),
        **dict.fromkeys(("captions", "explorer"), 1),
    }


@pytest.fixture
def elsewhere(tmp_path) -> Path:
    """A folder of a user, with a configuration of TINY."""
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(TINY, sort_keys=False))
    return tmp_path


def planned(folder: Path, *arguments: str) -> Counter:
    """Jobs per rule of a dry run in a folder, which must succeed; without figures."""
    status, messages = warm.snakemake(folder, "--dry-run", "--cores", "1", *arguments)
    assert status == 0, messages
    return Counter({rule: count for rule, count in jobs_in(messages).items() if "figure" not in rule})


# -- -s and --directory ------------------------------------------------------------------------------------------------


def test_the_defaults_come_with_the_workflow(elsewhere):
    snakefile = ("-s", str(ROOT / "Snakefile"))
    of_tiny = Counter({**jobs_of_tiny(), "all": 1})
    assert planned(elsewhere, *snakefile, "all", "--configfile", "mine.yaml") == of_tiny
    assert planned(elsewhere, *snakefile, "all")["publish"] == 15, "mnist as in config.yaml: three models, five seeds"
    (elsewhere / "run").mkdir()
    directory = ("--directory", "run", "all", "--configfile", "mine.yaml")
    assert planned(elsewhere, *snakefile, *directory) == of_tiny


def test_a_run_elsewhere_writes_there_and_is_complete(elsewhere):
    arguments = ("-s", str(ROOT / "Snakefile"), "--cores", "2", "--directory", "run", "--configfile", "mine.yaml", "--")
    before = set(ROOT.iterdir())
    status, messages = warm.snakemake(elsewhere, *arguments, LABELS)
    assert status == 0, messages
    assert (elsewhere / "run" / LABELS).exists() and not (elsewhere / "results").exists()
    assert set(ROOT.iterdir()) == before
    assert "workflow specific profile" in messages, "profiles/default is found beside the Snakefile"


def test_several_configuration_files_are_named_in_their_order(elsewhere):
    (elsewhere / "more.yaml").write_text("experiments: {digits: {seeds: [7]}}\n")
    snakefile = ("-s", str(ROOT / "Snakefile"), "--dry-run", "--cores", "1", "all")
    for order, runs in ((("mine.yaml", "more.yaml"), 2), (("more.yaml", "mine.yaml"), 4)):
        status, messages = warm.snakemake(elsewhere, *snakefile, "--configfile", *order)
        assert status == 0 and jobs_in(messages)["publish"] == runs
        assert f"{elsewhere / order[0]}, {elsewhere / order[1]} the later ones override" in messages


def test_a_config_file_in_the_folder_that_is_not_read_is_named(elsewhere):
    shutil.copy(elsewhere / "mine.yaml", elsewhere / "config.yaml")
    arguments = ("-s", str(ROOT / "Snakefile"), "--dry-run", "--cores", "1", "all")
    status, messages = warm.snakemake(elsewhere, *arguments)
    assert status == 0 and f"{elsewhere / 'config.yaml'} is not read. To use it: --configfile" in messages
    status, messages = warm.snakemake(elsewhere, *arguments, "--configfile", "config.yaml")
    assert status == 0 and "is not read" not in messages and jobs_in(messages)["publish"] == 4


def test_a_relative_path_of_images_starts_where_the_results_are_written(elsewhere):
    (elsewhere / "run" / "images").mkdir(parents=True)
    for split in ("train", "test"):
        (elsewhere / "run" / "images" / f"{split}.parquet").touch()
    data = {"experiment": "cifar10_small", "datasets": {"cifar10": {"path": "images"}}}
    (elsewhere / "images.yaml").write_text(yaml.safe_dump(data))
    target = ("results/data/cifar10/train.parquet", "--configfile", str(elsewhere / "images.yaml"))
    snakefile = ("-s", str(ROOT / "Snakefile"))
    assert planned(elsewhere, *snakefile, "--directory", "run", *target) == {"dataset": 1}
    assert planned(elsewhere / "run", *snakefile, *target) == {"dataset": 1}
    status, messages = warm.snakemake(elsewhere, *snakefile, "--dry-run", "--cores", "1", *target)
    assert status != 0 and f"there is no folder 'images' in {elsewhere}" in messages


# -- module and include ------------------------------------------------------------------------------------------------

MODULE = """
configfile: "mine.yaml"

module epochwise:
    snakefile: {snakefile!r}
    config: config["noise"]
    {prefix}

use rule * from epochwise as ew_*

rule paper:
    default_target: True
    input:
        rules.ew_all.input,
"""


def parent_workflow(folder: Path, prefix: str = "") -> None:
    """A workflow with a configuration of its own, in which that of this one is a part."""
    (folder / "Snakefile").write_text(MODULE.format(snakefile=str(ROOT / "Snakefile"), prefix=prefix))
    (folder / "mine.yaml").write_text(yaml.safe_dump({"title": "mine", "noise": TINY}, sort_keys=False))


def test_the_example_of_a_project_with_a_module_draws_its_figure(tmp_path):
    shutil.copytree(ROOT / "docs" / "examples" / "module", tmp_path, dirs_exist_ok=True)
    text = (tmp_path / "config.yaml").read_text("utf-8")
    for of_example, of_test in (("../../..", str(ROOT)), ("[0, 1, 2]", "[0, 1]"), ("epochs: 30", "epochs: 3")):
        assert of_example in text
        text = text.replace(of_example, of_test)
    (tmp_path / "config.yaml").write_text(text, "utf-8")
    profile = ("--workflow-profile", str(ROOT / "profiles" / "default"))
    status, messages = warm.snakemake(tmp_path, "--cores", "2", *profile)
    assert status == 0, messages
    assert (tmp_path / "results" / "compare.png").read_bytes().startswith(b"\x89PNG")
    assert planned(tmp_path, *profile) == {}, "everything is made"
    more = planned(tmp_path, *profile, "epochwise_all")
    assert more == {f"epochwise_{rule}": 1 for rule in ("claims", "captions", "explorer", "all")}


@pytest.mark.parametrize("prefix", ["", 'prefix: "deep/logs"'])
def test_as_a_module_with_renamed_rules_and_the_configuration_of_its_user(elsewhere, prefix):
    parent_workflow(elsewhere, prefix)
    expected = {f"ew_{rule}": count for rule, count in jobs_of_tiny().items()} | {"paper": 1}
    assert planned(elsewhere) == expected
    assert planned(elsewhere, "--config", "title=other") == expected, "values of the caller are not ours"


def test_a_module_with_a_prefix_runs_and_its_records_agree(elsewhere):
    parent_workflow(elsewhere, 'prefix: "part"')
    target = f"part/{LABELS.replace('labels.parquet', 'mlp3/seed0/separation.parquet')}"
    status, messages = warm.snakemake(elsewhere, "--cores", "2", target)
    assert status == 0, messages
    assert (elsewhere / target).exists() and not (elsewhere / "results").exists()
    done = subprocess.run(
        [sys.executable, "-m", "epochwise.workflow.verify", "part/results"],
        cwd=elsewhere,
        env={**os.environ, "PYTHONPATH": str(ROOT / "workflow_scripts")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_data_of_a_module_with_a_prefix_are_outside_the_prefix(elsewhere):
    parent_workflow(elsewhere, 'prefix: "part"')
    (elsewhere / "images").mkdir()
    for split in ("train", "test"):
        (elsewhere / "images" / f"{split}.parquet").touch()
    noise = {"experiment": "cifar10_small", "datasets": {"cifar10": {"path": "images"}}}
    (elsewhere / "mine.yaml").write_text(yaml.safe_dump({"noise": noise}))
    assert planned(elsewhere, "part/results/data/cifar10/train.parquet") == {"ew_dataset": 1}


def test_through_include_beside_rules_of_the_user(elsewhere):
    (elsewhere / "Snakefile").write_text(
        f'configfile: "mine.yaml"\n\nrule mine:\n    input: "results/digits/findings.md"\n\n'
        f"include: {str(ROOT / 'Snakefile')!r}\n"
    )
    not_needed = ("captions", "explorer", "summarize_measures", "summarize_interventions")  # for findings.md
    assert planned(elsewhere) == {
        rule: count for rule, count in {**jobs_of_tiny(), "mine": 1}.items() if rule not in not_needed
    }
    status, messages = warm.snakemake(elsewhere, "--cores", "1", LABELS)
    assert status == 0, messages


def test_two_copies_of_the_workflow_in_one_run_are_refused(elsewhere):
    copy = new_checkout(elsewhere / "copy")
    (elsewhere / "Snakefile").write_text(
        "".join(
            f"module {name}:\n    snakefile: {str(folder / 'Snakefile')!r}\n    prefix: {name!r}\n"
            f"use rule * from {name} as {name}_*\n"
            for name, folder in (("one", ROOT), ("two", copy.folder))
        )
    )
    status, messages = warm.snakemake(elsewhere, "--dry-run", "--cores", "1")
    assert status != 0 and "was imported, but this workflow is that of" in messages and str(copy.folder) in messages


# -- paths and other copies of the library -----------------------------------------------------------------------------


def interpreter_in(folder: Path) -> Path:
    """This environment under another path, as `make` would make it inside a checkout."""
    environment = folder / ".venv"
    (environment / "bin").mkdir(parents=True)
    (environment / "bin" / "python").symlink_to(Path(sys.executable).resolve())
    (environment / "lib").symlink_to(Path(sys.prefix) / "lib")
    shutil.copy(Path(sys.prefix) / "pyvenv.cfg", environment / "pyvenv.cfg")
    return environment / "bin" / "python"


@pytest.mark.skipif(sys.prefix == sys.base_prefix, reason="the tests do not run in a virtual environment")
@pytest.mark.parametrize("name", ["my checkout", "it's $HOME; (é) [1] & \\"])
def test_a_checkout_in_a_folder_with_an_unusual_name_works(tmp_path, name):
    checkout = new_checkout(tmp_path / name)
    temporary = tmp_path / f"{name} tmp"
    temporary.mkdir()
    command = [interpreter_in(checkout.folder), "-m", "snakemake", "--cores", "1", LABELS]
    environment = {**os.environ, "TMPDIR": str(temporary)}
    done = subprocess.run(command, cwd=checkout.folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (checkout.folder / LABELS).exists()


def test_braces_in_the_path_of_the_workflow_or_of_the_results_are_refused_before_any_job(tmp_path):
    checkout = new_checkout(tmp_path / "{draft} 2")
    run = tmp_path / "run {1}"
    run.mkdir()
    for folder, snakefile in ((checkout.folder, checkout.folder), (run, ROOT), (tmp_path, checkout.folder)):
        status, messages = warm.snakemake(folder, "-s", str(snakefile / "Snakefile"), "--cores", "1", LABELS)
        assert status != 0 and "takes the braces in this path for wildcards. Rename the folder" in messages
        assert not (folder / "results").exists()


def test_braces_in_the_path_of_images_are_refused(elsewhere):
    (elsewhere / "im{x}ages").mkdir()
    data = {"experiment": "cifar10_small", "datasets": {"cifar10": {"path": "im{x}ages"}}}
    (elsewhere / "images.yaml").write_text(yaml.safe_dump(data))
    status, messages = warm.snakemake(
        elsewhere, "-s", str(ROOT / "Snakefile"), "--dry-run", "--cores", "1", "--configfile", "images.yaml"
    )
    assert status != 0 and "datasets.cifar10.path: 'im{x}ages'" in messages and "for wildcards" in messages


def test_another_checkout_on_pythonpath_is_not_used(tmp_path):
    checkout, other = new_checkout(tmp_path / "this"), new_checkout(tmp_path / "other")
    foreign = other.folder / "workflow_scripts"
    (foreign / "epochwise" / "data" / "corruption.py").write_text("raise ImportError('of the other checkout')\n")
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "1", LABELS],
        cwd=checkout.folder,
        env={**os.environ, "PYTHONPATH": str(foreign)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


# -- stages by name ----------------------------------------------------------------------------------------------------


def test_until_train_and_until_publish_also_reach_stacked_models(elsewhere):
    """digits as it comes: one job for all seeds of the small models, one per seed of the largest."""
    snakefile = ("-s", str(ROOT / "Snakefile"), "all", "--config", "experiment=digits", "--until")
    trained = {"dataset": 1, "corrupt": 1, "train": 7}
    assert planned(elsewhere, *snakefile, "train") == trained
    assert planned(elsewhere, *snakefile, "publish") == {**trained, "publish": 15}
