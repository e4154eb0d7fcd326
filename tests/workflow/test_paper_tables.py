"""What the paper measures, through the workflow, against computations in numpy from the snapshots.

The networks have narrowing layers, epochs of their own, labels that were replaced independently, and the loss that
applies softmax twice.
"""

from itertools import product

import numpy as np
import pandas as pd
import pytest
import torch

import epochwise
from tests.workflow.conftest import finished_run

EPOCHS = {"small": 3, "large": 10}
WIDTHS = {"small": [9], "large": [14, 9, 6]}
PERMUTATIONS, LARGE_RATIO, FITTED = 200, 1.5, 0.8
OVERLAY = {
    "experiment": "tapering",
    "experiments": {
        "tapering": {
            "dataset": "digits",
            "subset": {"size": 400},
            "noises": {"independent30": {"rate": 0.3, "independent": True}},
            "models": {
                "small": {"widths": WIDTHS["small"], "training": {"epochs": EPOCHS["small"]}},
                "large": {"widths": WIDTHS["large"]},
            },
            "seeds": [0, 1],
            "training": {"epochs": EPOCHS["large"], "loss": "cross_entropy_of_softmax", "learning_rate": 0.01},
            "activations": {"permutations": PERMUTATIONS, "batch_size": 128},
            "outliers": {"large_ratio": LARGE_RATIO},
            "phases": {"fitted": FITTED},
        },
    },
}
RUNS = [("independent30", model, seed) for model in EPOCHS for seed in (0, 1)]
RUN = {"noise": "independent30", "model": "large", "seed": 1}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    checkout = finished_run("tapering", OVERLAY, tmp_path_factory, "results/tapering/findings.parquet")
    return epochwise.open_run(checkout.results / "tapering")


class Computed:
    """Activations (N, H) by layer and softmax outputs (N, K) of one network, on training and test data, in float64."""

    def __init__(self, results, epoch, run):
        network, scaling = results.network(epoch, **run)
        labels = results.labels(run["noise"])
        self.true, self.given = labels["true_label"].to_numpy(), labels["given_label"].to_numpy()
        self.noisy = self.true != self.given
        images = results.images()
        test = results.images("test")
        self.test_true = test.labels
        self.layers, self.logits = self.forward(network, scaling.apply(images.pixels[labels["index"]]))
        self.test_layers, self.test_logits = self.forward(network, scaling.apply(test.pixels))

    @staticmethod
    def forward(network, inputs):
        values, layers = inputs.astype(np.float64), []
        weights = [value.double().numpy() for value in network.state_dict().values()]
        for weight, bias in zip(weights[::2], weights[1::2], strict=True):
            values = values @ weight.T + bias
            layers.append(np.maximum(values, 0))
            values = layers[-1] if len(layers) < len(weights) // 2 else values
        return layers[:-1], values


@pytest.fixture(scope="module")
def computed(results):
    """The networks of one run by epoch."""
    return {epoch: Computed(results, epoch, RUN) for epoch in results.epochs(**RUN)}


def losses(logits, labels):
    """Cross-entropy of each sample, and that of softmax applied twice."""
    logits, labels = torch.from_numpy(logits), torch.from_numpy(labels.astype(np.int64))
    once = torch.nn.functional.cross_entropy(logits, labels, reduction="none")
    twice = torch.nn.functional.cross_entropy(torch.softmax(logits, 1), labels, reduction="none")
    return once.numpy(), twice.numpy()


def cosine(a, b):
    return a @ b / np.sqrt(a @ a * (b @ b))


def correlation_ratio(values, classes):
    means = pd.Series(values).groupby(classes).transform("mean")
    return means.var(ddof=0) / values.var()


def followed(computed):
    """The neuron of each layer with the largest activation at the last epoch."""
    return [int(layer.max(0).argmax()) for layer in computed[max(computed)].layers]


def rms_ratio(layer, neuron):
    """Mean over samples of one activation over the root mean square of the others."""
    others = np.delete(layer, neuron, axis=1)
    rms = np.sqrt((others**2).mean(1))
    return (layer[rms > 0, neuron] / rms[rms > 0]).mean() if (rms > 0).any() else np.nan


def rms_ratio_of_means(layer, neuron):
    return layer[:, neuron].mean() / np.sqrt((np.delete(layer, neuron, axis=1) ** 2).mean())


def test_each_label_was_replaced_with_the_probability_of_the_rate(results):
    labels = results.labels("independent30")
    wrong = (labels["true_label"] != labels["given_label"]).sum()
    assert wrong != 120 and abs(wrong - 120) < 4 * np.sqrt(400 * 0.3 * 0.7)
    assert set(results.runs["requested_rate"]) == {0.3} and set(results.runs["achieved_rate"]) == {wrong / 400}


