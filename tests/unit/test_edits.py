"""Edits of a neuron compared with a full forward pass in NumPy, the choice of controls, and images of a neuron."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from epochwise.activations import anatomy, edits, interventions
from epochwise.training.mlp import MLP, initialize

SEED = st.integers(0, 2**31 - 1)
WIDTHS = (9, 8, 7)
LAYERS = len(WIDTHS)


def network(seed):
    model = MLP(5, WIDTHS, 4)
    initialize(model, "he", seed)
    with torch.no_grad():
        for layer in model.layers:
            layer.bias += torch.randn(layer.bias.shape, generator=torch.Generator().manual_seed(seed)) / 4
    return model.requires_grad_(False)


def logits_in_numpy(model, inputs, layer, edit):
    """A whole forward pass in which `edit` changes the activations (N, H) of a hidden layer."""
    values = inputs.numpy().astype(np.float64)
    parameters = [(part.weight.numpy().astype(np.float64), part.bias.numpy()) for part in model.layers]
    for number, (weight, bias) in enumerate(parameters[:-1], start=1):
        values = np.maximum(values @ weight.T + bias, 0)
        if number == layer:
            values = edit(values)
    weight, bias = parameters[-1]
    return values @ weight.T + bias


def with_column(values, neuron, column):
    changed = values.copy()
    changed[:, neuron] = column
    return changed


@settings(deadline=None, max_examples=40)
@given(SEED, st.integers(1, LAYERS), st.integers(0, 6))
def test_every_edit_is_that_of_a_full_forward_pass(seed, layer, neuron):
    model = network(seed)
    inputs = torch.randn(30, 5, generator=torch.Generator().manual_seed(seed))
    hidden = model.activations(inputs)[0][layer - 1]
    means, equal = hidden.mean(0), torch.rand(2, hidden.shape[1], generator=torch.Generator().manual_seed(seed)) * 3
    column, mean = hidden[:, neuron].numpy().astype(np.float64), float(means[neuron])
    to_zero, to_mean = equal[:, neuron].tolist()
    expected = {"none": column, "zero": 0, "mean": mean}
    expected |= {"half": column / 2, "one_and_a_half": 1.5 * column, "double": 2 * column}
    expected |= {"zero_equal": (1 - to_zero) * column, "mean_equal": column + to_mean * (mean - column)}
    for edit, logits in edits.edit_logits(model, layer, hidden, neuron, means, equal):
        values = logits_in_numpy(model, inputs, layer, lambda a, new=expected[edit]: with_column(a, neuron, new))
        np.testing.assert_allclose(logits.numpy(), values, rtol=1e-4, atol=1e-4)


def test_the_mean_is_the_same_as_removal_with_its_mean_in_the_next_bias():
    model, layer, neuron = network(3), 2, 4
    inputs = torch.randn(50, 5, generator=torch.Generator().manual_seed(0))
    hidden = model.activations(inputs)[0][layer - 1]
    found = dict(edits.edit_logits(model, layer, hidden, neuron, hidden.mean(0), torch.ones(2, WIDTHS[layer - 1])))[
        "mean"
    ]
    following = model.layers[layer]
    following.bias += hidden.mean(0)[neuron] * following.weight[:, neuron]
    folded = logits_in_numpy(model, inputs, layer, lambda a: with_column(a, neuron, 0))
    np.testing.assert_allclose(found.numpy(), folded, rtol=1e-4, atol=1e-4)


@settings(deadline=None, max_examples=20)
@given(SEED, st.integers(1, LAYERS), st.integers(1, 40))
def test_scores_are_those_of_the_predictions(seed, layer, batch_size):
    model, random = network(seed), np.random.default_rng(seed)
    inputs = torch.randn(33, 5, generator=torch.Generator().manual_seed(seed))
    labels, mask = torch.tensor(random.integers(0, 4, 33)), torch.tensor(random.random(33) < 0.5)
    means = model.activations(inputs)[0][layer - 1].mean(0)
    subsets = {"some": (mask, labels), "none": (torch.zeros(33, dtype=torch.bool), labels)}
    found = edits.scores(model, layer, {"large": 2}, means, torch.ones(2, len(means)), inputs, subsets, batch_size)
    assert {subset for _, _, subset in found} <= {"some"}
    if mask.any():
        logits = logits_in_numpy(model, inputs, layer, lambda a: with_column(a, 2, 0))[mask]
        wanted = labels[mask].numpy()
        top = np.sort(logits)[:, -2:]
        likelihood = logits[np.arange(len(wanted)), wanted] - np.log(np.exp(logits).sum(1))
        accuracy, loss = found["large", "zero", "some"]
        assert loss == pytest.approx(-likelihood.mean(), rel=1e-3, abs=1e-4)
        if np.min(top[:, 1] - top[:, 0]) > 1e-4:
            assert accuracy == np.mean(logits.argmax(1) == wanted)


def test_an_inactive_neuron_changes_nothing_and_one_that_decides_changes_everything():
    model = MLP(1, [2], 2).requires_grad_(False)
    for parameter in model.parameters():
        parameter.zero_()
    model.layers[0].weight[0, 0] = 1.0  # neuron 0 copies a positive input; neuron 1 is never active
    model.layers[0].bias[1] = -1.0
    model.layers[1].weight[1, 0] = 5.0  # and decides for class 1
    inputs, labels = torch.tensor([[1.0], [2.0], [3.0]]), torch.ones(3, dtype=torch.long)
    subsets = {"test": (torch.ones(3, dtype=torch.bool), labels)}
    means = model.activations(inputs)[0][0].mean(0)
    contribution = edits.contributions(model, 1, means, torch.tensor([np.sqrt(2 / 3), 0.0]))
    np.testing.assert_allclose(contribution, [[5 * np.sqrt(14 / 3), 0], [5 * np.sqrt(2 / 3), 0]], rtol=1e-5)
    equal = edits.strengths(contribution, 0)
    assert equal.tolist() == [[1, 0], [1, 0]], "nothing can be taken from a neuron that is never active"
    found = edits.scores(model, 1, {"large": 0, "runner_up": 1}, means, equal, inputs, subsets, 2)
    rows = edits.rows(7, 1, {"large": 0, "runner_up": 1}, contribution[edits.ZERO], found)
    changes = {(row["target"], row["edit"]): row["accuracy_change"] for row in rows}
    assert changes["large", "zero"] == -1  # equal logits are class 0
    assert changes["large", "zero_equal"] == -1
    removed = [("large", "zero"), ("large", "zero_equal")]
    assert all(change == 0 for key, change in changes.items() if key not in removed)
    loss = {(row["target"], row["edit"]): row["loss_change"] for row in rows}
    assert loss["large", "zero"] > 0.6 and loss["large", "double"] < 0 and loss["runner_up", "double"] == 0


@given(SEED, st.integers(1, 12))
def test_controls_are_the_neurons_of_the_nearest_contribution(seed, width):
    random = np.random.default_rng(seed)
    contribution, largest = (torch.tensor(random.random(width)) for _ in range(2))
    large = int(largest.argmax())
    chosen = edits.targets(contribution, largest, large)
    assert chosen["large"] == large and len(set(chosen.values())) == len(chosen) == min(width, 7)
    if width > 1:
        assert float(largest[chosen["runner_up"]]) == np.sort(largest.numpy())[-2]
    rest = set(range(width)) - {chosen["large"], chosen.get("runner_up")}
    distance = (contribution - contribution[large]).abs().numpy()
    matched = [chosen[name] for name in chosen if name.startswith("matched")]
    np.testing.assert_allclose(distance[matched], np.sort(distance[list(rest)])[:5])


@settings(deadline=None, max_examples=20)
@given(SEED, st.integers(0, 6), st.integers(0, 6))
def test_edits_of_equal_norm_take_as_much_from_the_next_layer_as_that_of_the_large_neuron(seed, large, other):
    model, layer = network(seed), 2
    inputs = torch.randn(200, 5, generator=torch.Generator().manual_seed(seed))
    hidden = model.activations(inputs)[0][layer - 1].double()
    mean, std = hidden.mean(0), hidden.std(0, unbiased=False)
    if min(std[large], std[other]) < 1e-6:
        return
    equal = edits.strengths(edits.contributions(model, layer, mean, std), large)
    for reference, name in ((torch.zeros(hidden.shape[1]), "zero"), (mean, "mean")):
        norms = []
        for neuron, strength in ((large, 1.0), (other, float(equal[getattr(edits, name.upper()), other]))):
            taken = strength * (hidden[:, neuron] - reference[neuron])
            norms.append(torch.outer(taken, model.layers[layer].weight[:, neuron].double()).norm(dim=1))
        first, second = (float(norm.square().mean().sqrt()) for norm in norms)
        assert second == pytest.approx(first, rel=1e-4)


def test_the_contribution_is_the_norm_of_what_removal_takes_away():
    model, layer = network(1), 2
    inputs = torch.randn(200, 5, generator=torch.Generator().manual_seed(1))
    hidden = model.activations(inputs)[0][layer - 1]
    found = edits.contributions(model, layer, hidden.mean(0), hidden.std(0, unbiased=False))
    weights = model.layers[layer].weight
    removed = torch.stack([torch.outer(hidden[:, j], weights[:, j]).norm(dim=1) for j in range(WIDTHS[layer - 1])])
    np.testing.assert_allclose(found[edits.ZERO], removed.square().mean(1).sqrt(), rtol=1e-4)


@pytest.mark.parametrize("layer", [1, 2, 3])
def test_examine_edits_and_describes_a_neuron_of_every_layer_of_a_network_that_tapers(monkeypatch, random, layer):
    def load(folder, epoch):
        return network(epoch), SimpleNamespace(apply=lambda pixels: pixels.astype(np.float32) / 255)

    monkeypatch.setattr(interventions.snapshots, "load", load)
    monkeypatch.setattr(interventions, "epochs_in", lambda folder: [0, 4])
    pixels, true = random.integers(0, 256, (30, 5), np.uint8), random.integers(0, 4, 30)
    images = SimpleNamespace(pixels=pixels, labels=true)
    given = np.where(np.arange(30) < 9, (true + 1) % 4, true)
    labels = pd.DataFrame({"index": range(30), "true_label": true, "given_label": given, "is_noisy": given != true})
    data = interventions.EditedSamples("", images, images, labels, torch.device("cpu"))
    neurons, large = [], WIDTHS[layer - 1] - 1
    for epoch in (0, 4):
        for number, hidden in enumerate(network(epoch).activations(data.inputs)[0], start=1):
            statistics = {"mean": hidden.mean(0), "std": hidden.std(0, unbiased=False), "max": hidden.amax(0)}
            neurons.append(
                pd.DataFrame({name: values.numpy() for name, values in statistics.items()}).assign(
                    epoch=epoch, layer=number, neuron=range(hidden.shape[1])
                )
            )
    outliers = pd.DataFrame({"epoch": [0, 4], "layer": layer, "neuron": large})
    options = {"stride": 1, "batch_size": 7}
    found = interventions.examine(
        "", data, pd.concat(neurons), outliers, random.random(30), options, layer=layer, large=large
    )
    accuracies = found["interventions"].set_index(["epoch", "target", "edit", "subset"])["accuracy"].sort_index()
    for epoch in (0, 4):
        column = network(epoch).activations(data.inputs)[0][layer - 1][:, large].numpy()
        for edit, change in (("none", 1), ("zero", 0), ("double", 2)):
            edited = logits_in_numpy(
                network(epoch), data.inputs, layer, lambda a, new=change * column: with_column(a, large, new)
            )
            accuracy = accuracies.loc[epoch, "large", edit]
            right = edited.argmax(1) == true
            expected = [right.mean(), right[given == true].mean(), right[given != true].mean()]
            assert accuracy[["test", "clean", "noisy_true"]].tolist() == pytest.approx(expected)
        row = found["anatomy"].set_index("epoch").loc[epoch]
        layers = network(epoch).layers
        assert row["incoming_norm"] == pytest.approx(float(layers[layer - 1].weight[large].norm()))
        assert row["outgoing_norm"] == pytest.approx(float(layers[layer].weight[:, large].norm()))


# -- anatomy -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layer", [1, 2, 3])
def test_the_mean_gradient_is_that_of_finite_differences(layer):
    model = network(2).double()
    inputs = torch.randn(40, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    step, expected = 1e-6, np.zeros(5)
    for pixel in range(5):
        shift = torch.zeros(5, dtype=torch.float64)
        shift[pixel] = step
        values = [model.activations(inputs + sign * shift)[0][layer - 1][:, 3] for sign in (1, -1)]
        expected[pixel] = float((values[0] - values[1]).mean()) / (2 * step)
    np.testing.assert_allclose(anatomy.mean_gradient(model, layer, 3, inputs, 16), expected, atol=1e-5)


def test_in_the_first_layer_the_gradient_is_the_weights_times_the_active_share():
    model = network(5)
    inputs = torch.randn(60, 5, generator=torch.Generator().manual_seed(5))
    share = (model.activations(inputs)[0][0][:, 1] > 0).float().mean()
    np.testing.assert_allclose(
        anatomy.mean_gradient(model, 1, 1, inputs, 60), model.layers[0].weight[1] * share, rtol=1e-4
    )


def test_the_first_component_is_that_of_scikit_learn():
    images = np.random.default_rng(0).random((50, 6)) * np.array([5, 1, 1, 1, 1, 1])
    pca = PCA(2, whiten=True).fit(images)
    found = anatomy.first_component(images, pca.transform(images)[:, 0])
    np.testing.assert_allclose(found, pca.components_[0], atol=1e-6)


def test_response_rank_and_cosine_by_hand():
    images = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    np.testing.assert_allclose(anatomy.response(np.array([3.0, 1.0, 0.0]), images), [0.75 - 2 / 3, 0.25 - 2 / 3])
    np.testing.assert_allclose(anatomy.response(np.zeros(3), images), [0, 0])
    assert [anatomy.rank(torch.tensor([3.0, 1.0, 3.0, 2.0]), neuron) for neuron in range(4)] == [1, 4, 1, 3]
    assert anatomy.cosine(np.array([1.0, 1.0]), np.array([1.0, 0.0])) == pytest.approx(0.5**0.5)
    assert np.isnan(anatomy.cosine(np.zeros(2), np.ones(2)))
