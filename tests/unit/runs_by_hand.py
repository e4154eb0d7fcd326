"""A run made by hand that shows what the paper claims, for the tests of effects, claims and findings."""

import dataclasses

import pandas as pd

from epochwise.activations.edit_tables import INTERVENTIONS
from epochwise.analysis.outliers import most_prominent
from epochwise.findings.effects import RunEvidence

# Accuracy 0.8 at epoch 3, 0.5 at epoch 10, 0.7 at epoch 64; loss (turned so that more is better) ends above its peak.
PHASES = {
    ("accuracy", "fall"): 0.3,
    ("accuracy", "recovery"): 0.25,
    ("accuracy", "recovery_cross_fitted"): 0.2,
    ("accuracy", "surplus"): -0.1,
    ("accuracy", "after_fit"): 0.05,
    ("loss", "recovery"): 1.0,
    ("loss", "recovery_cross_fitted"): 0.9,
    ("loss", "surplus"): 0.4,
    ("loss", "after_fit"): -0.6,
    ("accuracy", "dip_epoch"): 10.0,
    ("accuracy", "fit_epoch"): 20.0,
    ("accuracy", "clean_epoch"): 2.0,
    ("accuracy", "noisy_epoch"): 16.0,
    ("accuracy", "last_epoch"): 64.0,
    ("accuracy", "fit_margin"): 0.005,
    ("loss", "fall"): 0.7,
    ("loss", "noisy_fall_epoch"): 16.0,
}


def separation(cosines, measure="cosine", other=0.5):
    """The table for {(epoch, layer): mean over classes by true label of `measure`}; all other values are `other`."""
    return pd.DataFrame(
        [
            {"epoch": epoch, "layer": layer, "grouping": grouping, "class": c, "measure": m}
            | {"value": value if (grouping, c, m) == ("true", -1, measure) else other}
            for (epoch, layer), value in cosines.items()
            for grouping in ("true", "given")
            for c in (-1, 0, 1)
            for m in ("cosine", "cosine_centred", "split_half")
        ]
    )


def outliers(ratios, activations=None, shares=None, over_threshold=None):
    """The table for {(epoch, layer): largest over median positive activation}.

    By (epoch, layer), `activations` gives the largest and the second largest activation, `shares` the share of samples,
    and `over_threshold` the ratio of equation 5 over its threshold.
    """
    rows = []
    for (epoch, layer), ratio in ratios.items():
        largest, second = (activations or {}).get((epoch, layer), (1.0, 1.0))
        row = {"epoch": epoch, "layer": layer, "largest_activation": largest, "second_largest_activation": second}
        share = (shares or {}).get((epoch, layer), 0.0)
        over = (over_threshold or {}).get((epoch, layer), 0.5)
        row |= {"followed_rms_ratio": 10 * over, "ratio_over_threshold": over}
        rows.append(row | {"largest_over_median_active": ratio, "argmax_share": share})
    table = pd.DataFrame(rows)
    stands_out = most_prominent(table["largest_over_median_active"], table["epoch"])
    return table.assign(depth=table["layer"] / table["layer"].max(), stands_out=stands_out)


TARGETS = ("large", "runner_up", "matched_1", "matched_2")


def edited(change):
    """The table INTERVENTIONS of a run; `change(epoch, target, edit, subset)` is the change of accuracy."""
    rows = []
    for epoch in (0, 10, 100):
        for neuron, target in enumerate(TARGETS):
            for edit in ("none", "zero", "mean", "zero_equal", "mean_equal"):
                for subset in ("clean", "noisy_given", "noisy_true", "test"):
                    delta = 0.0 if edit == "none" else change(epoch, target, edit, subset)
                    row = {"epoch": epoch, "layer": 2, "neuron": neuron, "target": target, "contribution": 1.0}
                    row |= {"edit": edit, "subset": subset, "accuracy": 0.5 + delta, "loss": 1 - delta}
                    rows.append(row | {"accuracy_change": delta, "loss_change": -delta})
    return pd.DataFrame(rows)[INTERVENTIONS.names]


