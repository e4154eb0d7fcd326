"""Tables over seeds, compared with NumPy row by row, on random runs."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

from epochwise.analysis import phases
from epochwise.findings import summary

RUNS = [(noise, model, seed) for noise in ("low", "high") for model in ("small", "large") for seed in (3, 1, 2)]
EPOCHS, LAYERS, NEURONS, LEVEL = (0, 4), (1, 2), 5, 0.9
T_95_2 = 2.9199855803537  # the 95 % quantile of t with 2 degrees of freedom, from tables


def of_all_runs(columns):
    """A table with noise, model and seed in front: `columns` gives the rows of one run."""
    rows = [{"noise": n, "model": m, "seed": s} | row for n, m, s in RUNS for row in columns()]
    return pd.DataFrame(rows)


@pytest.fixture
def history(random):
    subsets = ("clean", "noisy_given", "noisy_true", "train", "test")
    return of_all_runs(
        lambda: [
            {"epoch": e, "subset": s, "accuracy": random.random(), "loss": random.exponential(), "n": 9}
            for e in EPOCHS
            for s in subsets
        ]
    )


@pytest.fixture
def separation(random):
    measures = ("cosine", "cosine_centred", "cosine_without_large", "split_half")
    table = of_all_runs(
        lambda: [
            {"epoch": e, "layer": layer, "grouping": g, "class": c, "measure": m, "value": random.random()}
            for m in measures
            for e in EPOCHS
            for layer in LAYERS
            for g in ("true", "given")
            for c in (-1, 0, 1)
        ]
    )
    table.loc[(table["class"] == 1) & (table["seed"] == 2) & (table["measure"] == "cosine"), "value"] = np.nan
    return table


@pytest.fixture
def outliers(random):
    measures = ("peak", "runner_up", "peak_over_median_peak", "peak_over_median_active", "kurtosis", "argmax_share")
    table = of_all_runs(
        lambda: [
            {"epoch": e, "layer": layer, "neuron": 3, "massive": bool(random.random() < 0.5)}
            | {m: random.random() for m in measures}
            for e in EPOCHS
            for layer in LAYERS
        ]
    )
    table.loc[5, "runner_up"] = 0
    return table


@pytest.fixture
def neurons(random):
    return of_all_runs(
        lambda: [
            {"epoch": e, "layer": layer, "neuron": j, "max": random.integers(4) + (j == 2) * random.random()}
            for e in EPOCHS
            for layer in LAYERS
            for j in range(NEURONS)
        ]
    )


FOLLOWED = [
    ("norm", "input", "pearson"),
    ("loss", "output", "spearman"),
    ("components", "input", "r2"),
    ("true_label", "output", "eta2"),
    ("is_noisy", "output", "auc"),
]


@pytest.fixture
def large_activation(random):
    return of_all_runs(
        lambda: [
            {"epoch": e, "layer": layer, "neuron": 0, "feature": f, "side": s, "statistic": t}
            | {"value": random.uniform(0 if t in ("auc", "eta2") else -1, 1)}
            for e in EPOCHS
            for layer in LAYERS
            for f, s, t in FOLLOWED
        ]
    )


def assert_over_seeds(found, schema, keys, values_of):
    """`found` has the columns of its schema, each group once, and the t interval of the values over seeds."""
    assert set(found.columns) == set(summary.SCHEMAS[schema].names)
    assert not found.duplicated(keys).any()
    for row in found.to_dict("records"):
        values = np.array(values_of(row), np.float64)
        assert len(values) == 3
        values = values[~np.isnan(values)]
        mean, half = values.mean(), T_95_2 * values.std(ddof=1) / np.sqrt(3) if len(values) == 3 else np.nan
        expected = (mean, mean - half, mean + half, len(values))
        assert [row[name] for name in ("mean", "low", "high", "n")] == pytest.approx(expected, nan_ok=True)


def at(table, row, keys):
    """The rows of `table` that agree with `row` in `keys`."""
    return table[np.logical_and.reduce([table[key] == row[key] for key in keys])]


RUN = ["noise", "model"]


def test_curves(history):
    found = summary.curves(history, LEVEL)
    assert len(found) == 4 * len(EPOCHS) * 5 * 2
    keys = [*RUN, "epoch", "subset"]
    assert_over_seeds(found, "curves", [*keys, "metric"], lambda row: at(history, row, keys)[row["metric"]])


def test_separation(separation):
    found = summary.separation(separation, LEVEL)
    assert len(found) == 4 * len(EPOCHS) * len(LAYERS) * 2 * 3 * 4
    keys = [*RUN, "epoch", "layer", "grouping", "class", "measure"]
    assert_over_seeds(found, "separation", keys, lambda row: at(separation, row, keys)["value"])
    assert set(found.loc[(found["class"] == 1) & (found["measure"] == "cosine"), "n"]) == {2}


def test_outliers_with_massive_as_the_share_of_seeds(outliers):
    found = summary.outliers(outliers, LEVEL)
    assert len(found) == 4 * len(EPOCHS) * len(LAYERS) * 8
    keys = [*RUN, "epoch", "layer"]

    def values(row):
        block = at(outliers, row, keys)
        if row["measure"] == "peak_over_runner_up":
            return [p / r if r > 0 else np.nan for p, r in zip(block["peak"], block["runner_up"], strict=True)]
        return block[row["measure"]]

    assert_over_seeds(found, "outliers", [*keys, "measure"], values)


def test_the_layer_with_the_largest_mean_prominence_stands_out(random):
    table = of_all_runs(
        lambda: [
            {"epoch": e, "layer": layer, "massive": False, "peak": 1.0, "runner_up": 1.0, "peak_over_median_peak": 1.0}
            | {"kurtosis": 0.0, "argmax_share": 0.1, "peak_over_median_active": random.exponential(9)}
            for e in EPOCHS
            for layer in (1, 2, 3, 4)
        ]
    )
    found = summary.outliers(table, LEVEL)
    for (noise, model, epoch), rows in found.groupby([*RUN, "epoch"]):
        of_epoch = table[(table["noise"] == noise) & (table["model"] == model) & (table["epoch"] == epoch)]
        means = {n: of_epoch.loc[of_epoch["layer"] == n, "peak_over_median_active"].mean() for n in (1, 2, 3, 4)}
        assert rows.loc[rows["stands_out"], "layer"].unique().tolist() == [max(means, key=means.get)]
        assert rows["stands_out"].sum() == 8  # every measure of this layer


def test_the_table_of_runs_says_what_each_is_made_of():
    noises = {"low": {"kind": "symmetric", "rate": 0.1}, "high": {"kind": "human", "rate": None}}
    models = {
        "small": {"hidden_layers": 2, "width": 8, "weights": 120},
        "large": {"hidden_layers": 6, "width": 64, "weights": 30_000},
    }
    achieved = np.linspace(0.1, 0.2, len(RUNS))
    found = summary.runs_table(RUNS, achieved, noises, models)
    assert found.columns.tolist() == summary.SCHEMAS["runs"].names
    assert found[["noise", "model", "seed"]].to_numpy().tolist() == [list(run) for run in RUNS]
    assert found.iloc[3].tolist() == ["low", "large", 3, "symmetric", 0.1, achieved[3], 6, 64, 30_000]
    assert found.loc[found["noise"] == "high", "noise_rate"].isna().all()


def test_peaks_are_compared_at_equal_rank(neurons):
    found = summary.peaks(neurons, LEVEL)
    assert len(found) == 4 * len(EPOCHS) * len(LAYERS) * NEURONS
    assert set(found["rank"]) == set(range(1, NEURONS + 1))

    def values(row):
        block = at(neurons, row, [*RUN, "epoch", "layer"])
        return [np.sort(block.loc[block["seed"] == seed, "max"])[-row["rank"]] for seed in (1, 2, 3)]

    assert_over_seeds(found, "peaks", [*RUN, "epoch", "layer", "rank"], values)


def test_large_activation_by_the_strength_of_what_it_follows_in_each_run(large_activation):
    found = summary.large_activation(large_activation, LEVEL)
    assert len(found) == 4 * len(EPOCHS) * len(LAYERS) * len(FOLLOWED)
    keys = [*RUN, "epoch", "layer", "feature", "side", "statistic"]
    strength = {
        "pearson_squared": ("pearson", np.square),
        "spearman_squared": ("spearman", np.square),
        "r2": ("r2", lambda value: value),  # worse than the mean stays below 0
        "eta2": ("eta2", lambda value: value),
        "abs_2auc_minus_1": ("auc", lambda value: abs(value - 0.5) * 2),
    }

    def values(row):
        statistic, of = strength[row["statistic"]]
        return [of(value) for value in at(large_activation, row | {"statistic": statistic}, keys)["value"]]

    assert_over_seeds(found, "large_activation", keys, values)


def test_phases_by_seed_are_those_of_each_run(history):
    settings = {"fitted": 0.6, "learned": 0.4, "smoothing": 0, "min_dip": 0.01}
    found = summary.phases_by_seed(history, settings)
    assert set(found.columns) == set(summary.SCHEMAS["phases_by_seed"].names)
    assert found[["noise", "model", "seed"]].drop_duplicates().to_numpy().tolist() == [list(run) for run in RUNS]
    for noise, model, seed in RUNS:
        run, block = (
            table[(table["noise"] == noise) & (table["model"] == model) & (table["seed"] == seed)]
            for table in (history, found)
        )
        pd.testing.assert_frame_equal(
            block[["metric", "quantity", "value"]].reset_index(drop=True),
            phases.phases(run[["epoch", "subset", "accuracy", "loss", "n"]], **settings),
        )


def test_the_cross_fitted_recovery_of_each_noise_and_model_is_there_with_the_halves_of_the_test_set(history, random):
    settings = {"fitted": 0.6, "learned": 0.4, "smoothing": 0, "min_dip": 0.01}
    history = pd.concat([history.assign(epoch=history["epoch"] + later) for later in (0, 1, 2)])
    plain = summary.phases_by_seed(history, settings)
    halves = [history[history["subset"] == "test"].assign(subset=name) for name in ("test_a", "test_b")]
    for half in halves:
        half["accuracy"], half["loss"] = random.random((2, len(half)))
    found = summary.phases_by_seed(pd.concat([history, *halves]).sample(frac=1, random_state=2), settings)
    cross_fitted = found[found["quantity"] == "recovery_cross_fitted"].set_index(["metric", *RUN, "seed"]).sort_index()
    assert set(found.columns) == set(summary.SCHEMAS["phases_by_seed"].names)
    assert len(found) == len(plain) + 2 * len(RUNS) and set(cross_fitted.loc["accuracy"].index) == set(RUNS)
    assert (cross_fitted["value"] != 0).any()
    for (metric, sign), (noise, model) in product({"accuracy": 1, "loss": -1}.items(), {run[:2] for run in RUNS}):
        curves = [
            sign
            * half[(half["noise"] == noise) & (half["model"] == model)].pivot(
                index="epoch", columns="seed", values=metric
            )
            for half in halves
        ]
        expected = phases.cross_fitted_recovery(*curves, smoothing=0, min_dip=0.01).sort_index()
        pd.testing.assert_series_equal(cross_fitted.loc[(metric, noise, model), "value"], expected, check_names=False)
