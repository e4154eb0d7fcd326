import re
import subprocess
import sys

import pytest

from epochwise.data.sources import SOURCES
from epochwise.report import doctor, needs
from epochwise.report.needs import Need, PlannedJob
from epochwise.training.rates import Rates, measure_rates
from epochwise.workflow.config import weights_of
from tests.unit.test_config import MINIMAL, resolve

DRY_RUN = """
Job stats:
total           3

[Wed Nov 25 21:53:21 2026]
rule dataset:
    output: results/data/digits/train.parquet
    resources: tmpdir=/tmp, runtime=20, mem_mb=3000, mem=3 GB, mem_mib=2862
[Wed Nov 25 21:53:21 2026]
rule train:
    output: results/digits/symmetric30/mlp7/stack.sha256
    wildcards: experiment=digits, noise=symmetric30, model=mlp7, unit=stack
    threads: 2
    resources: tmpdir=/tmp, runtime=14, gpu=0, mem_mb=1113, mem=1.11 GB
[Wed Nov 25 21:53:21 2026]
localrule all:
    input: results/digits/claims.parquet
    jobid: 0
"""


def test_jobs_are_read_from_a_dry_run():
    wildcards = {"experiment": "digits", "noise": "symmetric30", "model": "mlp7", "unit": "stack"}
    assert needs.read_jobs(DRY_RUN) == [PlannedJob("dataset", {}, 1, 3.0), PlannedJob("train", wildcards, 2, 1.113)]


@pytest.fixture
def block():
    experiment = {
        "dataset": "ten_digits",
        "noises": {"symmetric30": {"rate": 0.3}},
        "models": {"mlp3": {"widths": [16, 8]}, "mlp7": {"hidden_layers": 6, "width": 32, "training": {"epochs": 100}}},
        "seeds": [0, 1],
        "training": {"epochs": 10},
    }
    return resolve({**MINIMAL, "experiments": {"first": experiment}})["first"]


def test_needs_are_those_of_the_planned_jobs(block, monkeypatch):
    monkeypatch.setattr(needs, "measure_rates", lambda *arguments: Rates(epoch=2.0, forward=0.5))
    digits = SOURCES["digits"]
    jobs = [
        PlannedJob("train", {"model": "mlp3", "unit": "stack"}, 1, 1.1),
        PlannedJob("train", {"model": "mlp7", "unit": "seed0"}, 2, 1.5),
        PlannedJob("extract", {"model": "mlp7", "seed": "0"}, 1, 0.9),
        PlannedJob("claims", {}, 1, 2.5),
    ]
    small, large = ({"epochs": epochs} for epochs in (10, 100))
    for of_model in (small, large):
        for kind in ("evaluations", "snapshots"):
            of_model[kind] = len(needs.log_spaced(of_model["epochs"], block["training"][f"{kind}_per_decade"]))
    need = needs.estimate_needs(block, digits, jobs, start=3.0)
    assert {name: network.count for name, network in need.networks.items()} == {"mlp3": 2, "mlp7": 1}
    seconds = [model["epochs"] * 2.0 + model["evaluations"] * 0.5 for model in (small, large)]
    assert need.training * 3600 == pytest.approx(1 * seconds[0] + 2 * seconds[1])
    assert need.rest * 3600 == pytest.approx(4 * 3.0 + 2 * large["snapshots"] * 0.5)
    assert (need.jobs, need.memory) == (4, 2.5)
    weights = [weights_of(block["models"][name], 64, 10) for name in ("mlp3", "mlp7")]
    stored = [2 * weights[0] * (4 * small["snapshots"] + 12), weights[1] * (4 * large["snapshots"] + 12)]
    assert need.disk * 1e9 == pytest.approx(sum(stored))
    assert need.networks["mlp3"].operations == 6 * weights[0] * 1257 * 10 * 2
    assert (need.networks["mlp7"].epochs, need.networks["mlp7"].snapshots) == (100, large["snapshots"])


def test_rates_grow_with_the_number_of_samples(block):
    """The time of a measured step varies, so only a factor of a hundred is certain to show."""
    few = measure_rates(block["models"]["mlp3"], SOURCES["digits"], 1000, networks=2, threads=1)
    many = measure_rates(block["models"]["mlp3"], SOURCES["digits"], 1_000_000, networks=2, threads=1)
    assert 0 < few.epoch < many.epoch
    assert 0 < few.forward < many.forward


def test_what_is_missing_is_said_with_both_numbers():
    need = Need({}, 1, 1.0, 1.0, memory=8.0, disk=1.0)
    assert doctor.list_missing(doctor.Machine(2, 4.0, 10.0, None), need) == [
        "memory: the largest job needs 8.0 GB, and 4.0 GB are free"
    ]
    assert doctor.list_missing(doctor.Machine(2, 9.0, 10.0, None), need) == []
    assert doctor.list_missing(doctor.Machine(2, 9.0, 0.5, None), need) == [
        "disk: weights and states need 1.0 GB, and 0.5 GB are free"
    ]


@pytest.mark.parametrize(
    ("hours", "text"),
    [
        (0.001, "about 1 min"),
        (0.07, "about 4 min"),
        (1.6, "about 96 min"),
        (5.44, "about 5.4 h"),
        (98.7, "about 99 h"),
        (512, "about 21 days"),
        (86_400, "about 3,600 days"),
    ],
)
def test_durations_are_round(hours, text):
    assert doctor.format_duration(hours) == text


def run_doctor(folder, *arguments):
    command = [sys.executable, "-m", "epochwise.report.doctor", *arguments]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(doctor.ROOT / "workflow_scripts"), "HOME": str(folder)}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment, check=False)


def test_the_whole_report_has_some_twenty_lines(tmp_path):
    own = tmp_path / "own.yaml"
    own.write_text("experiments: {digits: {seeds: [0, 1, 2], training: {epochs: 3, stack_seeds: false}}}\n")
    run = run_doctor(tmp_path, "digits", "--configfile", str(own))
    assert run.returncode == 0, run.stderr
    assert "mlp7       3 networks, 3 epochs of " in run.stdout
    weights = weights_of({"widths": [256] * 6}, 64, 10)
    told = f"{6 * weights * 1257 * 3 * 3:.1e} floating point operations, 4 snapshots of {4 * weights / 1e6:.3g} MB"
    assert told in run.stdout
    assert "data       digits: part of the package scikit-learn" in run.stdout
    assert re.search(
        rf"nothing\n\nNext: snakemake --cores \d+ all --configfile {own} --config experiment=digits\n$", run.stdout
    )
    assert 15 <= len(run.stdout.splitlines()) <= 26


def test_a_bad_configuration_is_what_is_missing(tmp_path):
    run = run_doctor(tmp_path, "cifra10")
    assert run.returncode == 1
    assert "Missing\n" in run.stdout
    assert "there is no 'cifra10'" in run.stdout
