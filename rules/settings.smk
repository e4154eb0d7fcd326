"""What results depend on: the settings that a rule names, and its code. This file contains no rule.

Snakemake runs a job again when one of these params has changed.
"""


def setting(name, value=None):
    """A param: one setting that the script reads, as JSON under its name, such as `{"level":0.95}`.

    Plain params will not do, because Snakemake compares them as a set of texts without names: two settings that swap
    their values would go unseen. `name` is a key of the experiment's block, or of the data set's where the rule has the
    wildcard `dataset`. A dotted name is a key of a group: `setting("summary.level")`. `value` is a function of the
    wildcards that finds what is no entry there.
    """

    def as_json(wildcards):
        if value is not None:
            return canonical({name: value(wildcards)})
        settings = dataset_block(wildcards) if hasattr(wildcards, "dataset") else block(wildcards)
        return canonical({name.rpartition(".")[2]: reduce(getitem, name.split("."), settings)})

    return as_json


def code_of(*names):
    """The other param: the names of the script and of modules that a wildcard chooses, and the hash of their code."""
    return code.stamp(*names)


def corrupt_code(wildcards):
    """The code of the job and of its kind of noise, not that of other kinds."""
    return code_of("corrupt.py", f"epochwise/data/noise/{noise_block(wildcards)['kind']}.py")


def measures_code(wildcards):
    """The code of the job and of the measures that are chosen, not that of others."""
    names = [name for name in block(wildcards)["measures"]["names"] if name != "cka"]
    return code_of("measures.py", *(f"epochwise/activations/measures/{name}.py" for name in names))


def source_sizes(wildcards):
    """Size of each file that a data set is read from. Of many pictures only a hash, because Snakemake prints it."""
    sizes = source_files.measure_sizes(source_paths(wildcards))
    is_own = dataset_block(wildcards)["source"] == own_images.FOLDER
    return hashlib.sha256(canonical(sizes).encode()).hexdigest() if is_own else sizes


def noise_sizes(wildcards):
    """Size of each file that a noise reads."""
    return source_files.measure_sizes(noise_paths(wildcards))


def noise_settings(wildcards):
    """The noise, without what only names its draw."""
    return {key: value for key, value in noise_block(wildcards).items() if key not in ("seed", "shared_draw")}


def draw_seeds(wildcards):
    """The seeds of a draw of the noise: the noise's own and, where each run has its own draw, the run's."""
    of_run = [int(wildcards.draw.removeprefix("_seed"))] if wildcards.draw else []
    return [noise_block(wildcards)["seed"], *of_run]


def trained_model(wildcards):
    """The model and how it is trained; without the layout of the work, which changes only rounding."""
    model = model_block(wildcards)
    layout = ("threads", "checkpoint_seconds", "stack_seeds")
    return {**model, "training": {key: value for key, value in model["training"].items() if key not in layout}}


def described_noises(wildcards):
    """Kind and requested rate of each noise."""
    return {name: {"kind": n["kind"], "rate": n.get("rate")} for name, n in block(wildcards)["noises"].items()}


def described_models(wildcards):
    """Size of each model, its learning rate, and its steps per epoch."""
    b, described = block(wildcards), {}
    for name, model in b["models"].items():
        training = model["training"]
        described[name] = {
            "widths": model["widths"],
            "weights": weights(b, name),
            "learning_rate": training["learning_rate"],
            "steps_per_epoch": -(-samples(wildcards) // training["batch_size"]),
        }
    return described


def classes_by_noise(wildcards):
    """Number of classes under each noise."""
    return dict.fromkeys(block(wildcards)["noises"], source_of(block(wildcards)["dataset"]).classes)


def draws(wildcards):
    """The noises that are further draws of the first one."""
    return planning.list_draws(block(wildcards)["noises"])


def shown_run(wildcards):
    """Noise and model that a figure of one model shows; None for other figures."""
    noise, model, _ = largest_run(wildcards)
    return {"noise": noise, "model": model} if FIGURES[wildcards.figure].one_model else None


def figure_options(wildcards):
    """The settings of this figure."""
    return block(wildcards)["figures"].get(wildcards.figure, {})


def labelled_noises(wildcards):
    """The noises whose labels a figure shows; none for figures without labels."""
    return list(block(wildcards)["noises"]) if "labels" in FIGURES[wildcards.figure].inputs else []
