"""What all unit tests share: Hypothesis without chance or clock, and a random generator."""

import numpy as np
import pytest
from hypothesis import settings

settings.register_profile("epochwise", derandomize=True, deadline=None, database=None, max_examples=60)
settings.load_profile("epochwise")


@pytest.fixture
def random():
    return np.random.default_rng(20)
