"""Summary tables of random runs, compared with NumPy row by row."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

from epochwise.analysis import phases
from epochwise.analysis.outliers import OUTLIER_MEASURES
from epochwise.findings.summarize import GROUPS, SCHEMAS, summarize

RUNS = [(noise, model, seed) for noise in ("low", "high") for model in ("small", "large") for seed in (3, 1, 2)]
EPOCHS, LAYERS, NEURONS = (0, 4), (1, 2), 5
KEYS = {
    "curves": ["epoch", "subset", "measure"],
    "separation": ["epoch", "layer", "grouping", "class", "measure"],
    "outliers": ["epoch", "layer", "measure"],
    "ranked_activations": ["epoch", "layer", "rank"],
    "large_activation": ["epoch", "layer", "feature", "side", "measure"],
    "large_by_class": ["epoch", "layer", "grouping", "class"],
    "test_paths": ["epoch", "layer", "class", "predictions", "reference", "measure"],
    "phases": ["curve", "measure"],
}
CHANCE = ("split_half", "null_mean", "null_low", "null_high")
T_95_2 = 2.9199855803537  # the 95 % quantile of t with 2 degrees of freedom, from tables
FOLLOWED = [
    ("norm", "input", "pearson"),
    ("loss", "output", "spearman"),
    ("components", "input", "r2"),
    ("true_label", "input", "eta2"),
    ("given_label", "output", "eta2_noisy"),
    ("is_noisy", "output", "auc"),
]
STRENGTHS = {
    "pearson_squared": ("pearson", np.square),
    "spearman_squared": ("spearman", np.square),
    "r2": ("r2", lambda value: value),  # worse than the mean stays below 0
    "eta2": ("eta2", lambda value: value),
    "eta2_noisy": ("eta2_noisy", lambda value: value),
    "abs_2auc_minus_1": ("auc", lambda value: abs(value - 0.5) * 2),
}
SETTINGS = {
    "level": 0.9,
    "phases": {"fitted": 0.6, "learned": 0.4, "smoothing": 0, "min_dip": 0.01},
    "noises": {"low": {"kind": "symmetric", "rate": 0.1}, "high": {"kind": "human", "rate": None}},
    "models": {
        "small": {"widths": [8, 8], "weights": 120, "learning_rate": 0.001, "steps_per_epoch": 7},
        "large": {"widths": [64, 64, 32], "weights": 30_000, "learning_rate": 0.01, "steps_per_epoch": 7},
    },
}


def of_all_runs(keys, columns):
    """A table of all runs: each of the `keys` is a list of values, and `columns` makes the others of one row."""
    rows = [
        dict(zip(("noise", "model", "seed", *keys), (*run, *key), strict=True))
        for run in RUNS
        for key in product(*keys.values())
    ]
    return pd.DataFrame([row | columns(**{name: row[name] for name in keys}) for row in rows])


@pytest.fixture
def tables(random):
    place = {"epoch": EPOCHS, "layer": LAYERS}
    subsets = ("clean", "noisy_given", "noisy_true", "train", "test")
    measures = ("cosine", "cosine_centred", "cosine_without_large", "split_half")
    columns = [name for name in OUTLIER_MEASURES if name not in ("largest_over_second", "massive")]
    separation = of_all_runs(
        place | {"grouping": ("true", "given"), "class": (-1, 0, 1), "measure": measures},
        lambda **_: {"value": random.random()},
    )
    few = (separation["class"] == 1) & (separation["seed"] == 2) & (separation["measure"] == "cosine")
    outliers = of_all_runs(
        {"epoch": EPOCHS, "layer": (1, 2, 3, 4)},
        lambda **_: {"massive": bool(random.random() < 0.5)} | {name: random.exponential() for name in columns},
    )
    outliers.loc[5, "second_largest_activation"] = 0
    followed = of_all_runs(place | {"followed": FOLLOWED}, lambda **_: {"value": random.uniform(0, 1)})
    names = pd.DataFrame(followed.pop("followed").tolist(), columns=["feature", "side", "measure"])
    signed = ~names["measure"].isin(["auc", "eta2", "eta2_noisy"])
    return {
        "history": of_all_runs(
            {"epoch": (*EPOCHS, 5, 6, 7), "subset": subsets},
            lambda **_: (
                {"accuracy": random.random(), "n": 9}
                | {name: random.exponential() for name in ("loss", "cross_entropy")}
            ),
        ),
        "labels": of_all_runs({"index": range(20)}, lambda index: {"is_noisy": bool(random.random() < 0.3)}),
        "separation": separation.assign(value=separation["value"].mask(few)),
        "outliers": outliers,
        "neurons": of_all_runs(
            place | {"neuron": range(NEURONS)},
            lambda neuron, **_: {"max": random.integers(4) + (neuron == 2) * random.random()},
        ),
        "large_activation": followed.join(names).assign(
            value=(2 * followed["value"] - 1).where(signed, followed["value"])
        ),
        "large_by_class": of_all_runs(
            place | {"grouping": ("true", "given"), "class": (0, 1)},
            lambda **_: {"neuron": 3, "n": 5, "mean": random.random() if random.random() < 0.9 else np.nan},
        ),
        "test_paths": of_all_runs(
            place
            | {"class": (-1, 0), "predictions": ("correct", "wrong"), "reference": ("clean", "noisy")}
            | {"measure": ("cosine", "cosine_centred")},
            lambda **_: {"n": 5, "value": random.random()} | {name: random.random() for name in CHANCE},
        ),
    }


@pytest.fixture
def found(tables):
    return summarize("runs", tables, SETTINGS)


def at(table, row, keys):
    """The rows of `table` that agree with `row` in noise, model and `keys`."""
    return table[np.logical_and.reduce([table[key] == row[key] for key in ("noise", "model", *keys)])]


def values_of_runs(name, tables, found, row):
    """The values of the runs that a row of the summary table `name` is the mean of."""
    keys = KEYS[name]
    if name == "curves":
        return at(tables["history"], row, keys[:2])[row["measure"]]
    if name == "outliers":
        block = at(tables["outliers"], row, keys[:2])
        pairs = zip(block["largest_activation"], block["second_largest_activation"], strict=True)
        ratios = [largest / second if second > 0 else np.nan for largest, second in pairs]
        return ratios if row["measure"] == "largest_over_second" else block[row["measure"]]
    if name == "ranked_activations":
        block = at(tables["neurons"], row, keys[:2])
        return [np.sort(block.loc[block["seed"] == seed, "max"])[-row["rank"]] for seed in (1, 2, 3)]
    if name == "large_activation":
        measure, strength = STRENGTHS[row["measure"]]
        return [strength(value) for value in at(tables[name], row | {"measure": measure}, keys)["value"]]
    if name == "large_by_class":
        return at(tables[name], row, keys)["mean"]
    return at(found["phases_by_seed"] if name == "phases" else tables[name], row, keys)["value"]


def test_every_table_has_the_columns_of_its_schema(found):
    assert list(found) == GROUPS["runs"]
    assert all(table.columns.tolist() == SCHEMAS[name].names for name, table in found.items())
    assert sorted(SCHEMAS) == sorted(name for names in GROUPS.values() for name in names)


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("curves", 5 * 5 * 3),
        ("separation", 2 * 2 * 2 * 3 * 4),
        ("outliers", 2 * 4 * 13),
        ("large_by_class", 2 * 2 * 2 * 2),
        ("test_paths", 2 * 2 * 2 * 2 * 2 * 2),
        ("ranked_activations", 2 * 2 * NEURONS),
        ("large_activation", 2 * 2 * len(FOLLOWED)),
        ("phases", 14 + 10),
    ],
)
def test_each_row_is_the_t_interval_of_its_runs(tables, found, name, rows):
    table = found[name]
    assert len(table) == 4 * rows and not table.duplicated(["noise", "model", *KEYS[name]]).any()
    for row in table.to_dict("records"):
        values = np.array(values_of_runs(name, tables, found, row), np.float64)
        assert len(values) == 3
        values = values[~np.isnan(values)]
        mean = values.mean() if len(values) else np.nan
        half = T_95_2 * values.std(ddof=1) / np.sqrt(3) if len(values) == 3 else np.nan
        expected = (mean, mean - half, mean + half, len(values))
        assert [row[key] for key in ("mean", "low", "high", "n")] == pytest.approx(expected, nan_ok=True)


def test_a_value_that_a_run_does_not_have_is_not_counted(found):
    table = found["separation"]
    assert set(table.loc[(table["class"] == 1) & (table["measure"] == "cosine"), "n"]) == {2}


def test_the_layer_with_the_largest_mean_prominence_stands_out(tables, found):
    for (noise, model, epoch), rows in found["outliers"].groupby(["noise", "model", "epoch"]):
        of_epoch = at(tables["outliers"], {"noise": noise, "model": model, "epoch": epoch}, ["epoch"])
        means = of_epoch.groupby("layer")["largest_over_median_active"].mean()
        assert rows.loc[rows["stands_out"], "layer"].unique().tolist() == [means.idxmax()]
        assert rows["stands_out"].sum() == len(OUTLIER_MEASURES)  # every measure of this layer


def test_ceiling_and_null_of_test_paths_are_means_over_seeds(tables, found):
    for row in found["test_paths"].sample(9, random_state=1).to_dict("records"):
        of_runs = at(tables["test_paths"], row, KEYS["test_paths"])
        assert [row[name] for name in CHANCE] == pytest.approx(of_runs[[*CHANCE]].mean().tolist())


def test_the_table_of_runs_says_what_each_is_made_of(tables, found):
    runs = found["runs"]
    assert runs[["noise", "model", "seed"]].to_numpy().tolist() == [list(run) for run in RUNS]
    achieved = tables["labels"]["is_noisy"].to_numpy().reshape(len(RUNS), -1).mean(1)
    expected = ["low", "large", 3, "symmetric", 0.1, achieved[3], 3, "64-64-32", 30_000, 0.01, 7]
    assert runs.iloc[3].tolist() == expected
    assert runs.loc[runs["noise"] == "high", "requested_rate"].isna().all()


def test_phases_by_seed_are_those_of_each_run(tables, found):
    assert found["phases_by_seed"][["noise", "model", "seed"]].drop_duplicates().to_numpy().tolist() == [
        list(run) for run in RUNS
    ]
    for noise, model, seed in RUNS:
        run, block = (
            at(table, {"noise": noise, "model": model, "seed": seed}, ["seed"])
            for table in (tables["history"], found["phases_by_seed"])
        )
        expected = phases.phases(run[["epoch", "subset", "accuracy", "loss", "n"]], **SETTINGS["phases"])
        pd.testing.assert_frame_equal(block[["curve", "measure", "value"]].reset_index(drop=True), expected)


def test_the_halves_of_the_test_set_give_the_cross_fitted_recovery(tables, found, random):
    history = tables["history"]
    halves = [history[history["subset"] == "test"].assign(subset=name) for name in ("test_a", "test_b")]
    for half in halves:
        half["accuracy"], half["loss"] = random.random((2, len(half)))
    history = pd.concat([history, *halves]).sample(frac=1, random_state=2)
    table = summarize("runs", {**tables, "history": history}, SETTINGS)["phases_by_seed"]
    keys = ["curve", "noise", "model", "seed"]
    cross_fitted = table[table["measure"] == "recovery_cross_fitted"].set_index(keys).sort_index()
    assert len(table) == len(found["phases_by_seed"]) + 2 * len(RUNS)
    assert set(cross_fitted.loc["accuracy"].index) == set(RUNS) and (cross_fitted["value"] != 0).any()
    for (curve, sign), (noise, model) in product({"accuracy": 1, "loss": -1}.items(), {run[:2] for run in RUNS}):
        curves = [
            sign * at(half, {"noise": noise, "model": model}, []).pivot(index="epoch", columns="seed", values=curve)
            for half in halves
        ]
        expected = phases.cross_fitted_recovery(*curves, smoothing=0, min_dip=0.01).sort_index()
        pd.testing.assert_series_equal(cross_fitted.loc[(curve, noise, model), "value"], expected, check_names=False)
