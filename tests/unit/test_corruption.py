"""Which samples are used and which labels are wrong, against counting by hand and scikit-learn."""

import hashlib
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare, kstest, norm
from sklearn.metrics import confusion_matrix

from epochwise.data.corruption import corrupt, noise_matrix
from epochwise.data.subset import stratified_subset
from epochwise.training import evaluation
from epochwise.training.loss import LOSSES
from epochwise.workflow.errors import InputError

SEED = st.integers(0, 2**31 - 1)
RATE = st.floats(0, 1, exclude_max=True)


def symmetric(rate):
    """The block of a noise of this rate in the configuration."""
    return {"kind": "symmetric", "rate": rate}


def labels_of(classes):
    return st.lists(st.integers(0, classes - 1), min_size=1, max_size=80).map(lambda x: np.array(x, np.int16))


@given(labels_of(4), RATE, SEED)
def test_as_many_labels_are_wrong_as_asked_and_none_leaves_its_range(labels, rate, seed):
    before = labels.copy()
    noisy = corrupt(labels, 4, symmetric(rate), seed)
    assert abs(np.sum(noisy != labels) - rate * len(labels)) <= 0.5
    assert noisy.dtype == labels.dtype and noisy.min() >= 0 and noisy.max() < 4
    np.testing.assert_array_equal(labels, before)


def test_noise_is_spread_evenly_over_samples_and_over_the_other_classes():
    labels = np.tile(np.arange(6), 20_000)
    noisy = corrupt(labels, 6, symmetric(0.3), 3)
    wrong = noisy != labels
    for true in range(6):
        assert chisquare(np.bincount(noisy[wrong & (labels == true)], minlength=6)[np.arange(6) != true]).pvalue > 1e-3
    assert chisquare(wrong.reshape(50, -1).sum(1)).pvalue > 1e-3
    assert chisquare(np.bincount(labels[wrong])).pvalue > 1e-3


def test_independent_noise_replaces_each_label_with_the_probability_of_the_rate():
    """The number of wrong labels is binomial: over 400 draws its mean and variance are N·r and N·r·(1 − r)."""
    labels, independent = np.tile(np.arange(5), 100), {**symmetric(0.3), "independent": True}
    draws = np.stack([corrupt(labels, 5, independent, seed) for seed in range(400)])
    wrong = draws != labels
    counts, expected = wrong.sum(1), 500 * 0.3 * 0.7
    assert abs(counts.mean() - 150) < 4 * np.sqrt(expected / 400)
    assert abs(counts.var(ddof=1) / expected - 1) < 4 * np.sqrt(2 / 399)
    assert kstest(counts + np.random.default_rng(0).random(400) - 0.5, norm(150, np.sqrt(expected)).cdf).pvalue > 1e-3
    steps = (draws - labels)[wrong] % 5
    assert chisquare(np.bincount(steps, minlength=5)[1:]).pvalue > 1e-3, "all other classes are equally likely"
    assert chisquare(wrong.sum(0).reshape(50, -1).sum(1)).pvalue > 1e-3, "and so are all samples"


@given(labels_of(4), RATE, SEED)
def test_independent_noise_depends_on_its_seed_alone_and_a_higher_rate_replaces_more(labels, rate, seed):
    noisy = corrupt(labels, 4, {**symmetric(rate), "independent": True}, seed)
    again = corrupt(labels, 4, {**symmetric(rate), "independent": True}, seed)
    np.testing.assert_array_equal(noisy, again)
    assert noisy.dtype == labels.dtype and noisy.min() >= 0 and noisy.max() < 4
    np.testing.assert_array_equal(corrupt(labels, 4, {**symmetric(0), "independent": True}, seed), labels)


def test_noise_that_is_not_independent_is_what_it_was_before_the_key_came():
    labels = np.tile(np.arange(10, dtype=np.int16), 30)
    plain, explicit = (corrupt(labels, 10, {**symmetric(0.3), **more}, 5) for more in ({}, {"independent": False}))
    np.testing.assert_array_equal(plain, explicit)
    assert (plain != labels).sum() == 90
    assert (
        hashlib.sha256(plain.tobytes()).hexdigest()
        == "c90432e9f9932acee6a4af25921da6fba98582411c0c64db5b06d4e317d39b36"
    )


def test_the_seeds_name_the_draw():
    labels = np.zeros(500, np.int16)
    draws = {seeds: corrupt(labels, 10, symmetric(0.3), *seeds).tobytes() for seeds in [(0,), (1,), (1, 2), (2, 1)]}
    assert len(set(draws.values())) == len(draws)
    assert draws == {seeds: corrupt(labels, 10, symmetric(0.3), *seeds).tobytes() for seeds in draws}


def test_two_classes_swap():
    labels = np.array([0, 1, 1, 0, 1, 0])
    noisy = corrupt(labels, 2, symmetric(0.5), 0)
    assert np.sum(noisy == 1 - labels) == np.sum(noisy == labels) == 3


@given(labels_of(5), st.data(), SEED)
def test_a_subset_keeps_the_class_shares_to_within_one_sample(labels, data, seed):
    size = data.draw(st.integers(0, len(labels)))
    chosen = stratified_subset(labels, size, seed)
    assert len(chosen) == size and np.all(np.diff(chosen) > 0)
    shares = np.bincount(labels, minlength=5) * size / len(labels)
    assert np.all(np.abs(np.bincount(labels[chosen], minlength=5) - shares) < 1)
    np.testing.assert_array_equal(chosen, stratified_subset(labels, size, seed))


def test_every_sample_of_a_class_is_as_likely_in_a_subset():
    labels = np.repeat([0, 1], [12, 30])
    counts = sum(np.bincount(stratified_subset(labels, 14, seed), minlength=42) for seed in range(600))
    assert chisquare(counts[:12]).pvalue > 1e-3 and chisquare(counts[12:]).pvalue > 1e-3


def test_no_size_takes_all_samples():
    np.testing.assert_array_equal(stratified_subset(np.array([3, 1, 1]), None, 0), [0, 1, 2])


def test_a_subset_larger_than_the_data_is_refused_with_value_and_remedy():
    with pytest.raises(InputError, match=r"subset\.size: 4 .*the 3 training samples.*smaller number, or null"):
        stratified_subset(np.zeros(3), 4, 0)


@given(labels_of(6), RATE, SEED)
def test_the_noise_matrix_is_the_confusion_matrix(labels, rate, seed):
    noisy = corrupt(labels, 6, symmetric(rate), seed)
    np.testing.assert_array_equal(noise_matrix(labels, noisy, 6), confusion_matrix(labels, noisy, labels=range(6)))


@given(labels_of(3), RATE, SEED)
def test_no_prediction_is_right_about_the_given_and_the_true_label_of_a_noisy_sample(labels, rate, seed):
    true = torch.from_numpy(labels.astype(np.int64))
    noisy = torch.from_numpy(corrupt(labels, 3, symmetric(rate), seed).astype(np.int64))
    logits = torch.randn(len(labels), 3, generator=torch.Generator().manual_seed(seed))
    predictor = SimpleNamespace(logits=lambda inputs: inputs[None], loss=LOSSES["cross_entropy"])
    [scores] = evaluation.evaluate(predictor, evaluation.TrainingData(logits, noisy[None], true, logits, true))
    accuracy = {row["subset"]: row["accuracy"] for row in scores}
    if accuracy["noisy_given"] is None:
        assert torch.equal(noisy, true)
    else:
        assert accuracy["noisy_given"] + accuracy["noisy_true"] <= 1
