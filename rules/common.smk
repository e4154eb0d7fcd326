"""The validated configuration, the paths of all files, and the input functions of the rules. There is no rule here."""

import contextlib
import itertools
import os
import re
import shlex
import signal
import sys
from pathlib import Path

ROOT = Path(workflow.current_basedir.get_path_or_uri(secret_free=True)).parent  # the folder of the Snakefile
SCRIPTS = ROOT / "workflow_scripts"
sys.path.insert(0, str(SCRIPTS))
os.environ.update(
    # Scripts of rules import the library from here too, because the user's PYTHONPATH may name another copy of it.
    PYTHONPATH=os.pathsep.join([str(SCRIPTS), *filter(None, [os.environ.get("PYTHONPATH")])]),
    # Jobs end when this process has ended, because nobody would wait for them any more (epochwise.workflow.job).
    EPOCHWISE_SNAKEMAKE=str(os.getpid()),
)
if os.path.exists(sys.executable):  # and is not quoted yet
    # Snakemake writes this path into shell commands without quotes, and it may contain a space.
    sys.executable = shlex.quote(sys.executable)

import psutil
from snakemake.common.configfile import load_configfile
from snakemake.exceptions import WorkflowError
from snakemake.logging import logger
from snakemake.utils import update_config

from epochwise import catalogue
from epochwise.data import folder as own_images
from epochwise.data import noise_kinds
from epochwise.data.layouts import locate
from epochwise.data.sources import SOURCES, DataError
from epochwise.workflow import config_text, gpus
from epochwise.workflow.config import TWIN, ConfigError, full_schema, once, resolve, weights_of
from epochwise.workflow.errors import InputError

if Path(catalogue.__file__).resolve() != (SCRIPTS / "epochwise" / "catalogue.py").resolve():
    raise WorkflowError(
        f"{catalogue.__file__} was imported, but this workflow is that of {ROOT}. One run can use only one copy of "
        "the workflow: make all modules and includes name the same one."
    )
for folder in (ROOT, Path.cwd()):
    if set("{}") & set(str(folder)):
        raise WorkflowError(
            f"{folder}: Snakemake takes the braces in this path for wildcards. Rename the folder, because the workflow "
            "and its results must be in folders without braces."
        )

NOISE_KINDS = noise_kinds.load()
describe_own = once(own_images.describe_dataset)


def source_of(dataset):
    """Shape, classes and numbers of images of a data set."""
    return SOURCES.get(dataset["source"]) or describe_own(dataset)


try:
    for path in [*workflow.configfiles, ROOT / "config.yaml"]:
        config_text.check_file(path)
    # The defaults are those of this folder, wherever Snakemake runs. `config` holds the user's values: what --configfile
    # and --config say, or the statement `config:` of a workflow that uses this one as a module.
    SETTINGS = load_configfile(ROOT / "config.yaml")
    workflow.configfiles.append(str(ROOT / "config.yaml"))  # so that the report shows it
    update_config(SETTINGS, config)
    if workflow.modifier.is_main_snakefile():  # --config belongs to the calling workflow otherwise
        # Read again, because Snakemake makes a number of the text 2024_11, and text of a number inside a mapping.
        given = config_text.from_arguments(workflow.config_settings.config_args, full_schema(NOISE_KINDS))
        update_config(SETTINGS, given)
        named = [Path(path).resolve() for path in workflow.config_settings.configfiles]
        if len(named) > 1 and workflow.is_main_process:
            logger.info(
                f"Of the configuration files {', '.join(map(str, named))} the later ones override the earlier ones."
            )
        if (here := Path("config.yaml").resolve()).exists() and here not in {ROOT.resolve() / "config.yaml", *named}:
            logger.warning(f"{here} is not read. To use it: --configfile {shlex.quote(str(here))}")
    EXPERIMENTS = resolve(SETTINGS, SOURCES, NOISE_KINDS, describe_own)
except ConfigError as error:
    raise WorkflowError(f"The configuration cannot be used. {error}") from None

os.environ.update(EPOCHWISE_EXPERIMENTS=" ".join(EXPERIMENTS))  # for the closing lines of `--logger epochwise`

if Path("results/provenance").is_dir() and not any(Path(".snakemake/metadata").glob("*")):
    logger.warning(
        "There are results, but not the folder .snakemake, where Snakemake keeps what they were made from: changes of "
        "configuration or code since then go unseen, and times alone decide what is made again. Put it back, or delete "
        "what is to be made again."
    )


def refuse_braces(name, path):
    """Raise WorkflowError if the path of a data set, or of one of its files, has a brace."""
    if set("{}") & set(path):
        raise WorkflowError(
            f"The configuration cannot be used. datasets.{name}.path: {path!r} contains a brace, and Snakemake takes "
            "braces for wildcards; rename it, or name a symbolic link to it."
        )


