"""The training loop: its curves against NumPy, and runs that are cut, continued and made longer."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from epochwise.training import checkpoints, device, folders, loop, snapshots, stack
from epochwise.training.checkpoints import State
from epochwise.training.device import choose_device
from epochwise.training.evaluation import TrainingData, first_half
from epochwise.training.folders import snapshot_path
from epochwise.training.history import HISTORY, history
from epochwise.training.layout import network_inputs
from epochwise.training.loss import LOSSES
from epochwise.training.mlp import MLP, initialize
from epochwise.training.optimizer import Optimizer
from epochwise.training.scaling import Scaling
from epochwise.training.stack import Stack
from epochwise.workflow import seeding, tables
from epochwise.workflow.code import SCRIPTS
from epochwise.workflow.errors import InputError
from epochwise.workflow.schedule import log_spaced

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU")
SCALING = Scaling((0.5,), (0.25,))
SETTINGS = {
    "epochs": 6,
    "learning_rate": 0.01,
    "batch_size": 16,
    "evaluations_per_decade": 10,
    "snapshots_per_decade": 4,
    "checkpoint_seconds": 1e9,
}


@pytest.fixture(autouse=True)
def signals():
    """Training takes over two signals of its process; give them back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=needs_gpu)])
def data(request):
    device = choose_device(request.param, torch.get_num_threads())
    random = torch.Generator().manual_seed(1)
    true = torch.randint(3, (50,), generator=random)
    given = torch.stack([true, true])
    given[0, :10] = (true[:10] + 1) % 3
    given[1, 20:35] = (true[20:35] + 2) % 3
    train, test = (torch.randint(256, (n, 7), generator=random, dtype=torch.uint8).numpy() for n in (50, 20))
    inputs, test_inputs = (network_inputs(p, SCALING, device, torch.float32) for p in (train, test))
    test_labels = torch.randint(3, (20,), generator=random)
    return TrainingData(inputs, given.to(device), true.to(device), test_inputs, test_labels.to(device))


def of_seed(data, seed):
    return TrainingData(data.inputs, data.given[seed : seed + 1], data.true, data.test_inputs, data.test_labels)


def make_stack(data, seeds=(0, 1), learning_rate=SETTINGS["learning_rate"]):
    networks = [MLP(7, [12] * 3, 3) for _ in seeds]
    for network, seed in zip(networks, seeds, strict=True):
        initialize(network, "pytorch", seed)
    return Stack(networks, Optimizer(learning_rate), data.inputs.device)


def run(folder, data, settings=SETTINGS, seeds=(0, 1), made_from="x"):
    return loop.train(
        make_stack(data, seeds), data, settings, seeds=list(seeds), scaling=SCALING, folder=folder, made_from=made_from
    )


def epochs_of(settings):
    return tuple(
        log_spaced(settings["epochs"], settings[f"{name}_per_decade"]) for name in ("evaluations", "snapshots")
    )


def test_curves_are_scores_of_the_snapshots(tmp_path, data, monkeypatch):
    monkeypatch.setattr(stack, "EVALUATED", 16)  # several pieces
    progress = run(tmp_path, data)
    evaluated, saved = epochs_of(SETTINGS)
    for seed in (0, 1):
        curves = history(progress.history[str(seed)], evaluated)
        assert sorted(curves["epoch"].unique()) == evaluated
        noisy = (data.given[seed] != data.true).cpu().numpy()
        for epoch in saved:
            model, _ = snapshots.load(tmp_path / f"seed{seed}", epoch)
            weights = [(p.weight.numpy(), p.bias.numpy()) for p in model.layers]
            rows = curves[curves["epoch"] == epoch].set_index("subset")
            inputs, given, true = (t.cpu().numpy() for t in (data.inputs[:, :7], data.given[seed], data.true))
            test_inputs, test_labels = data.test_inputs[:, :7].cpu().numpy(), data.test_labels.cpu().numpy()
            in_a = first_half(test_labels)
            for subset, samples, labels in [
                ("clean", inputs[~noisy], given[~noisy]),
                ("noisy_given", inputs[noisy], given[noisy]),
                ("noisy_true", inputs[noisy], true[noisy]),
                ("train", inputs, given),
                ("test", test_inputs, test_labels),
                ("test_a", test_inputs[in_a], test_labels[in_a]),
                ("test_b", test_inputs[~in_a], test_labels[~in_a]),
            ]:
                accuracy, loss = score(weights, samples, labels)
                assert rows.loc[subset, "accuracy"] == pytest.approx(accuracy)
                assert rows.loc[subset, "loss"] == pytest.approx(loss, rel=1e-5)
                assert rows.loc[subset, "n"] == len(labels)


