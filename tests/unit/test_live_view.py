"""The parts of `--logger epochwise` that need no Snakemake: time left, progress, failures, closing lines, the view."""

import logging
import os
import shlex
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console
from snakemake.cli import parse_args

from epochwise.training import pace
from snakemake_logger_plugin_epochwise.closing import closing_lines
from snakemake_logger_plugin_epochwise.failures import command_for, failure_lines, message_in
from snakemake_logger_plugin_epochwise.jobs import FAILED, FINISHED, RUNNING, JobStatus, RunStatus
from snakemake_logger_plugin_epochwise.text import duration, finished_line
from snakemake_logger_plugin_epochwise.time_left import seconds_left
from snakemake_logger_plugin_epochwise.training_log import Log, Progress, latest_progress
from snakemake_logger_plugin_epochwise.view import view


def train(model="mlp3", **about) -> JobStatus:
    return JobStatus("train", {"experiment": "mnist", "noise": "n", "model": model, "unit": "seed0"}, **about)


# -- time left ---------------------------------------------------------------------------------------------------------


def test_the_time_left_of_three_equal_networks():
    """The second has trained 25 s and needs 15 s: 60 of 100 epochs at 2.667 a second were seen 0 s ago."""
    progress = Progress(60, 100, 2.67, 15.0)
    jobs = [
        train(state=FINISHED, seconds=40.0),
        train(state=RUNNING, began=100.0, progress=progress, progress_at=125.0),
        train(),
    ]
    assert seconds_left(jobs, {"cores": 2}, 125.0) == pytest.approx(40), "the last one alone takes as long"
    assert seconds_left(jobs, {"cores": 1}, 125.0) == pytest.approx(55)
    assert seconds_left(jobs, {"cores": 1}, 130.0) == pytest.approx(50), "five seconds later"
    assert seconds_left(jobs, {}, 125.0) == pytest.approx(40), "nothing is limited"


def test_the_time_left_of_a_long_run_is_not_lost_in_rounding():
    """At one epoch in four minutes the log says 0.00 epochs per second, and how many seconds are left."""
    line = "epoch 40/100000  0.00 epochs/s  23990400 s left  test 0.100"
    job = train(state=RUNNING, began=0.0, progress=latest_progress(line), progress_at=9600.0)
    assert seconds_left([job], {"cores": 1}, 9600.0) == 23_990_400


def test_the_time_left_is_unknown_until_something_alike_is_measured():
    figure = JobStatus("figure", state=FINISHED, seconds=3.0)
    assert seconds_left([train()], {"cores": 1}, 0.0) is None
    assert seconds_left([figure, train()], {"cores": 1}, 0.0) is None, "training takes much longer than a figure"
    untrained = train(state=RUNNING, progress=Progress(0, 100, 14.0, 7.0))
    assert seconds_left([untrained], {"cores": 1}, 0.0) is None, "the rate of the untrained network is none"
    publish = [JobStatus("publish", state=FINISHED, seconds=1.0) for _ in range(9)]
    assert seconds_left([figure, *publish, JobStatus("claims")], {"cores": 1}, 0.0) == 2, "the mean of two rules"
    assert seconds_left([], {"cores": 1}, 0.0) == 0


def test_a_model_counts_with_its_own_mean_and_an_unmeasured_one_with_that_of_the_rule():
    measured = [train(state=FINISHED, seconds=10.0), train("mlp7", state=FINISHED, seconds=40.0)]
    assert seconds_left([*measured, train("mlp7")], {"cores": 1}, 0.0) == 40
    assert seconds_left([*measured, train("mlp5")], {"cores": 1}, 0.0) == 25
    late = train("mlp7", state=RUNNING, began=0.0)
    assert seconds_left([*measured, late], {"cores": 1}, 30.0) == 10
    assert seconds_left([*measured, late], {"cores": 1}, 50.0) == 0, "it should have ended already"


def test_an_unmeasured_model_counts_in_proportion_to_its_size():
    measured = train(state=FINISHED, seconds=10.0, size=2000)
    assert seconds_left([measured, train("mlp7", size=8000)], {"cores": 1}, 0.0) == pytest.approx(40)