for dataset in [b["dataset"] for b in EXPERIMENTS.values() if b["dataset"]["path"] is not None]:
    name, path = dataset["name"], dataset["path"]
    refuse_braces(name, path)
    if not Path(f"results/data/{name}/train.parquet").exists():
        try:
            locate(dataset["source"], path)
            if dataset["source"] == own_images.FOLDER and workflow.is_main_process:
                own_images.check_pictures(path, dataset["image_size"], dataset["channels"])
        except DataError as error:
            raise WorkflowError(f"The configuration cannot be used. datasets.{name}.path: {error}") from None


NAME = rf"(?!({'|'.join(catalogue.RESERVED)})/)[A-Za-z0-9][A-Za-z0-9_.-]*"
MODEL = "results/{experiment}/{noise}/{model}"
RUN = f"{MODEL}/seed{{seed}}"
FIGURES = {figure.name: figure for figure in catalogue.FIGURES}
CAPTIONS = [*FIGURES, *catalogue.PAGES]


def chosen(blocks, name, what="experiment"):
    """The block of this name. A target that names something outside the chosen experiments raises an error."""
    if name not in blocks:
        remedy = (
            f"add --config experiment={name}" if what == "experiment" else "correct the target or the configuration"
        )
        raise WorkflowError(f"There is no {what} {name!r} among what is chosen ({', '.join(blocks)}); {remedy}.")
    return blocks[name]


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


def weights(b, model):
    """Number of weights of a network of an experiment."""
    source = source_of(b["dataset"])
    return weights_of(chosen(b["models"], model, "model"), source.pixels, source.classes)


def gpus_of_profile():
    """GPUs that a profile or `--set-resources` requests for rule `train`."""
    set_for_train = workflow.resource_settings.overwrite_resources.get("train", {})
    return set_for_train["gpu"].value if "gpu" in set_for_train else 0


# Whether training with `device: auto` will find a GPU: this machine shows one, or a profile requests one. Jobs inherit
# the answer in their environment, because a job on another machine must plan the same units.
AUTO_IS_GPU = os.environ.setdefault("EPOCHWISE_AUTO_IS_GPU", "yes" if gpus.shown() or gpus_of_profile() else "no")


def trains_on_gpu(b):
    """Whether the networks of an experiment are planned to train on a GPU."""
    device = b["training"]["device"]
    return device == "cuda" or (device == "auto" and AUTO_IS_GPU == "yes")


def is_stacked(b, model):
    """Whether one job trains all seeds of a model.

    With `auto` it does so on a GPU, and on processors for small networks, because there a step is mostly overhead.
    """
    wanted = b["training"]["stack_seeds"]
    if wanted == "auto":
        wanted = trains_on_gpu(b) or weights(b, model) < 100_000
    return wanted and len(b["seeds"]) > 1


def stop_jobs_on_sigterm():
    """Let `kill` end the workflow as Ctrl-C does. Snakemake itself would wait until all running jobs have finished.

    Only the youngest processes get the signal. A shell between them and Snakemake would end without its job.
    """

    def stop(number, frame):
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if not process.children():
                    process.terminate()
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)


def training_size(wildcards):
    """Weights times epochs of all networks that a training job trains."""
    b = block(wildcards)
    return weights(b, wildcards.model) * b["training"]["epochs"] * len(seeds(wildcards))


def list_jobs():
    """Tell `--logger epochwise` which jobs the run needs, because Snakemake itself tells only their number."""
    if "epochwise" in workflow.output_settings.log_handler_settings:
        jobs = [
            {
                "jobid": workflow.dag.jobid(job),
                "rule": job.rule.name,
                "wildcards": dict(job.wildcards_dict),
                "size": training_size(job.wildcards) if job.rule.name == "train" else 1,
            }
            for job in workflow.dag.needrun_jobs()
        ]
        logger.info(None, extra={"event": "epochwise_jobs", "jobs": jobs})


def located_noise_files(experiment, noise):
    """The files that a noise reads. Raises InputError, whose message begins with the key, if they are not there."""
    settings, dataset = noise_block(experiment, noise), chosen(EXPERIMENTS, experiment)["dataset"]
    kind = NOISE_KINDS[settings["kind"]]
    folder = dataset["path"] or f"data/{dataset['source']}"
    return [str(path) for path in kind.files(settings, folder)] if hasattr(kind, "files") else []


