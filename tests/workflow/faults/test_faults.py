"""Real processes killed, real disks full, real bytes flipped: a plain run afterwards ends with the same bytes."""

import json
import os
import random
import shutil
import signal
import time

from epochwise.workflow.verify import mismatches
from tests.workflow import warm
from tests.workflow.conftest import jobs_of
from tests.workflow.faults.conftest import OVERLAY, differing, finish, kill_session, run_of, start, state_of

KILLS = int(os.environ.get("EPOCHWISE_KILLS", "3"))  # `make chaos` asks for more
LONGEST = 25  # seconds between start and kill


def test_a_run_killed_anywhere_ends_with_the_same_bytes(disturbed, undisturbed):
    chance = random.Random(0)
    for number in range(KILLS):
        process = start(disturbed)
        deadline = time.monotonic() + chance.uniform(3, LONGEST)
        while time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.05)
        if process.poll() is not None:  # done before the kill: the next one hits a run from the start
            process.communicate()
            assert differing(disturbed, undisturbed) == []
            shutil.rmtree(disturbed.results)
            continue
        victim = ("job", "snakemake", "everything")[number % 3]
        if victim == "job" and (running := jobs_of(process)):
            chance.choice(running).kill()
            process.communicate(timeout=warm.HANGS)
        elif victim == "snakemake":
            orphans = jobs_of(process)
            os.kill(process.pid, signal.SIGKILL)
            for orphan in orphans:  # they hold the pipe that is read here, and end by themselves
                orphan.wait(timeout=warm.HANGS)
            process.communicate()
        else:
            kill_session(process)
        disturbed.build("--unlock", overlay=OVERLAY)
    finish(disturbed)
    assert differing(disturbed, undisturbed) == []
    assert mismatches(disturbed.results) == []


def test_a_run_stopped_by_sigterm_continues_and_lets_no_second_one_in(disturbed, undisturbed):
    process = start(disturbed)
    log = disturbed.results / "logs" / "train" / "digits" / "symmetric30" / "mlp3" / "seed0.log"
    while not (log.exists() and "epoch 0" in log.read_text()):
        assert process.poll() is None
        time.sleep(0.05)
    for job in jobs_of(process):
        job.terminate()
    told, _ = process.communicate(timeout=warm.HANGS)
    assert process.returncode == 1
    assert "Stopped by SIGTERM; the next run continues with epoch" in told and "Traceback" not in log.read_text()

    first = start(disturbed)
    locks = disturbed.folder / ".snakemake" / "locks"
    while not (locks.exists() and any(locks.iterdir())):
        assert first.poll() is None
        time.sleep(0.05)
    second = start(disturbed)
    told, _ = second.communicate(timeout=60)
    assert second.returncode != 0
    assert "cannot be locked" in told and "--unlock" in told
    told, _ = first.communicate(timeout=300)
    assert first.returncode == 0, told
    provenance = json.loads((run_of(disturbed) / "provenance.json").read_text())
    assert provenance["resumed_from_epoch"] is not None
    assert differing(disturbed, undisturbed) == []


def test_a_full_and_a_read_only_disk_lose_nothing(disturbed, undisturbed, small_disk):
    """Full while a table, a snapshot, a state, and a figure are written, then full no more."""
    run = run_of(disturbed).relative_to(disturbed.folder)
    scenario = "results/digits/figures/scenario.png"
    saved = list((state_of(undisturbed) / "seed0").iterdir())
    for_snapshots = sum(-(-path.stat().st_size // 4096) * 4 for path in saved) + 16
    at_the_end = ["--set-resources", "train:checkpoint_seconds=9999"]  # the only state is written when all else is
    for rule, built, wanted, room, writer in (
        ("dataset", [], ["all"], 16, None),
        ("train", ["results/digits/symmetric30/labels.parquet"], [f"{run}/history.parquet"], 24, "snapshots.save("),
        ("train", [], [f"{run}/history.parquet", *at_the_end], for_snapshots, "state.save("),
        ("figure", ["results/digits/summary/curves.parquet"], [scenario], 24, None),
    ):
        small_disk("remount,size=64m")
        if built:
            disturbed.build(*built, overlay=OVERLAY)
        used = shutil.disk_usage(disturbed.results).used // 1024
        small_disk(f"remount,size={used + room}k")
        status, told = disturbed.snakemake(*wanted, overlay=OVERLAY)
        assert status != 0
        assert f"Error in rule {rule}" in told and "No space left on device" in told, told
        assert writer is None or writer in told
    small_disk("remount,ro,size=64m")
    status, told = disturbed.snakemake("all", "--forcerun", "claims", "--nolock", overlay=OVERLAY)
    assert status != 0
    assert "Read-only file system: 'results/" in told or "Write-protected output files" in told
    small_disk("remount,rw,size=64m")
    finish(disturbed)
    assert differing(disturbed, undisturbed) == []


def test_damaged_snapshots_and_states_are_named_and_healed(disturbed, undisturbed):
    undisturbed.copy(disturbed.folder)
    run = run_of(disturbed)
    [snapshot] = (run / "snapshots").glob("epoch_0000010.*")
    content = bytearray(snapshot.read_bytes())
    content[-5] ^= 1
    snapshot.write_bytes(content)
    assert any("epoch_0000010" in line for line in mismatches(disturbed.results))
    neurons = str((run / "activations" / "neurons.parquet").relative_to(disturbed.folder))
    status, told = disturbed.snakemake("all", "--forcerun", neurons, overlay=OVERLAY)
    assert status != 0
    assert "epoch_0000010.safetensors is no usable snapshot" in told and "delete" in told
    shutil.rmtree(run / "snapshots")  # what the message says
    state = state_of(disturbed) / "state.safetensors"
    state.write_bytes(state.read_bytes()[:1000])
    finish(disturbed)
    assert differing(disturbed, undisturbed) == []
    assert mismatches(disturbed.results) == []


def test_damaged_tables_are_named_and_once_deleted_healed(disturbed, undisturbed):
    undisturbed.copy(disturbed.folder)
    run = run_of(disturbed)
    damaged = [
        disturbed.results / "data" / "digits" / "features.parquet",
        run / "history.parquet",
        run / "activations" / "samples.parquet",
        disturbed.results / "digits" / "summary" / "curves.parquet",
    ]
    for path in damaged:
        path.write_bytes(path.read_bytes()[:-100])
    wrong = [line.partition(":")[0] for line in mismatches(disturbed.results) if "altered since it was written" in line]
    assert sorted(wrong) == sorted(str(path.relative_to(disturbed.folder)) for path in damaged)
    for path in damaged:
        path.unlink()
    finish(disturbed)
    assert differing(disturbed, undisturbed) == []
    assert mismatches(disturbed.results) == []
