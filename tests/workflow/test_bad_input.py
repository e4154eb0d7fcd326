"""Bad input through the command line: one message before any job starts, no traceback, nothing written."""

import datetime
import json

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
            {"experiment": "cifar10", "datasets": {"cifar10": {"path": "x" * 300}}},
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
    overlay = {"experiment": "cifar10", "datasets": {"cifar10": {"path": path}}}
    config = f"datasets={json.dumps({'cifar10': {'path': path}})}"
    for arguments in ({"overlay": overlay}, {}):
        given = () if arguments else ("--config", "experiment=cifar10", config)
        status, said = checkout.snakemake("--dry-run", "all", *given, **arguments)
        assert status != 0
        assert "datasets.cifar10.path" in said and "Traceback" not in said


def test_an_anchor_that_holds_itself_is_refused(checkout):
    (checkout.folder / "strange.yaml").write_text("defaults: {training: &a {epochs: [*a]}}")
    status, said = checkout.snakemake("all", "--configfile", "strange.yaml")
    assert status != 0
    assert "anchor (&) contains itself" in said and "Traceback" not in said


def test_a_missing_folder_is_refused_before_any_job(checkout):
    overlay = {"experiment": "cifar10", "datasets": {"cifar10": {"path": "nowhere"}}}
    status, said = checkout.snakemake("all", overlay=overlay)
    assert status != 0
    for word in ("datasets.cifar10.path", "'nowhere'", "`digits` needs no download"):
        assert word in said
    assert not checkout.results.exists()


def test_a_folder_without_data_ends_in_one_clear_message(checkout):
    (checkout.folder / "empty").mkdir()
    overlay = {"experiment": "cifar10", "datasets": {"cifar10": {"path": "empty"}}}
    status, said = checkout.snakemake("results/data/cifar10/train.parquet", overlay=overlay)
    assert status != 0
    for word in ("looked for in empty", "train.parquet", "`path`", "`digits` needs no download"):
        assert word in said
    assert "Traceback" not in said
