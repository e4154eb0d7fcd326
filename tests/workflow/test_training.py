"""Training through the workflow: killed again and again, made longer, and all seeds of a model in one job."""

import contextlib
import json
import os
import random
import subprocess
import sys
import time

import pandas as pd
import psutil
import pytest
import torch
import yaml

from epochwise.workflow.schedule import log_spaced
from snakemake_logger_plugin_epochwise.training_log import latest_progress
from tests.workflow.conftest import jobs_of

KILLS = 10
SNAKEMAKE = [sys.executable, "-m", "snakemake", "--cores", "1"]
NOISE = {"symmetric30": {"rate": 0.3}}
RUN = "symmetric30/small/seed{}"


def experiment(**settings):
    """An experiment on digits with one small model."""
    return {
        "dataset": "digits",
        "noises": NOISE,
        "models": {"small": {"hidden_layers": 2, "width": 32}},
        "seeds": [0],
        **settings,
    }


def outputs(checkout, name, seed=0):
    """Content of a run's curves, snapshots and their sums by name."""
    run = checkout.results / name / RUN.format(seed)
    files = [run / "history.parquet", run / "snapshots.sha256", *(run / "snapshots").iterdir()]
    return {path.name: path.read_bytes() for path in files}


def provenance(checkout, name, seed=0):
    return json.loads((checkout.results / name / RUN.format(seed) / "provenance.json").read_text())


def target(name, seed=0):
    return f"results/{name}/{RUN.format(seed)}/history.parquet"


def overlay(**experiments):
    return {"experiment": list(experiments), "experiments": experiments}


