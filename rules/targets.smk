"""What `all` builds, what figures show, and what the live view lists. There is no rule here."""

FIGURES = {figure.name: figure for figure in catalogue.FIGURES}
CAPTIONS = [*FIGURES, *catalogue.PAGES]


def run_tables(b):
    """The tables of every run of an experiment."""
    return [table for table in catalogue.RUN_TABLES if planning.enabled(b, table.part)]


def summary_paths(experiment, b):
    """The summary tables of an experiment."""
    tables = [table for table in catalogue.ALL_SUMMARY_TABLES if planning.enabled(b, table.part)]
    return [f"results/{experiment}/summary/{table.path}" for table in tables]


def figure_paths(experiment, b):
    """The files of all figures of an experiment."""
    names = [name for name, figure in FIGURES.items() if planning.enabled(b, figure.part)]
    return [f"results/{experiment}/figures/{name}.{ext}" for name in names for ext in ("pdf", "png", "csv")]


def archived_files(wildcards):
    """Input function: the tables, figures and labels of an experiment, and the files of every run, for the archive."""
    b = block(wildcards)
    kept = [table.path for table in run_tables(b) if table.name not in catalogue.NOT_ARCHIVED]
    kept += [name for name in catalogue.RUN_FILES if name not in catalogue.NOT_ARCHIVED]
    files = summary_paths(wildcards.experiment, b) + figure_paths(wildcards.experiment, b)
    files += dict.fromkeys(labels_by_run(wildcards))
    return files + [path for name in kept for path in of_all_runs(name)(wildcards)]


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
        files += figure_paths(experiment, b) + summary_paths(experiment, b)
        files += [f"{root}/{table.path}" for table in catalogue.RESULT_TABLES]
        files += [f"{root}/claims.md", f"{root}/findings.md", f"{root}/claims.html", f"{root}/explorer.html"]
        files += [f"{root}/captions/{name}.rst" for name in CAPTIONS]
        files += [f"results/data/{b['dataset']['name']}/{table.path}" for table in catalogue.DATASET_TABLES]
        for noise, model, seed in planning.list_runs(b):
            files.append(labels_path(experiment, noise, seed))
            run = f"{root}/{noise}/{model}/seed{seed}"
            files += [f"{run}/{name}" for name in catalogue.RUN_FILES]
            files += [f"{run}/{table.path}" for table in run_tables(b)]
    return list(dict.fromkeys(files))


def training_size(wildcards):
    """Weights times epochs of all networks that a training job trains."""
    epochs = model_block(wildcards)["training"]["epochs"]
    return weights(block(wildcards), wildcards.model) * epochs * len(seeds(wildcards))


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
