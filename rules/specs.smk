"""What the results of each stage depend on: its `spec`, and its `code`. There is no rule here.

Snakemake runs a job again when one of these two parameters has changed. A spec holds only the values that the stage
uses.
"""

import hashlib

from epochwise.workflow import code
from epochwise.workflow.config import canonical


def spec(value):
    """A rule's param: what its result depends on, as canonical JSON."""
    return canonical(value)


def code_of(*names):
    """A rule's other param: the names of its script and of modules that a wildcard chooses, and the hash of their code."""
    return code.stamp(*names)


def dataset_spec(wildcards):
    """The source, and which files it is read from. Of many pictures only a hash is kept, because Snakemake prints it."""
    b = dataset_block(wildcards)
    files = sizes_of(source_files(wildcards))
    if b["source"] != own_images.FOLDER:
        return spec({**{key: b[key] for key in ("source", "path", "sha256")}, "files": files})
    about = {key: b[key] for key in ("source", "path", "sha256", "image_size", "channels")}
    return spec({**about, "files": hashlib.sha256(spec(files).encode()).hexdigest()})


def features_spec(wildcards):
    return spec({"components": dataset_block(wildcards)["components"]})


def corrupt_spec(wildcards):
    """The noise, without what only names the draw, the seeds of the draw, and the files that the noise reads."""
    noise = noise_block(wildcards.experiment, wildcards.noise)
    seeds = [noise["seed"], *([int(wildcards.draw.removeprefix("_seed"))] if wildcards.draw else [])]
    settings = {key: value for key, value in noise.items() if key not in ("seed", "shared_draw")}
    files = {"files": sizes_of(noise_files(wildcards))} if noise_files(wildcards) else {}
    return spec({"subset": block(wildcards)["subset"], "noise": settings, "seeds": seeds, **files})


def corrupt_code(wildcards):
    """The code of the job and of its kind of noise, not that of other kinds."""
    kind = noise_block(wildcards.experiment, wildcards.noise)["kind"]
    return code_of("corrupt.py", f"epochwise/data/noise/{kind}.py")


def measures_code(wildcards):
    """The code of the job and of the measures that are chosen, not that of others."""
    names = [name for name in block(wildcards)["measures"]["names"] if name != "cka"]
    return code_of("measures.py", *(f"epochwise/activations/measures/{name}.py" for name in names))


def trained_model(wildcards):
    """The model and how it is trained; without the layout of the work, which changes only rounding."""
    model = model_block(wildcards)
    layout = ("threads", "checkpoint_seconds", "stack_seeds")
    return {**model, "training": {key: value for key, value in model["training"].items() if key not in layout}}


def train_spec(wildcards):
    """The model, how it is trained, and the seeds."""
    return spec({**trained_model(wildcards), "seeds": seeds(wildcards)})


def publish_spec(wildcards):
    """The model and how it was trained; of this, the epochs decide which snapshots are published."""
    return spec(trained_model(wildcards))


def settings_spec(group):
    """The spec of a stage that reads one settings group."""
    return lambda wildcards: spec(block(wildcards)[group])


def summary_spec(wildcards):
    """The runs, what they are made of, and how phases and intervals are computed."""
    b = block(wildcards)
    noises = {name: {"kind": noise["kind"], "rate": noise.get("rate")} for name, noise in b["noises"].items()}
    models = {
        name: {**{key: model[key] for key in ("hidden_layers", "width")}, "weights": weights(b, name)}
        for name, model in b["models"].items()
    }
    about = {"runs": runs(wildcards), "noises": noises, "models": models}
    return spec({**about, "phases": b["phases"], "level": b["summary"]["level"]})


def over_seeds_spec(wildcards):
    """The runs that are brought together, and the level of the intervals."""
    return spec({"runs": runs(wildcards), "level": block(wildcards)["summary"]["level"]})


def twins_spec(wildcards):
    """The runs, classes and margin; and the noises that differ from the first one only in their draw."""
    b = block(wildcards)
    classes = source_of(b["dataset"]).classes
    settings = {name: {**noise, "seed": None} for name, noise in b["noises"].items()}
    draws = [name for name, value in settings.items() if value == next(iter(settings.values()))]
    about = {"classes": dict.fromkeys(b["noises"], classes), "draws": draws}
    about |= {"twin": TWIN, "margin": b["claims"]["accuracy"]}
    return spec({"runs": runs(wildcards), "level": b["summary"]["level"], **about})


def claims_spec(wildcards):
    b = block(wildcards)
    return spec({"runs": noisy_runs(wildcards), "margins": b["claims"], "level": b["summary"]["level"]})


def figure_spec(wildcards):
    b = block(wildcards)
    noise, model, _ = largest_run(wildcards)
    figure = FIGURES[wildcards.figure]
    shown = {"noise": noise, "model": model} if figure.one_model else None
    noises = {"noises": list(b["noises"])} if "labels" in figure.inputs else {}
    return spec({"dpi": b["figures"]["dpi"], "shown": shown, "options": b["figures"].get(figure.name, {}), **noises})
