"""What the large activation follows, compared with SciPy and scikit-learn one column at a time."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.model_selection import KFold

from epochwise.activations.auc import auc
from epochwise.analysis.association import correlation, correlation_ratio, ridge_r2
from epochwise.analysis.large_activation import (
    LARGE_ACTIVATION,
    LARGE_BY_CLASS,
    input_output_association,
    large_by_class,
)
from epochwise.workflow.errors import InputError

N, FOLDS, RIDGE = 60, 4, 2.5
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


def follow(samples, outputs, labels, features):
    return input_output_association(
        samples, outputs=outputs, labels=labels, features=features, folds=FOLDS, ridge=RIDGE
    )


@pytest.fixture
def followed(run):
    return follow(*run[:4])


def value_of(table, epoch, number, feature, measure):
    rows = table.query("epoch == @epoch and layer == @number and feature == @feature and measure == @measure")
    assert len(rows) == 1
    return rows["value"].item()


VARYING = [key for key in KEYS if key != (9, 2)]


def test_all_measures_of_both_sides_are_there_once(followed):
    assert set(followed.columns) == set(LARGE_ACTIVATION.names)
    expected = {("input", name, s) for name in ("norm", "brightness", "contrast") for s in ("pearson", "spearman")}
    expected |= {("output", f"{name}_label", "eta2") for name in ("given", "predicted")}
    expected |= {("input", "true_label", name) for name in ("eta2", "eta2_noisy")}
    expected |= {("output", "given_label", "eta2_noisy")}
    expected |= {("output", "probability", "spearman"), ("output", "loss", "spearman"), ("output", "is_noisy", "auc")}
    expected |= {("input", "components", "r2")}
    assert not followed.duplicated(["epoch", "layer", "feature", "measure"]).any()
    for (_, number), block in followed.groupby(["epoch", "layer"]):
        assert set(block[["side", "feature", "measure"]].itertuples(index=False, name=None)) == expected
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


@pytest.mark.parametrize("name", ["true_label", "given_label"])
def test_among_noisy_samples_the_correlation_ratio_is_that_of_these_samples(run, followed, name):
    _, _, labels, _, magnitudes = run
    noisy = labels["is_noisy"].to_numpy()
    for key in VARYING:
        m, label = magnitudes[key][noisy], labels[name].to_numpy()[noisy]
        means = pd.Series(m).groupby(label).transform("mean")
        assert value_of(followed, *key, name, "eta2_noisy") == pytest.approx(means.var() / m.var(ddof=1))


def test_means_over_the_noisy_samples_of_each_class(run):
    samples, _, labels, _, magnitudes = run
    labels = labels.assign(true_label=labels["true_label"].replace(2, 3))  # no sample has the true label 2
    found = large_by_class(samples.sample(frac=1, random_state=1), labels.sample(frac=1, random_state=2))
    assert set(found.columns) == set(LARGE_BY_CLASS.names) and len(found) == len(KEYS) * 2 * 4
    for row in found.to_dict("records"):
        chosen = (labels[f"{row['grouping']}_label"] == row["class"]) & labels["is_noisy"]
        values = magnitudes[row["epoch"], row["layer"]][chosen.to_numpy()]
        assert (row["neuron"], row["n"]) == (10 * row["layer"], len(values))
        assert row["mean"] == pytest.approx(values.mean() if len(values) else np.nan, nan_ok=True)
    without = large_by_class(samples, labels.assign(is_noisy=False))
    assert len(without) == len(found) and without["n"].sum() == 0 and without["mean"].isna().all()


def test_the_area_under_the_curve_is_the_statistic_of_mann_and_whitney(run, followed):
    _, _, labels, _, magnitudes = run
    for key in VARYING:
        parts = [magnitudes[key][labels["is_noisy"] == noisy] for noisy in (True, False)]
        pairs = stats.mannwhitneyu(*parts).statistic / (len(parts[0]) * len(parts[1]))
        assert value_of(followed, *key, "is_noisy", "auc") == pytest.approx(pairs)


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
    table = follow(samples, outputs, labels.assign(is_noisy=False), features)
    assert table.loc[table["measure"].isin(["auc", "eta2_noisy"]), "value"].isna().all()
    assert np.isnan(auc(np.arange(4.0), np.ones(4, bool)))


# 0.1 is rounded: the mean of equal values is another value
@pytest.mark.parametrize("constant", [0.5, 0.1])
def test_a_constant_column_has_neither_correlation_nor_correlation_ratio(random, constant):
    column = np.full((6, 1), constant)
    assert np.isnan(correlation(random.normal(size=(6, 1)), column)).all()
    assert np.isnan(correlation(column, random.normal(size=(6, 1)))).all()
    assert np.isnan(correlation_ratio(column, np.arange(6)[:, None] % 2)).all()


@pytest.mark.parametrize("shuffled", ["samples", "outputs", "labels", "features"])
def test_rows_are_joined_by_their_keys_and_not_by_their_order(run, followed, shuffled):
    given = dict(zip(("samples", "outputs", "labels", "features"), run[:4], strict=True))
    given[shuffled] = given[shuffled].sample(frac=1, random_state=5)
    pd.testing.assert_frame_equal(follow(**given), followed)
