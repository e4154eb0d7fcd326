"""Random numbers whose seed has a name: each use draws from a stream of its own, so no two uses share numbers."""

import zlib

import numpy as np


def sequence(use: str, *seeds: int) -> np.random.SeedSequence:
    """The seed sequence of one named use of randomness."""
    return np.random.SeedSequence([zlib.crc32(use.encode()), len(seeds), *seeds])


def generator(use: str, *seeds: int) -> np.random.Generator:
    """A NumPy generator for one named use."""
    return np.random.default_rng(sequence(use, *seeds))


def integer(use: str, *seeds: int) -> int:
    """A 63-bit seed for generators of other libraries."""
    return int(sequence(use, *seeds).generate_state(1, np.uint64)[0] >> 1)