def test_seeds_of_a_stack_have_the_curves_and_weights_of_runs_of_their_own(tmp_path, data):
    together = run(tmp_path / "stack", data)
    evaluated, saved = epochs_of(SETTINGS)
    for seed in (0, 1):
        alone = run(tmp_path / f"alone{seed}", of_seed(data, seed), seeds=(seed,))
        pd.testing.assert_frame_equal(
            history(together.history[str(seed)], evaluated), history(alone.history[str(seed)], evaluated), rtol=1e-4
        )
        for epoch in saved:
            ours, theirs = (
                snapshots.load(tmp_path / name / f"seed{seed}", epoch)[0].state_dict()
                for name in ("stack", f"alone{seed}")
            )
            torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_the_batch_order_of_a_seed_is_a_named_stream(tmp_path, data, monkeypatch):
    seen = []
    train_epoch = Stack.train_epoch
    monkeypatch.setattr(
        Stack, "train_epoch", lambda self, i, g, p, b: (seen.append(p.clone()), train_epoch(self, i, g, p, b))[1]
    )
    run(tmp_path, data)
    for seed in (0, 1):
        order = torch.Generator().manual_seed(seeding.integer("batch_order", seed))
        for permutations in seen:
            assert torch.equal(permutations[seed], torch.randperm(50, generator=order))


def score(weights, inputs, labels):
    """Accuracy and cross-entropy by NumPy alone."""
    for weight, bias in weights[:-1]:
        inputs = np.maximum(inputs @ weight.T + bias, 0)
    logits = (inputs @ weights[-1][0].T + weights[-1][1]).astype(np.float64)
    losses = np.log(np.exp(logits).sum(1)) - logits[np.arange(len(labels)), labels]
    return (logits.argmax(1) == labels).mean(), losses.mean()


@pytest.mark.parametrize("loss", LOSSES)
def test_the_curves_have_the_trained_loss_and_the_cross_entropy(data, loss):
    stack = make_stack(data)
    stack.loss = LOSSES[loss]
    logits = stack.logits(data.test_inputs).double()
    for scores, outputs in zip(loop.evaluate(stack, data), logits, strict=True):
        row = next(row for row in scores if row["subset"] == "test")
        labels, twice = data.test_labels, loss == "cross_entropy_of_softmax"
        expected = torch.nn.functional.cross_entropy(outputs.softmax(1) if twice else outputs, labels)
        assert row["loss"] == pytest.approx(expected.item(), rel=1e-6)
        expected = torch.nn.functional.cross_entropy(outputs, labels)
        assert row["cross_entropy"] == pytest.approx(expected.item(), rel=1e-6)


def test_a_subset_without_samples_has_no_value(data):
    clean = TrainingData(data.inputs, data.true.expand(2, -1), data.true, data.test_inputs, data.test_labels)
    for scores in loop.evaluate(make_stack(data), clean):
        rows = {row["subset"]: row for row in scores}
        for subset in ("noisy_given", "noisy_true"):
            assert rows[subset] == {"subset": subset, "accuracy": None, "loss": None, "cross_entropy": None, "n": 0}
        assert rows["clean"]["n"] == rows["train"]["n"] == 50


class Killed(BaseException):
    pass


def assert_same_run(a, b, progress_a, progress_b, settings):
    evaluated, saved = epochs_of(settings)
    for seed in (0, 1):
        pd.testing.assert_frame_equal(
            history(progress_a.history[str(seed)], evaluated),
            history(progress_b.history[str(seed)], evaluated),
            check_exact=True,
        )
        for epoch in saved:
            ours, theirs = (snapshot_path(folder / f"seed{seed}", epoch) for folder in (a, b))
            assert ours.read_bytes() == theirs.read_bytes()


@pytest.mark.parametrize("last_words", [1, 4, 9])
def test_a_killed_run_continues_to_the_same_bytes(tmp_path, data, monkeypatch, last_words):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    undisturbed = run(whole, data)
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
        run(cut, data, settings)
    resumed = run(cut, data, settings)
    assert (resumed.resumed_from is None) == (last_words == 1)
    assert_same_run(whole, cut, undisturbed, resumed, SETTINGS)