def test_one_gpu_lets_jobs_wait_that_cores_would_not():
    use = {"cores": 1, "gpu": 1}
    jobs = [
        train(state=FINISHED, seconds=10.0, uses=use),
        train(),
        train(),
        train(),
        train(state=FAILED, seconds=1.0, uses=use),
    ]
    assert seconds_left(jobs, {"cores": 8}, 0.0) == 10
    assert seconds_left(jobs, {"cores": 8, "gpu": 1}, 0.0) == 30


def test_the_time_left_equals_an_independent_computation():
    random = np.random.default_rng(3)
    for _ in range(20):
        seconds, threads = random.uniform(1, 50, 6), random.integers(1, 4, 6)
        counts, cores = random.integers(0, 9, 6), int(random.integers(4, 9))
        uses = [{"cores": int(number)} for number in threads]
        jobs = [JobStatus(f"rule{i}", state=FINISHED, seconds=seconds[i], uses=uses[i]) for i in range(6)]
        jobs += [JobStatus(f"rule{i}") for i in range(6) for _ in range(counts[i])]
        longest = max(seconds[counts > 0], default=0)
        expected = max(longest, (seconds * threads * counts).sum() / cores)
        assert seconds_left(jobs, {"cores": cores}, 0.0) == pytest.approx(expected)


# -- progress ----------------------------------------------------------------------------------------------------------


def test_what_training_logs_is_what_the_view_reads(caplog):
    clock = pace.Pace(done=-1, epochs=60)
    clock.accuracies = {"clean": 0.25, "noisy_given": None, "test": 0.5}
    with caplog.at_level(logging.INFO):
        clock.report(0)
        clock.report(1)  # too early for another line
        clock.accuracies["test"] = 0.75
        clock.report(60)
    assert len(caplog.messages) == 2
    first, last = (latest_progress(f"2026-11-25 21:37:32  {text}\n") for text in caplog.messages)
    assert (first.epoch, first.epochs, first.accuracies) == (0, 60, {"clean": 0.25, "test": 0.5})
    assert latest_progress("\n".join(caplog.messages)) == last
    assert (last.epoch, last.accuracies) == (60, {"clean": 0.25, "test": 0.75}) and last.rate > 0
    assert latest_progress("starting from the initial weights") is None


def test_what_an_earlier_run_left_in_a_log_does_not_count(tmp_path):
    path, line = tmp_path / "seed0.log", "epoch {}/9  1.00 epochs/s  5 s left  test 0.500\n"
    assert Log(path).text() == "", "there is no file"
    path.write_text(line.format(9))
    log = Log(path)
    assert log.progress() is None
    path.write_text(line.format(3) + "é" * 5000 + "\n" + line.format(4))
    os.utime(path, (1, 1))
    assert log.progress() == Progress(4, 9, 1.0, 5.0, {"test": 0.5}), "the last bytes are enough"
    assert log.text().startswith("epoch 3")


# -- jobs --------------------------------------------------------------------------------------------------------------


def info(number: int, rule: str, log=None, **wildcards) -> dict:
    resources = {"mem_mb": 500, "gpu": 1, "tmpdir": "/tmp"}
    about = {"output": ["results/x"], "log": [log] if log else [], "resources": resources, "threads": 2}
    return {"jobid": number, "rule_name": rule, "wildcards": wildcards, **about}


def test_a_run_counts_its_jobs_through_failures_and_second_attempts(tmp_path):
    run = RunStatus(began=0.0, counts={"train": 2, "publish": 1})
    run.plan([{"jobid": 1, "rule": "train", "wildcards": {"model": "mlp3", "unit": "seed0"}, "size": 7}])
    assert len(run.unlisted()) == 2 and run.total == 3
    run.start(info(1, "train", str(tmp_path / "log"), model="mlp3", unit="seed0"), now=10.0)
    assert run.jobs[1].size == 7
    assert run.jobs[1].uses == {"cores": 2, "gpu": 1, "mem_mb": 500}
    (tmp_path / "log").write_text("epoch 2/4  1.00 epochs/s  2 s left  test 0.500\n")
    assert run.end(1, FAILED, now=12.0).progress.epoch == 2
    assert run.end(1, FAILED, now=13.0) is None, "Snakemake says it once more"
    run.start(info(1, "train", str(tmp_path / "log"), model="mlp3", unit="seed0"), now=20.0)
    assert run.per_rule(FAILED).total() == 0 and run.jobs[1].progress is None
    assert run.end(1, FINISHED, now=25.0).seconds == 5
    assert run.end(7, FINISHED, now=25.0) is None
    assert len(run.unlisted()) == 2


