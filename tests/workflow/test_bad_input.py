"""Bad input through the command line: one message before any job starts, no traceback, nothing written."""

import datetime
import json
import shutil
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings

from tests.unit.test_config_fuzz import mutated
from tests.workflow.conftest import new_checkout


@pytest.mark.parametrize(
    ("overlay", "words"),
    [
        ({"experiment": "digit"}, ["experiment", "'digit'", "did you mean 'digits'?"]),
        ({"experiments": {"digits": {"trainin": {}}}}, ["experiments.digits", "unknown key 'trainin'", "'training'"]),
        (
            {"experiments": {"digits": {"noises": {"symmetric30": {"rate": 1.5}}}}},
            ["experiments.digits.noises.symmetric30.rate", "1.5", "< 1"],
        ),
        ({"experiments": {"digits": {"seeds": [1, 1]}}}, ["experiments.digits.seeds", "[1, 1]", "once"]),
        (
            {"experiments": {"digits": {"models": {"mlp3": {"width": 0}}}}},
            ["experiments.digits.models.mlp3.width", "0", "≥ 1"],
        ),
        (
            {"experiments": {"digits": {"subset": {"size": 5000}}}},
            ["experiments.digits.subset.size", "5000", "1257"],
        ),
        ({"experiments": {"digits": {"models": {"../../x": {"hidden_layers": 1, "width": 1}}}}}, ["../../x", "name"]),
        ({"experiments": {"/tmp/x": {"dataset": "digits"}}}, ["experiments", "/tmp/x", "name"]),
        ({"experiments": {"data": {"dataset": "digits"}}}, ["experiments", "data", "name"]),
        ({"experiments": ["digits"]}, ["experiments", '["digits"]', "object"]),
        (
            {"experiments": {"digits": {"training": {"learning_rate": float("nan")}}}},
            ["learning_rate", "nan", "finite"],
        ),
        ({"experiments": {"digits": {"training": {"epochs": 10**30}}}}, ["training.epochs", "1000000"]),
        ({"datasets": {"digits": {datetime.date(2026, 1, 1): 1}}}, ["datasets.digits", "2026", "is not text"]),
        ({"defaults": None}, ["defaults", "null"]),
        (
            {"experiment": "cifar10_small", "datasets": {"cifar10": {"path": "x" * 300}}},
            ["datasets.cifar10.path", "there is no folder"],
        ),
    ],
)
def test_a_bad_configuration_is_refused_in_one_message(checkout, overlay, words):
    status, said = checkout.snakemake("all", overlay=overlay)
    assert status != 0
    for word in words:
        assert word in said
    assert "Traceback" not in said
    assert not checkout.results.exists()


@settings(
    deadline=None,
    max_examples=20,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(mutated())
def test_any_configuration_plans_its_jobs_or_is_refused_in_one_message(fuzzed, value):
    (fuzzed.folder / "config.yaml").write_text(yaml.safe_dump(value, allow_unicode=True), encoding="utf-8")
    before = sorted(fuzzed.folder.parent.iterdir())
    status, said = fuzzed.snakemake("--dry-run", "all")
    assert "Traceback" not in said
    assert ("dry-run" in said) if status == 0 else ("The configuration cannot be used. " in said), said
    assert not fuzzed.results.exists() and sorted(fuzzed.folder.parent.iterdir()) == before


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory):
    return new_checkout(tmp_path_factory.mktemp("fuzzed"))


@pytest.mark.parametrize("text", ["- digits", "digits", "a: [", "experiment: !!python/object/apply:os.getcwd []"])
def test_a_configuration_file_of_another_kind_is_refused(checkout, text):
    (checkout.folder / "strange.yaml").write_text(text)
    status, said = checkout.snakemake("all", "--configfile", "strange.yaml")
    assert status != 0
    assert "Config file" in said and "Traceback" not in said
    assert not checkout.results.exists()


@pytest.mark.parametrize("value", ["experiment=[1,", "experiment=3", "experiments=5", "defaults=x"])
def test_a_bad_value_on_the_command_line_is_refused(checkout, value):
    status, said = checkout.snakemake("all", "--config", value)
    assert status != 0
    assert (value.partition("=")[0] or value) in said
    assert "Traceback" not in said
    assert not checkout.results.exists()


@pytest.mark.parametrize("name", ["2024", "yes", "1e5", "null"])
def test_text_in_a_file_stays_text(checkout, name):
    block = {"dataset": name, "noises": {"1": {"rate": 0.3}}, "models": {"3": {"hidden_layers": 1, "width": 8}}}
    overlay = {
        "experiment": "007",
        "datasets": {name: {"source": "digits"}},
        "experiments": {"007": {**block, "seeds": [0]}},
    }
    assert "results/007/1/3/seed0/history.parquet" in checkout.build("--dry-run", "all", overlay=overlay)


@pytest.mark.parametrize("path", ["2024-13-45", "0x_", "!!int x", "!!timestamp x", "1_000", "[1"])
def test_text_that_looks_like_something_else_is_refused_as_what_it_is(checkout, path):
    overlay = {"experiment": "cifar10_small", "datasets": {"cifar10": {"path": path}}}
    config = f"datasets={json.dumps({'cifar10': {'path': path}})}"
    for arguments in ({"overlay": overlay}, {}):
        given = () if arguments else ("--config", "experiment=cifar10_small", config)
        status, said = checkout.snakemake("--dry-run", "all", *given, **arguments)
        assert status != 0
        assert "datasets.cifar10.path" in said and "Traceback" not in said


