"""Pixel statistics and principal components against NumPy in double precision."""

import numpy as np
import pytest

from epochwise.data.features import FEATURES, MOST_EXACT, input_features
from epochwise.workflow import tables


@pytest.fixture
def pixels(random):
    """Images whose components have clearly different variances."""
    signals = random.normal(size=(60, 8)) * 2.0 ** -np.arange(8)
    return np.clip(128 + 40 * signals @ random.normal(size=(8, 12)), 0, 255).astype(np.uint8)


def test_pixel_statistics_equal_numpy(pixels):
    found = input_features(pixels, 2)
    for position, image in enumerate(pixels.astype(np.float64) / 255):
        row = found.iloc[position]
        assert row["index"] == position
        assert row["norm"] == pytest.approx(np.sqrt(np.sum(image**2)), rel=1e-5)
        assert row["brightness"] == pytest.approx(np.sum(image) / 12, rel=1e-5)
        assert row["contrast"] == pytest.approx(np.sqrt(np.mean((image - image.mean()) ** 2)), rel=1e-4)


def test_components_are_the_scores_of_a_singular_value_decomposition(pixels):
    components = np.stack(input_features(pixels, 5)["components"])
    centred = pixels / 255 - (pixels / 255).mean(0)
    scores = np.linalg.svd(centred, full_matrices=False)[0][:, :5] * np.sqrt(len(pixels) - 1)
    signs = np.sign(np.sum(components * scores, axis=0))
    np.testing.assert_allclose(components, scores * signs, atol=2e-3)
    np.testing.assert_allclose(components.var(0, ddof=1), 1, rtol=1e-3)
    np.testing.assert_allclose(np.corrcoef(components.T), np.eye(5), atol=1e-3)


@pytest.mark.parametrize(("images", "asked", "given"), [(60, 5, 5), (60, 99, 12), (6, 99, 5)])
def test_there_are_no_more_components_than_the_data_have(pixels, images, asked, given):
    assert np.stack(input_features(pixels[:images], asked)["components"]).shape == (images, given)


def test_components_of_large_images_are_those_of_a_singular_value_decomposition(random):
    signals = random.normal(size=(40, 4)) * 2.0 ** -np.arange(4)
    large = np.clip(128 + 30 * signals @ random.normal(size=(4, MOST_EXACT + 1)), 0, 255).astype(np.uint8)
    components = np.stack(input_features(large, 3)["components"])
    scores = np.linalg.svd(large / 255 - (large / 255).mean(0), full_matrices=False)[0][:, :3] * np.sqrt(39)
    np.testing.assert_allclose(components, scores * np.sign(np.sum(components * scores, axis=0)), atol=0.01)


def test_the_table_has_the_columns_of_its_schema(pixels, tmp_path):
    found = input_features(pixels, 3)
    tables.write(found, FEATURES, tmp_path / "features.parquet")
    again = tables.read(tmp_path / "features.parquet", FEATURES)
    assert again.columns.tolist() == found.columns.tolist()
    np.testing.assert_array_equal(np.stack(again["components"]), np.stack(found["components"]))
