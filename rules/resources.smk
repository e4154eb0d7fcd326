"""Memory, time, threads and GPUs that each job asks for. There is no rule here.

The values are upper bounds of what was measured (docs/cluster.md). Memory and time grow with each retry.
"""


def per_attempt(value):
    """A resource that grows with each retry. The values bound what was measured (docs/cluster.md), 5 minutes at least."""
    return lambda wildcards, attempt: attempt * value


def samples(wildcards):
    """Training samples of an experiment."""
    return block(wildcards)["subset"]["size"] or source_of(block(wildcards)["dataset"]).train


def train_threads(wildcards):
    """Small models train with one thread each, side by side; from a million weights on with `training.threads`."""
    b = block(wildcards)
    return b["training"]["threads"] if weights(b, wildcards.model) >= 1_000_000 else 1


def checkpoint_seconds(wildcards):
    """A resource, so that another pace of saved states makes no result stale."""
    return block(wildcards)["training"]["checkpoint_seconds"]


def data_mb(wildcards):
    """All images of a data set: as float32 inputs, and as uint8 while they are read."""
    source = source_of(block(wildcards)["dataset"])
    return 6 * source.pixels * (source.train + source.test) / 1e6


def dataset_mb(wildcards, attempt):
    """The images of both splits as uint8, and a copy of one split as a table; for twice as many images from Parquet."""
    source = source_of(dataset_block(wildcards))
    return attempt * max(3000, int(1000 + 4 * source.pixels * (source.train + source.test) / 1e6))


def features_mb(wildcards, attempt):
    """The training images as float32, centred, and what the components are computed from."""
    source = source_of(dataset_block(wildcards))
    return attempt * max(4000, int(1000 + 16 * source.pixels * source.train / 1e6))


def forward_minutes(wildcards, passes):
    """Forward passes over all images at 10 GFLOP/s, the pace of one slow core: 2 operations per weight and image."""
    source = source_of(block(wildcards)["dataset"])
    images = samples(wildcards) + source.test
    return passes * images * 2 * weights(block(wildcards), wildcards.model) / 1e10 / 60


def train_mb(wildcards, attempt):
    """torch itself, the data; for each network weights, gradient, two moments, a copy of weights and moments from the
    start of the epoch, and what of these a state holds as it is written; and inputs, activations and their gradients of
    one batch of each size that occurs."""
    b, model = block(wildcards), model_block(wildcards)
    source, batch = source_of(b["dataset"]), model["training"]["batch_size"]
    # Training and test images are evaluated 2,048 at a time, and training images come in batches.
    pieces = [(2048, samples(wildcards)), (2048, source.test), (batch, samples(wildcards))]
    sizes = {size for at_once, of in pieces for size in (min(at_once, of), of % at_once)}
    per_sample = 4 * source.pixels + 8 * sum(model["widths"])
    per_network = 52 * weights(b, wildcards.model) + sum(sizes) * per_sample
    return attempt * int(1000 + 1.3 * data_mb(wildcards) + len(seeds(wildcards)) * per_network / 1e6)


def train_gpus(wildcards):
    """One GPU if the configuration asks for CUDA; with `device: auto` a profile may ask for one."""
    return int(block(wildcards)["training"]["device"] == "cuda")


def train_minutes(wildcards, attempt):
    """Three times a forward pass per epoch and network; on a GPU a hundred times faster, but 1 ms per step."""
    training = model_block(wildcards)["training"]
    epochs = training["epochs"] * len(seeds(wildcards))
    steps = training["epochs"] * -(-samples(wildcards) // training["batch_size"])
    faster = 100 if train_gpus(wildcards) else 1
    return attempt * int(10 + 3 * forward_minutes(wildcards, epochs) / faster + steps * 1e-3 / 60)


def snapshots_read(wildcards, part):
    """Number of snapshots that a rule reads of a run, whose settings group `part` has a stride."""
    training, settings = model_block(wildcards)["training"], block(wildcards)[part]
    stride = settings["snapshot_stride" if part == "activations" else "stride"] or 1
    return len(selected(log_spaced(training["epochs"], training["snapshots_per_decade"]), stride))


def extract_minutes(wildcards, attempt):
    """A forward pass per snapshot that is read, and as much again for the statistics."""
    return attempt * int(5 + 2 * forward_minutes(wildcards, snapshots_read(wildcards, "activations")))


def interventions_minutes(wildcards, attempt):
    """Six forward passes per edited neuron and snapshot, as a product takes that follows the edited layer."""
    return attempt * int(5 + 7 * 6 * forward_minutes(wildcards, snapshots_read(wildcards, "interventions")))


def measures_minutes(wildcards, attempt):
    """Per layer and snapshot that is read some hundred products of samples and neurons, at 10 GFLOP/s."""
    used = min(block(wildcards)["measures"]["samples"], samples(wildcards))
    products = sum(used * width * max(width, 500) for width in model_block(wildcards)["widths"])
    return attempt * int(5 + 100 * snapshots_read(wildcards, "measures") * products / 1e10 / 60)


def extract_mb(wildcards, attempt):
    """torch, the data, one batch of activations with what is computed from a layer, and one row group of each table."""
    b, model = block(wildcards), model_block(wildcards)
    batch = min(b["activations"]["batch_size"], samples(wildcards))
    activations = 4 * batch * (sum(model["widths"]) + 6 * max(model["widths"]))
    return attempt * int(1000 + 2 * data_mb(wildcards) + (8 * weights(b, wildcards.model) + activations) / 1e6)


def summary_mb(wildcards, attempt):
    """The tables of all runs; some have a row per class."""
    classes = source_of(block(wildcards)["dataset"]).classes
    return attempt * (1000 + 4 * max(1, classes // 10) * len(runs(wildcards)))
