"""The first run on a GPU, step by step: what is there, whether results are right and the same, and how fast it is.

    make first-light

Send results/first_light.txt to the project, because its authors had no GPU. The steps need ten to thirty minutes. A
step that fails does not end the others.

- facts: GPU, driver, libraries, and variables of the environment that change products.
- tests: the tests of the engine, of training and of extraction, on the GPU too.
- same: the experiment `digits` twice in different folders, once interrupted. All snapshots must have the same bytes.
- right: its claims, compared with those of the same experiment on processors.
- kernels: the kernels that take longest in a training step.
- speed: the tables of bench.py.
"""

import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow_scripts"))

from epochwise.findings.claims import CLAIMS  # noqa: E402
from epochwise.training.device import choose_device, choose_precision, environment_variables, hardware  # noqa: E402
from epochwise.training.stack import Stack  # noqa: E402

REPORT = ROOT / "results" / "first_light.txt"
TESTS = [f"tests/unit/test_{name}.py" for name in ("stack", "training", "activations", "cuda_path", "device")]
SECONDS_BEFORE_INTERRUPTION = 20


def facts() -> str:
    """What is there."""
    device = choose_device("cuda", threads=1)
    query = "name,driver_version,memory.total,power.limit,clocks.max.sm"
    shown = subprocess.run(["nvidia-smi", f"--query-gpu={query}", "--format=csv"], capture_output=True, text=True)
    about = {"torch": torch.__version__, **hardware(device), "environment": environment_variables()}
    return f"{shown.stdout}{json.dumps(about, indent=1)}"


def tests() -> str:
    """The unit tests that also run on a GPU."""
    return _output([sys.executable, "-m", "pytest", "-q", *TESTS])


def same() -> str:
    """Whether two runs, one of them interrupted, give the same snapshots."""
    with tempfile.TemporaryDirectory() as folder:
        whole, cut = Path(folder) / "whole", Path(folder) / "cut"
        said = _output(_digits(whole, "cuda"))
        process = subprocess.Popen(_digits(cut, "cuda"), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(SECONDS_BEFORE_INTERRUPTION)
        process.send_signal(signal.SIGINT)
        process.wait()
        _output(_digits(cut, "cuda"))
        first, second = (_checksums(place) for place in (whole, cut))
        differing = sorted(name for name in first.keys() | second.keys() if first.get(name) != second.get(name))
        return f"{len(first)} snapshots, {len(differing)} differ: {differing[:10]}\n{said[-500:]}"


def right() -> str:
    """Claims of `digits` on the GPU and on processors, side by side."""
    import pandas as pd

    with tempfile.TemporaryDirectory() as folder:
        tables = {}
        for device in ("cuda", "cpu"):
            _output(_digits(Path(folder) / device, device, "results/digits/claims.parquet"))
            table = pd.read_parquet(Path(folder) / device / "results/digits/claims.parquet")
            tables[device] = table.set_index(["claim", "model"])[["effect", "low", "high", "verdict"]]
        assert len(tables["cuda"]) == 3 * len(CLAIMS)
        return tables["cuda"].join(tables["cpu"], lsuffix=" cuda", rsuffix=" cpu").to_markdown(floatfmt=".3f")


def kernels() -> str:
    """Microseconds per training step of the kernels that take longest, for several networks and precisions."""
    from benchmarks.bench import ADAM, data, networks
    from torch.profiler import ProfilerActivity, profile

    device, steps, lines = choose_device("cuda", threads=1), 20, []
    for depth, width in ((6, 1024), (2, 256)):
        for seeds in (1, 5):
            for precision in ("float32", "tf32", "bfloat16"):
                dtype = choose_precision(precision, device)
                stack = Stack(networks(3072, depth, width, seeds), ADAM, device, dtype)
                examples = data(steps * 128, 3072, dtype, seeds)
                order = torch.stack([torch.randperm(steps * 128) for _ in range(seeds)]).to(device)
                stack.train_epoch(examples.inputs, examples.given, order, 128)
                torch.cuda.synchronize()
                with profile(activities=[ProfilerActivity.CUDA]) as seen:
                    stack.train_epoch(examples.inputs, examples.given, order, 128)
                    torch.cuda.synchronize()
                launched = sum(row.count for row in seen.key_averages()) / steps
                lines.append(
                    f"{depth}×{width}, {seeds} seeds, {precision}: {launched:.1f} kernels per step, "
                    f"{stack.launches_per_step} expected"
                )
                slowest = sorted(seen.key_averages(), key=lambda row: -row.self_device_time_total)[:12]
                lines += [f"{row.self_device_time_total / steps:9.1f}  {row.key[:100]}" for row in slowest]
    return "\n".join(lines)


def speed() -> str:
    """The tables of bench.py."""
    return _output([sys.executable, "benchmarks/bench.py"])


STEPS: tuple[Callable[[], str], ...] = (facts, tests, same, right, kernels, speed)


def _digits(folder: Path, device: str, target: str = "all") -> list[str]:
    """The command that builds `digits` on a device, with its results in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    arguments = [sys.executable, "-m", "snakemake", "--cores", "4", "--directory", str(folder), "--rerun-incomplete"]
    until = ["--until", "publish"] if target == "all" else []
    settings = ["--config", "experiment=digits", f"defaults={{training: {{device: {device}}}}}"]
    return [*arguments, "--resources", "gpu=1", *settings, *until, "--", target]


def _checksums(folder: Path) -> dict[str, str]:
    """SHA-256 of every published snapshot, by its path."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.glob("results/digits/*/*/seed*/snapshots/epoch_*"))
    }


def _output(command: list[str]) -> str:
    """What a command prints. Raises RuntimeError, with the end of it, if the command fails."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{(done.stdout + done.stderr)[-4000:]}")
    return done.stdout


def main(steps: tuple[Callable[[], str], ...] = STEPS) -> None:
    """Run all steps, and write what they found to REPORT."""
    if not torch.cuda.is_available():
        sys.exit(
            f"torch {torch.__version__} sees no GPU, and these steps are for a machine with one. Check nvidia-smi."
        )
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    with REPORT.open("w", encoding="utf-8") as report:
        for step in steps:
            began = time.monotonic()
            try:
                found = step()
            except Exception as error:  # because the next step may still show something
                found = f"FAILED: {type(error).__name__}: {error}"
            text = f"== {step.__name__}, {time.monotonic() - began:.0f} s\n{found}\n\n"
            print(text, flush=True)
            report.write(text)
            report.flush()
            os.fsync(report.fileno())
    print(f"Please send {REPORT} to the project.")


if __name__ == "__main__":
    main()
