"""How fast networks train and are read, compared with the least that it can cost and with loops in plain torch.

    python benchmarks/bench.py            every table, some ten minutes
    python benchmarks/bench.py --quick    one table, within a minute

All that a ratio compares is timed in turn, in one process, several times; medians are taken. Nothing here is a test.
"""

import argparse
import dataclasses
import functools
import itertools
import math
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch.nn.functional import cross_entropy

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow_scripts"))

from epochwise.activations.forward import layer_statistics  # noqa: E402
from epochwise.activations.groups import groups_of_training  # noqa: E402
from epochwise.data.torchvision_files import import_torchvision  # noqa: E402
from epochwise.training import snapshots  # noqa: E402
from epochwise.training.device import choose_device, choose_precision  # noqa: E402
from epochwise.training.evaluation import TrainingData, evaluate  # noqa: E402
from epochwise.training.graph import epoch_of  # noqa: E402
from epochwise.training.layout import network_inputs  # noqa: E402
from epochwise.training.mlp import MLP, initialize  # noqa: E402
from epochwise.training.optimizer import Optimizer  # noqa: E402
from epochwise.training.scaling import Scaling  # noqa: E402
from epochwise.training.stack import Stack  # noqa: E402
from epochwise.workflow.schedule import log_spaced  # noqa: E402

CLASSES = 10
SCALING = Scaling((0.49, 0.48, 0.45), (0.25, 0.24, 0.26))
# A run as in the experiment `cifar10`: what its evaluations and snapshots add to an epoch.
EPOCHS, IMAGES, EVALUATIONS, SNAPSHOTS = 1000, 50_000, len(log_spaced(1000, 20)), len(log_spaced(1000, 5))
RATE = 1e-4
ADAM = Optimizer(RATE)
DEVICE = choose_device("auto", torch.get_num_threads())  # with deterministic algorithms, as in training


def seconds(work: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Median wall time of each piece of work; all run once unmeasured, then in turn."""
    taken = {name: [] for name in work}
    for repeat in range(repeats + 1):
        for name, run in work.items():
            began = time.perf_counter()
            run()
            if DEVICE.type == "cuda":
                torch.cuda.synchronize()
            if repeat:
                taken[name].append(time.perf_counter() - began)
    return {name: float(np.median(values)) for name, values in taken.items()}


def recorded(work: Callable[[], None]) -> Callable[[], None]:
    """The same work; on a GPU as a replayed graph, so that it does not wait for its kernels to be launched."""
    if DEVICE.type == "cpu":
        return work
    work()  # loads the libraries, which cannot happen while a graph is recorded
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    return graph.replay


def networks(inputs: int, hidden_layers: int, width: int, count: int = 1) -> list[MLP]:
    """Untrained networks of one shape."""
    made = [MLP(inputs, [width] * hidden_layers, CLASSES) for _ in range(count)]
    for seed, network in enumerate(made):
        initialize(network, "pytorch", seed)
    return made


@functools.cache
def pixels(samples: int, inputs: int) -> tuple[np.ndarray, torch.Tensor]:
    """Random images (N, D) uint8 and labels (N,)."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (samples, inputs), np.uint8)
    return images, torch.from_numpy(random.integers(0, CLASSES, samples))


def data(samples: int, inputs: int, dtype: torch.dtype, count: int = 1) -> TrainingData:
    """Random data in the shape of a real run: a fifth as many test images as training images."""
    images, labels = pixels(samples, inputs)
    scaling = SCALING if inputs % 3 == 0 else Scaling((0.5,), (0.25,))
    rows = network_inputs(images, scaling, DEVICE, dtype)
    labels = labels.to(DEVICE)
    return TrainingData(rows, labels.expand(count, -1), labels, rows[: samples // 5], labels[: samples // 5])


def floor(shape: tuple[int, ...], batch: int, steps: int, dtype: torch.dtype, count: int = 1) -> dict[str, Callable]:
    """An epoch's matrix products alone (forward, and backward by weights and by inputs), and its Adam steps alone."""
    multiply = torch.mm if count == 1 else torch.bmm
    leading = () if count == 1 else (count,)

    def random(*size: int) -> torch.Tensor:
        return torch.randn(*leading, *size, device=DEVICE).to(dtype)

    signals = [random(batch, width) for width in shape]
    results = [random(batch, width) for width in shape]
    weights = [random(*pair) for pair in itertools.pairwise(shape)]
    gradients = [torch.empty_like(weight) for weight in weights]
    parameters = count * sum((before + 1) * after for before, after in itertools.pairwise(shape))
    moved, gradient, first, second = torch.rand(4, parameters, device=DEVICE).unbind()
    taken = torch.zeros((), device=DEVICE)

    def products() -> None:
        for _ in range(steps):
            for layer, weight in enumerate(weights):
                multiply(signals[layer], weight, out=results[layer + 1])
            for layer in reversed(range(len(weights))):
                multiply(signals[layer].mT, results[layer + 1], out=gradients[layer])
                if layer > 0:
                    multiply(results[layer + 1], weights[layer].mT, out=results[layer])

    def adam() -> None:
        for _ in range(steps):
            torch._fused_adam_(
                [moved], [gradient], [first], [second], [], [taken],
                lr=RATE, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.0, amsgrad=False, maximize=False,
            )  # fmt: skip

    return {"products": recorded(products), "adam": recorded(adam)}


def dataloader_epoch(samples: int, hidden_layers: int, width: int, batch: int) -> Callable[[], None]:
    """An epoch of the loop most people would write: torchvision's CIFAR-10 class, DataLoader, autograd, loss.item()."""
    torchvision = import_torchvision()
    transforms = torchvision.transforms
    dataset = torchvision.datasets.CIFAR10.__new__(torchvision.datasets.CIFAR10)  # its files are not needed
    images, labels = pixels(samples, 3072)
    dataset.data, dataset.targets = images.reshape(-1, 32, 32, 3), labels.tolist()
    dataset.transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize(SCALING.mean, SCALING.std)])
    dataset.target_transform = None
    loader = torch.utils.data.DataLoader(dataset, batch_size=batch, shuffle=True)
    [model] = networks(3072, hidden_layers, width)
    model.to(DEVICE)
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    criterion = torch.nn.CrossEntropyLoss()

    def epoch() -> None:
        total = 0.0
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss = criterion(model(inputs.to(DEVICE).flatten(1)), targets.to(DEVICE))
            loss.backward()
            optimizer.step()
            total += loss.item()

    return epoch


def plain_epoch(samples: int, hidden_layers: int, width: int, batch: int, inputs: int = 3072) -> Callable[[], None]:
    """An epoch of the fastest plain loop: scaled images in memory, autograd, and `Adam(fused=True)`."""
    examples = data(samples, inputs, torch.float32)
    images, labels = examples.inputs[:, :inputs].contiguous(), examples.true
    model = networks(inputs, hidden_layers, width)[0].to(DEVICE)
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE, fused=True)

    def epoch() -> None:
        for chosen in torch.randperm(samples).to(DEVICE).split(batch):
            optimizer.zero_grad()
            cross_entropy(model(images[chosen]), labels[chosen]).backward()
            optimizer.step()

    return epoch


