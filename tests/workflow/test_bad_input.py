"""Bad input through the command line: one message before any job starts, no traceback, nothing written."""

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
    ],
)
def test_a_bad_configuration_is_refused_in_one_message(checkout, overlay, words):
    done = checkout.snakemake("all", overlay=overlay)
    said = done.stdout + done.stderr
    assert done.returncode != 0
    for word in words:
        assert word in said
    assert "Traceback" not in said
    assert not checkout.results.exists()


def test_a_missing_folder_is_refused_before_any_job(checkout):
    done = checkout.snakemake("all", overlay={"experiment": "cifar10", "datasets": {"cifar10": {"path": "nowhere"}}})
    said = done.stdout + done.stderr
    assert done.returncode != 0
    for word in ("datasets.cifar10.path", "'nowhere'", "`digits` needs no download"):
        assert word in said
    assert not checkout.results.exists()


def test_a_folder_without_data_ends_in_one_clear_message(checkout):
    (checkout.folder / "empty").mkdir()
    overlay = {"experiment": "cifar10", "datasets": {"cifar10": {"path": "empty"}}}
    done = checkout.snakemake("results/data/cifar10/train.parquet", overlay=overlay)
    said = done.stdout + done.stderr
    assert done.returncode != 0
    for word in ("looked for in empty", "train.parquet", "`path`", "`digits` needs no download"):
        assert word in said
    assert "Traceback" not in said
