"""Which maps of test error are drawn, with which numbers, and where the training data are interpolated."""

import itertools

import numpy as np
import pandas as pd
import pytest

from epochwise.figures import maps, theme

EPOCHS = (0, 1, 9)
WIDTHS = (4, 8, 16)
RATES = {"low": 0.1, "high": 0.3, "clean": 0.0}


@pytest.fixture
def inputs():
    """Three widths and three rates; wider networks interpolate sooner, and the narrowest never does."""
    curves, runs = [], []
    for (noise, rate), width in itertools.product(RATES.items(), WIDTHS):
        key = {"noise": noise, "model": f"w{width}"}
        pace = {"learning_rate": 1e-3, "steps_per_epoch": 10}
        runs.append(
            pace | key | {"seed": 0, "hidden_layers": 2, "widths": f"{width}-{width // 2}", "achieved_rate": rate}
        )
        for epoch in EPOCHS:
            train = 1.0 if epoch * width**2 >= 250 else 0.5
            for subset, accuracy in (("train", train), ("test", 1 - rate - width / 100), ("clean", 0.2)):
                row = {"epoch": epoch, "subset": subset, "measure": "accuracy", "mean": accuracy}
                curves.append(key | row)
    return {"curves": pd.DataFrame(curves), "runs": pd.DataFrame(runs)}


def test_a_map_per_noise_and_one_of_the_widest_network(inputs):
    with theme.use_theme():
        figure, numbers = maps.draw(inputs, None, {})
    assert list(numbers["part"].unique()) == [
        "low, 2 hidden layers", "high, 2 hidden layers", "clean, 2 hidden layers",
        "2 hidden layers, 16 units in the first",
    ]  # fmt: skip
    by_rate = numbers[numbers["by"] == "rate"]
    assert set(by_rate["model"]) == {"w16"} and set(by_rate["size"]) == {0.0, 0.1, 0.3}
    for row in numbers.itertuples():
        width = int(row.model.removeprefix("w"))
        assert row.value == pytest.approx(RATES[row.noise] + width / 100)
    lines = [axes.lines[0] for part in figure.subfigs[:3] for axes in part.axes[:1]]
    for line in lines:
        np.testing.assert_array_equal(line.get_xdata(), [np.nan, 9, 1])  # 9·4² < 250, 9·8² and 1·16² are not
        np.testing.assert_array_equal(line.get_ydata(), WIDTHS)


def test_two_widths_and_two_rates_make_no_map(inputs):
    few = {name: t[t["noise"].isin(["low", "high"]) & t["model"].isin(["w4", "w8"])] for name, t in inputs.items()}
    with theme.use_theme():
        _, numbers = maps.draw(few, None, {})
    assert numbers.empty


def test_of_models_with_one_first_width_the_first_is_shown(inputs):
    """Widths taper differently, and the second model is trained for fewer epochs."""
    others = {name: table[table["model"] == "w16"].assign(model="other") for name, table in inputs.items()}
    others["curves"] = others["curves"][others["curves"]["epoch"] < 9].assign(mean=0)
    both = {name: pd.concat([table, others[name]]) for name, table in inputs.items()}
    with theme.use_theme():
        _, expected = maps.draw(inputs, None, {})
        _, numbers = maps.draw(both, None, {})
    pd.testing.assert_frame_equal(numbers, expected)


def test_a_network_that_was_not_evaluated_keeps_its_value_until_its_end():
    table = pd.DataFrame([[1.0, np.nan, 3.0, np.nan], [1.0, 2.0, np.nan, 4.0]])
    assert maps._fill_between(table).to_numpy().tolist()[1] == [1.0, 2.0, 2.0, 4.0]
    np.testing.assert_array_equal(maps._fill_between(table).iloc[0], [1.0, 1.0, 3.0, np.nan])
