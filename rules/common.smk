"""All functions of the workflow, and no rule: the validated configuration, paths of inputs, specs, code, resources."""

import itertools
import math
import os
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(workflow.basedir) / "workflow_scripts"))

import yaml
from snakemake.exceptions import WorkflowError
from snakemake.logging import logger
from snakemake.utils import update_config

from epochwise import code
from epochwise.config import ConfigError, canonical, resolve, weights_of
from epochwise.schedule import log_spaced, selected
from epochwise.sources import SOURCES


def typed(value):
    """Snakemake leaves what stands inside a mapping given by --config as text: numbers and truth values become such again."""
    if isinstance(value, dict):
        return {key: typed(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [typed(entry) for entry in value]
    try:
        scalar = yaml.safe_load(value) if isinstance(value, str) else value
    except (yaml.YAMLError, ValueError, AttributeError):  # 2024-13-45 is no date, !!int x no number
        return value
    return scalar if isinstance(scalar, (bool, int, float, type(None))) else value


update_config(config, {k: typed(v) for k, v in workflow.config_settings.config.items() if isinstance(v, dict)})
try:
    EXPERIMENTS = resolve(config)
except ConfigError as error:
    raise WorkflowError(f"The configuration cannot be used. {error}") from None

if Path("results/provenance").is_dir() and not any(Path(".snakemake/metadata").glob("*")):
    logger.warning(
        "There are results, but not the folder .snakemake, where Snakemake keeps what they were made from: changes of "
        "configuration or code since then go unseen, and times alone decide what is made again. Put it back, or delete "
        "what is to be made again."
    )

for b in EXPERIMENTS.values():
    name, path = b["dataset"]["name"], b["dataset"]["path"]
    if path is not None and not os.path.isdir(path) and not Path(f"results/data/{name}/train.parquet").exists():
        raise WorkflowError(
            f"The configuration cannot be used. datasets.{name}.path: there is no folder {path!r}. Name a folder with "
            "torchvision's files, or with train.parquet and test.parquet; `digits` needs no download."
        )


def chosen(blocks, name, what="experiment"):
    """The block of this name; a target of what is not chosen is a mistake to be told."""
    if name not in blocks:
        remedy = f"add --config experiment={name}" if what == "experiment" else "mend the target, or the configuration"
        raise WorkflowError(f"There is no {what} {name!r} among what is chosen ({', '.join(blocks)}); {remedy}.")
    return blocks[name]


def weights(b, model):
    """Weights of a network of an experiment."""
    source = SOURCES[b["dataset"]["source"]]
    return weights_of(chosen(b["models"], model, "model"), source.pixels, source.classes)


def is_stacked(b, model):
    """Whether all seeds of a model train in one job; `auto`: where steps are mostly overhead."""
    wanted = b["training"]["stack_seeds"]
    if wanted == "auto":
        on_gpu = b["training"]["device"] == "cuda"
        wanted = b["models"][model]["width"] <= 512 if on_gpu else weights(b, model) < 100_000
    return wanted and len(b["seeds"]) > 1


NAME = r"(?!(data|summary|figures|captions|logs|provenance|benchmarks)/)[A-Za-z0-9][A-Za-z0-9_.-]*"
RUN = "results/{experiment}/{noise}/{model}/seed{seed}"

# Experiments with the models that train all seeds in one job, and the pattern of experiments that leaves these models out.
STACKED = {name: [model for model in b["models"] if is_stacked(b, model)] for name, b in EXPERIMENTS.items()}
STACKED = {name: models for name, models in STACKED.items() if models}
ALONE = "".join(f"(?!{re.escape(n)}/[^/]+/({'|'.join(map(re.escape, m))})/)" for n, m in STACKED.items()) + NAME

# The tables of a data set, the results of a run, and the tables over seeds.
DATA = ["train", "test", "features"]
OF_RUN = [
    "history.parquet",
    "snapshots",
    "snapshots.sha256",
    "provenance.json",
    "activations/class_means.parquet",
    "activations/neurons.parquet",
    "activations/samples.parquet",
    "activations/outputs.parquet",
    "separation.parquet",
    "outliers.parquet",
    "large_activation.parquet",
]
SUMMARIES = ["curves", "phases", "phases_by_seed", "separation", "outliers", "peaks", "large_activation"]

# What each figure draws: tables over seeds by name, and files of the data or of one run by the functions below.
FIGURES = {
    "data_decomposition": ["train_images", "labels"],
    "learning_curves": ["curves", "phases"],
    "phases": ["curves", "phases", "phases_by_seed"],
    "separation_by_layer": ["separation", "phases"],
    "separation_by_class": ["separation", "train_images"],
    "activation_distribution": ["peaks"],
    "large_activation": ["outliers", "phases"],
    "large_activation_inputs": ["large_activation", "outliers", "samples", "train_images"],
    "scenario": ["curves", "separation", "outliers", "phases"],
}
OF_ONE_MODEL = ["large_activation_inputs", "scenario"]
CAPTIONS = [*FIGURES, "claims"]


def spec(value):
    """A rule's param: what its result depends on, as canonical JSON."""
    return canonical(value)


def code_of(*names):
    """A rule's other param: its script (and modules chosen by wildcards), and the hash of these with all they reach."""
    return code.stamp(*names)


def block(wildcards):
    """The resolved block of the experiment that a file belongs to."""
    return chosen(EXPERIMENTS, wildcards.experiment)


def dataset_block(wildcards):
    """The resolved data set by the wildcard `dataset`."""
    return chosen({b["dataset"]["name"]: b["dataset"] for b in EXPERIMENTS.values()}, wildcards.dataset, "data set")


def model_block(wildcards):
    """The model by the wildcard `model`."""
    return chosen(block(wildcards)["models"], wildcards.model, "model")


def noise_block(experiment, noise):
    """The noise of this name of an experiment."""
    return chosen(chosen(EXPERIMENTS, experiment)["noises"], noise, "noise")


def source_files(wildcards):
    """Input function: the tables in the folder of a data set, so that other ones in their place are seen.

    Of a folder that is gone, the folder itself: Snakemake then takes the results made from it as they are.
    """
    path = dataset_block(wildcards)["path"]
    if path is None:
        return []
    tables = [Path(path) / f"{split}.parquet" for split in ("train", "test")]
    return [str(table) for table in tables if table.is_file()] if os.path.isdir(path) else [path]


def data_file(name):
    """Input function: a file of the experiment's data set."""
    return lambda wildcards: f"results/data/{block(wildcards)['dataset']['name']}/{name}.parquet"


def draw_of(noise, seed):
    """The wildcard `draw` for a run: empty if all seeds share one noise draw."""
    return "" if noise["shared_draw"] else f"_seed{seed}"


def seeds(wildcards):
    """The seeds that a job trains: its own, or those of its stack."""
    return [int(wildcards.seed)] if "seed" in wildcards.keys() else block(wildcards)["seeds"]


def labels_of(experiment, noise, seed):
    """The labels that a run is trained on."""
    draw = draw_of(noise_block(experiment, noise), seed)
    return f"results/{experiment}/{noise}/labels{draw}.parquet"


def labels(wildcards):
    """Input function: the labels of the run by the wildcard `seed`."""
    return labels_of(wildcards.experiment, wildcards.noise, wildcards.seed)


def all_labels(wildcards):
    """Input function: the labels of the runs that a job trains, one file per noise draw."""
    return list(dict.fromkeys(labels_of(wildcards.experiment, wildcards.noise, seed) for seed in seeds(wildcards)))


def of_all_seeds(experiment, name):
    """The files of a stack: one per seed of an experiment, noise and model left open."""
    return [f"{RUN}/{name}".replace("{seed}", str(seed)) for seed in EXPERIMENTS[experiment]["seeds"]]


def runs_of(experiment):
    """(noise, model, seed) of every run of an experiment, in the order of the configuration."""
    b = chosen(EXPERIMENTS, experiment)
    return list(itertools.product(b["noises"], b["models"], b["seeds"]))


def runs(wildcards):
    """The runs of the experiment that a file belongs to."""
    return runs_of(wildcards.experiment)


def of_all_runs(name):
    """Input function: one file of every run of an experiment."""
    return lambda wildcards: [
        f"results/{wildcards.experiment}/{noise}/{model}/seed{seed}/{name}" for noise, model, seed in runs(wildcards)
    ]


def everything(wildcards):
    """Input function of `all`: what the report is made of, and every other result, so that what is missing is made again
    even if nothing that is there depends on it.

    A function, since each submitted job reads the workflow too, and would list the results of thousands of runs.
    """
    files = []
    for experiment, b in EXPERIMENTS.items():
        root = f"results/{experiment}"
        files += [f"{root}/figures/{figure}.{ext}" for figure in FIGURES for ext in ("pdf", "png", "csv")]
        files += [f"{root}/claims.{ext}" for ext in ("parquet", "md", "html")]
        files += [f"{root}/captions/{name}.rst" for name in CAPTIONS]
        files += [f"results/data/{b['dataset']['name']}/{name}.parquet" for name in DATA]
        for noise, model, seed in runs_of(experiment):
            files.append(labels_of(experiment, noise, seed))
            files += [f"{root}/{noise}/{model}/seed{seed}/{name}" for name in OF_RUN]
        files += [f"{root}/summary/{name}.parquet" for name in SUMMARIES]
    return list(dict.fromkeys(files))


def labels_of_all_runs(wildcards):
    """Input function: the labels of every run of an experiment."""
    return list(dict.fromkeys(labels_of(wildcards.experiment, noise, seed) for noise, _, seed in runs(wildcards)))


def largest_run(wildcards):
    """The run that single-run figures show: first noise, model with most weights, first seed."""
    b = block(wildcards)
    return next(iter(b["noises"])), max(b["models"], key=lambda model: weights(b, model)), b["seeds"][0]


def figure_inputs(wildcards):
    """Input function: the named files that a figure draws."""
    noise, model, seed = largest_run(wildcards)
    root = f"results/{wildcards.experiment}"
    elsewhere = {
        "train_images": data_file("train")(wildcards),
        "labels": labels_of(wildcards.experiment, noise, seed),
        "samples": f"{root}/{noise}/{model}/seed{seed}/activations/samples.parquet",
    }
    return {name: elsewhere.get(name, f"{root}/summary/{name}.parquet") for name in FIGURES[wildcards.figure]}


# -- specs: what each stage's result depends on ------------------------------------------------------------------------


def dataset_spec(wildcards):
    b = dataset_block(wildcards)
    return spec({key: b[key] for key in ("source", "path", "sha256")})


def features_spec(wildcards):
    return spec({"components": dataset_block(wildcards)["components"]})


def corrupt_spec(wildcards):
    b, noise = block(wildcards), noise_block(wildcards.experiment, wildcards.noise)
    seeds = [noise["seed"], *([int(wildcards.draw.removeprefix("_seed"))] if wildcards.draw else [])]
    return spec({"subset": b["subset"], "kind": noise["kind"], "rate": noise["rate"], "seeds": seeds})


def train_spec(wildcards):
    """All of the training block but how the work is laid out: that changes results by rounding at most."""
    b = block(wildcards)
    layout = ("threads", "checkpoint_seconds", "stack_seeds")
    training = {key: value for key, value in b["training"].items() if key not in layout}
    return spec({"training": training, "seeds": seeds(wildcards), **model_block(wildcards)})


def settings_spec(group):
    """The spec of a stage that reads one settings group."""
    return lambda wildcards: spec(block(wildcards)[group])


def summary_spec(wildcards):
    b = block(wildcards)
    return spec({"runs": runs(wildcards), "phases": b["phases"], "level": b["summary"]["level"]})


def claims_spec(wildcards):
    b = block(wildcards)
    return spec({"runs": runs(wildcards), "margins": b["claims"], "level": b["summary"]["level"]})


def figure_spec(wildcards):
    b = block(wildcards)
    noise, model, _ = largest_run(wildcards)
    shown = {"noise": noise, "model": model} if wildcards.figure in OF_ONE_MODEL else None
    return spec({"dpi": b["figures"]["dpi"], "shown": shown, "options": b["figures"].get(wildcards.figure, {})})


# -- resources -----------------------------------------------------------------------------------------------------------


def growing(value):
    """A resource that grows with each retry. The values bound what was measured (docs/cluster.md), 5 minutes at least."""
    return lambda wildcards, attempt: attempt * value


def inherit_resources(name, parent):
    """Give a rule threads and resources of another, also those set for that one, but for what is set for it by name."""
    settings, resources = workflow.resource_settings, workflow.get_rule(name).resources
    own = {*settings.overwrite_resources.get(name, []), *(["_cores"] if name in settings.overwrite_threads else [])}
    for key, value in workflow.get_rule(parent).resources.items():
        if key not in own:
            resources[key] = value


def samples(wildcards):
    """Training samples of an experiment."""
    return block(wildcards)["subset"]["size"] or SOURCES[block(wildcards)["dataset"]["source"]].train


def train_threads(wildcards):
    """Small models train with one thread each, side by side; from a million weights on with `training.threads`."""
    b = block(wildcards)
    return b["training"]["threads"] if weights(b, wildcards.model) >= 1_000_000 else 1


def checkpoint_seconds(wildcards):
    """A resource, so that another pace of saved states makes no result stale."""
    return block(wildcards)["training"]["checkpoint_seconds"]


def data_mb(wildcards):
    """All images of a data set: as float32 inputs, and as uint8 while they are read."""
    source = SOURCES[block(wildcards)["dataset"]["source"]]
    return 6 * source.pixels * (source.train + source.test) / 1e6


def forward_minutes(wildcards, passes):
    """Forward passes over all images at 10 GFLOP/s, the pace of one slow core: 2 operations per weight and image."""
    source = SOURCES[block(wildcards)["dataset"]["source"]]
    images = samples(wildcards) + source.test
    return passes * images * 2 * weights(block(wildcards), wildcards.model) / 1e10 / 60


def train_mb(wildcards, attempt):
    """torch itself, the data; for each network weights, gradient, two moments and what of these a state holds as it is
    written, and inputs, activations and their gradients of one batch of each size that occurs."""
    b, model = block(wildcards), model_block(wildcards)
    source, batch = SOURCES[b["dataset"]["source"]], b["training"]["batch_size"]
    # Training and test images are evaluated 2,048 at a time, and training images come in batches.
    pieces = [(2048, samples(wildcards)), (2048, source.test), (batch, samples(wildcards))]
    sizes = {size for at_once, of in pieces for size in (min(at_once, of), of % at_once)}
    per_sample = 4 * source.pixels + 8 * model["hidden_layers"] * model["width"]
    per_network = 40 * weights(b, wildcards.model) + sum(sizes) * per_sample
    return attempt * int(1000 + 1.3 * data_mb(wildcards) + len(seeds(wildcards)) * per_network / 1e6)


def train_gpus(wildcards):
    """One GPU if the configuration asks for CUDA; with `device: auto` a profile may ask for one."""
    return int(block(wildcards)["training"]["device"] == "cuda")


def train_minutes(wildcards, attempt):
    """Three times a forward pass per epoch and network; on a GPU a hundred times faster, but 1 ms per step."""
    b = block(wildcards)
    epochs = b["training"]["epochs"] * len(seeds(wildcards))
    steps = b["training"]["epochs"] * -(-samples(wildcards) // b["training"]["batch_size"])
    faster = 100 if train_gpus(wildcards) else 1
    return attempt * int(10 + 3 * forward_minutes(wildcards, epochs) / faster + steps * 1e-3 / 60)


def extract_minutes(wildcards, attempt):
    """A forward pass per snapshot that is read, and as much again for the statistics."""
    training, stride = block(wildcards)["training"], block(wildcards)["activations"]["snapshot_stride"]
    read = selected(log_spaced(training["epochs"], training["snapshots_per_decade"]), stride)
    return attempt * int(5 + 2 * forward_minutes(wildcards, len(read)))


def extract_mb(wildcards, attempt):
    """torch, the data, one batch of activations with what is computed from a layer, and one row group of each table."""
    b, model = block(wildcards), model_block(wildcards)
    batch = min(b["activations"]["batch_size"], samples(wildcards))
    activations = 4 * batch * model["width"] * (model["hidden_layers"] + 6)
    return attempt * int(1000 + 2 * data_mb(wildcards) + (8 * weights(b, wildcards.model) + activations) / 1e6)


def summary_mb(wildcards, attempt):
    """The tables of all runs; some have a row per class."""
    classes = SOURCES[block(wildcards)["dataset"]["source"]].classes
    return attempt * (1000 + 4 * max(1, classes // 10) * len(runs(wildcards)))
