"""The paths of all results, and the functions that find the inputs of rules. There is no rule here."""

NAME = rf"(?!({'|'.join(catalogue.RESERVED)})/)[A-Za-z0-9][A-Za-z0-9_.-]*"
MODEL = "results/{experiment}/{noise}/{model}"
RUN = f"{MODEL}/seed{{seed}}"


# -- blocks of the configuration ---------------------------------------------------------------------------------------


def lookup_block(blocks, name, what="experiment"):
    """The block of this name. A target that names something outside the chosen experiments raises an error."""
    if name not in blocks:
        remedy = (
            f"add --config experiment={name}" if what == "experiment" else "correct the target or the configuration"
        )
        raise WorkflowError(f"There is no {what} {name!r} among what is chosen ({', '.join(blocks)}); {remedy}.")
    return blocks[name]


def block(wildcards):
    """The resolved block of the experiment that a file belongs to."""
    return lookup_block(EXPERIMENTS, wildcards.experiment)


def dataset_block(wildcards):
    """The resolved data set by the wildcard `dataset`."""
    blocks = {b["dataset"]["name"]: b["dataset"] for b in EXPERIMENTS.values()}
    return lookup_block(blocks, wildcards.dataset, "data set")


def model_block(wildcards):
    """The model by the wildcard `model`."""
    return lookup_block(block(wildcards)["models"], wildcards.model, "model")


def noise_block(wildcards):
    """The noise by the wildcard `noise`."""
    return lookup_block(block(wildcards)["noises"], wildcards.noise, "noise")


def weights(b, model):
    """Number of weights of a network of an experiment."""
    source = source_of(b["dataset"])
    return weights_of(lookup_block(b["models"], model, "model"), source.pixels, source.classes)


# -- the data set and its labels ---------------------------------------------------------------------------------------


def source_paths(wildcards):
    """Input function: all files that a data set is read from, so that another file in their place is noticed.

    A prefix of a module does not apply to them (`local`), because they are not results.
    """
    try:
        return [local(file) for file in source_files.locate_data(dataset_block(wildcards))]
    except ConfigError as error:
        raise WorkflowError(f"The configuration cannot be used. {error}") from None


def noise_paths(wildcards):
    """Input function: the files that a noise reads. If they are gone, a file that does not exist."""
    noise_block(wildcards)
    try:
        files = source_files.locate_noise(block(wildcards), wildcards.noise, NOISE_KINDS)
    except source_files.InputError:
        files = [f"(the files of the noise {wildcards.noise})"]
    return [local(file) for file in files]


def data_file(name):
    """Input function: a file of the experiment's data set."""
    return lambda wildcards: f"results/data/{block(wildcards)['dataset']['name']}/{name}.parquet"


def labels_path(experiment, noise, seed):
    """The labels that a run is trained on: one file for all seeds, or one per seed."""
    noises = lookup_block(EXPERIMENTS, experiment)["noises"]
    draw = "" if lookup_block(noises, noise, "noise")["shared_draw"] else f"_seed{seed}"
    return f"results/{experiment}/{noise}/labels{draw}.parquet"


def matched_labels(wildcards):
    """Input function: the labels of the noise whose rate is matched, of the same draw; empty if there is none."""
    noise = noise_block(wildcards)
    if "matched_rate" not in noise:
        return []
    return [labels_path(wildcards.experiment, noise["matched_rate"], wildcards.draw.removeprefix("_seed"))]


def labels_of_run(wildcards):
    """Input function: the labels of the run by the wildcard `seed`."""
    return labels_path(wildcards.experiment, wildcards.noise, wildcards.seed)


def labels_of_unit(wildcards):
    """Input function: the labels that a training job needs, one file per noise draw."""
    paths = [labels_path(wildcards.experiment, wildcards.noise, seed) for seed in seeds(wildcards)]
    return list(dict.fromkeys(paths))


def labels_by_run(wildcards):
    """Input function: the labels of every run of an experiment, in the order of the runs, also if they are the same."""
    return [labels_path(wildcards.experiment, noise, seed) for noise, _, seed in runs(wildcards)]


# -- runs and training jobs --------------------------------------------------------------------------------------------


def manifest_of_unit(wildcards):
    """Input function: the checksums that the training job of a run writes: `stack.sha256`, or `seed0.sha256`."""
    b, model = block(wildcards), wildcards.model
    stacked = planning.stacks_seeds(b, weights(b, model), AUTO_IS_GPU == "yes")
    return f"{MODEL}/{'stack' if stacked else f'seed{wildcards.seed}'}.sha256".format(**wildcards)


def seeds(wildcards):
    """The seeds that a training job trains."""
    return block(wildcards)["seeds"] if wildcards.unit == "stack" else [int(wildcards.unit.removeprefix("seed"))]


def runs(wildcards):
    """(noise, model, seed) of every run of the experiment that a file belongs to."""
    return planning.list_runs(block(wildcards))


def noisy_runs(wildcards):
    """The runs that claims are judged on: all but twins, which have no noise."""
    return planning.list_noisy_runs(block(wildcards))


def of_all_runs(name, which=runs):
    """Input function: one file of every run of an experiment, or of those that another function lists."""
    return lambda wildcards: [
        f"results/{wildcards.experiment}/{noise}/{model}/seed{seed}/{name}" for noise, model, seed in which(wildcards)
    ]


def if_enabled(part, files):
    """Input function: the files that another input function names, or none if the experiment lacks this part."""
    return lambda wildcards: files(wildcards) if planning.enabled(block(wildcards), part) else []
