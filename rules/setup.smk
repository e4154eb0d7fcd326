"""The checkout that runs, what the other rules files import, and the validated configuration. There is no rule here."""

import hashlib
import os
import shlex
import sys
from functools import reduce
from operator import getitem
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

from snakemake.common.configfile import load_configfile
from snakemake.exceptions import WorkflowError
from snakemake.logging import logger
from snakemake.utils import update_config

from epochwise import catalogue
from epochwise.data import folder as own_images
from epochwise.data import noise_kinds, source_files
from epochwise.data.sources import SOURCES
from epochwise.workflow import code, config_text, gpus, planning
from epochwise.workflow.config import TWIN, ConfigError, canonical, full_schema, once, resolve, weights_of
from epochwise.workflow.schedule import log_spaced, selected
from epochwise.workflow.stopping import stop_jobs_on_sigterm

if Path(catalogue.__file__).resolve() != (SCRIPTS / "epochwise" / "catalogue.py").resolve():
    raise WorkflowError(
        f"{catalogue.__file__} was imported, but this workflow is that of {ROOT}. One run can use only one copy of "
        "the workflow: make all modules and includes name the same one."
    )

NOISE_KINDS = noise_kinds.load()
describe_own = once(own_images.describe_dataset)


def source_of(dataset):
    """Shape, classes and numbers of images of a data set."""
    return SOURCES.get(dataset["source"]) or describe_own(dataset)


def read_configuration():
    """The configuration: this folder's defaults, over which the user's values are written.

    The defaults are those of this folder, wherever Snakemake runs. `config` holds the user's values: what --configfile
    and --config say, or the statement `config:` of a workflow that uses this one as a module.
    """
    for path in [*workflow.configfiles, ROOT / "config.yaml"]:
        config_text.check_file(path)
    values = load_configfile(ROOT / "config.yaml")
    workflow.configfiles.append(str(ROOT / "config.yaml"))  # so that the report shows it
    update_config(values, config)
    if workflow.modifier.is_main_snakefile():  # --config belongs to the calling workflow otherwise
        # Read again, because Snakemake makes a number of the text 2024_11, and text of a number inside a mapping.
        given = config_text.from_arguments(workflow.config_settings.config_args, full_schema(NOISE_KINDS))
        update_config(values, given)
        log_configuration_files([Path(path).resolve() for path in workflow.config_settings.configfiles])
    return values


def log_configuration_files(named):
    """Say which file wins if `--configfile` names several, and that a config.yaml in the working folder is not read."""
    if len(named) > 1 and workflow.is_main_process:
        logger.info(
            f"Of the configuration files {', '.join(map(str, named))} the later ones override the earlier ones."
        )
    if (here := Path("config.yaml").resolve()).exists() and here not in {ROOT.resolve() / "config.yaml", *named}:
        logger.warning(f"{here} is not read. To use it: --configfile {shlex.quote(str(here))}")


try:
    source_files.check_folders(ROOT, Path.cwd())
    EXPERIMENTS = resolve(read_configuration(), SOURCES, NOISE_KINDS, describe_own)
    source_files.check_data(EXPERIMENTS, pictures=workflow.is_main_process)
    source_files.check_noises(EXPERIMENTS, NOISE_KINDS)
except ConfigError as error:
    raise WorkflowError(f"The configuration cannot be used. {error}") from None
except source_files.FolderError as error:
    raise WorkflowError(str(error)) from None

os.environ.update(EPOCHWISE_EXPERIMENTS=" ".join(EXPERIMENTS))  # for the closing lines of `--logger epochwise`

if Path("results/provenance").is_dir() and not any(Path(".snakemake/metadata").glob("*")):
    logger.warning(
        "There are results, but not the folder .snakemake, where Snakemake keeps what they were made from: changes of "
        "configuration or code since then go unseen, and times alone decide what is made again. Put it back, or delete "
        "what is to be made again."
    )


def gpus_of_profile():
    """GPUs that a profile or `--set-resources` requests for rule `train`."""
    set_for_train = workflow.resource_settings.overwrite_resources.get("train", {})
    return set_for_train["gpu"].value if "gpu" in set_for_train else 0


# Whether training with `device: auto` will find a GPU: this machine has one, or a profile requests one. Jobs inherit
# the answer in their environment, because a job on another machine must plan the same units.
AUTO_IS_GPU = os.environ.setdefault("EPOCHWISE_AUTO_IS_GPU", "yes" if gpus.has_gpu() or gpus_of_profile() else "no")
