"""Interventions over seeds, the history of the large neuron worked by hand, and the claims about causes."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from epochwise.activations.edit_tables import ANATOMY
from epochwise.analysis.large_neuron import describe_large_neurons
from epochwise.findings import claims, effects_activation, judging
from epochwise.findings.intervals import over_seeds, t_interval
from epochwise.findings.summarize import SUMMARIES

from .runs_by_hand import edited, run_by_hand, with_phases


def test_controls_are_averaged_in_each_run_before_the_seeds():
    random = np.random.default_rng(0)
    key = {"noise": "n", "model": "m"}
    table = pd.concat([edited(lambda *_: random.normal()).assign(**key, seed=seed) for seed in (3, 4, 8)])
    by_run = SUMMARIES["interventions"].rows({"interventions": table}, {})
    found = over_seeds(by_run, SUMMARIES["interventions"].keys, "value", 0.9)
    assert set(found["target"]) == {"large", "runner_up", "matched"}
    row = {"epoch": 10, "edit": "mean", "subset": "test"}
    chosen = table[np.logical_and.reduce([table[key] == value for key, value in row.items()])]
    for target, measure in (("matched", "loss"), ("large", "accuracy")):
        values = chosen[chosen["target"].str.startswith(target)].groupby("seed")[f"{measure}_change"].mean()
        keys = {**row, "target": target, "measure": measure}
        matching = found[np.logical_and.reduce([found[key] == value for key, value in keys.items()])]
        [result] = matching[["mean", "low", "high", "n"]].to_numpy()
        np.testing.assert_allclose(result, t_interval(values.to_numpy(), 0.9))


def test_the_history_of_the_large_neuron_by_hand():
    epochs = [0, 10, 20, 50, 100]
    run = {"noise": "n", "model": "m", "seed": 1}
    layer = pd.DataFrame(
        {
            "epoch": epochs,
            "neuron": [5, 7, 5, 5, 5],  # lost at epoch 10, kept from 20
            "largest_activation": [9.0, 1, 2, 6, 8],
            "second_largest_activation": [1.0, 1, 1, 2, 0],
            "argmax_share": [0.4, 1, 0.9, 0.6, 0.7],  # at 0 the share is too small; at 20 the ratio is exactly 2
        }
    )
    outliers = pd.concat([layer.assign(layer=1, neuron=0), layer.assign(layer=2)], ignore_index=True).assign(**run)
    weights = {name: 3 for name in ANATOMY.names if name not in ("epoch", "layer", "neuron")}
    anatomy = pd.DataFrame({"epoch": [0, 100], "layer": 2, "neuron": 5, **weights, **run})
    moments = {"peak_epoch": 10.0, "dip_epoch": 50.0, "fall": 0.2}
    phases = pd.DataFrame([run | {"curve": "accuracy", "measure": k, "value": v} for k, v in moments.items()])
    [row] = describe_large_neurons(anatomy, outliers, phases).to_dict("records")
    assert (row["layer"], row["neuron"], row["appears_epoch"], row["large_since_epoch"]) == (2, 5, 20, 20)
    assert (row["peak_epoch"], row["dip_epoch"], row["argmax_share"]) == (10, 50, 0.7)
    assert np.isnan(row["fit_epoch"]) and np.isnan(row["largest_over_second"])  # a second activation of 0 has no ratio


def run_with(change, dip=10.0):
    return dataclasses.replace(with_phases(run_by_hand(), dip_epoch=dip), interventions=edited(change))


def test_effects_about_causes_by_hand():
    costs = {"large": -0.3, "runner_up": -0.9, "matched_1": -0.1, "matched_2": -0.3}
    sizes = {"zero": 1.0, "mean": 0.5, "zero_equal": 2.0}

    def change(epoch, target, edit, subset):
        return costs[target] * (epoch / 100) * sizes.get(edit, 9.0) if subset == "test" else 7.0

    run = run_with(change)
    assert effects_activation.needed_at_end(run, "zero") == pytest.approx(0.3 - 0.2)
    assert effects_activation.needed_at_end(run, "mean") == pytest.approx((0.3 - 0.2) / 2)
    assert effects_activation.needed_at_end(run, "zero_equal") == pytest.approx((0.3 - 0.2) * 2)
    # At the dip, the edit costs a tenth of 0.3. So of the rise that training brought, 0.27 is gone.
    assert effects_activation.needed_for_recovery(run, "zero") == pytest.approx(0.27)
    assert np.isnan(effects_activation.needed_for_recovery(run_with(change, dip=np.nan), "zero"))


def test_claims_about_causes_are_judged_only_where_neurons_were_edited():
    margins = {claim.margin: 0.01 for claim in claims.CLAIMS}
    with_edits = {("n", "m", seed): run_with(lambda *_, seed=seed: -0.01 * seed) for seed in range(3)}
    without = {key: dataclasses.replace(run, interventions=None) for key, run in with_edits.items()}
    named = {claim.name for claim in claims.CLAIMS if claim.needs == "interventions"}
    assert len(named) == 6
    assert named <= set(judging.judge(with_edits, {"m": 9}, margins, 0.95)["claim"])
    assert not named & set(judging.judge(without, {"m": 9}, margins, 0.95)["claim"])