def test_names_say_which_run_a_job_belongs_to():
    assert train().name == "mnist/n/mlp3/seed0"
    assert JobStatus("extract", {"experiment": "mnist", "model": "mlp3", "seed": "4"}).name == "mnist/mlp3/seed4"
    assert JobStatus("corrupt", {"experiment": "mnist", "draw": ""}).name == "mnist"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (59.6, "1 min 00 s"), (185, "3 min 05 s"), (7800, "2 h 10 min"), (100_800, "1 d 04 h")],
)
def test_durations_in_words(seconds, words):
    assert duration(seconds) == words


def test_a_finished_job_is_one_line():
    job = train(state=FINISHED, seconds=41.0, progress=Progress(9, 9, 1.0, 0.0, {"clean": 0.987, "test": 0.5}))
    line = finished_line(job, 3, 9, 125.0)
    assert line == "3 of 9  train mnist/n/mlp3/seed0  41 s  accuracy: clean 0.99, test 0.50  about 2 min 05 s left"
    assert finished_line(JobStatus("all", state=FINISHED, seconds=0.0), 9, 9, 0.0) == "9 of 9  all  0 s"


# -- failures ----------------------------------------------------------------------------------------------------------


def test_the_message_of_a_failed_job():
    began = "2026-11-25 21:40:26  starting\n"
    assert message_in(f"{began}seed 0: no longer finite.\nLower training.learning_rate.\n").startswith("seed 0: no")
    traceback = 'Traceback (most recent call last):\n  File "x.py", line 1, in f\n    f()\nValueError: 3 is not 4\n'
    assert message_in(began + traceback) == "ValueError: 3 is not 4"
    assert message_in(began) == "" and message_in("") == ""


def test_a_job_without_a_message_says_how_it_ended(tmp_path):
    job = train(log=Log(tmp_path / "train.log"), outputs=["results/a b"])
    lines = failure_lines(job, ["train.log", "slurm.log"], "died with <Signals.SIGKILL: 9>.", ["snakemake", "all"])
    assert lines[0] == "Its log has no message. died with <Signals.SIGKILL: 9>."
    assert lines[1] == "Log: train.log, slurm.log"
    assert lines[2] == "Run it again: snakemake --cores 1 'results/a b'"


def test_the_command_runs_one_job_with_the_same_configuration():
    nested = "experiments={digits: {seeds: [0, 1]}}"
    called = [".venv/bin/snakemake", "--logger", "epochwise", "--cores", "8", "all", "--config", "experiment=digits"]
    called += [nested, "--configfile", "my file.yaml", "--keep-going"]
    words = shlex.split(command_for("results/digits/claims.md", 2, called))
    assert words[0] == ".venv/bin/snakemake"
    _, found = parse_args(words[1:])
    assert (found.targets, found.cores) == (["results/digits/claims.md"], 2)
    assert found.config == ["experiment=digits", nested]
    assert [str(path) for path in found.configfile] == ["my file.yaml"]
    assert command_for("x", 1, ["/lib/snakemake/__main__.py"]) == "python -m snakemake --cores 1 x"


# -- closing -----------------------------------------------------------------------------------------------------------


def finish(results, experiment: str, verdicts: dict[str, str], report_age: int | None = None) -> None:
    """Made-up findings of an experiment, with one verdict per noise; the report is older than these by some seconds."""
    folder = results / experiment
    folder.mkdir(parents=True)
    rows = [
        {"finding": number, "title": title, "noise": noise, "verdict": verdict, "because": "1 of 2 verdicts; more"}
        for number, title in enumerate(("Double descent", "Signal separation", "Large activation"), start=1)
        for noise, verdict in verdicts.items()
    ]
    pq.write_table(pa.Table.from_pylist(rows), folder / "findings.parquet")
    for name in ("findings.md", "claims.html"):
        (folder / name).touch()
    if report_age is not None:
        (folder / "report.html").touch()
        os.utime(folder / "report.html", (0, (folder / "findings.md").stat().st_mtime - report_age))


