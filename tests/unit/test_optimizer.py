"""Other optimizers and weight decay, compared with torch's own optimizers, and the cap on activations."""

import numpy as np
import pytest
import torch

from epochwise.activations.forward import layer_statistics
from epochwise.activations.groups import groups_of_training
from epochwise.training import snapshots
from epochwise.training.activation import Activation
from epochwise.training.optimizer import Optimizer, Part
from epochwise.training.scaling import Scaling
from epochwise.training.stack import Stack
from epochwise.workflow.errors import InputError
from tests.unit.test_stack import RATE, assert_trains_as_torch_does, examples, networks

SHAPE, SAMPLES, BATCH = (7, [12, 12, 12], 3), 50, 16
SCALING = Scaling((0.4,), (0.3,))


class SGDW(torch.optim.SGD):
    """Gradient descent with decoupled decay, which torch does not have: the weights shrink before each step."""

    def __init__(self, parameters, decay):
        self.kept = list(parameters)
        self.decay = decay
        super().__init__(self.kept, lr=RATE, momentum=0.9)

    def step(self):
        with torch.no_grad():
            for parameter in self.kept:
                parameter.mul_(1 - RATE * self.decay)
        super().step()


OPTIMIZERS = {
    "adam": (Optimizer(RATE), lambda p: torch.optim.Adam(p, RATE)),
    "other epsilon": (Optimizer(RATE, epsilon=0.01), lambda p: torch.optim.Adam(p, RATE, eps=0.01)),
    "other beta2": (Optimizer(RATE, beta2=0.9), lambda p: torch.optim.Adam(p, RATE, betas=(0.9, 0.9))),
    "weight decay": (Optimizer(RATE, weight_decay=2.0), lambda p: torch.optim.AdamW(p, RATE, weight_decay=2.0)),
    "gradient descent": (Optimizer(RATE, "sgd"), lambda p: torch.optim.SGD(p, RATE)),
    "momentum": (Optimizer(RATE, "sgd", momentum=0.9), lambda p: torch.optim.SGD(p, RATE, momentum=0.9)),
    "momentum and decay": (Optimizer(RATE, "sgd", momentum=0.9, weight_decay=2.0), lambda p: SGDW(p, 2.0)),
}


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("cap", [None, 0.3])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_equals_the_loop_with_torchs_own_optimizer(name, cap, count):
    assert_trains_as_torch_does(Stack, count, BATCH, *OPTIMIZERS[name], cap=cap)


def test_the_optimizers_are_all_different():
    ends = []
    for optimizer, _ in OPTIMIZERS.values():
        stack = Stack(networks(SHAPE, 1), optimizer)
        _, rows, labels = examples(SHAPE, 1, SAMPLES)
        stack.train_epoch(rows, labels, torch.arange(SAMPLES)[None], BATCH)
        ends.append(stack.parameters)
    for position, end in enumerate(ends):
        assert all((end - other).abs().max() > 1e-4 for other in ends[:position])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_no_gradient_passes_a_clipped_activation(dtype):
    """0.3 is no bfloat16 number: the cap is rounded, and the activations equal the rounded one."""
    [network] = networks(SHAPE, 1, 0.3)
    network.layers[0].bias.data.fill_(50)  # every activation of the first layer is clipped
    _, rows, labels = examples(SHAPE, 1, SAMPLES)
    stack = Stack([network], Optimizer(RATE), dtype=dtype)
    stack.train_epoch(rows.to(dtype), labels, torch.arange(SAMPLES)[None], SAMPLES)
    first, second, *_ = stack._matrices(stack.gradient)
    assert not first.any() and second.any()
    assert stack._buffers(SAMPLES).hidden[0].unique().tolist() == [torch.tensor(0.3, dtype=dtype).item()]