def train_rows(
    hidden_layers: int, width: int, batch: int, samples: int, precisions: Sequence[str], repeats: int, count: int = 1
) -> list[dict]:
    """Rows of the training table, one per precision: seconds per epoch of `count` stacked seeds, and the ratios."""
    shape = (3072, *[width] * hidden_layers, CLASSES)
    loops = {"plain": plain_epoch, "dataloader": dataloader_epoch}
    work = {name: loop(samples, hidden_layers, width, batch) for name, loop in loops.items()}
    with tempfile.TemporaryDirectory() as folder:
        for precision in precisions:
            dtype = choose_precision(precision, DEVICE)
            examples = data(samples, 3072, dtype, count)
            stack = Stack(networks(3072, hidden_layers, width, count), ADAM, DEVICE, dtype)
            train_epoch = epoch_of(stack, examples, batch)

            def epoch(train_epoch=train_epoch) -> None:
                train_epoch(torch.stack([torch.randperm(samples) for _ in range(count)])).tolist()

            parts = {
                **floor(shape, batch, samples // batch, dtype, count),
                "epoch": epoch,
                "evaluation": functools.partial(evaluate, stack, examples),
                "snapshot": functools.partial(snapshots.save, folder, stack.networks[0], 0, 0, SCALING),
            }
            work |= {f"{precision} {name}": _with_precision(precision, part) for name, part in parts.items()}
        took = seconds(work, repeats)
    rows = []
    for precision in precisions:
        mine = {name: took[f"{precision} {name}"] for name in parts}
        # An evaluation grows with the data as an epoch does, a snapshot does not.
        extra = mine["evaluation"] * EVALUATIONS + mine["snapshot"] * SNAPSHOTS * samples / IMAGES
        train = mine["epoch"] + extra / EPOCHS
        network = {"network": f"{hidden_layers}×{width}", "batch": batch, "precision": precision, "samples": samples}
        network |= {"seeds": count} if DEVICE.type == "cuda" else {}
        rows.append({**network, **mine, "train": train, **{name: took[name] for name in loops}})
        rows[-1]["train/floor"] = train / (mine["products"] + mine["adam"])
        rows[-1] |= {f"{name}/train": took[name] / train for name in loops}
        rows[-1]["float32/train"] = rows[0]["train"] / train
    return rows


def _with_precision(precision: str, work: Callable[[], object]) -> Callable[[], object]:
    """The work after a choice of precision, which holds for the whole process."""

    def run() -> object:
        choose_precision(precision, DEVICE)
        return work()

    return run


def made_for_bfloat16() -> bool:
    """Whether the device has instructions for bfloat16; without them a product takes very long."""
    if DEVICE.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return any(torch.cpu.get_capabilities().get(name, False) for name in ("avx512_bf16", "amx_bf16"))


def training_table(quick: bool) -> pd.DataFrame:
    """Epoch times over widths, batch sizes, precisions, and ratios, each the median of its rounds; 3,072 inputs."""
    cases = [(4, width, 128) for width in (256, 512)]
    if not quick:
        cases = [(4, width, batch) for width in (128, 256, 512, 1024, 2048) for batch in (32, 64, 128, 1024)]
        cases.append((6, 1024, 128))
    precisions = ["float32", "bfloat16"] if not quick and made_for_bfloat16() else ["float32"]
    precisions += ["tf32"] if not quick and DEVICE.type == "cuda" else []
    counts = (1, 5) if DEVICE.type == "cuda" else (1,)  # a GPU trains all seeds as a stack
    # A guest's neighbours slow it for minutes at a time: rounds spread the repeats of a case over the whole time.
    rounds, repeats = (1, 5) if quick else (3, 2)
    rows = []
    for _ in range(rounds):
        for (hidden_layers, width, batch), count in itertools.product(cases, counts):
            samples = math.ceil(min(5000 if quick else 2500, 2e6 / width) / batch) * batch
            rows += train_rows(hidden_layers, width, batch, samples, precisions, repeats, count)
    if not quick and not made_for_bfloat16():  # one small case shows it
        rows += train_rows(4, 1024, 128, 256, ["float32", "bfloat16"], 3)[1:]
    keys = ["network", "batch", "precision", "samples", *(["seeds"] if DEVICE.type == "cuda" else [])]
    return pd.DataFrame(rows).groupby(keys, sort=False).median().reset_index()


def stacking_table() -> pd.DataFrame:
    """Five seeds as one stack against one after the other, on one thread; 64 inputs and 1,257 samples as in digits.

    `train` is a whole run's time per epoch, with evaluations and snapshots as in the experiment `digits`, of one seed
    alone and per seed of the stack.
    """
    evaluated, saved = (len(log_spaced(300, per_decade)) / 300 for per_decade in (20, 5))
    rows = []
    for hidden_layers, width, batch in (
        (2, 64, 64), (2, 128, 32), (4, 128, 64), (4, 256, 32), (6, 256, 64), (4, 256, 128), (4, 512, 32),
    ):  # fmt: skip
        examples = data(1257, 64, torch.float32, 5)
        orders = torch.stack([torch.randperm(1257) for _ in range(5)]).to(DEVICE)
        steps = math.ceil(1257 / batch)
        work = floor((64, *[width] * hidden_layers, CLASSES), batch, steps, torch.float32)
        with tempfile.TemporaryDirectory() as folder:
            for name, count in (("one", 1), ("five", 5)):
                stack = Stack(networks(64, hidden_layers, width, count), ADAM, DEVICE)
                few = dataclasses.replace(examples, given=examples.given[:count])
                work[name] = functools.partial(stack.train_epoch, few.inputs, few.given, orders[:count], batch)
                work[f"{name} evaluation"] = functools.partial(evaluate, stack, few)
            work["snapshot"] = functools.partial(snapshots.save, folder, stack.networks[0], 0, 0, SCALING)
            work["plain"] = plain_epoch(1257, hidden_layers, width, batch, inputs=64)
            took = seconds(work, 9)
        least = took["products"] * 1257 / (steps * batch) + took["adam"]  # the last batch is a part
        alone = took["one"] + evaluated * took["one evaluation"] + saved * took["snapshot"]
        stacked = (took["five"] + evaluated * took["five evaluation"]) / 5 + saved * took["snapshot"]
        rows.append(
            {
                "network": f"{hidden_layers}×{width}",
                "batch": batch,
                **took,
                "train one": alone,
                "train of five": stacked,
                "one/floor": alone / least,
                "of five/floor": stacked / least,
                "one/of five": alone / stacked,
                "plain/one": took["plain"] / took["one"],
            }
        )
    return pd.DataFrame(rows)


def extraction_table() -> pd.DataFrame:
    """Reading all statistics of all layers, against the bare products of the same forward pass."""
    rows = []
    for hidden_layers, width, inputs in ((2, 256, 3072), (4, 512, 3072), (6, 1024, 3072), (6, 256, 64)):
        samples, batch = 16384, 2048
        [model] = networks(inputs, hidden_layers, width)
        model.to(DEVICE)
        values = torch.randn(samples, inputs, device=DEVICE)
        labels = pixels(samples, inputs)[1].numpy()
        groups = groups_of_training(labels, np.roll(labels, 1), CLASSES, 0).to(DEVICE)
        shape = (inputs, *[width] * hidden_layers, CLASSES)
        signals = [torch.randn(batch, n, device=DEVICE) for n in shape]
        weights = [torch.randn(n, m, device=DEVICE) for n, m in itertools.pairwise(shape)]

        def products(signals=signals, weights=weights, steps=samples // batch) -> None:
            for _ in range(steps):
                for layer, weight in enumerate(weights):
                    torch.mm(signals[layer], weight, out=signals[layer + 1])

        took = seconds(
            {
                "products": recorded(products),
                "extraction": functools.partial(layer_statistics, model, values, groups, batch),
            },
            5,
        )
        rate = took["products"] / took["extraction"]
        rows.append({"network": f"{hidden_layers}×{width}", "inputs": inputs, **took, "share of product rate": rate})
    return pd.DataFrame(rows)


def growth_table() -> pd.DataFrame:
    """How the cost of training grows: slopes fitted to logarithms of time."""

    def train(epochs: int, samples: int, width: int) -> Callable[[], None]:
        examples = data(samples, 3072, torch.float32)
        stack = Stack(networks(3072, 4, width), ADAM, DEVICE)

        def run() -> None:
            for _ in range(epochs):
                order = torch.randperm(samples)[None].to(DEVICE)
                stack.train_epoch(examples.inputs, examples.given, order, 128).tolist()

        return run

    base = {"epochs": 1, "samples": 1280, "width": 256}
    rows = []
    for name, values in {
        "epochs": (1, 2, 4, 8), "samples": (1280, 2560, 5120, 10240), "width": (128, 256, 512, 1024, 2048),
    }.items():  # fmt: skip
        took = seconds({str(value): train(**{**base, name: value}) for value in values}, 3)
        exponent = np.polyfit(np.log(values), np.log([took[str(value)] for value in values]), 1)[0]
        weights = [(3072 + 1) * w + 3 * (w + 1) * w + (w + 1) * CLASSES for w in values] if name == "width" else values
        work = np.polyfit(np.log(values), np.log(weights), 1)[0]
        rows.append({"quantity": name, "from": values[0], "to": values[-1], "exponent": exponent, "of the work": work})
    return pd.DataFrame(rows)


def machine() -> str:
    """What was measured on, in a line."""
    processor = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if "model name" in line]
        processor = names[0] if names else processor
    device = torch.cuda.get_device_name() if DEVICE.type == "cuda" else f"{torch.get_num_threads()} threads"
    capability = torch.backends.cpu.get_cpu_capability()
    versions = f"torch {torch.__version__}, Python {platform.python_version()}"
    return f"{date.today()}, {processor} ({capability}), {device}, {versions}"


def main() -> None:
    """Print the tables and write them to results/benchmarks/."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one small table, within a minute")
    quick = parser.parse_args().quick
    torch.set_flush_denormal(True)  # as training does
    folder = ROOT / "results" / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)

    def tell(name: str, table: pd.DataFrame) -> None:
        table.assign(machine=machine()).to_csv(folder / f"{name}{'_quick' * quick}.csv", index=False)
        print(
            f"\n{name} (times in seconds); {machine()}\n",
            table.to_markdown(index=False, floatfmt=".3g"),
            sep="\n",
            flush=True,
        )

    trained = training_table(quick)
    tell("training", trained)
    if not quick:
        tell("extraction", extraction_table())
        tell("growth", growth_table())
        torch.set_num_threads(1)
        tell("stacking", stacking_table())
    row = trained.query("network == '4×512' and batch == 128 and precision == 'float32'").iloc[0]
    print("\n" + " ".join(f"{name} {row[name]:.3f}" for name in ("train/floor", "plain/train", "dataloader/train")))


if __name__ == "__main__":
    main()
