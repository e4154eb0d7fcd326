"""Named random streams: stable over time, apart from each other."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from epochwise.workflow.seeding import generator, integer

SEEDS = st.tuples(*[st.integers(0, 2**31 - 1)] * 2)


def test_streams_do_not_change_from_one_version_to_the_next():
    assert integer("initial_weights", 0) == 2774858534753500076
    assert integer("batch_order", 3, 1) == 1605419072901448971
    assert generator("label_noise", 0).integers(1000, size=4).tolist() == [755, 525, 738, 198]


@given(st.text(), st.text(), SEEDS, SEEDS)
def test_two_uses_or_two_seeds_share_no_stream(use, other_use, seeds, other_seeds):
    same = (use, seeds) == (other_use, other_seeds)
    assert (integer(use, *seeds) == integer(other_use, *other_seeds)) == same


def test_one_seed_more_is_another_stream_even_if_it_is_zero():
    assert integer("label_noise", 5) != integer("label_noise", 5, 0)


def test_streams_are_uncorrelated():
    draws = [generator(use, seed).normal(size=5000) for use in ("a", "b") for seed in range(4)]
    off_diagonal = np.corrcoef(draws)[~np.eye(8, dtype=bool)]
    assert np.abs(off_diagonal).max() < 5 / np.sqrt(5000)


@given(st.text(), SEEDS)
def test_integers_seed_torch(use, seeds):
    seed = integer(use, *seeds)
    assert 0 <= seed < 2**63
    torch.Generator().manual_seed(seed)
