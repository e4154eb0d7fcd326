"""Made-up tables of the paper's figures, added to the experiments of `made_up`: ratios, paths of test data, widths.

They are made as tables over seeds, because the figures draw those. `CASES` are those of `made_up` and one in which
widths taper and the first model is trained for fewer epochs.
"""

import itertools

import numpy as np
import pandas as pd

from tests.unit import made_up

THRESHOLD = 10.0
CASES = {
    **made_up.CASES,
    "different ends": made_up.Case(models={"mlp3": 2, "mlp7": 4}, last=200_000),
}
END_OF_FIRST = 5000  # last epoch of the first model of the case `different ends`


def inputs_of(case):
    """All tables that figures draw, and the run that single-run figures show."""
    inputs, shown = made_up.inputs_of(case)
    inputs["runs"] = runs(case)
    inputs["curves"] = with_cross_entropy(inputs["curves"], twice=case is CASES["different ends"])
    inputs["outliers"] = with_ratios(case, inputs["outliers"])
    inputs["large_activation"] = with_noisy_eta2(inputs["large_activation"])
    epochs = np.sort(inputs["separation"]["epoch"].unique())
    inputs["test_paths"] = test_paths(case, epochs)
    inputs["large_by_class"] = large_by_class(case, epochs)
    if case is CASES["different ends"]:
        first = next(iter(case.models))
        inputs = {name: end_earlier(table, first, END_OF_FIRST) for name, table in inputs.items()}
        phases = inputs["phases"]
        beyond = (phases["model"] == first) & phases["measure"].str.endswith("_epoch")
        inputs["phases"] = phases.assign(mean=phases["mean"].mask(beyond, phases["mean"].clip(upper=END_OF_FIRST)))
    return inputs, shown


def runs(case):
    """The summary table of this name. The first layer grows from model to model, and later layers are narrower."""
    rows = []
    for noise, (i, (model, layers)), seed in itertools.product(case.noises, enumerate(case.models.items()), case.seeds):
        widths = [max(4, 8 * 2**i // 2**layer) for layer in range(layers)]
        row = {"noise": noise, "model": model, "seed": seed, "noise_kind": "symmetric", "requested_rate": 0.3}
        row |= {"achieved_rate": 0.3, "hidden_layers": layers, "widths": "-".join(map(str, widths))}
        rows.append(row | {"weights": 100 * 2**i, "learning_rate": 1e-4, "steps_per_epoch": 98})
    return pd.DataFrame(rows)


def with_cross_entropy(curves, twice):
    """Curves with the measure `cross_entropy`. With `twice` the trained loss is another, between 1.46 and 2.46."""
    losses = curves[curves["measure"] == "loss"]
    ordinary = losses.assign(measure="cross_entropy")
    if twice:
        accuracy = curves[curves["measure"] == "accuracy"].set_index(losses.index)
        ends = {"mean": "mean", "low": "high", "high": "low"}
        losses = losses.assign(**{end: 2.4612 - accuracy[other].clip(upper=1) for end, other in ends.items()})
    return pd.concat([curves[curves["measure"] == "accuracy"], losses, ordinary], ignore_index=True)


def with_ratios(case, outliers):
    """The table `outliers` with the ratios of the followed neuron, which grow most in the first layers."""
    rows = outliers[outliers["measure"] == "argmax_share"].drop(columns="measure")
    grown = (rows["epoch"] / case.last) ** 0.3
    ratio = 3 + 30 * grown / rows["layer"]
    if case.missing:
        ratio[rows["layer"] == rows["layer"].max()] = np.nan
    made = []
    for measure, scale in (("followed_rms_ratio", 1), ("ratio_over_threshold", 1 / THRESHOLD)):
        band = 0.9 * scale * ratio, 1.1 * scale * ratio
        low, high = band if len(case.seeds) > 2 else (np.nan, np.nan)
        made.append(rows.assign(measure=measure, mean=scale * ratio, low=low, high=high))
    return pd.concat([outliers[~outliers["measure"].isin(["followed_rms_ratio", "ratio_over_threshold"])], *made],
                     ignore_index=True)  # fmt: skip


def with_noisy_eta2(table):
    """The table `large_activation` with η² among noisy data, and the true label on the side of the input."""
    table = table[table["measure"] != "eta2_noisy"]
    eta2 = table[(table["measure"] == "eta2") & table["feature"].isin(["true_label", "given_label"])]
    table = pd.concat([table, eta2.assign(measure="eta2_noisy")], ignore_index=True)
    return table.assign(side=table["side"].mask(table["feature"] == "true_label", "input"))


def _over_seeds(case, table, values):
    """`table` with `mean`, and with an interval if there are three seeds."""
    half = 0.02 if len(case.seeds) > 2 else np.nan
    return table.assign(mean=values, low=values - half, high=values + half, n=len(case.seeds))


def _product(case, **columns):
    """One row per noise, model, layer of this model, and combination of the values of `columns`."""
    rows = [
        (noise, model, layer, *rest)
        for noise, (model, layers) in itertools.product(case.noises, case.models.items())
        for layer, *rest in itertools.product(range(1, layers + 1), *columns.values())
    ]
    return pd.DataFrame(rows, columns=["noise", "model", "layer", *columns])


def test_paths(case, epochs):
    """The summary table of this name. Without noise there are no noisy data that anything could be compared with."""
    table = _product(
        case, epoch=epochs, **{"class": [-1, 0]}, predictions=["correct", "wrong"], reference=["clean", "noisy"],
        measure=["cosine", "cosine_centred"],
    )  # fmt: skip
    near = (table["predictions"] == "correct") == (table["reference"] == "clean")
    depth = table["layer"] / table["layer"].max() * np.log1p(table["epoch"]) / np.log1p(case.last)
    value = 0.95 - np.where(near, 0.1, 0.7) * depth - np.where(table["measure"] == "cosine", 0, 0.3)
    value = value.mask((table["reference"] == "noisy") & (not case.noisy))
    table = _over_seeds(case, table, value)
    return table.assign(split_half=0.97, null_mean=value - 0.1, null_low=value - 0.15, null_high=value - 0.05)


test_paths.__test__ = False


def large_by_class(case, epochs):
    """The summary table of this name; without noise it is empty. Classes differ by true, not by given label."""
    table = _product(case, epoch=epochs, grouping=["true", "given"], **{"class": range(len(case.class_names))})
    spread = np.where(table["grouping"] == "true", table["class"] / len(case.class_names), 0.5)
    grown = 8 * np.log1p(table["epoch"]) / np.log1p(case.last) * (0.3 + spread)
    table = _over_seeds(case, table, pd.Series(grown))
    return table if case.noisy else table.head(0)


def end_earlier(table, model, last):
    """The table if training of `model` ends at the epoch `last`: rows beyond it are left out, but the last is moved."""
    if not isinstance(table, pd.DataFrame) or not {"model", "epoch"} <= {*table}:
        return table
    of_model, epoch = table["model"] == model, table["epoch"]
    moved = table.assign(epoch=epoch.mask(of_model & (epoch == epoch.max()), last).astype(epoch.dtype))
    if "other_epoch" in table:
        moved["other_epoch"] = table["other_epoch"].mask(of_model & (table["other_epoch"] == epoch.max()), last)
        moved = moved[~of_model | (table["other_epoch"] < last) | (table["other_epoch"] == epoch.max())]
        of_model, epoch = of_model[moved.index], epoch[moved.index]
    return moved[~of_model | (epoch < last) | (epoch == table["epoch"].max())].reset_index(drop=True)