def test_each_model_is_trained_for_its_own_epochs(results):
    for noise, model, seed in RUNS:
        run = {"noise": noise, "model": model, "seed": seed}
        assert results.epochs(**run)[-1] == EPOCHS[model]
        for table in ("history", "neurons", "outliers", "test_paths", "large_by_class"):
            assert results.of_runs(table, **run)["epoch"].max() == EPOCHS[model], table
    curves = results.table("curves")
    assert curves.groupby("model")["epoch"].max().to_dict() == EPOCHS


def test_runs_tell_the_shape_of_their_networks_and_how_far_a_step_goes(results):
    table = results.table("runs").drop_duplicates("model").set_index("model")
    assert table["widths"].to_dict() == {"small": "9", "large": "14-9-6"}
    assert table["hidden_layers"].to_dict() == {"small": 1, "large": 3}
    assert table["weights"]["large"] == 65 * 14 + 15 * 9 + 10 * 6 + 7 * 10
    assert set(table["learning_rate"]) == {0.01} and set(table["steps_per_epoch"]) == {7}, "400 samples, 64 a batch"


def test_history_has_the_trained_loss_beside_the_cross_entropy(results, computed):
    history = results.of_runs("history", **RUN).set_index(["epoch", "subset"])
    for epoch, network in computed.items():
        by_given, by_true = losses(network.logits, network.given), losses(network.logits, network.true)
        of_subset = {
            "clean": [values[~network.noisy] for values in by_given],
            "noisy_given": [values[network.noisy] for values in by_given],
            "noisy_true": [values[network.noisy] for values in by_true],
            "test": losses(network.test_logits, network.test_true),
        }
        for subset, (once, twice) in of_subset.items():
            found = history.loc[epoch, subset]
            assert found["cross_entropy"] == pytest.approx(once.mean(), rel=1e-4), (epoch, subset)
            assert found["loss"] == pytest.approx(twice.mean(), rel=1e-5), (epoch, subset)
            assert np.log(np.e + 9) - 1 <= found["loss"] <= np.log(np.e + 9)
    curves = results.table("curves", model="large", subset="test", epoch=EPOCHS["large"]).set_index("measure")["mean"]
    ends = results.of_runs("history", model="large").query(f"subset == 'test' and epoch == {EPOCHS['large']}")
    assert curves.to_dict() == pytest.approx(ends[["accuracy", "loss", "cross_entropy"]].mean().to_dict())


def test_neurons_tell_how_far_each_activation_is_above_the_others(results, computed):
    table = results.of_runs("neurons", **RUN).set_index(["epoch", "layer", "neuron"])["rms_ratio"]
    for epoch, network in computed.items():
        for number, layer in enumerate(network.layers, start=1):
            expected = [rms_ratio(layer, neuron) for neuron in range(layer.shape[1])]
            np.testing.assert_allclose(table.loc[epoch, number], expected, rtol=1e-3, atol=1e-6)


def test_the_neuron_that_is_largest_at_the_end_is_followed_back(results, computed):
    table, large = results.of_runs("outliers", **RUN).set_index(["epoch", "layer"]), followed(computed)
    for epoch, network in computed.items():
        for number, layer in enumerate(network.layers, start=1):
            row, largest, neuron = table.loc[epoch, number], layer.max(0).argmax(), large[number - 1]
            assert row["followed_neuron"] == neuron
            expected = {
                "rms_ratio": rms_ratio(layer, largest),
                "rms_ratio_of_means": rms_ratio_of_means(layer, largest),
                "followed_rms_ratio": rms_ratio(layer, neuron),
                "followed_rms_ratio_of_means": rms_ratio_of_means(layer, neuron),
                "ratio_over_threshold": rms_ratio(layer, neuron) / LARGE_RATIO,
            }
            assert row[[*expected]].astype(float).to_dict() == pytest.approx(expected, rel=1e-3)


def test_the_large_activation_is_grouped_by_the_classes_of_noisy_samples(results, computed):
    table, large = results.of_runs("large_by_class", **RUN), followed(computed)
    follows = results.of_runs("large_activation", **RUN)
    ratios = follows[follows["measure"] == "eta2_noisy"].set_index(["epoch", "layer", "feature"])
    assert set(zip(ratios.index.get_level_values("feature"), ratios["side"], strict=True)) == {
        ("true_label", "input"),
        ("given_label", "output"),
    }
    table = table.set_index(["grouping", "epoch", "layer", "class"])
    for epoch, network in computed.items():
        for number, layer in enumerate(network.layers, start=1):
            values = layer[network.noisy, large[number - 1]]
            for grouping, of_all in (("true", network.true), ("given", network.given)):
                classes = of_all[network.noisy]
                rows = table.loc[grouping, epoch, number]
                assert set(rows["neuron"]) == {large[number - 1]}
                counted = pd.Series(values).groupby(classes).agg(["size", "mean"])
                assert rows["n"].to_dict() == counted["size"].to_dict()
                assert rows["mean"].to_dict() == pytest.approx(counted["mean"].to_dict(), rel=1e-4, abs=1e-6)
                if values.any():
                    found = ratios.loc[(epoch, number, f"{grouping}_label"), "value"]
                    assert found == pytest.approx(correlation_ratio(values, classes), rel=1e-3, abs=1e-6)


