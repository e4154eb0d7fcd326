"""Bad input through the command line: one message before any job starts, no traceback, nothing written."""

import datetime

import pytest


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
        ({"datasets": {"digits": {datetime.date(2026, 1, 1): 1}}}, ["datasets.digits", "2026", "no text"]),
        ({"defaults": None}, ["defaults", "null"]),
    ],
)
def test_a_bad_configuration_is_refused_in_one_message(checkout, overlay, words):
    status, said = checkout.snakemake("all", overlay=overlay)
    assert status != 0
    for word in words:
        assert word in said
    assert "Traceback" not in said
    assert not checkout.results.exists()


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
