"""A real SLURM cluster of one node, started in a temporary folder and stopped by process id.

The steps of a job look for the configuration at SLURM's default place only, so it is put there and taken away again.
"""

import os
import secrets
import shutil
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CONFIGURATION = Path("/etc/slurm")
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "scontrol")
CPUS, MEMORY_MB, GPUS = 4, 12_000, 2  # declared, whatever the machine has


def missing() -> str | None:
    """Why no cluster can be started here, or None."""
    absent = [program for program in PROGRAMS if shutil.which(program) is None]
    if absent:
        return f"SLURM is not installed: no {', '.join(absent)} (Debian: slurm-wlm, munge)"
    if os.geteuid() != 0:
        return "only root can start SLURM's daemons"
    if (CONFIGURATION / "slurm.conf").exists():
        return f"{CONFIGURATION / 'slurm.conf'} belongs to another cluster"
    return None


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def configuration(folder: Path) -> dict[str, str]:
    """Files of SLURM's configuration by name."""
    host = socket.gethostname().partition(".")[0]
    controller, node = _free_ports(2)
    settings = {
        "ClusterName": "test",
        "SlurmctldHost": f"{host}(127.0.0.1)",
        "SlurmctldPort": controller,
        "SlurmdPort": node,
        "SlurmUser": "root",
        "SlurmdUser": "root",
        "AuthType": "auth/munge",
        "AuthInfo": f"socket={folder}/munge/socket",
        "StateSaveLocation": f"{folder}/state",
        "SlurmdSpoolDir": f"{folder}/spool",
        "SlurmctldPidFile": f"{folder}/slurmctld.pid",
        "SlurmdPidFile": f"{folder}/slurmd.pid",
        "SlurmctldLogFile": f"{folder}/slurmctld.log",
        "SlurmdLogFile": f"{folder}/slurmd.log",
        "ProctrackType": "proctrack/linuxproc",
        "TaskPlugin": "task/none",
        "SwitchType": "switch/none",
        "MpiDefault": "none",
        "SchedulerType": "sched/backfill",
        "SchedulerParameters": "sched_interval=1,sched_min_interval=200000,bf_interval=1",
        "SelectType": "select/cons_tres",
        "SelectTypeParameters": "CR_Core_Memory",
        "JobAcctGatherType": "jobacct_gather/none",
        "AccountingStorageType": "accounting_storage/none",
        "SlurmdParameters": "config_overrides",
        "GresTypes": "gpu",
        "JobRequeue": 1,
        "KillWait": 20,
        "MinJobAge": 300,
        "ReturnToService": 2,
    }
    lines = [f"{key}={value}" for key, value in settings.items()]
    lines += [
        f"NodeName={host} NodeAddr=127.0.0.1 CPUs={CPUS} RealMemory={MEMORY_MB} Gres=gpu:{GPUS} State=UNKNOWN",
        f"PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP",
    ]
    return {
        "slurm.conf": "\n".join(lines) + "\n",
        "gres.conf": f"Name=gpu File={folder}/gpu[0-{GPUS - 1}]\n",
        "cgroup.conf": "",
    }


def called(*command: str) -> str:
    """What a program of SLURM prints."""
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout


@contextmanager
def running(folder: Path) -> Iterator[None]:
    """The cluster, for as long as the context is open."""
    for name in ("munge", "state", "spool"):
        (folder / name).mkdir(parents=True)
    folder.chmod(0o755)  # munged wants to trust every folder above its socket
    key = folder / "munge" / "key"
    key.write_bytes(secrets.token_bytes(1024))
    key.chmod(0o600)
    (folder / "munge").chmod(0o711)
    had_folder = CONFIGURATION.exists()
    CONFIGURATION.mkdir(exist_ok=True)
    for number in range(GPUS):  # any device file stands in for a GPU
        os.mknod(folder / f"gpu{number}", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    files = configuration(folder)
    for name, text in files.items():
        (CONFIGURATION / name).write_text(text)
    munged = [
        "munged", "--foreground", "--force", "--key-file", key, "--socket", folder / "munge" / "socket",
        "--pid-file", folder / "munge" / "pid", "--log-file", folder / "munge" / "log", "--seed-file",
        folder / "munge" / "seed",
    ]  # fmt: skip
    started = []
    try:
        for command in (munged, ["slurmctld", "-D"], ["slurmd", "-D"]):
            output = (folder / f"{command[0]}.out").open("wb")
            started.append(subprocess.Popen(command, stdout=output, stderr=output))
            time.sleep(1)
        deadline = time.monotonic() + 60
        while "idle" not in subprocess.run(["sinfo", "-h", "-o", "%t"], capture_output=True, text=True).stdout:
            if time.monotonic() > deadline:
                told = "\n".join(path.read_text(errors="replace") for path in sorted(folder.glob("*.out")))
                raise RuntimeError(f"SLURM did not start:\n{told}")
            time.sleep(0.5)
        yield
        subprocess.run(["scancel", "--user", "root"], timeout=30)
        time.sleep(2)
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
        for name in files:
            (CONFIGURATION / name).unlink(missing_ok=True)
        if not had_folder:
            CONFIGURATION.rmdir()
