"""The large activation and what it follows, against SciPy and scikit-learn one column at a time."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import KFold

from epochwise.analysis.outliers import auc, correlation, correlation_ratio, outliers, ridge_r2, what_it_follows
from epochwise.workflow.errors import InputError
from epochwise.workflow.tables import SCHEMAS

N, FOLDS, RIDGE = 60, 4, 2.5


def layer(peaks, median=1.0, share=None, epoch=0, number=1):
    return pd.DataFrame(
        {
            "epoch": epoch,
            "layer": number,
            "neuron": np.arange(len(peaks)),
            "max": np.array(peaks, np.float32),
            "layer_argmax_share": np.zeros(len(peaks)) if share is None else share,
            "layer_median_active": median,
        }
    )


def test_every_measure_of_every_layer(random):
    peaks = {(epoch, number): random.exponential(size=9) for epoch in (0, 5) for number in (1, 2)}
    shares, medians = random.dirichlet(np.ones(9), 4), random.random(4)
    blocks = [layer(p, m, s, *key) for (key, p), m, s in zip(peaks.items(), medians, shares, strict=True)]
    found = outliers(pd.concat(blocks), 100, 1000)
    assert set(found.columns) == set(SCHEMAS["outliers"].names)
    assert list(zip(found["epoch"], found["layer"], strict=True)) == list(peaks)
    for (_, row), p, median, share in zip(found.iterrows(), peaks.values(), medians, shares, strict=True):
        ordered = np.sort(p)[::-1]
        assert row["neuron"] == p.argmax() and row["argmax_share"] == share[p.argmax()]
        assert row["peak"] == pytest.approx(ordered[0]) and row["runner_up"] == pytest.approx(ordered[1])
        assert row["peak_over_median_peak"] == pytest.approx(ordered[0] / ordered[4])
        assert row["peak_over_median_active"] == pytest.approx(ordered[0] / median)
        moments = [np.mean((p - p.mean()) ** k) for k in (2, 4)]
        assert row["kurtosis"] == pytest.approx(moments[1] / moments[0] ** 2 - 3)


@pytest.mark.parametrize(
    ("peak", "median", "massive"),
    [(101, 0.1, True), (100, 0.1, False), (101, 0.102, False), (500, 0.5, True), (500, 0.6, False), (99, 1e-6, False)],
)
def test_massive_is_above_100_and_at_least_1000_times_the_median(peak, median, massive):
    assert outliers(layer([1, peak], median), 100, 1000).loc[0, "massive"] == massive


def test_two_equal_peaks_are_no_single_large_activation():
    row = outliers(layer([1, 8, 8]), 100, 1000).iloc[0]
    assert (row["neuron"], row["peak"], row["runner_up"]) == (1, 8, 8)


@pytest.mark.parametrize(
    ("block", "missing"),
    [
        (layer([3.0]), {"runner_up", "kurtosis"}),
        (layer([0.0, 0.0], np.nan), {"peak_over_median_peak", "peak_over_median_active", "kurtosis"}),
        (layer([0.0, 0.0, 2.0]), {"peak_over_median_peak"}),
    ],
    ids=["one neuron", "silent layer", "most neurons silent"],
)
def test_measures_that_a_layer_cannot_have_are_missing(block, missing):
    row = outliers(block, 100, 1000).iloc[0]
    assert set(row.index[row.isna()]) == missing
    assert not row["massive"]


# -- what it follows ---------------------------------------------------------------------------------------------------

KEYS = [(epoch, number) for epoch in (0, 4, 9) for number in (1, 2)]


@pytest.fixture
def run(random):
    """A run on N of 90 images: the tables samples, outputs, labels, features, and the magnitudes by epoch and layer."""
    index = np.sort(random.choice(90, N, replace=False))
    true = random.integers(0, 3, N)
    noisy = random.random(N) < 0.3
    components = random.normal(size=(90, 5))
    features = pd.DataFrame(
        {
            "index": np.arange(90),
            **{name: random.random(90).astype(np.float32) for name in ("norm", "brightness", "contrast")},
            "components": list(components.astype(np.float32)),
        }
    ).sample(frac=1, random_state=1)
    labels = pd.DataFrame(
        {"index": index, "true_label": true, "given_label": np.where(noisy, (true + 1) % 3, true), "is_noisy": noisy}
    )
    magnitudes = {key: np.maximum(components[index, 0] + random.normal(size=N) + noisy, 0).round(1) for key in KEYS}
    magnitudes[9, 2] = np.full(N, 0.1)
    samples = pd.concat(
        pd.DataFrame({"epoch": e, "layer": number, "neuron": 10 * number, "index": index, "value": m})
        for (e, number), m in magnitudes.items()
    )
    outputs = pd.concat(
        pd.DataFrame(
            {
                "epoch": epoch,
                "index": index,
                "predicted": random.choice([0, 2], N),  # one class is never predicted
                "probability": random.random(N).round(2),
                "loss": random.exponential(size=N),
            }
        )
        for epoch in (0, 4, 9)
    )
    return samples, outputs, labels, features, magnitudes


@pytest.fixture
def followed(run):
    return what_it_follows(*run[:4], FOLDS, RIDGE)


def value_of(table, epoch, number, feature, statistic):
    rows = table.query("epoch == @epoch and layer == @number and feature == @feature and statistic == @statistic")
    assert len(rows) == 1
    return rows["value"].item()


VARYING = [key for key in KEYS if key != (9, 2)]


def test_all_statistics_of_both_sides_are_there_once(followed):
    assert set(followed.columns) == set(SCHEMAS["large_activation"].names)
    expected = {("input", name, s) for name in ("norm", "brightness", "contrast") for s in ("pearson", "spearman")}
    expected |= {("output", f"{name}_label", "eta2") for name in ("true", "given", "predicted")}
    expected |= {("output", "probability", "spearman"), ("output", "loss", "spearman"), ("output", "is_noisy", "auc")}
    expected |= {("input", "components", "r2")}
    assert not followed.duplicated(["epoch", "layer", "feature", "statistic"]).any()
    for (_, number), block in followed.groupby(["epoch", "layer"]):
        assert set(block[["side", "feature", "statistic"]].itertuples(index=False, name=None)) == expected
        assert (block["neuron"] == 10 * number).all()
    assert list(followed.groupby(["epoch", "layer"], sort=False).groups) == KEYS


@pytest.mark.parametrize("name", ["norm", "brightness", "contrast"])
def test_correlations_with_the_input_equal_scipy(run, followed, name):
    _, _, labels, features, magnitudes = run
    feature = [features.loc[features["index"] == i, name].item() for i in labels["index"]]
    for key in VARYING:
        pearson, spearman = stats.pearsonr(magnitudes[key], feature), stats.spearmanr(magnitudes[key], feature)
        assert value_of(followed, *key, name, "pearson") == pytest.approx(pearson.statistic)
        assert value_of(followed, *key, name, "spearman") == pytest.approx(spearman.statistic)


@pytest.mark.parametrize("name", ["probability", "loss"])
def test_correlations_with_the_output_equal_scipy(run, followed, name):
    _, outputs, _, _, magnitudes = run
    for epoch, number in VARYING:
        spearman = stats.spearmanr(magnitudes[epoch, number], outputs.loc[outputs["epoch"] == epoch, name])
        assert value_of(followed, epoch, number, name, "spearman") == pytest.approx(spearman.statistic)


@pytest.mark.parametrize("name", ["true_label", "given_label", "predicted_label"])
def test_correlation_ratios_follow_from_the_analysis_of_variance(run, followed, name):
    _, outputs, labels, _, magnitudes = run
    for epoch, number in VARYING:
        of_epoch = outputs[outputs["epoch"] == epoch]
        label = of_epoch["predicted"].to_numpy() if name == "predicted_label" else labels[name].to_numpy()
        parts = [magnitudes[epoch, number][label == c] for c in np.unique(label)]
        f = stats.f_oneway(*parts).statistic * (len(parts) - 1)
        assert value_of(followed, epoch, number, name, "eta2") == pytest.approx(f / (f + N - len(parts)))


def test_the_area_under_the_curve_equals_scikit_learn(run, followed):
    _, _, labels, _, magnitudes = run
    for key in VARYING:
        expected = roc_auc_score(labels["is_noisy"], magnitudes[key])
        assert value_of(followed, *key, "is_noisy", "auc") == pytest.approx(expected)


def test_the_ridge_regression_is_the_closed_form_predicted_out_of_fold(run, followed):
    _, _, labels, features, magnitudes = run
    x = np.array([features.loc[features["index"] == i, "components"].item() for i in labels["index"]], np.float64)
    for key in VARYING:
        m, predicted = magnitudes[key], np.empty(N)
        for fit, left_out in KFold(FOLDS, shuffle=True, random_state=0).split(x):
            centre = x[fit].mean(0)
            gram = (x[fit] - centre).T @ (x[fit] - centre) + RIDGE * np.eye(5)
            slope = np.linalg.solve(gram, (x[fit] - centre).T @ (m[fit] - m[fit].mean()))
            predicted[left_out] = m[fit].mean() + (x[left_out] - centre) @ slope
        expected = 1 - np.sum((m - predicted) ** 2) / np.sum((m - m.mean()) ** 2)
        assert value_of(followed, *key, "components", "r2") == pytest.approx(expected)


def test_more_folds_than_samples_are_refused(random):
    with pytest.raises(InputError, match=r"outliers\.folds: 5 is more than the 4 samples"):
        ridge_r2(random.random((4, 2)), random.random((4, 1)), 5, 1.0)


def test_a_constant_magnitude_follows_nothing(followed):
    constant = (followed["epoch"] == 9) & (followed["layer"] == 2)
    assert followed.loc[constant, "value"].isna().all()
    assert followed.loc[~constant, "value"].notna().all()


def test_without_noisy_samples_there_is_no_area_under_the_curve(run):
    samples, outputs, labels, features, _ = run
    table = what_it_follows(samples, outputs, labels.assign(is_noisy=False), features, FOLDS, RIDGE)
    assert table.loc[table["statistic"] == "auc", "value"].isna().all()
    assert np.isnan(auc(np.arange(4.0)[:, None], np.ones(4, bool))).all()


# 0.1 is rounded: the mean of equal values is another value
@pytest.mark.parametrize("constant", [0.5, 0.1])
def test_a_constant_column_has_neither_correlation_nor_correlation_ratio(random, constant):
    column = np.full((6, 1), constant)
    assert np.isnan(correlation(random.normal(size=(6, 1)), column)).all()
    assert np.isnan(correlation(column, random.normal(size=(6, 1)))).all()
    assert np.isnan(correlation_ratio(column, np.arange(6)[:, None] % 2)).all()
