"""Input scaling against NumPy in double precision."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochwise.training.scaling import Scaling
from epochwise.workflow.errors import InputError

KINDS = ("unit", "symmetric", "centre", "standardize")


@pytest.mark.parametrize("channels", [1, 3])
def test_standardize_measures_mean_and_deviation_per_channel(random, channels):
    pixels = random.integers(0, 256, (50, channels * 20), np.uint8)
    planes = pixels.reshape(50, channels, 20).astype(np.float64) / 255
    scaling = Scaling.fit("standardize", pixels, channels)
    np.testing.assert_allclose(scaling.mean, planes.mean((0, 2)), rtol=1e-12)
    np.testing.assert_allclose(scaling.std, planes.std((0, 2)), rtol=1e-12)


@given(st.sampled_from(KINDS), st.sampled_from([1, 3]), st.integers(0, 99))
def test_inputs_are_pixels_minus_mean_over_deviation(kind, channels, seed):
    random = np.random.default_rng(seed)
    fitted, applied = (random.integers(0, 256, (n, channels * 6), np.uint8) for n in (30, 10))
    scaling = Scaling.fit(kind, fitted, channels)
    inputs = scaling.apply(applied)
    assert inputs.dtype == np.float32 and inputs.shape == applied.shape
    for row, image in zip(inputs, applied, strict=True):
        planes = zip(image.reshape(channels, 6), scaling.mean, scaling.std, strict=True)
        expected = np.concatenate([(plane / 255 - mean) / std for plane, mean, std in planes])
        np.testing.assert_allclose(row, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("kind", "low", "high"), [("unit", 0, 1), ("symmetric", -1, 1)])
def test_fixed_ranges(kind, low, high):
    pixels = np.array([[0, 255]], np.uint8)
    np.testing.assert_array_equal(Scaling.fit(kind, pixels, 1).apply(pixels), [[low, high]])


def test_standardized_training_pixels_have_mean_0_and_deviation_1(random):
    pixels = random.integers(0, 200, (80, 3 * 10), np.uint8)
    planes = Scaling.fit("standardize", pixels, 3).apply(pixels).reshape(80, 3, 10).astype(np.float64)
    np.testing.assert_allclose(planes.mean((0, 2)), 0, atol=1e-6)
    np.testing.assert_allclose(planes.std((0, 2)), 1, atol=1e-6)


def test_centred_training_pixels_have_mean_0_and_keep_their_range(random):
    pixels = random.integers(0, 200, (80, 3 * 10), np.uint8)
    inputs = Scaling.fit("centre", pixels, 3).apply(pixels).reshape(80, 3, 10).astype(np.float64)
    np.testing.assert_allclose(inputs.mean((0, 2)), 0, atol=1e-6)
    planes = pixels.reshape(80, 3, 10) / 255
    np.testing.assert_allclose(np.ptp(inputs, (0, 2)), np.ptp(planes, (0, 2)), atol=1e-6)


def test_a_black_channel_cannot_be_standardized(random):
    pixels = random.integers(0, 256, (7, 8), np.uint8)
    pixels[:, 4:] = 0
    with pytest.raises(InputError, match=r"input_scaling: standardize .* constant; choose unit"):
        Scaling.fit("standardize", pixels, 2)


def test_no_constant_channel_can_be_standardized():
    for grey in range(256):
        with pytest.raises(InputError, match="constant"):
            Scaling.fit("standardize", np.full((7, 4), grey, np.uint8), 1)


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match=r"'center' is not one of unit, symmetric, centre, standardize"):
        Scaling.fit("center", np.zeros((1, 1), np.uint8), 1)