def test_a_run_killed_again_and_again_ends_with_the_same_bytes(checkout):
    training = {"epochs": 4000, "checkpoint_seconds": 1}
    both = overlay(whole=experiment(training=training), killed=experiment(training=training))
    checkout.build(target("whole"), overlay=both)
    (checkout.folder / "both.yaml").write_text(yaml.safe_dump(both))
    process = subprocess.Popen(
        [*SNAKEMAKE, target("killed"), "--configfile", "both.yaml", "--retries", str(KILLS)],
        cwd=checkout.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    moments = random.Random(0)
    log = checkout.results / "logs" / "train" / "killed" / f"{RUN.format(0)}.log"
    killed = []
    while len(killed) < KILLS and process.poll() is None:
        jobs = [job for job in jobs_of(process) if job.pid not in killed]
        in_training = log.exists() and "epoch" in log.read_text()
        if jobs and (in_training or len(killed) % 2):  # every other one may be hit while it starts or reads its state
            time.sleep(moments.uniform(0, 1.5))
            log.unlink(missing_ok=True)  # the next attempt writes another
            jobs[0].kill()
            killed.append(jobs[0].pid)
        time.sleep(0.02)
    assert process.wait(timeout=300) == 0
    assert len(killed) == KILLS
    assert outputs(checkout, "killed") == outputs(checkout, "whole")
    assert provenance(checkout, "killed")["resumed_from_epoch"] is not None
    assert provenance(checkout, "whole")["resumed_from_epoch"] is None


def test_a_job_that_outlived_its_snakemake_spoils_nothing(checkout):
    before, after = {"epochs": 2500, "checkpoint_seconds": 1}, {"epochs": 300, "learning_rate": 0.002}
    (checkout.folder / "before.yaml").write_text(yaml.safe_dump(overlay(run=experiment(training=before))))
    process = subprocess.Popen(
        [*SNAKEMAKE, target("run"), "--configfile", "before.yaml"],
        cwd=checkout.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    log = checkout.results / "logs" / "train" / "run" / f"{RUN.format(0)}.log"
    while not (log.exists() and "epoch" in log.read_text()):
        time.sleep(0.02)
    [orphan] = jobs_of(process)
    process.kill()
    process.wait()
    assert orphan.is_running()
    both = overlay(run=experiment(training=after), undisturbed=experiment(training=after))
    checkout.build("--unlock", overlay=both)
    checkout.build(target("run"), target("undisturbed"), "--rerun-incomplete", overlay=both)
    with contextlib.suppress(psutil.NoSuchProcess):
        while orphan.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.1)
    assert outputs(checkout, "run") == outputs(checkout, "undisturbed")


def test_more_epochs_continue_what_is_there(checkout):
    first = {"longer": experiment(training={"epochs": 30}), "at_once": experiment(training={"epochs": 50})}
    checkout.build(target("longer"), target("at_once"), overlay=overlay(**first))
    second = overlay(**{**first, "longer": experiment(training={"epochs": 50})})
    checkout.build(target("longer"), overlay=second)
    assert outputs(checkout, "longer") == outputs(checkout, "at_once")
    assert provenance(checkout, "longer")["resumed_from_epoch"] == 30


def test_a_run_of_a_hundred_thousand_epochs_is_killed_continued_and_read(checkout):
    """One batch per epoch, so that only what grows with the number of epochs takes time, memory or disk."""
    epochs, name = 100_000, "long"
    training = {"epochs": epochs, "checkpoint_seconds": 1, "device": "cpu"}
    long = experiment(models={"small": {"widths": [4]}}, subset={"size": 60}, training=training)
    (checkout.folder / "long.yaml").write_text(yaml.safe_dump(overlay(long=long)))
    run, table = checkout.results / name / RUN.format(0), "activations/test_paths.parquet"
    process = subprocess.Popen(
        [*SNAKEMAKE, f"results/{name}/{RUN.format(0)}/{table}", "--configfile", "long.yaml", "--retries", "1"],
        cwd=checkout.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    log = checkout.results / "logs" / "train" / name / f"{RUN.format(0)}.log"
    state = run.parent / ".training" / "seed0" / "state.safetensors"
    while not state.exists():
        assert process.poll() is None
        time.sleep(0.02)
    began = latest_progress(log.read_text())
    assert began.epochs == epochs and began.left > 0
    [job] = jobs_of(process)
    job.kill()
    assert process.wait(timeout=600) == 0
    assert 0 < provenance(checkout, name)["resumed_from_epoch"] < epochs
    assert state.stat().st_size < 300_000, "the curves, 304 weights and Adam's moments"
    expected = log_spaced(epochs, 5)
    names = [path.name for path in (run / "snapshots").glob("epoch_*")]
    assert [int(name[len("epoch_") :].split(".")[0]) for name in sorted(names)] == expected, "names sort like epochs"
    assert sorted(pd.read_parquet(run / "history.parquet")["epoch"].unique()) == log_spaced(epochs, 20)
    assert sorted(pd.read_parquet(run / table)["epoch"].unique()) == expected
    assert log.stat().st_size < 100_000


def test_other_labels_are_not_trained_on_from_a_state_of_the_old_ones(checkout):
    def rates(*values):
        blocks = {
            name: experiment(noises={"symmetric30": {"rate": rate}}, training={"epochs": 20})
            for name, rate in zip(("changed", "at_first"), values, strict=True)
        }
        return overlay(**blocks)

    checkout.build(target("changed"), target("at_first"), overlay=rates(0.3, 0.2))
    assert outputs(checkout, "changed") != outputs(checkout, "at_first")
    checkout.build(target("changed"), overlay=rates(0.2, 0.2))
    assert provenance(checkout, "changed")["resumed_from_epoch"] is None
    assert outputs(checkout, "changed") == outputs(checkout, "at_first")


@pytest.mark.parametrize(
    ("stack", "device", "arguments", "jobs"),
    [
        (False, "cpu", [], 4),
        ("auto", "cpu", [], 3),
        ("auto", "cuda", [], 2),
        (True, "cpu", [], 2),
        ("auto", "auto", ["--set-resources", "train:gpu=1"], 2),
        ("auto", "auto", ["--set-resources", "train:gpu=0"], 3),
        ("auto", "auto", ["--set-resources", "train:mem_mb=1"], 3),
    ],
)
def test_seeds_are_stacked_on_request_on_a_gpu_and_for_small_networks(
    checkout, monkeypatch, stack, device, arguments, jobs
):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # the machine that plans shows no GPU
    models = {"small": {"hidden_layers": 2, "width": 32}, "wide": {"hidden_layers": 2, "width": 512}}
    training = {"epochs": 4, "stack_seeds": stack, "device": device}
    block = experiment(seeds=[0, 1], models=models, training=training)
    told = checkout.build("--dry-run", "all", *arguments, overlay=overlay(mixed=block))
    assert told.count("rule train:") == jobs


def test_a_job_that_asks_for_a_gpu_ends_before_training_if_there_is_none(checkout, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    blocks = overlay(wants_gpu=experiment(training={"epochs": 4}))
    status, told = checkout.snakemake(target("wants_gpu"), "--set-resources", "train:gpu=1", overlay=blocks)
    assert status != 0 and "the job asks for 1 GPU, but torch" in told and "use training.device: cpu" in told


@pytest.mark.parametrize("shared", [True, False])
def test_stacked_seeds_give_the_files_of_separate_jobs(checkout, shared):
    blocks = {
        name: experiment(
            seeds=[0, 1, 7],
            noises={"symmetric30": {"rate": 0.3, "shared_draw": shared}},
            training={"epochs": 4, "stack_seeds": stacked},
        )
        for name, stacked in ((f"stacked_{shared}", True), (f"separate_{shared}", False))
    }
    targets = [target(name, seed) for name in blocks for seed in (0, 1, 7)]
    told = checkout.build(*targets, overlay=overlay(**blocks))
    assert told.count("rule train:") == 1 + 3
    stacked, separate = blocks
    for seed in (0, 1, 7):
        assert outputs(checkout, stacked, seed).keys() == outputs(checkout, separate, seed).keys()
        curves = [pd.read_parquet(checkout.folder / target(name, seed)) for name in blocks]
        pd.testing.assert_frame_equal(*curves, rtol=1e-3)
        assert provenance(checkout, stacked, seed)["seed"] == seed
    for seeds in ([0, 1], [0, 1, 7, 9]):  # results of a stack rest on all its seeds, by rounding
        others = {name: block | {"seeds": seeds} for name, block in blocks.items()}
        planned = checkout.planned(overlay(**others))
        assert planned["train"] == 1 + (9 in seeds)


@pytest.mark.skipif(torch.cuda.is_available(), reason="the job fails because there is no GPU")
def test_after_a_failed_training_the_old_results_do_not_count_as_new_ones(checkout):
    old = overlay(failing=experiment(training={"epochs": 3}))
    checkout.build(target("failing"), overlay=old)
    before = outputs(checkout, "failing")
    new = overlay(failing=experiment(training={"epochs": 3, "device": "cuda"}))
    for _ in range(2):
        status, told = checkout.snakemake("results/failing/claims.parquet", overlay=new)
        assert status == 1 and "sees none" in told, told
        assert not (checkout.results / "failing" / "claims.parquet").exists()
    assert outputs(checkout, "failing") == before
    checkout.build(target("failing"), overlay=old)
    assert outputs(checkout, "failing") == before
