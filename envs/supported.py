"""Say whether the packages of requirements.lock can be installed here. It prints nothing if they can.

The Makefile runs this file before it makes the environment. It uses only what every Python since 2.7 understands.
"""

import platform
import sys

OLDEST, NEWEST = (3, 11), (3, 13)  # as in pyproject.toml
OLDEST_GLIBC = (2, 28)  # of the wheels of torch, NumPy and others
MACHINES = {("Linux", "x86_64"), ("Linux", "aarch64"), ("Darwin", "arm64")}


def objection(version, system, machine, libc):
    """What is not supported, with the remedy, or None. `libc` is name and version as platform.libc_ver returns them."""
    if not OLDEST <= tuple(version[:2]) <= NEWEST:
        return (
            "Python {}.{} is not supported: some packages of requirements.lock have no wheels for it. "
            "Use Python 3.11, 3.12 or 3.13, for instance: make PYTHON=python3.12".format(*version[:2])
        )
    if (system, machine) not in MACHINES:
        return (
            "{} on {} is not supported: torch has no wheels for it. "
            "Use Linux (x86_64 or aarch64) or a Mac with an Apple processor.".format(system, machine)
        )
    if system == "Linux":
        name, number = libc
        if name != "glibc" or tuple(int(part) for part in number.split(".")[:2]) < OLDEST_GLIBC:
            return (
                "The C library {} is not supported: torch needs glibc 2.28 or newer. "
                "Use a newer Linux, or the container in envs/Containerfile.".format(" ".join(libc).strip() or "here")
            )
    return None


if __name__ == "__main__":
    sys.exit(objection(sys.version_info, platform.system(), platform.machine(), platform.libc_ver()))
