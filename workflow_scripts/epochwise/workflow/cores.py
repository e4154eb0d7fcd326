"""How many cores this process may use. The Makefile runs this file with any Python 3 before the environment exists.

A batch job or a container often may use fewer cores than the machine has. With more jobs than cores all become slower.
"""

import os
from pathlib import Path

# What schedulers set inside an allocation, the most specific first.
SCHEDULERS = ("SLURM_CPUS_PER_TASK", "SLURM_CPUS_ON_NODE", "LSB_DJOB_NUMPROC", "NSLOTS", "PBS_NCPUS")
CGROUPS = Path("/sys/fs/cgroup")


def usable_cores() -> int:
    """The smallest of what the machine, the scheduler, the affinity and the control group allow; at least 1."""
    try:
        limits = [len(os.sched_getaffinity(0))]
    except AttributeError:  # macOS
        limits = [os.cpu_count() or 1]
    allowed = [os.environ.get(name, "") for name in SCHEDULERS]
    limits += [int(value) for value in allowed if value.isdigit()][:1]
    limits += _quotas(Path("/proc/self/cgroup"))
    return max(1, min(limits))


def _quotas(membership: Path) -> list[int]:
    """Whole cores that the control groups of this process allow, from its own group up to the root.

    Version 2 has `cpu.max` with quota and period in microseconds, for instance "150000 100000" for one core and a half.
    Version 1 has them in two files. A container sees its own group as the root.
    """
    try:
        groups = [line.split(":", 2)[2] for line in membership.read_text().splitlines()]
    except OSError:
        return []
    found = []
    for group in groups:
        for folder in (Path(group), *Path(group).parents):
            below = folder.relative_to("/")
            for content in (
                _read(CGROUPS / below / "cpu.max"),
                [
                    *_read(CGROUPS / "cpu" / below / "cpu.cfs_quota_us"),
                    *_read(CGROUPS / "cpu" / below / "cpu.cfs_period_us"),
                ],
            ):
                if len(content) == 2 and content[0].isdigit():
                    found.append(int(content[0]) // int(content[1]))
    return found


def _read(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:
        return []


if __name__ == "__main__":
    print(usable_cores())
