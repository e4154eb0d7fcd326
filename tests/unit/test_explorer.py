"""Which samples the explorer shows, their images, and when each was learned and forgotten."""

import base64
import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from epochwise.report import explorer_data, explorer_samples


def test_learning_times_of_a_case_worked_by_hand():
    epochs = np.array([0, 1, 2, 4, 8])
    predicted = np.array(
        [
            # always, never, only by chance at 0, relearned, lost at the end
            [5, 1, 5, 1, 1],
            [5, 1, 1, 5, 1],
            [5, 2, 1, 1, 5],
            [5, 3, 1, 5, 5],
            [5, 1, 1, 5, 2],
        ]
    )
    times = explorer_samples.learning_times(predicted, np.full(5, 5), epochs)
    assert times["learned"].tolist() == [1, -1, -1, 1, 2]
    assert times["forgotten"].tolist() == [-1, -1, -1, 2, 8]
    assert times["times"].tolist() == [0, 0, 0, 1, 1]


@given(
    predicted=arrays(np.int16, st.tuples(st.integers(1, 7), st.integers(1, 6)), elements=st.integers(0, 2)),
    data=st.data(),
)
def test_learning_times_agree_with_following_each_sample(predicted, data):
    count, samples = predicted.shape
    steps = data.draw(st.lists(st.integers(1, 5), min_size=count, max_size=count))
    untrained = data.draw(st.booleans()) and count > 1
    epochs = np.cumsum(steps) - (steps[0] if untrained else 0)
    label = data.draw(arrays(np.int16, samples, elements=st.integers(0, 2)))
    times = explorer_samples.learning_times(predicted, label, epochs)
    for sample in range(samples):
        learned, forgotten, knew, count_lost = -1, -1, False, 0
        for epoch, classes in zip(epochs, predicted, strict=True):
            if epoch == 0:
                continue
            knows = classes[sample] == label[sample]
            if knows and learned == -1:
                learned = epoch
            if knew and not knows:
                forgotten, count_lost = epoch, count_lost + 1
            knew = knows
        assert [times[key][sample] for key in ("learned", "forgotten", "times")] == [learned, forgotten, count_lost]


def test_as_many_noisy_as_clean_samples_are_drawn_and_always_the_same():
    noisy = np.arange(5000) % 3 == 0
    labels = pd.DataFrame({"index": 7 * np.arange(5000), "is_noisy": noisy})
    drawn = explorer_samples.draw_samples(labels)
    assert np.array_equal(drawn, explorer_samples.draw_samples(labels))
    assert len(np.unique(drawn)) == len(drawn) == 2 * explorer_samples.PER_KIND
    assert noisy[drawn // 7].sum() == explorer_samples.PER_KIND
    few = labels[labels["index"] < 70]
    assert explorer_samples.draw_samples(few).tolist() == few["index"].tolist()


def test_responders_come_from_the_extremes_inwards():
    values = np.random.default_rng(0).normal(size=50).round(1)
    strongest, weakest = explorer_samples.find_responders(values, 9)
    assert values[strongest].tolist() == sorted(values, reverse=True)[:9]
    assert values[weakest].tolist() == sorted(values)[:9]


def test_fewer_responders_are_shown_where_all_would_be_too_many(monkeypatch):
    extremes = [np.arange(100, 160).reshape(5, 12)]
    assert explorer_samples.choose_images(np.arange(10), extremes)[1] == 12
    monkeypatch.setattr(explorer_samples, "MAX_IMAGES", 40)
    indices, count = explorer_samples.choose_images(np.arange(10), extremes)
    assert count == 6 and len(indices) == 40
    assert set(indices[10:]) == set(extremes[0][:, :6].ravel())


@pytest.mark.parametrize("shape", [(1, 5, 4), (3, 6, 6)])
def test_each_image_is_at_its_place_in_the_sprite(shape):
    pixels = np.random.default_rng(0).integers(0, 256, (130, *shape), dtype=np.uint8)
    sprite = explorer_samples.make_sprite(pixels.reshape(130, -1), shape)
    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(sprite["png"]))))
    height, width = shape[1:]
    assert (sprite["height"], sprite["width"]) == (height, width)
    for cell in (0, 63, 64, 129):
        row, column = divmod(cell, sprite["columns"])
        found = sheet[row * height : (row + 1) * height, column * width : (column + 1) * width]
        assert np.array_equal(found.reshape(height, width, -1), np.moveaxis(pixels[cell], 0, -1))


def test_large_images_are_reduced():
    sprite = explorer_samples.make_sprite(np.zeros((3, 3 * 100 * 200), np.uint8), (3, 100, 200))
    assert (sprite["width"], sprite["height"]) == (48, 24)


@pytest.mark.parametrize("width", [1, 2, 8, 12, 64, 512, 4096])
def test_the_first_ranks_and_the_last_are_shown(width):
    ranks = explorer_data.choose_ranks(width)
    assert ranks[: min(8, width)].tolist() == list(range(1, min(8, width) + 1))
    assert ranks[-1] == width and len(ranks) <= 32 and (np.diff(ranks) > 0).all()


def test_encoded_numbers_are_little_endian():
    numbers = np.array([1, -1, 300])
    assert np.frombuffer(base64.b64decode(explorer_samples.encode(numbers, "<i2")), "<i2").tolist() == [1, -1, 300]


@pytest.fixture
def tapering():
    """Neurons of two layers with 12 and 3 neurons at two epochs, and the large neuron of each layer."""
    rows = [
        (epoch, layer, neuron, neuron + 100.0 * (layer == 2 and neuron == 1) + epoch)
        for epoch in (0, 5)
        for layer, width in ((1, 12), (2, 3))
        for neuron in range(width)
    ]
    neurons = pd.DataFrame(rows, columns=["epoch", "layer", "neuron", "max"])
    outliers = [(epoch, layer, 11 if layer == 1 else 1, layer == 2) for epoch in (0, 5) for layer in (1, 2)]
    return neurons, pd.DataFrame(outliers, columns=["epoch", "layer", "neuron", "stands_out"])


def test_each_layer_is_ranked_among_its_own_neurons(tapering):
    found = explorer_data._ranked(*tapering)
    assert found["epochs"] == [0, 5] and found["neurons"] == [[11, 1], [11, 1]] and found["stands_out"] == [2, 2]
    assert found["ranks"] == [explorer_data.choose_ranks(12).tolist(), [1, 2, 3]]
    assert found["values"][1][1] == [106.0, 7.0, 5.0] and len(found["values"][0][0]) == len(found["ranks"][0])
    assert found["final"] == {"layer": 2, "neuron": 1, "ranks": [1, 1], "values": [101.0, 106.0]}
    mean = explorer_data._mean_by_layer([found["values"], found["values"]])
    assert mean == found["values"]


def test_the_page_knows_the_weights_and_learning_rate_times_steps_of_each_model():
    row = {"model": ["a", "a", "b"], "weights": [5, 5, 9], "learning_rate": [0.1, 0.1, 0.2], "steps_per_epoch": 10}
    assert explorer_data._models(pd.DataFrame(row)) == {
        "a": {"weights": 5, "per_epoch": 1.0}, "b": {"weights": 9, "per_epoch": 2.0},
    }  # fmt: skip
