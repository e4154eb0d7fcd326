"""An experiment with twins and maps, from the configuration to the figures."""

import pandas as pd
import pytest

from tests.workflow.conftest import finished_run

OVERLAY = {
    "experiments": {
        "digits": {
            "noises": {"symmetric30": {"rate": 0.3}, "again": {"rate": 0.3, "seed": 7}},
            "models": {"mlp3": None, "mlp5": None, "mlp7": None, "mlp": {"hidden_layers": 1, "width": [4, 8]}},
            "seeds": [0, 1],
            "training": {"epochs": 2},
            "twins": True,
            "maps": True,
        }
    }
}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    names = ("summary/twins.parquet", "findings.parquet", "figures/twins.png", "figures/maps.png")
    return finished_run("twins", OVERLAY, tmp_path_factory, *(f"results/digits/{name}" for name in names))


def read(checkout, name):
    return pd.read_parquet(checkout.results / "digits" / f"{name}.parquet")


def test_each_noise_is_compared_with_the_twin_and_findings_are_about_noise_only(built):
    table = read(built, "summary/twins")
    assert table[["noise", "model"]].to_numpy().tolist() == [
        [noise, f"mlp_d1_w{width}"] for noise in ("symmetric30", "again") for width in (4, 8)
    ]
    assert (table["n"] == 2).all()
    assert set(read(built, "findings")["noise"]) == {"symmetric30", "again"}
    labels = pd.read_parquet(built.results / "digits" / "clean" / "labels.parquet")
    assert not labels["is_noisy"].any()


def test_a_twin_starts_with_the_same_weights(built):
    def first_snapshot(noise):
        folder = built.results / "digits" / noise / "mlp_d1_w8" / "seed1" / "snapshots"
        return (folder / "epoch_0000000.safetensors").read_bytes()

    assert first_snapshot("clean") == first_snapshot("symmetric30") == first_snapshot("again")


def test_variance_is_divided_between_draws_and_initializations(built):
    table = read(built, "summary/variance")
    assert set(table["source"]) == {"initialization", "noise draw", "both together"}
    assert (table["draws"] == 2).all() and "test_error" in set(table["measure"])


def test_without_twins_and_maps_only_their_results_are_missing(built, tmp_path):
    copy = built.copy(tmp_path)
    without = {"experiments": {"digits": OVERLAY["experiments"]["digits"] | {"twins": False, "maps": False}}}
    told = copy.build("--dry-run", "results/digits/findings.parquet", overlay=without)
    assert "rule train:" not in told and "rule twins:" not in told
    assert "figures/maps.png" not in copy.build("--dry-run", "all", overlay=without)


def test_a_noise_with_the_name_of_the_twin_is_refused(checkout):
    digits = OVERLAY["experiments"]["digits"]
    taken = {"experiments": {"digits": digits | {"noises": {"clean": {"rate": 0.1}}}}}
    status, told = checkout.snakemake("--dry-run", "all", overlay=taken)
    assert status != 0 and "noises.clean: `twins` adds a noise of this name; rename this one" in told