@pytest.mark.parametrize("count", [1, 2])
def test_extraction_reads_the_activations_that_training_has_computed(tmp_path, count):
    """The cap travels with the snapshot: logits and largest activations are those of training."""
    cap = 0.2
    made = networks(SHAPE, count, cap)
    _, rows, labels = examples(SHAPE, count, SAMPLES)
    stack = Stack(made, Optimizer(RATE))
    for _ in range(5):
        stack.train_epoch(rows, labels, torch.arange(SAMPLES).expand(count, -1), BATCH)
    trained, hidden = stack.logits(rows), stack._buffers(SAMPLES).hidden
    inputs = rows[:, : SHAPE[0]]
    classes = labels[0].numpy()
    for seed, network in enumerate(made):
        snapshots.save(tmp_path / str(seed), network, 5, seed, SCALING)
        loaded, _ = snapshots.load(tmp_path / str(seed), 5)
        passed = layer_statistics(loaded, inputs, groups_of_training(classes, classes, SHAPE[-1], 0), 7)
        torch.testing.assert_close(passed.logits, trained[seed], rtol=1e-4, atol=1e-5)
        for statistics, values in zip(passed.layers, hidden, strict=True):
            largest = (values if count == 1 else values[seed]).amax(0).numpy()
            np.testing.assert_allclose(statistics.by_neuron()[0], largest, rtol=1e-4, atol=1e-6)
        assert max(statistics.by_neuron()[0].max() for statistics in passed.layers) == np.float32(cap)
        loaded.activation = Activation()
        assert (loaded(inputs) - trained[seed]).abs().max() > 0.01, "without the cap they differ"


@pytest.mark.parametrize("cap", ["0", "-1", "NaN", "Infinity", "many"])
def test_a_snapshot_with_an_impossible_cap_is_refused(tmp_path, cap):
    [network] = networks(SHAPE, 1, 1.0)
    snapshots.save(tmp_path, network, 0, 0, SCALING)
    path = snapshots.snapshot_path(tmp_path, 0)
    tensors, metadata = snapshots._read(path)
    snapshots._write(path, tensors, {**metadata, "activation_cap": cap})
    with pytest.raises(InputError, match="no usable snapshot"):
        snapshots.load(tmp_path, 0)


def test_a_snapshot_without_a_cap_has_no_entry_for_it(tmp_path):
    [network] = networks(SHAPE, 1)
    snapshots.save(tmp_path, network, 0, 0, SCALING)
    assert "activation_cap" not in snapshots._read(snapshots.snapshot_path(tmp_path, 0))[1]
    assert snapshots.load(tmp_path, 0)[0].activation.cap is None


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_restored_stack_continues_exactly(name, dtype):
    optimizer = OPTIMIZERS[name][0]
    _, rows, labels = examples(SHAPE, 2, SAMPLES)
    rows, orders = rows.to(dtype), torch.arange(SAMPLES).expand(2, -1)
    first, second = (Stack(networks(SHAPE, 2, 0.3), optimizer, dtype=dtype) for _ in range(2))
    first.train_epoch(rows, labels, orders, 8)
    second.restore({name: tensor.clone() for name, tensor in first.state().items()})
    for stack in (first, second):
        stack.train_epoch(rows, labels, orders, 8)
    for key, tensor in first.state().items():
        assert torch.equal(tensor, second.state()[key])


def test_gradient_descent_by_hand():
    """One weight w = 2 with gradient 3, η = 0.1: decay leaves 1.8, the step 1.5; then decay 1.35, the step 0.78."""
    weight, gradient = torch.tensor([2.0]), torch.tensor([3.0])
    momentum = torch.zeros(1)
    part = Part([weight], [gradient], [momentum], [torch.zeros(1)], weight, weight)
    optimizer = Optimizer(0.1, "sgd", momentum=0.9, weight_decay=1.0)
    optimizer.update(part, torch.tensor(1.0))
    assert weight.item() == pytest.approx(2 * 0.9 - 0.3)
    optimizer.update(part, torch.tensor(2.0))
    assert weight.item() == pytest.approx(1.5 * 0.9 - 0.1 * (0.9 * 3 + 3))