def test_an_anchor_that_holds_itself_is_refused(checkout):
    (checkout.folder / "strange.yaml").write_text("defaults: {training: &a {epochs: [*a]}}")
    status, said = checkout.snakemake("all", "--configfile", "strange.yaml")
    assert status != 0
    assert "anchor (&) contains itself" in said and "Traceback" not in said


def test_a_missing_folder_is_refused_before_any_job(checkout):
    overlay = {"experiment": "cifar10_small", "datasets": {"cifar10": {"path": "nowhere"}}}
    status, said = checkout.snakemake("all", overlay=overlay)
    assert status != 0
    for word in ("datasets.cifar10.path", "'nowhere'", "`digits` and `mnist_small` need no download"):
        assert word in said
    assert not checkout.results.exists()


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ([], ["cifar10 was expected in my data", "Found: nothing"]),
        (["train.parquet"], ["my data lacks test.parquet"]),
        (
            [f"cifar-10-batches-py/data_batch_{i}" for i in (1, 2, 4, 5)],
            ["cifar-10-batches-py lacks data_batch_3, test"],
        ),
    ],
    ids=["empty", "no test images", "a batch is missing"],
)
def test_a_folder_without_all_the_data_is_refused_before_any_job(checkout, files, words):
    folder = checkout.folder / "my data"
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("", *files):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch() if name else folder.mkdir()
    overlay = {"experiment": "cifar10_small", "datasets": {"cifar10": {"path": "my data"}}}
    status, said = checkout.snakemake("results/data/cifar10/train.parquet", overlay=overlay)
    assert status != 0
    for word in (*words, "datasets.cifar10.path", "Set `path`", "`digits` and `mnist_small` need no download"):
        assert word in said
    assert "Traceback" not in said and "download=True" not in said
    assert not checkout.results.exists()


@pytest.mark.parametrize("name", ["{0}", "{dataset}", "a}b"])
def test_braces_in_a_path_are_refused(checkout, name):
    (checkout.folder / name).mkdir()
    overlay = {"experiment": "cifar10_small", "datasets": {"cifar10": {"path": name}}}
    status, said = checkout.snakemake("--dry-run", "all", overlay=overlay)
    assert status != 0
    assert f"datasets.cifar10.path: '{name}' contains a brace" in said and "symbolic link" in said


def test_home_is_replaced_in_a_path(checkout):
    overlay = {"experiment": "cifar10_small", "datasets": {"cifar10": {"path": "~/no such folder"}}}
    _, said = checkout.snakemake("--dry-run", "all", overlay=overlay)
    assert f"there is no folder '{Path.home()}/no such folder'" in said


@pytest.mark.parametrize("path", ["'2024_11'", "2024_11", '"1e5"', "'null'"])
def test_text_on_the_command_line_stays_text(checkout, path):
    arguments = ("--config", "experiment=cifar10_small", f"datasets={{cifar10: {{path: {path}}}}}")
    status, said = checkout.snakemake("--dry-run", "all", *arguments)
    assert status != 0
    text = path.strip("'\"")
    assert f"datasets.cifar10.path: cifar10 was expected in {text}: there is no folder '{text}'" in said


def test_the_name_of_an_experiment_on_the_command_line_stays_text(checkout):
    block = {"dataset": "digits", "noises": {"n": {"rate": 0.3}}, "models": {"m": {"hidden_layers": 1, "width": 8}}}
    overlay = {"experiments": {"007": {**block, "seeds": [0]}}}
    said = checkout.build("--dry-run", "all", "--config", "experiment=007", overlay=overlay)
    assert "results/007/n/m/seed0/history.parquet" in said


@pytest.mark.parametrize("where", ["config.yaml", "mine.yaml", "--config"])
def test_the_same_key_twice_is_refused(twice, where):
    text = "experiments:\n  digits:\n    seeds: [0]\n    seeds: [1]\n"
    arguments = []
    if where == "--config":
        arguments = ["--config", "experiments={digits: {seeds: [0], seeds: [1]}}"]
    elif where == "mine.yaml":
        (twice.folder / where).write_text(text)
        arguments = ["--configfile", where]
    else:
        (twice.folder / where).write_text((twice.folder / where).read_text() + "\nexperiment: cifar10_small\n")
    status, said = twice.snakemake("--dry-run", "all", *arguments)
    assert status != 0 and "Traceback" not in said
    for word in (where, "the key 'experiment'" if where == "config.yaml" else "the key 'seeds'", "keep one of them"):
        assert word in said


def test_a_config_file_of_the_workflow_that_is_not_utf8_is_refused_with_its_line(twice):
    path = twice.folder / "config.yaml"
    path.write_bytes(b"# M\xfcller\n" + path.read_bytes())
    status, said = twice.snakemake("--dry-run", "all")
    assert status != 0 and "Traceback" not in said
    assert f"{path}, line 1: the byte 0xfc is not UTF-8; save the file as UTF-8" in said


@pytest.fixture
def twice(tmp_path):
    return new_checkout(tmp_path)


def test_an_overlay_removes_a_noise_with_null(checkout):
    noises = {"symmetric30": None, "symmetric10": {"rate": 0.1}}
    said = checkout.build("--dry-run", "all", overlay={"experiments": {"digits": {"noises": noises}}})
    assert "results/digits/symmetric10/labels.parquet" in said and "symmetric30" not in said