def test_the_last_five_lines(tmp_path):
    finish(tmp_path, "mnist", {"symmetric30": "reproduced"})
    lines = closing_lines(["mnist"], tmp_path)
    assert len(lines) == 5
    assert lines[0] == "1. Double descent     reproduced (mnist/symmetric30: 1 of 2 verdicts)"
    assert lines[2].startswith("3. Large activation   reproduced")
    assert lines[3] == f"Report: {tmp_path}/mnist/findings.md, {tmp_path}/mnist/claims.html"
    assert lines[4] == "Next: make report EXPERIMENT=mnist"
    (tmp_path / "mnist" / "explorer.html").touch()
    assert closing_lines(["mnist"], tmp_path)[3].endswith(f", {tmp_path}/mnist/explorer.html")


def test_a_report_is_named_unless_it_is_older_than_the_findings(tmp_path):
    finish(tmp_path, "new", {"n": "inconclusive"}, report_age=-5)
    finish(tmp_path, "old", {"n": "inconclusive"}, report_age=5)
    assert closing_lines(["new"], tmp_path)[3:] == [
        f"Report: {tmp_path}/new/report.html",
        "Next: make archive EXPERIMENT=new",
    ]
    assert closing_lines(["old"], tmp_path)[3].startswith(f"Report: {tmp_path}/old/findings.md")
    both = closing_lines(["new", "old"], tmp_path)
    assert len(both) == 5 and both[4] == "Next: make report EXPERIMENT=old", "the one without a report"


def test_many_verdicts_are_counted_and_unfinished_experiments_have_none(tmp_path):
    finish(tmp_path, "many", {f"n{i}": "reproduced" if i else "contradicted" for i in range(6)})
    assert closing_lines(["many"], tmp_path)[1] == "2. Signal separation  reproduced 5 times, contradicted 1 times"
    assert closing_lines(["many", "unfinished"], tmp_path) == [] and closing_lines([], tmp_path) == []


# -- the view ----------------------------------------------------------------------------------------------------------


def shown(run: RunStatus, now: float, width: int, height: int = 30) -> list[str]:
    console = Console(width=width, record=True, file=SimpleNamespace(write=lambda text: None, flush=lambda: None))
    console.print(view(run, ["mnist"], now, height))
    return console.export_text().splitlines()


def test_the_view_shows_finished_jobs_networks_in_training_and_the_time_left():
    run = RunStatus(began=0.0, counts={"train": 4, "figure": 2}, totals={"cores": 2})
    scores = {"clean": 0.991, "noisy_given": 0.34, "noisy_true": 0.55, "test": 0.91}
    run.jobs = {
        1: train("mlp7", state=RUNNING, progress=Progress(80, 100, 2.0, 10.0, scores), progress_at=40.0),
        2: train("mlp3", state=FAILED, seconds=2.0),
        3: train("mlp7", state=RUNNING, began=38.0),
        4: JobStatus("figure", {"figure": "maps"}, state=FINISHED, seconds=3.0),
        5: JobStatus("figure", {"figure": "phases"}, state=RUNNING, began=39.0),
    }
    text = shown(run, 40.0, width=80)
    # 10 s left of the first, 48 s of the third, 2 s of the figure, 50 s of the fourth network: 110 s on two cores.
    assert "1 of 6 jobs done, 1 failed" in text[1] and "about 55 s left" in text[1]
    assert "train 0/4" in text[3] and "figure 1/2" in text[3]
    row = next(line for line in text if "80/100" in line).split()
    assert row == ["mnist/n/mlp7/seed0", "80/100", "2", "0.99", "0.34", "0.55", "0.91", "40", "s"]
    assert any("starts" in line for line in text)
    assert text[-1].strip() == "Running: figure phases (1 s)"
    assert all(len(line) <= 80 for line in text)


def test_the_view_fits_a_low_terminal():
    run = RunStatus(began=0.0, counts={"train": 50})
    run.jobs = {number: train(state=RUNNING) for number in range(50)}
    text = shown(run, 1.0, width=80, height=20)
    assert len(text) < 20 and any("and 42 more" in line for line in text)
