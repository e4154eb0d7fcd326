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


def test_missing_data_end_in_one_clear_message(checkout):
    overlay = {"experiment": "cifar10", "datasets": {"cifar10": {"path": "nowhere"}}}
    done = checkout.snakemake("results/data/cifar10/train.parquet", overlay=overlay)
    said = done.stdout + done.stderr
    assert done.returncode != 0
    for word in ("nowhere", "train.parquet", "`path`", "`digits` needs no download"):
        assert word in said
