"""Runs compared with their twins, kinds of overfitting, and components of variance."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from epochwise.analysis.twins import compare_with_twins, variance_components
from epochwise.findings.intervals import t_interval
from epochwise.findings.overfitting import classify_overfitting
from epochwise.findings.summarize import SCHEMAS, summarize


def history_of(accuracy):
    """Learning curves of two epochs for {(noise, model, seed): test accuracy at the end}."""
    rows = [
        {"noise": noise, "model": model, "seed": seed, "epoch": epoch, "subset": subset, "accuracy": value}
        for (noise, model, seed), end in accuracy.items()
        for epoch, value in ((0, 0.1), (5, end))
        for subset in ("test", "train")
    ]
    return pd.DataFrame(rows)


def test_the_end_is_that_of_each_run():
    accuracy = {(noise, model, 0): 0.9 for noise in ("n30", "clean") for model in ("m", "short")}
    history = history_of(accuracy)
    history.loc[(history["model"] == "short") & (history["epoch"] == 5), "epoch"] = 3
    runs = pd.concat([runs_of({"n30": 0.3, "clean": 0.0}, model, [0]) for model in ("m", "short")])
    assert compare_with_twins(history, runs, "clean")["test_error"].tolist() == pytest.approx([0.1, 0.1])


def runs_of(rates, model="m", seeds=(0, 1, 2)):
    return pd.DataFrame(
        [{"noise": n, "model": model, "seed": s, "achieved_rate": rate} for n, rate in rates.items() for s in seeds]
    )


def test_each_run_is_compared_with_the_twin_of_its_seed():
    accuracy = {("n30", "m", seed): 0.6 + 0.1 * seed for seed in (0, 1, 2)}
    accuracy |= {("clean", "m", seed): 0.9 - 0.05 * seed for seed in (0, 1, 2)}
    found = compare_with_twins(history_of(accuracy), runs_of({"n30": 0.3, "clean": 0.0}), "clean").set_index("seed")
    assert set(found["noise"]) == {"n30"}
    np.testing.assert_allclose(found.loc[[0, 1, 2], "gap"], [0.3, 0.15, 0.0], atol=1e-12)
    np.testing.assert_allclose(found.loc[[0, 1, 2], "slope"], [1.0, 0.5, 0.0], atol=1e-12)
    np.testing.assert_allclose(found.loc[1, ["test_error", "twin_error"]].astype(float), [0.3, 0.15])


@pytest.mark.parametrize(
    ("errors", "twin", "kind"),
    [
        ([0.100, 0.101, 0.102], 0.10, "benign"),
        ([0.30, 0.31, 0.32], 0.10, "tempered"),
        ([0.89, 0.90, 0.91], 0.10, "catastrophic"),
        ([0.10, 0.30, 0.50], 0.10, "undecided"),  # the interval reaches below the margin
        ([0.30, 0.31], 0.10, "undecided"),  # two seeds
    ],
)
def test_the_kind_of_overfitting_by_hand(errors, twin, kind):
    accuracy = {("n", "m", seed): 1 - error for seed, error in enumerate(errors)}
    accuracy |= {("clean", "m", seed): 1 - twin for seed in range(len(errors))}
    rates = runs_of({"n": 0.2, "clean": 0}, seeds=range(len(errors)))
    table = compare_with_twins(history_of(accuracy), rates, "clean")
    [found] = classify_overfitting(table, {"n": 10}, 0.01, 0.95).to_dict("records")
    assert found["overfitting"] == kind
    mean, low, high, n = t_interval(np.array(errors) - twin, 0.95)
    np.testing.assert_allclose([found[key] for key in ("gap", "gap_low", "gap_high", "n")], [mean, low, high, n])
    np.testing.assert_allclose(found["slope"], mean / 0.2)


@given(st.integers(0, 2**31 - 1), st.integers(2, 6), st.integers(2, 4))
def test_components_are_those_of_the_mean_squares_of_statsmodels(seed, seeds, draws):
    random = np.random.default_rng(seed)
    values = random.normal(size=(seeds, 1)) + 2 * random.normal(size=(1, draws)) + random.normal(size=(seeds, draws))
    table = pd.DataFrame(
        [{"noise": f"d{j}", "model": "m", "seed": i, "x": values[i, j]} for i in range(seeds) for j in range(draws)]
    )
    squares = anova_lm(ols("x ~ C(seed) + C(noise)", table).fit())["mean_sq"]
    rest = squares["Residual"]
    expected = [max(0, (squares["C(seed)"] - rest) / draws), max(0, (squares["C(noise)"] - rest) / seeds), rest]
    found = variance_components(table, [f"d{j}" for j in range(draws)]).set_index("source")
    np.testing.assert_allclose(found["variance"], expected, rtol=1e-6, atol=1e-9)
    assert found["share"].sum() == pytest.approx(1) and (found["draws"] == draws).all() and (found["n"] == seeds).all()


def test_a_single_draw_has_no_components():
    table = pd.DataFrame([{"noise": "d", "model": "m", "seed": s, "x": float(s)} for s in range(3)])
    found = variance_components(table, ["d"])
    assert found.empty and found.columns.tolist() == SCHEMAS["variance"].names


def test_the_tables_of_runs_with_twins():
    noises, seeds = ("d0", "d1", "clean"), (0, 1, 2)
    accuracy = {(noise, "m", seed): 0.5 + 0.1 * i + 0.02 * seed for i, noise in enumerate(noises) for seed in seeds}
    runs = runs_of({"d0": 0.3, "d1": 0.3, "clean": 0.0})
    phases = runs[["noise", "model", "seed"]].assign(curve="accuracy", measure="recovery", value=runs.index / 10.0)
    tables = {"history": history_of(accuracy), "runs": runs, "phases_by_seed": phases}
    settings = {"level": 0.9, "twin": "clean", "classes": {"d0": 10, "d1": 10}, "margin": 0.01, "draws": ["d0", "d1"]}
    found = summarize("twins", tables, settings)
    assert {name: table.columns.tolist() for name, table in found.items()} == {
        name: SCHEMAS[name].names for name in ("twins", "variance")
    }
    assert found["twins"]["overfitting"].tolist() == ["tempered", "tempered"]
    assert found["variance"].groupby("measure")["source"].nunique().to_dict() == {"test_error": 3, "recovery": 3}