def test_a_run_that_continues_on_other_hardware_says_so(tmp_path, data, monkeypatch, caplog):
    here = device.hardware(data.inputs.device)
    assert run(tmp_path, data, {**SETTINGS, "epochs": 2}).hardware == [here]
    other = {**dict.fromkeys(here), "threads": 7}
    monkeypatch.setattr(loop, "hardware", lambda _: other)
    assert run(tmp_path, data, {**SETTINGS, "epochs": 4}).hardware == [here, other]
    assert f"continues on 7 threads after {device.describe_hardware(here)}" in caplog.text
    caplog.clear()
    assert run(tmp_path, data).hardware == [here, other], "said once per change"
    assert "continues on" not in caplog.text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("interrupted", ["_optimize", "logits"])  # in the middle of an epoch, and of an evaluation
def test_a_run_that_is_asked_to_end_undoes_the_epoch_and_saves_the_state_first(
    tmp_path, data, monkeypatch, number, interrupted
):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    undisturbed = run(whole, data)
    calls = []
    original = getattr(Stack, interrupted)

    def interrupting(*arguments):
        calls.append(None)
        if len(calls) == 7:  # four steps, or two evaluations, are an epoch
            signal.raise_signal(number)
        return original(*arguments)

    with monkeypatch.context() as patch, pytest.raises(loop.TrainingStopped) as stopped:
        patch.setattr(Stack, interrupted, interrupting)
        run(cut, data)
    assert len(calls) == 7, "nothing more was computed"
    resumed = run(cut, data)
    assert (
        str(stopped.value) == f"Stopped by {number.name}; the next run continues with epoch {resumed.resumed_from + 1}."
    )
    assert_same_run(whole, cut, undisturbed, resumed, SETTINGS)