for experiment, noise in [(name, noise) for name, b in EXPERIMENTS.items() for noise in b["noises"]]:
    where = f"The configuration cannot be used. experiments.{experiment}.noises.{noise}"
    try:
        files = located_noise_files(experiment, noise)
    except InputError as error:
        if not any(Path(f"results/{experiment}/{noise}").glob("labels*.parquet")):
            raise WorkflowError(f"{where}.{error}") from None
        continue
    for file in files:
        if set("{}") & set(file):
            raise WorkflowError(
                f"{where}.path: {file!r} contains a brace, and Snakemake takes braces for wildcards; rename the folder, "
                "or name a symbolic link to it."
            )


# -- the data set and its labels -----------------------------------------------------------------------------------------


def source_files(wildcards):
    """Input function: all files that a data set is read from, so that another file in their place is noticed.

    If they are gone, it returns a file that does not exist. Snakemake then keeps the results that were made from them.
    A prefix of a module does not apply to them (`local`), because they are not results.
    """
    b = dataset_block(wildcards)
    try:
        files = [] if b["path"] is None else [str(path) for path in locate(b["source"], b["path"]).paths]
    except DataError:
        files = [os.path.join(b["path"], f"(the files of {b['source']})")]
    for file in files:
        refuse_braces(b["name"], file)
    return [local(file) for file in files]


def sizes_of(files):
    """Size of each file, because Snakemake does not notice a file that is older than the results."""
    return {path: os.path.getsize(path) for path in files if os.path.isfile(path)}


def data_file(name):
    """Input function: a file of the experiment's data set."""
    return lambda wildcards: f"results/data/{block(wildcards)['dataset']['name']}/{name}.parquet"


def labels_path(experiment, noise, seed):
    """The labels that a run is trained on: one file for all seeds, or one per seed."""
    draw = "" if noise_block(experiment, noise)["shared_draw"] else f"_seed{seed}"
    return f"results/{experiment}/{noise}/labels{draw}.parquet"


def noise_files(wildcards):
    """Input function: the files that a noise reads, as `source_files` those of a data set."""
    try:
        files = located_noise_files(wildcards.experiment, wildcards.noise)
    except InputError:
        files = [f"(the files of the noise {wildcards.noise})"]
    return [local(file) for file in files]


def matched_labels(wildcards):
    """Input function: the labels of the noise whose rate is matched, of the same draw; empty if there is none."""
    noise = noise_block(wildcards.experiment, wildcards.noise)
    if "matched_rate" not in noise:
        return []
    seed = wildcards.draw.removeprefix("_seed")
    return [labels_path(wildcards.experiment, noise["matched_rate"], seed)]


def labels(wildcards):
    """Input function: the labels of the run by the wildcard `seed`."""
    return labels_path(wildcards.experiment, wildcards.noise, wildcards.seed)


def unit_of(experiment, model, seed):
    """What one training job trains: all seeds of a model (`stack`), or a single one (`seed0`)."""
    return "stack" if is_stacked(chosen(EXPERIMENTS, experiment), model) else f"seed{seed}"


def trained(wildcards):
    """Input function: the manifest that training the run leaves."""
    return f"{MODEL}/{unit_of(wildcards.experiment, wildcards.model, wildcards.seed)}.sha256".format(**wildcards)


def seeds(wildcards):
    """The seeds that a training job trains."""
    in_experiment = block(wildcards)["seeds"]
    return in_experiment if wildcards.unit == "stack" else [int(wildcards.unit.removeprefix("seed"))]


def labels_of_unit(wildcards):
    """Input function: the labels that a training job needs, one file per noise draw."""
    paths = [labels_path(wildcards.experiment, wildcards.noise, seed) for seed in seeds(wildcards)]
    return list(dict.fromkeys(paths))


# -- the runs of an experiment -------------------------------------------------------------------------------------------


def runs_of(experiment):
    """(noise, model, seed) of every run of an experiment, in the order of the configuration."""
    b = chosen(EXPERIMENTS, experiment)
    return list(itertools.product(b["noises"], b["models"], b["seeds"]))


def runs(wildcards):
    """The runs of the experiment that a file belongs to."""
    return runs_of(wildcards.experiment)


def noisy_runs(wildcards):
    """The runs that claims are judged on: all but twins, which have no noise."""
    return [run for run in runs(wildcards) if not (block(wildcards)["twins"] and run[0] == TWIN)]


def of_all_runs(name, chosen_runs=runs):
    """Input function: one file of every run of an experiment, or of those that another function chooses."""
    return lambda wildcards: [
        f"results/{wildcards.experiment}/{noise}/{model}/seed{seed}/{name}"
        for noise, model, seed in chosen_runs(wildcards)
    ]


def labels_of_all_runs(wildcards):
    """Input function: the labels of every run of an experiment, each file once."""
    return list(dict.fromkeys(labels_by_run(wildcards)))