PATH = ["epoch", "layer", "class", "predictions", "reference", "measure"]


def paths(computed):
    """By the keys of PATH, of each class: the test samples of the class, which of them count, and the training signal.

    All are centred where the measure is.
    """
    for epoch, network in computed.items():
        correct = network.test_logits.argmax(1) == network.test_true
        layers = zip(network.layers, network.test_layers, strict=True)
        for (number, (train, test)), (measure, centred), (reference, noisy), (predictions, right), label in product(
            enumerate(layers, start=1),
            (("cosine", 0), ("cosine_centred", 1)),
            (("clean", False), ("noisy", True)),
            (("correct", True), ("wrong", False)),
            range(10),
        ):
            shift, of_class = centred * train.mean(0), network.test_true == label
            signal = train[(network.noisy == noisy) & (network.true == label)].mean(0) - shift
            key = epoch, number, label, predictions, reference, measure
            yield key, test[of_class] - shift, correct[of_class] == right, signal


@pytest.fixture(scope="module")
def paths_table(results):
    return results.of_runs("test_paths", **RUN).set_index(PATH).sort_index()


def test_test_data_are_compared_with_clean_and_with_noisy_training_data(paths_table, computed):
    expected = {
        key: (cosine(members[chosen].mean(0), signal) if chosen.any() else np.nan, chosen.sum())
        for key, members, chosen, signal in paths(computed)
    }
    of_classes = paths_table.drop(index=-1, level="class")
    assert of_classes.index.is_unique and set(of_classes.index) == set(expected)
    rows = pd.DataFrame(expected, index=["value", "n"]).T.rename_axis(PATH).sort_index()
    np.testing.assert_allclose(of_classes["value"], rows["value"], atol=1e-4)
    np.testing.assert_array_equal(of_classes["n"], rows["n"])
    over_classes = rows.groupby([key for key in PATH if key != "class"]).agg({"value": "mean", "n": "sum"})
    found = paths_table.xs(-1, level="class").sort_index()
    np.testing.assert_allclose(found["value"], over_classes["value"], atol=1e-4)
    np.testing.assert_array_equal(found["n"], over_classes["n"])


def test_the_null_of_these_paths_is_that_of_permuted_predictions(paths_table, computed):
    """Both are means over permutations, so they differ by at most a few standard errors. The ceiling is a cosine."""
    random, compared = np.random.default_rng(0), 0
    for key, members, chosen, signal in paths(computed):
        row = paths_table.loc[key]
        if row[["value", "null_mean"]].notna().all():
            assert row["null_low"] - 1e-9 <= row["null_mean"] <= row["null_high"] + 1e-9
        if key[0] == EPOCHS["large"] and 5 < chosen.sum() < len(chosen) - 5:
            null = [cosine(members[random.permutation(chosen)].mean(0), signal) for _ in range(PERMUTATIONS)]
            assert abs(row["null_mean"] - np.mean(null)) < 5 * np.std(null) * np.sqrt(2 / PERMUTATIONS) + 1e-5
            assert min(null) - 0.1 < row["null_low"] and row["null_high"] < max(null) + 0.1
            assert -1 <= row["split_half"] <= 1
            compared += 1
    assert compared > 20


def test_tables_over_seeds_are_means_of_those_of_runs(results):
    for model in EPOCHS:
        over = results.table("test_paths", model=model).set_index(PATH).sort_index()
        rows = results.of_runs("test_paths", model=model).groupby(PATH)
        for column, of_run in (("mean", "value"), ("split_half",) * 2, ("null_mean",) * 2, ("null_high",) * 2):
            np.testing.assert_allclose(over[column], rows[of_run].mean(), err_msg=column)
        assert (over["n"] == rows["value"].count()).all()
        keys_of_classes = ["epoch", "layer", "grouping", "class"]
        by_class = results.table("large_by_class", model=model).set_index(keys_of_classes).sort_index()
        np.testing.assert_allclose(
            by_class["mean"], results.of_runs("large_by_class", model=model).groupby(keys_of_classes)["mean"].mean()
        )


def test_phases_tell_whether_all_data_are_fitted_and_when_the_noisy_loss_falls(results):
    phases = results.table("phases_by_seed", **RUN).set_index(["curve", "measure"])["value"]
    history = results.of_runs("history", **RUN).set_index(["subset", "epoch"])
    ends = [history["accuracy"][subset].iloc[-1] for subset in ("clean", "noisy_given")]
    assert phases["accuracy", "fit_margin"] == pytest.approx(min(ends) - FITTED)
    loss = history["loss"]["noisy_given"]
    start = loss.idxmax()
    fallen = loss[start:][loss[start:] <= loss[start] - (loss[start] - loss.iloc[-1]) / 10]
    assert phases["loss", "noisy_fall_epoch"] == fallen.index[0]
