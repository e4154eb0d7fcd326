"""The training loop against automatic differentiation, torch's own optimizer and a run that is cut in two."""

import contextlib
import copy

import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn.functional import cross_entropy

from epochwise import snapshots, training
from epochwise.mlp import MLP, initialize, loss_and_gradient
from epochwise.scaling import Scaling
from epochwise.schedule import log_spaced

SETTINGS = {
    "epochs": 6,
    "learning_rate": 0.01,
    "batch_size": 16,
    "evaluations_per_decade": 10,
    "snapshots_per_decade": 4,
    "checkpoint_seconds": 1e9,
}


@pytest.fixture
def data():
    random = torch.Generator().manual_seed(1)
    true = torch.randint(3, (50,), generator=random)
    given = true.clone()
    given[:10] = (true[:10] + 1) % 3
    return training.Data(
        torch.randn(50, 7, generator=random),
        given,
        true,
        torch.randn(20, 7, generator=random),
        torch.randint(3, (20,), generator=random),
    )


def network(seed=0, hidden_layers=3, width=12):
    model = MLP(7, hidden_layers, width, 3)
    initialize(model, "pytorch", seed)
    return model


def run(folder, data, settings=SETTINGS, model=None, spec="spec"):
    order = torch.Generator().manual_seed(5)
    return training.train(model or network(), data, settings, 0, order, Scaling((0.0,), (1.0,)), folder, spec)


@pytest.mark.parametrize(("hidden_layers", "width", "batch"), [(1, 1, 1), (1, 5, 9), (2, 12, 50), (6, 8, 16)])
def test_gradient_equals_automatic_differentiation(data, hidden_layers, width, batch):
    model = network(hidden_layers=hidden_layers, width=width).double()
    gradient = [torch.full_like(p, torch.nan) for p in model.parameters()]
    inputs, labels = data.inputs[:batch].double(), data.given[:batch]
    loss = loss_and_gradient(model, inputs, labels, gradient)
    expected = cross_entropy(model(inputs), labels)
    torch.testing.assert_close(loss, expected.detach())
    for ours, theirs in zip(gradient, torch.autograd.grad(expected, list(model.parameters())), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_a_run_equals_the_loop_most_people_would_write(tmp_path, data):
    model = network()
    reference = copy.deepcopy(model)
    run(tmp_path, data, model=model)

    optimizer = torch.optim.Adam(reference.parameters(), lr=SETTINGS["learning_rate"])
    order = torch.Generator().manual_seed(5)
    for _ in range(SETTINGS["epochs"]):
        for batch in torch.randperm(50, generator=order).split(SETTINGS["batch_size"]):
            optimizer.zero_grad()
            cross_entropy(reference(data.inputs[batch]), data.given[batch]).backward()
            optimizer.step()
    for ours, theirs in zip(model.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs.detach(), rtol=1e-4, atol=1e-5)


def test_curves_are_scores_of_the_snapshots(tmp_path, data):
    history, _ = run(tmp_path, data)
    assert sorted(history["epoch"].unique()) == log_spaced(6, 10)
    for epoch in log_spaced(6, 4):
        model, _ = snapshots.load(tmp_path / "snapshots", epoch)
        weights = [(p.weight.numpy(), p.bias.numpy()) for p in model.layers]
        rows = history[history["epoch"] == epoch].set_index("subset")
        noisy = (data.given != data.true).numpy()
        for subset, inputs, labels in [
            ("clean", data.inputs[~noisy], data.given[~noisy]),
            ("noisy_given", data.inputs[noisy], data.given[noisy]),
            ("noisy_true", data.inputs[noisy], data.true[noisy]),
            ("train", data.inputs, data.given),
            ("test", data.test_inputs, data.test_labels),
        ]:
            accuracy, loss = score(weights, inputs.numpy(), labels.numpy())
            assert rows.loc[subset, "accuracy"] == pytest.approx(accuracy)
            assert rows.loc[subset, "loss"] == pytest.approx(loss, rel=1e-5)
            assert rows.loc[subset, "n"] == len(labels)


def score(weights, inputs, labels):
    for weight, bias in weights[:-1]:
        inputs = np.maximum(inputs @ weight.T + bias, 0)
    logits = (inputs @ weights[-1][0].T + weights[-1][1]).astype(np.float64)
    losses = np.log(np.exp(logits).sum(1)) - logits[np.arange(len(labels)), labels]
    return (logits.argmax(1) == labels).mean(), losses.mean()


def test_a_subset_without_samples_has_no_value(data):
    clean = training.Data(data.inputs, data.true, data.true, data.test_inputs, data.test_labels)
    rows = {row["subset"]: row for row in training.evaluate(network(), clean)}
    for subset in ("noisy_given", "noisy_true"):
        assert rows[subset] == {"subset": subset, "accuracy": None, "loss": None, "n": 0}
    assert rows["clean"]["n"] == rows["train"]["n"] == 50


class Killed(BaseException):
    pass


@pytest.mark.parametrize("last_words", [1, 4, 9])
def test_a_killed_run_continues_to_the_same_bytes(tmp_path, data, monkeypatch, last_words):
    whole, _ = run(tmp_path / "whole", data)
    saved = 0
    save = snapshots.save

    def fail(*arguments):
        nonlocal saved
        saved += 1
        if saved == last_words:
            raise Killed
        save(*arguments)

    settings = {**SETTINGS, "checkpoint_seconds": -1.0}  # after every epoch
    monkeypatch.setattr(snapshots, "save", fail)
    with contextlib.suppress(Killed):
        run(tmp_path / "cut", data, settings)
    resumed, told = run(tmp_path / "cut", data, settings)
    if last_words > 1:
        assert told["resumed_from_epoch"] is not None
    pd.testing.assert_frame_equal(resumed, whole, check_exact=True)
    for epoch in log_spaced(6, 4):
        a, b = (snapshots.snapshot_path(tmp_path / name / "snapshots", epoch) for name in ("whole", "cut"))
        assert a.read_bytes() == b.read_bytes()


def test_a_state_of_another_spec_or_without_its_snapshots_is_not_continued(tmp_path, data):
    settings = {**SETTINGS, "checkpoint_seconds": -1.0}
    run(tmp_path, data, settings)
    assert run(tmp_path, data, settings, spec="other")[1]["resumed_from_epoch"] is None
    assert run(tmp_path, data, settings, spec="other")[1]["resumed_from_epoch"] == 6
    snapshots.snapshot_path(tmp_path / "snapshots", 1).unlink()
    assert run(tmp_path, data, settings, spec="other")[1]["resumed_from_epoch"] is None


def test_a_diverging_run_stops_and_names_the_epoch(tmp_path, data):
    with pytest.raises(training.TrainingDiverged, match=r"epoch 1\b.*learning_rate"):
        run(tmp_path, data, {**SETTINGS, "learning_rate": 1e38})


def test_publishing_replaces_old_snapshots_and_drops_the_state(tmp_path, data):
    folder, destination = tmp_path / ".training", tmp_path / "snapshots"
    destination.mkdir()
    (destination / "epoch_000099.safetensors").touch()
    run(folder, data, {**SETTINGS, "checkpoint_seconds": -1.0})
    training.publish(folder, destination)
    assert snapshots.epochs_in(destination) == log_spaced(6, 4)
    assert not folder.exists()