def labels_by_run(wildcards):
    """Input function: the labels of every run of an experiment, in the order of the runs, also if they are the same."""
    return [labels_path(wildcards.experiment, noise, seed) for noise, _, seed in runs(wildcards)]


def is_chosen(experiment, part):
    """Whether an experiment has an optional part of the workflow, or a part that is not optional (an empty name)."""
    value = not part or chosen(EXPERIMENTS, experiment)[part]
    return value if isinstance(value, bool) else value["stride"] is not None


def if_chosen(part, files):
    """Input function: the files that another input function names, or none if the experiment lacks this part."""
    return lambda wildcards: files(wildcards) if is_chosen(wildcards.experiment, part) else []


def run_tables(experiment):
    """The tables of every run of an experiment."""
    return [table for table in catalogue.RUN_TABLES if is_chosen(experiment, table.part)]


def summary_files(experiment):
    """The summary tables of an experiment."""
    tables = [table for table in catalogue.ALL_SUMMARY_TABLES if is_chosen(experiment, table.part)]
    return [f"results/{experiment}/summary/{table.path}" for table in tables]


def figure_files(experiment):
    """The files of all figures of an experiment."""
    names = [name for name, figure in FIGURES.items() if is_chosen(experiment, figure.part)]
    return [f"results/{experiment}/figures/{name}.{ext}" for name in names for ext in ("pdf", "png", "csv")]


def archived_files_of_all_runs(wildcards):
    """Input function: the files of every run that the archive holds."""
    kept = [table for table in run_tables(wildcards.experiment) if table.name not in catalogue.NOT_ARCHIVED]
    files = [table.path for table in kept]
    files += [name for name in catalogue.RUN_FILES if name not in catalogue.NOT_ARCHIVED]
    return [path for name in files for path in of_all_runs(name)(wildcards)]


# -- figures and targets -------------------------------------------------------------------------------------------------


def largest_run(wildcards):
    """The run that single-run figures show: first noise, model with most weights, first seed."""
    b = block(wildcards)
    return next(iter(b["noises"])), max(b["models"], key=lambda model: weights(b, model)), b["seeds"][0]


def figure_inputs(wildcards):
    """Input function: the files that a figure draws, by name."""
    noise, model, seed = largest_run(wildcards)
    root = f"results/{wildcards.experiment}"
    elsewhere = {
        "train_images": data_file("train")(wildcards),
        "labels": [labels_path(wildcards.experiment, noise, seed) for noise in block(wildcards)["noises"]],
        "samples": f"{root}/{noise}/{model}/seed{seed}/activations/samples.parquet",
        "anatomy_images": f"{root}/{noise}/{model}/seed{seed}/anatomy_images.parquet",
    }
    inputs = FIGURES[wildcards.figure].inputs
    return {name: elsewhere.get(name, f"{root}/summary/{name}.parquet") for name in inputs}


def figure_topic(wildcards):
    """The subcategory of the report that shows a figure."""
    return next((topic for topic, names in catalogue.TOPICS.items() if wildcards.figure in names), catalogue.BEYOND)


def figure_labels(wildcards):
    """What the report lists of a figure: its name, and which runs it shows."""
    noise, model, seed = largest_run(wildcards)
    figure = FIGURES[wildcards.figure]
    one_seed = {"samples", "anatomy_images", "labels"} & set(figure.inputs)
    return {
        "figure": figure.name.replace("_", " "),
        "noise": noise if figure.one_model else "all",
        "model": model if figure.one_model else "all",
        "seed": str(seed) if one_seed else "all",
    }


def everything(wildcards):
    """Input function of `all`: all results, so that a missing one is made again even if nothing depends on it.

    It is a function, because each submitted job reads the workflow too and would list the results of thousands of runs.
    """
    files = []
    for experiment, b in EXPERIMENTS.items():
        root = f"results/{experiment}"
        files += figure_files(experiment) + summary_files(experiment)
        files += [f"{root}/{table.path}" for table in catalogue.RESULT_TABLES]
        files += [f"{root}/claims.md", f"{root}/findings.md", f"{root}/claims.html", f"{root}/explorer.html"]
        files += [f"{root}/captions/{name}.rst" for name in CAPTIONS]
        files += [f"results/data/{b['dataset']['name']}/{table.path}" for table in catalogue.DATASET_TABLES]
        for noise, model, seed in runs_of(experiment):
            files.append(labels_path(experiment, noise, seed))
            run = f"{root}/{noise}/{model}/seed{seed}"
            files += [f"{run}/{name}" for name in catalogue.RUN_FILES]
            files += [f"{run}/{table.path}" for table in run_tables(experiment)]
    return list(dict.fromkeys(files))