def test_a_run_that_is_stopped_before_its_first_epoch_ends_begins_anew(tmp_path, data, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(loop.TrainingStopped, match="continues with epoch 0"):
        patch.setattr(loop, "evaluate", lambda *_: signal.raise_signal(signal.SIGTERM))
        run(tmp_path, data)
    assert run(tmp_path, data).resumed_from is None


STOPPED_IN_AN_EPOCH = """
import sys, time
import torch
from pathlib import Path
from epochwise.training import loop
from epochwise.training.mlp import MLP, initialize
from epochwise.training.evaluation import TrainingData
from epochwise.training.layout import padded
from epochwise.training.optimizer import Optimizer
from epochwise.training.scaling import Scaling
from epochwise.training.stack import Stack

folder, pauses = Path(sys.argv[1]), sys.argv[2] == "pauses"
random = torch.Generator().manual_seed(0)
inputs, labels = torch.randn(200, padded(20), generator=random), torch.randint(3, (200,), generator=random)
inputs[:, 20:] = 0
inputs[:, 20] = 1
network = MLP(20, [16, 16], 3)
initialize(network, "pytorch", 0)
stack = Stack([network], Optimizer(0.01))
optimize, steps = stack._optimize, []

def paused():
    optimize()
    steps.append(None)
    if pauses and len(steps) == 30:  # of 20 per epoch
        print("in epoch 2", flush=True)
        time.sleep(600)

stack._optimize = paused
settings = {
    "epochs": 4, "learning_rate": 0.01, "batch_size": 10, "evaluations_per_decade": 10, "snapshots_per_decade": 5,
    "checkpoint_seconds": 1e9,
}
data = TrainingData(inputs, labels[None], labels, inputs, labels)
try:
    loop.train(stack, data, settings, seeds=[0], scaling=Scaling((0.5,), (0.5,)), folder=folder, made_from="x")
except loop.TrainingStopped as stopped:
    print(stopped)
    sys.exit(3)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_process_that_is_killed_within_an_epoch_ends_at_once_and_resumes_to_the_same_bytes(tmp_path, number):
    def start(folder, pauses):
        command = [sys.executable, "-c", STOPPED_IN_AN_EPOCH, tmp_path / folder, pauses]
        return subprocess.Popen(
            command, env={**os.environ, "PYTHONPATH": str(SCRIPTS)}, stdout=subprocess.PIPE, text=True
        )

    process = start("cut", "pauses")
    assert process.stdout.readline() == "in epoch 2\n"
    process.send_signal(number)  # without an answer to it the process would go on for ten minutes
    output, _ = process.communicate(timeout=60)
    assert (process.returncode, output) == (3, f"Stopped by {number.name}; the next run continues with epoch 2.\n")
    for folder in ("cut", "whole"):
        resumed = start(folder, "runs through")
        resumed.communicate()
        assert resumed.returncode == 0
    files = {path.relative_to(tmp_path / "whole") for path in (tmp_path / "whole").rglob("*.safetensors")}
    assert len(files) == 6, "snapshots of epochs 0 to 4, and the state"
    for file in files:
        assert (tmp_path / "cut" / file).read_bytes() == (tmp_path / "whole" / file).read_bytes(), file


def test_more_epochs_continue_a_finished_run_to_the_same_bytes(tmp_path, data):
    longer = {**SETTINGS, "epochs": 11}
    at_once = run(tmp_path / "at_once", data, longer)
    run(tmp_path / "in_two", data)
    continued = run(tmp_path / "in_two", data, longer)
    assert continued.resumed_from == SETTINGS["epochs"]
    assert_same_run(tmp_path / "at_once", tmp_path / "in_two", at_once, continued, longer)


def test_fewer_epochs_start_anew(tmp_path, data):
    run(tmp_path / "first", data, {**SETTINGS, "epochs": 11})
    shortened = run(tmp_path / "first", data)
    assert shortened.resumed_from is None
    assert_same_run(tmp_path / "first", tmp_path / "second", shortened, run(tmp_path / "second", data), SETTINGS)


def test_only_a_whole_state_made_from_the_same_is_continued(tmp_path, data):
    run(tmp_path, data)
    assert run(tmp_path, data).resumed_from == 6
    assert run(tmp_path, data, made_from="y").resumed_from is None
    assert run(tmp_path, data, made_from="y").resumed_from == 6
    snapshot_path(tmp_path / "seed1", 1).unlink()
    assert run(tmp_path, data, made_from="y").resumed_from is None
    flip(snapshot_path(tmp_path / "seed0", 2))
    assert run(tmp_path, data, made_from="y").resumed_from is None
    assert run(tmp_path, data, made_from="y").resumed_from == 6
    flip(tmp_path / checkpoints.STATE)
    assert run(tmp_path, data, made_from="y").resumed_from is None


def test_a_trial_of_other_settings_costs_no_finished_run(tmp_path, data):
    folder, longer = tmp_path / "run", {**SETTINGS, "epochs": 11}
    whole = run(folder, data, longer)
    assert run(folder, data).resumed_from is None, "a shorter one"
    again = run(folder, data, longer)
    assert again.resumed_from == 11
    assert_same_run(folder, folder, whole, again, longer)
    assert run(folder, data, longer, made_from="y").resumed_from is None
    snapshot_path(folder / "seed1", 1).unlink()
    assert run(folder, data, longer, made_from="y").resumed_from is None, "a damaged one takes the place of none"
    assert run(folder, data, longer).resumed_from == 11
    assert run(folder, data, longer, made_from="y").resumed_from == 11


def flip(path):
    """Change one bit near the end of a file."""
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)


def test_a_diverging_run_stops_and_names_seed_and_epoch(tmp_path, data):
    def train(stack, **settings):
        loop.train(
            stack,
            data,
            {**SETTINGS, **settings},
            seeds=[0, 1],
            scaling=SCALING,
            folder=tmp_path,
            made_from=str(settings),
        )

    stack = make_stack(data)
    stack.networks[1].layers[0].weight[0, 0] = torch.nan
    with pytest.raises(loop.TrainingDiverged, match=r"seed 1\b.*epoch 0\b.*learning_rate"):
        train(stack)
    with pytest.raises(loop.TrainingDiverged, match=r"seed 0\b.*epoch 1\b.*1e\+38"):
        train(make_stack(data, learning_rate=1e38), learning_rate=1e38)
    with pytest.raises(loop.TrainingDiverged, match=r"seed 0\b.*epoch 1\b"):  # in the last step of an epoch
        train(make_stack(data, learning_rate=1e38), epochs=1, batch_size=50)


@pytest.mark.parametrize(("pause", "expected"), [(0.5, [2, 5, 6]), (2, [0, 1, 2, 3, 4, 5, 6]), (0, [6])])
def test_a_state_is_saved_each_time_the_seconds_have_passed(tmp_path, data, monkeypatch, pause, expected):
    clock, saved = [0.0], []
    save = State.save
    monkeypatch.setattr(loop.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(loop, "evaluate", lambda *_: clock.__setitem__(0, clock[0] + pause) or [[], []])
    monkeypatch.setattr(State, "save", lambda state, folder: (saved.append(state.epoch), save(state, folder))[1])
    run(tmp_path, data, {**SETTINGS, "checkpoint_seconds": 1, "evaluations_per_decade": 100})
    assert saved == expected


def test_a_signal_that_comes_while_the_state_is_due_waits_for_the_next_epoch(tmp_path, data, monkeypatch):
    calls = []

    def monotonic():
        calls.append(None)
        if len(calls) == 6:
            signal.raise_signal(signal.SIGTERM)
        return 0.0

    monkeypatch.setattr(loop.time, "monotonic", monotonic)
    with pytest.raises(loop.TrainingStopped) as stopped:
        run(tmp_path, data)
    assert f"continues with epoch {run(tmp_path, data).resumed_from + 1}." in str(stopped.value)


@pytest.mark.parametrize("after", [1, 2])
def test_going_back_to_a_kept_run_may_be_cut_at_any_moment(tmp_path, data, monkeypatch, after):
    folder = tmp_path / "run"
    run(folder, data)
    assert run(folder, data, made_from="y").resumed_from is None
    replace, moved = Path.replace, []

    def cut(path, target):
        if len(moved) == after:
            raise Killed
        moved.append(path)
        return replace(path, target)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Path, "replace", cut)
        run(folder, data)
    for made_from in ("x", "y", "x"):
        assert run(folder, data, made_from=made_from).resumed_from == 6


@pytest.mark.parametrize("linked", [True, False])
def test_publishing_replaces_what_was_there_and_keeps_the_source(tmp_path, data, monkeypatch, linked):
    if not linked:
        monkeypatch.setattr("os.link", lambda *_: (_ for _ in ()).throw(OSError("no links here")))
    folder, published = tmp_path / ".training" / "stack", tmp_path / "seed1"
    (published / "snapshots").mkdir(parents=True)
    (published / "snapshots" / "epoch_0000099.safetensors").touch()
    publish_all(tmp_path, folder, run(folder, data))
    subprocess.run(["sha256sum", "--check", "--strict", "snapshots.sha256"], cwd=published, check=True)
    _, saved = epochs_of(SETTINGS)
    assert len((published / "snapshots.sha256").read_text().splitlines()) == len(saved)
    assert [path.name for path in sorted((published / "snapshots").iterdir())] == [
        f"epoch_{epoch:07d}.safetensors" for epoch in saved
    ]
    assert (published / "provenance.json").read_text() == "{}"
    assert run(folder, data).resumed_from == 6, "the state stays"


def test_what_differs_from_what_was_trained_is_not_published(tmp_path, data):
    folder = tmp_path / ".training" / "stack"
    progress = run(folder, data)
    publish_all(tmp_path, folder, progress)
    flip(snapshot_path(folder / "seed1", 2))
    with pytest.raises(InputError, match=r"epoch_0000002\.safetensors is missing or differs .* delete .*stack\.sha256"):
        folders.publish(tmp_path / "stack.sha256", folder / "seed1", SETTINGS, **results_in(tmp_path / "seed1"))


@given(st.lists(st.integers(0, 5), max_size=60))
def test_the_halves_of_the_test_set_are_stratified_and_fixed(labels):
    labels = np.array(labels, int)
    first = first_half(labels)
    for chosen in [np.ones_like(first), *(labels == label for label in range(6))]:
        assert abs((first & chosen).sum() - (~first & chosen).sum()) <= 1
    assert np.array_equal(first, first_half(labels.astype("int16")))


def test_the_halves_of_the_test_set_are_not_chosen_by_position():
    first = first_half(np.zeros(1000, int))
    assert 200 < first[:500].sum() < 300 and 200 < first[::2].sum() < 300


def publish_all(root, folder, progress):
    """What the scripts train.py and publish.py do after training, for seed 1 of the stack in `folder`."""
    evaluated, _ = epochs_of(SETTINGS)
    for seed in (0, 1):
        tables.write(history(progress.history[str(seed)], evaluated), HISTORY, folder / f"seed{seed}/history.parquet")
        (folder / f"seed{seed}/provenance.json").write_text("{}")
        (folder / f"seed{seed}/.epoch_0000001.77.tmp.safetensors").touch()  # left by a kill
    folders.write_manifest(root / "stack.sha256", folders.trained_files(folder, [0, 1], SETTINGS))
    folders.publish(root / "stack.sha256", folder / "seed1", SETTINGS, **results_in(root / "seed1"))


def results_in(folder):
    return {
        "snapshots": folder / "snapshots",
        "manifest": folder / "snapshots.sha256",
        "history": folder / "history.parquet",
        "provenance": folder / "provenance.json",
    }