def followed(r2, eta2, layer, epoch=64, rho=(), of_noisy=(0.3, 0.1)):
    """What the large activation of one layer follows: R² of the input, η² by given and predicted class, ρ with each
    score, and η² by true and by given class among noisy samples."""
    rows = [
        ("components", "input", "r2", r2),
        ("norm", "input", "spearman", 0.99),
        ("true_label", "input", "eta2", 0.98),
    ]
    rows += [("given_label", "output", "eta2", value) for value in eta2]
    rows += [("loss", "output", "spearman", value) for value in rho]
    rows += [("is_noisy", "output", "auc", 0.97)]
    rows += [("true_label", "input", "eta2_noisy", of_noisy[0]), ("given_label", "output", "eta2_noisy", of_noisy[1])]
    names = ("feature", "side", "measure", "value")
    return [dict(zip(names, row, strict=True), epoch=epoch, layer=layer) for row in rows]


def paths(correct, wrong, layer=4, epoch=64):
    """The table TEST_PATHS: cosines with clean and with noisy data of correctly and of wrongly predicted test data."""
    cosines = {"correct": correct, "wrong": wrong}
    return pd.DataFrame(
        [
            {"epoch": e, "layer": number, "class": c, "predictions": predictions, "reference": reference, "measure": m}
            | {"value": value if (e, number, c, m) == (epoch, layer, -1, "cosine") else 0.5}
            for e in (0, epoch)
            for number in (1, layer)
            for c in (-1, 0)
            for m in ("cosine", "cosine_centred")
            for predictions, values in cosines.items()
            for reference, value in zip(("clean", "noisy"), values, strict=True)
        ]
    )


def measured(values):
    """The table MEASURES of two epochs for {layer: (value, mean of its null)} at the last one."""
    rows = [
        {"epoch": epoch, "layer": layer, "measure": measure, "value": value if epoch else 0.0, "null_mean": null}
        | {"null_low": null - 0.1, "null_high": null + 0.1}
        for epoch in (0, 64)
        for layer, (value, null) in values.items()
        for measure in ("probe_noisy", "neighbours_given")
    ]
    return pd.DataFrame(rows)


def run_by_hand():
    """A run of four layers that shows what the paper claims. At the dip layer 3 stands out, at the end layer 2.

    Layer 2 has the largest ratio of equation 5 at the end: 40, four times the threshold.
    """
    cosines = {(0, 1): 0.9, (0, 2): 0.9, (0, 3): 0.9, (0, 4): 0.8}
    cosines |= {(8, 1): 0.9, (8, 2): 0.9, (8, 3): 0.9, (8, 4): 0.7}
    cosines |= {(64, 1): 0.7, (64, 2): 0.6, (64, 3): 0.5, (64, 4): 0.1}
    ratios = {(0, layer): 1.0 for layer in (1, 2, 3, 4)}
    ratios |= {(9, 1): 3.0, (9, 2): 2.0, (9, 3): 4.0, (9, 4): 1.0}  # the snapshot nearest to the dip
    ratios |= {(64, 1): 16.0, (64, 2): 32.0, (64, 3): 8.0, (64, 4): 2.0}
    follows = followed(0.9, [0.0, 0.0], 1) + followed(0.6, [0.1, 0.25, 0.2], 2) + followed(0.0, [0.9], 2, epoch=9)
    return RunEvidence(
        PHASES,
        separation(cosines),
        outliers(
            ratios,
            {(9, 2): (64.0, 1.0), (9, 3): (6.0, 3.0), (64, 1): (100.0, 1.0), (64, 2): (40.0, 5.0)},
            {(9, 2): 0.9, (9, 3): 0.25, (64, 2): 0.75, (64, 3): 1.0},
            {(9, 2): 1.5, (9, 3): 2.0, (9, 4): 8.0, (64, 1): 1.5, (64, 2): 4.0, (64, 3): 2.0, (64, 4): 3.0},
        ),
        pd.DataFrame(follows),
        paths(correct=(0.95, 0.55), wrong=(0.6, 0.9)),
        edited(lambda epoch, target, edit, subset: -0.001 * epoch if target == "large" else 0.0),
        measured({1: (0.6, 0.5), 4: (0.9, 0.5)}),
    )


def with_phases(run, **changes):
    """The run with other phases of test accuracy."""
    return dataclasses.replace(run, phases=run.phases | {("accuracy", name): value for name, value in changes.items()})
