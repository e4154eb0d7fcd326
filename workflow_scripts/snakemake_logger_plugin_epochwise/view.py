"""The live view of a run in a terminal."""

import threading
import time
from collections.abc import Sequence

from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from snakemake_logger_plugin_epochwise.jobs import FAILED, FINISHED, RUNNING, TRAIN, JobStatus, RunStatus
from snakemake_logger_plugin_epochwise.stderr import CapturedStderr
from snakemake_logger_plugin_epochwise.text import SUBSETS, duration, time_left
from snakemake_logger_plugin_epochwise.time_left import seconds_left

_OTHER_LINES = 12  # lines of the view without the table of training jobs
_HEADINGS = ("clean", "noisy,\ngiven", "noisy,\ntrue", "test")  # of text.SUBSETS
_SECONDS = 0.5  # between two pictures


class LiveView:
    """Draws the view in a thread of its own, and prints lines above it."""

    def __init__(self, run: RunStatus, experiments: Sequence[str], changing: threading.Lock, colors: bool):
        self.run, self.experiments, self.changing = run, experiments, changing
        self.stderr = CapturedStderr()
        self.console = Console(file=self.stderr.terminal, no_color=not colors)
        self.live = Live(
            get_renderable=self._picture,
            console=self.console,
            auto_refresh=False,
            transient=True,
            redirect_stderr=False,
        )
        self.stopped = False  # Then jobs only report where they were stopped.
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._draw, daemon=True)
        self.live.start()
        self.thread.start()

    def _draw(self) -> None:
        while not self.ended.wait(_SECONDS):
            self._print_captured()
            self.live.refresh()

    def _picture(self) -> RenderableType:
        with self.changing:
            now = time.monotonic()
            self.run.read_all_progress(now)
            return view(self.run, self.experiments, now, self.console.height)

    def _print_captured(self) -> None:
        captured = self.stderr.new_text().rstrip()
        if captured and not self.stopped:
            self.print(captured)

    def print(self, line: str, style: str = "") -> None:
        """Write a line above the view."""
        self.console.print(line, style=style, markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        """Remove the view, and leave the lines above it."""
        self.ended.set()
        self.thread.join()
        self.stderr.release()
        self._print_captured()
        self.live.stop()


def view(run: RunStatus, experiments: Sequence[str], now: float, height: int) -> RenderableType:
    """All about a run at this moment.

    Args:
        run: the jobs.
        experiments: names of the experiments that are built.
        now: seconds of the clock of `Run.began`.
        height: lines of the terminal. The view shows fewer training jobs if they do not fit.
    """
    left = seconds_left([*run.jobs.values(), *run.unlisted()], run.totals, now)
    head = Table.grid(expand=True)
    head.add_column(no_wrap=True, overflow="ellipsis")
    head.add_column(justify="right", no_wrap=True)
    head.add_row(_counts(run, experiments), f"{duration(now - run.began)} so far, {time_left(left)}")
    bar = Table.grid(expand=True)  # because a bar alone does not end its line
    bar.add_row(ProgressBar(total=max(run.total, 1), completed=len(run.in_state(FINISHED)), complete_style="green"))
    parts: list[RenderableType] = [Text(), head, bar, _rules(run)]
    running = run.in_state(RUNNING)
    if training := [job for job in running if job.rule == TRAIN]:
        parts += [Text(), _training(training, now, max(1, height - _OTHER_LINES))]
    if others := [job for job in running if job.rule != TRAIN]:
        words = ", ".join(f"{job.rule} {job.name} ({duration(now - job.began)})" for job in others)
        parts += [Text(), Text(f"Running: {words}", no_wrap=True, overflow="ellipsis")]
    return Group(*parts)


def _counts(run: RunStatus, experiments: Sequence[str]) -> Text:
    """What is built, and how many jobs have finished and failed."""
    text = Text(" ".join(experiments), style="bold")
    text.append(f"  {len(run.in_state(FINISHED))} of {run.total} jobs done")
    if failed := len(run.in_state(FAILED)):
        text.append(f", {failed} failed", style="red")
    return text


def _rules(run: RunStatus) -> Columns:
    """Number of finished jobs of each rule. A rule with running jobs is bold, a finished one dim."""
    finished, running, failed = (run.per_rule(state) for state in (FINISHED, RUNNING, FAILED))
    texts = []
    for rule, count in run.counts.items():
        style = "red" if failed[rule] else "bold" if running[rule] else "dim" if finished[rule] == count else ""
        texts.append(Text(f"{rule} {finished[rule]}/{count}", style=style))
    return Columns(texts, padding=(0, 2))


def _training(jobs: Sequence[JobStatus], now: float, most: int) -> Table:
    """One row per training job: epoch, rate, latest accuracies and time."""
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim")
    table.add_column("\nin training", no_wrap=True, overflow="ellipsis")
    widest = max((len(f"{job.progress.epochs}") for job in jobs if job.progress), default=3)
    for heading, width in {"epoch": 2 * widest + 1, "epochs/s": 8, **dict.fromkeys(_HEADINGS, 5), "time": 6}.items():
        table.add_column(heading if "\n" in heading else f"\n{heading}", justify="right", min_width=max(5, width))
    for job in jobs[:most]:
        name, elapsed, progress = job.name, duration(now - job.began), job.progress
        if progress is None:
            table.add_row(name, "starts", *[""] * (1 + len(SUBSETS)), elapsed, style="dim")
            continue
        values = (progress.accuracies.get(subset) for subset in SUBSETS)
        table.add_row(
            name,
            f"{progress.epoch}/{progress.epochs}",
            f"{progress.rate:.3g}" if progress.epoch else "",
            *("" if value is None else f"{value:.2f}" for value in values),
            elapsed,
        )
    if len(jobs) > most:
        table.add_row(f"and {len(jobs) - most} more")
    return table
