"""Every figure drawn from small made-up tables: its numbers are the input's, no panel is empty, no texts overlap."""

import importlib
import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.cbook import is_math_text
from matplotlib.text import Text

from epochwise import catalogue
from epochwise.analysis.outliers import OUTLIERS
from epochwise.figures import numbers as figure_numbers
from epochwise.figures import panels, phase_marks, scales, theme
from epochwise.findings import summarize
from tests.unit.made_up_paper import CASES, END_OF_FIRST, THRESHOLD, inputs_of

FIGURES = tuple(figure.name for figure in catalogue.FIGURES)
MARKS = ["peak_epoch", "fit_epoch", "dip_epoch"]


@pytest.fixture(scope="module", params=CASES, ids=lambda name: name.replace(" ", "_"))
def drawn(request):
    """A case, its inputs, and every figure of it, laid out: {name: (figure, numbers)}."""
    case = CASES[request.param]
    inputs, shown = inputs_of(case)
    results = {}
    with theme.use_theme():
        for figure in catalogue.FIGURES:
            module = importlib.import_module(f"epochwise.figures.{figure.name}")
            given = {name: inputs[name] for name in figure.inputs}  # what the rule gives, and nothing else
            results[figure.name] = module.draw(given, shown, {"images": case.images})
            results[figure.name][0].draw_without_rendering()
        yield case, inputs, shown, results


def axes_of(figure):
    """All axes, those of nested figures too."""
    return [*figure.axes, *(axes for part in figure.subfigs for axes in axes_of(part) if axes not in figure.axes)]


def visible_texts(figure):
    """Every text that is seen: without tick labels outside the view, and without empty ones."""
    hidden = {
        text
        for axes in axes_of(figure)
        for axis in (axes.xaxis, axes.yaxis)
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks())
        if not _in_view(axis, tick)
        for text in (tick.label1, tick.label2)
    }
    found = figure.findobj(lambda artist: isinstance(artist, Text) and artist.get_visible())
    return [text for text in dict.fromkeys(found) if text.get_text().strip() and text not in hidden]


def _in_view(axis, tick):
    low, high = sorted(axis.get_view_interval())
    margin = 1e-9 * (high - low)
    return low - margin <= tick.get_loc() <= high + margin and tick.get_visible()


@pytest.mark.parametrize("name", FIGURES)
def test_no_panel_is_empty_and_no_text_is_lost(drawn, name):
    figure, _ = drawn[3][name]
    for axes in axes_of(figure):
        assert axes.has_data(), axes.get_title()
        assert axes.get_label() == "<colorbar>" or min(axes.bbox.size) > 30
    width, height = figure.bbox.size
    for text in visible_texts(figure):
        box = text.get_window_extent()
        assert box.x0 > -1 and box.y0 > -1 and box.x1 < width + 1 and box.y1 < height + 1, text


@pytest.mark.parametrize("name", FIGURES)
def test_no_text_overlaps_another(drawn, name):
    figure, _ = drawn[3][name]
    boxes = [(text, text.get_window_extent().padded(-0.5)) for text in visible_texts(figure)]
    for (a, box_a), (b, box_b) in itertools.combinations(boxes, 2):
        assert not box_a.overlaps(box_b), (a, b)


@pytest.mark.parametrize("name", FIGURES)
def test_a_page_is_seven_inches_wide(drawn, name):
    assert drawn[3][name][0].get_figwidth() == theme.WIDTH


# -- the numbers -------------------------------------------------------------------------------------------------------


def drawn_values(figure):
    """All finite y values of lines that are drawn in data coordinates."""
    lines = [line for axes in axes_of(figure) for line in axes.lines if line.get_transform() == axes.transData]
    values = np.concatenate([np.asarray(line.get_ydata(), float) for line in lines])
    return np.sort(values[np.isfinite(values)])


def same(found, expected, keys):
    """Whether two tables hold the same mean, interval and n under the same keys."""
    columns = ["value", "low", "high", "n"]
    expected = expected.rename(columns={"mean": "value"})
    assert len(found) == len(expected) > 0
    types = {key: "int64" for key in keys if key in ("epoch", "layer", "rank", "seed", "class")}
    both = found.astype(types).merge(expected.astype(types), on=keys, suffixes=("", "_expected"), validate="1:1")
    assert len(both) == len(found)
    for column in columns:
        np.testing.assert_array_equal(both[column].astype(float), both[f"{column}_expected"].astype(float))


RUN_EPOCH = ["noise", "model", "epoch", "measure"]


def ends(case, table):
    """The last epoch of the model of each row."""
    first = table["model"] == next(iter(case.models))
    return pd.Series(case.last, table.index).mask(first & (case is CASES["different ends"]), END_OF_FIRST)


def without_marks(numbers):
    return numbers[~numbers["measure"].isin(MARKS)]


def test_every_column_of_the_numbers_is_explained(drawn):
    explained = figure_numbers.__doc__
    for name, (_, numbers) in drawn[3].items():
        about = explained + importlib.import_module(f"epochwise.figures.{name}").draw.__doc__
        assert all(f"`{column}`" in about for column in numbers), name


def test_layers_seeds_and_epochs_are_numbers(drawn):
    for _, numbers in drawn[3].values():
        for column in {"layer", "seed", "epoch", "rank", "n"} & {*numbers}:
            assert pd.api.types.is_integer_dtype(numbers[column]), column


@pytest.mark.parametrize(
    "name",
    ["accuracy_curves", "loss_curves", "separation", "separation_by_layer", "large_activation", "large_by_true_class"],
)
def test_lines_show_exactly_the_numbers(drawn, name):
    figure, numbers = drawn[3][name]
    values = without_marks(numbers)["value"].dropna()
    np.testing.assert_array_equal(drawn_values(figure), np.sort(values))


def test_accuracy_curves_are_the_means_of_the_table(drawn):
    _, inputs, _, results = drawn
    numbers = results["accuracy_curves"][1]
    same(without_marks(numbers), inputs["curves"].query("measure == 'accuracy'"), [*RUN_EPOCH, "subset"])


def test_the_cross_entropy_has_a_row_where_another_loss_is_trained(drawn):
    case, inputs, _, results = drawn
    numbers = results["loss_curves"][1]
    measures = ["loss", "cross_entropy"] if case is CASES["different ends"] else ["loss"]
    expected = inputs["curves"][inputs["curves"]["measure"].isin(measures)]
    same(without_marks(numbers), expected, [*RUN_EPOCH, "subset"])


def test_marks_are_the_mean_epochs_of_the_phases(drawn):
    case, inputs, _, results = drawn
    numbers = results["accuracy_curves"][1]
    marks = numbers[numbers["measure"].isin(MARKS)]
    phases = inputs["phases"].query("curve == 'accuracy' and measure in @MARKS").dropna(subset="mean")
    phases = phases.set_index(["noise", "model", "measure"])["mean"]
    assert len(marks) == len(phases)
    for mark in marks.itertuples():
        assert mark.value == phases[mark.noise, mark.model, mark.measure]
    assert ("fit_epoch" in set(marks["measure"])) == (case.fits and case.noisy)


def test_phases_shows_every_seed_and_the_means(drawn):
    _, inputs, _, results = drawn
    numbers = results["phases"][1]
    changes = numbers[numbers["measure"].isin(["fall", "recovery", "surplus", "after_fit"])]
    keys = ["noise", "model", "curve", "measure"]
    single = changes[changes["seed"].notna()].set_index([*keys, "seed"])["value"]
    expected = inputs["phases_by_seed"].query("measure in ['fall', 'recovery', 'surplus', 'after_fit']")
    assert len(single) == len(expected)
    for row in expected.itertuples():
        np.testing.assert_equal(single[row.noise, row.model, row.curve, row.measure, row.seed], row.value)
    means = changes[changes["seed"].isna()].set_index(keys)["value"]
    for row in inputs["phases"].query("measure in ['fall', 'recovery', 'surplus', 'after_fit']").itertuples():
        np.testing.assert_equal(means[row.noise, row.model, row.curve, row.measure], row.mean)


def test_separation_by_layer_is_the_mean_over_classes_with_the_last_layers_ceiling(drawn):
    case, inputs, _, results = drawn
    numbers = results["separation_by_layer"][1]
    table = inputs["separation"][inputs["separation"]["class"] == -1]
    table = table
    cosines = table[table["measure"].isin(["cosine", "cosine_centred"])]
    keys = [*RUN_EPOCH, "grouping", "layer"]
    same(numbers[numbers["measure"].isin(["cosine", "cosine_centred"])], cosines, keys)
    ceiling = table[(table["measure"] == "split_half") & (table["layer"] == table["model"].map(case.models))]
    same(numbers[numbers["measure"] == "split_half"], ceiling, keys)


def test_separation_by_class_is_the_last_epoch(drawn):
    case, inputs, _, results = drawn
    _, numbers = results["separation_by_class"]
    table = inputs["separation"]
    at_end = table["epoch"] == table.groupby(["noise", "model"])["epoch"].transform("max")
    expected = table[(table["measure"] == "cosine_centred") & (table["class"] >= 0) & at_end]
    keys = ["noise", "model", "epoch", "layer", "grouping", "class"]
    same(numbers.assign(low=np.nan, high=np.nan), expected.assign(low=np.nan, high=np.nan), keys)
    assert (numbers["class_name"] == numbers["class"].map(dict(enumerate(case.class_names)))).all()


def test_activation_distribution_ranks_the_activations_of_the_first_and_last_epoch(drawn):
    _, inputs, _, results = drawn
    same(
        results["activation_distribution"][1],
        inputs["ranked_activations"],
        ["noise", "model", "epoch", "layer", "rank"],
    )


def test_large_activation_is_the_outlier_measures(drawn):
    _, inputs, _, results = drawn
    numbers = results["large_activation"][1]
    shown = ["largest_over_median_active", "largest_over_second", "argmax_share"]
    table = inputs["outliers"][inputs["outliers"]["measure"].isin(shown)]
    same(without_marks(numbers), table, [*RUN_EPOCH, "layer"])


def test_the_layer_that_stands_out_has_the_largest_ratio_at_the_last_epoch():
    rows = [(10, layer, ratio) for layer, ratio in enumerate([3.0, np.nan, 5, 4, 4, 4], start=1)]
    rows += [(1, layer, ratio) for layer, ratio in enumerate([1000.0, 1, 1, 1, 1, 1], start=1)]
    table = pd.DataFrame(rows, columns=["epoch", "layer", "largest_over_median_active"])
    others = [field.name for field in OUTLIERS if field.name not in ("epoch", "layer", "largest_over_median_active")]
    table = table.assign(**dict.fromkeys(others, 1.0), noise="noise", model="model", seed=0)
    rows = summarize.outlier_measures({"outliers": table}, {})
    summary = summarize.over_seeds(rows, ["noise", "model", "epoch", "layer", "measure"], "value", 0.95)
    summary = summarize.mark_layers_that_stand_out(summary, rows)
    assert figure_numbers.layer_that_stands_out(summary, "noise", "model") == 3


def test_inputs_are_the_strengths_in_the_outstanding_layer(drawn):
    case, inputs, _, results = drawn
    numbers = results["large_activation_inputs"][1]
    statistics = numbers[numbers["part"] == "measure"]
    assert len(statistics) == 15 * len(case.models) * len(case.noises)
    table = inputs["large_activation"]
    ends = table.groupby(["noise", "model"])["epoch"].max()
    table = table.set_index(["noise", "model", "epoch", "layer", "feature", "measure"])
    for row in statistics.itertuples():
        assert row.layer == figure_numbers.layer_that_stands_out(inputs["outliers"], row.noise, row.model)
        key = (row.noise, row.model, ends[row.noise, row.model], row.layer, row.feature, row.measure)
        expected = table.loc[key, ["mean", "low", "high"]]
        np.testing.assert_equal([row.value, row.low, row.high], [*expected])


def test_inputs_show_the_images_at_both_ends(drawn):
    case, inputs, shown, results = drawn
    numbers = results["large_activation_inputs"][1]
    images = numbers[numbers["part"] == "image"]
    layer = figure_numbers.layer_that_stands_out(inputs["outliers"], shown["noise"], shown["model"])
    samples = inputs["samples"]
    samples = samples[(samples["layer"] == layer) & (samples["epoch"] == samples["epoch"].max())].set_index("index")[
        "value"
    ]
    for end, values in {"largest": samples.sort_values(ascending=False), "smallest": samples.sort_values()}.items():
        found = images[images["end"] == end]
        np.testing.assert_array_equal(found["value"], values.head(case.images))
        np.testing.assert_array_equal(found["value"], samples[found["index"]])


def test_data_decomposition_counts_every_sample_and_shows_noisy_ones(drawn):
    case, inputs, _, results = drawn
    numbers = results["data_decomposition"][1]
    names = np.array(case.class_names)
    assert set(numbers["noise"]) == {*case.noises}
    for noise, labels in inputs["labels"].items():
        of_noise = numbers[numbers["noise"] == noise]
        matrix = of_noise[of_noise["part"] == "matrix"].set_index(["true_label", "given_label"])["count"]
        pairs = list(zip(names[labels["true_label"]], names[labels["given_label"]], strict=True))
        assert matrix.sum() == len(labels)
        assert all(matrix[pair] == count for pair, count in pd.Series(pairs).value_counts().items())
        bars = of_noise[of_noise["part"].isin(["right label", "wrong label"])].groupby("part")["count"].sum()
        assert bars["wrong label"] == labels["is_noisy"].sum() and bars.sum() == len(labels)
    images = numbers[numbers["part"] == "image"]
    assert set(images["noise"]) == {case.noises[0]}
    rows = inputs["labels"][case.noises[0]].set_index("index").loc[images["index"]]
    assert len(rows) == case.images and rows["is_noisy"].all() == case.noisy
    assert [*names[rows["true_label"]]] == [*images["true_label"]]
    assert [*names[rows["given_label"]]] == [*images["given_label"]]


@pytest.mark.parametrize("predictions", ["correct", "wrong"])
def test_paths_of_test_data_are_the_means_over_classes_with_null_and_ceiling_of_the_last_layer(drawn, predictions):
    case, inputs, _, results = drawn
    figure, numbers = results[f"test_paths_{predictions}"]
    table = inputs["test_paths"].query("predictions == @predictions and `class` == -1")
    numbers = without_marks(numbers)
    keys = [*RUN_EPOCH, "layer", "reference"]
    same(numbers, table, keys)
    last = numbers["layer"] == numbers["model"].map(case.models)
    of_last = ["split_half", "null_low", "null_high"]
    assert numbers.loc[~last, of_last].isna().all(axis=None)
    expected = numbers[last].drop(columns=of_last).astype({"layer": "int64", "epoch": "int64"})
    expected = expected.merge(table[[*keys, *of_last]], on=keys)
    np.testing.assert_array_equal(numbers.loc[last, of_last], expected[of_last])
    drawn_ones = np.concatenate([numbers["value"], numbers["split_half"]]).astype(float)
    np.testing.assert_array_equal(drawn_values(figure), np.sort(drawn_ones[np.isfinite(drawn_ones)]))


def thresholds_of(figure):
    """Heights of the horizontal lines across a panel."""
    lines = [line for axes in axes_of(figure) for line in axes.lines if list(line.get_xdata()) == [0, 1]]
    return [line.get_ydata()[0] for line in lines if line.get_ydata()[0] == line.get_ydata()[1]]


def test_the_ratio_of_the_followed_neuron_is_drawn_with_its_threshold(drawn):
    case, inputs, shown, results = drawn
    figure, numbers = results["activation_ratio"]
    table = inputs["outliers"].query("measure == 'followed_rms_ratio'")
    same(without_marks(numbers), table, [*RUN_EPOCH, "layer"])
    assert thresholds_of(figure) == [THRESHOLD] * len(case.models) * len(case.noises)
    assert thresholds_of(results["scenario"][0]) == [THRESHOLD]
    numbers = results["scenario"][1].query("measure == 'followed_rms_ratio'")
    table = table[(table["noise"] == shown["noise"]) & (table["model"] == shown["model"]) & (table["layer"] == 1)]
    same(numbers, table, [*RUN_EPOCH, "layer"])


def test_the_figures_of_the_large_activation_by_class_show_the_layer_with_the_largest_ratio_on_one_scale(drawn):
    case, inputs, _, results = drawn
    limits = []
    for grouping, name in {"true": "large_by_true_class", "given": "large_by_given_label"}.items():
        figure, numbers = results[name]
        numbers = without_marks(numbers)
        assert set(numbers["layer"]) == {1}, "where the made-up ratio is largest"
        limits.append([axes.get_ylim() for axes in axes_of(figure)])
        if case.noisy:
            table = inputs["large_by_class"].assign(measure="class_mean")
            table = table[(table["layer"] == 1) & (table["grouping"] == grouping)]
            same(numbers, table, [*RUN_EPOCH, "layer", "class"])
        else:
            assert numbers["value"].isna().all()
    assert limits[0] == limits[1]


def test_the_layer_with_the_largest_ratio_is_that_of_the_models_own_last_epoch():
    rows = [("a", 10, 1, 3.0), ("a", 10, 2, 5.0), ("b", 5, 1, 9.0), ("b", 5, 2, np.nan), ("b", 1, 2, 99.0)]
    table = pd.DataFrame(rows, columns=["model", "epoch", "layer", "mean"])
    table = table.assign(noise="noise", measure="followed_rms_ratio")
    assert [figure_numbers.layer_with_largest_ratio(table, "noise", model) for model in "ab"] == [2, 1]


OVER_EPOCHS = [figure.name for figure in catalogue.FIGURES if "runs" in figure.inputs]


@pytest.mark.parametrize("name", OVER_EPOCHS)
def test_learning_rate_times_steps_is_below_the_epochs_at_the_same_places(drawn, name):
    figure, _ = drawn[3][name]
    second = [(axes, below) for axes in axes_of(figure) for below in axes.child_axes]
    assert second or name == "maps", "a map needs three widths or rates"
    for axes, below in second:
        assert below.get_xlim() == axes.get_xlim() and below.get_xlabel() == scales.RATE_STEPS
        for text in below.get_xticklabels():
            number = text.get_text().strip("${}").replace("10^{", "1e")
            if number:
                assert float(number) == pytest.approx(text.get_position()[0] * 1e-4 * 98, rel=0.05)


@pytest.mark.parametrize(
    ("last", "expected"),
    [(3, "0 1 3"), (300, "0 1 10 100"), (4000, "0 1 10 100 1000"), (1_000_000, "0 100 10k 1M")],
)
def test_epochs_have_as_many_numbers_as_fit(last, expected):
    axes = theme.figure(2, columns=4).subplots(1, 4)[0]
    scales.epoch_axis(axes, last)
    assert " ".join(text.get_text() for text in axes.get_xticklabels() if text.get_text()) == expected


def test_lines_end_where_training_of_their_model_ends():
    inputs, shown = inputs_of(CASES["different ends"])
    with theme.use_theme():
        figure, _ = importlib.import_module("epochwise.figures.accuracy_curves").draw(inputs, shown, {})
    first, second = ([max(line.get_xdata()) for line in axes.lines if line.get_label() == "test data"]
                     for axes in axes_of(figure))  # fmt: skip
    assert (first, second) == ([END_OF_FIRST], [CASES["different ends"].last])
    assert [len(axes.patches) for axes in axes_of(figure)] == [1, 0], "grey after the end of the first one"


def test_scenario_shows_one_minus_the_centred_cosine_of_first_and_last_layer(drawn):
    case, inputs, shown, results = drawn
    numbers = results["scenario"][1].query("measure == 'separation'")
    layers = sorted({1, case.models[shown["model"]]})
    assert [*numbers["layer"].unique()] == layers
    table = inputs["separation"].query(
        "noise == @shown['noise'] and model == @shown['model'] and measure == 'cosine_centred' and grouping == 'true'"
    )
    table = table[(table["class"] == -1) & table["layer"].isin(layers)]
    expected = table.assign(
        mean=1 - table["mean"], low=1 - table["high"], high=1 - table["low"], measure="separation"
    )  # fmt: skip
    same(numbers, expected, [*RUN_EPOCH, "layer"])


# -- uncertainty and phases --------------------------------------------------------------------------------------------


def test_long_names_of_classes_are_cut_and_dollars_stay_dollars():
    assert panels.short("aquarium_fish") == "aquarium_fish" and panels.short("x" * 16) == "x" * 16
    assert panels.short("x" * 17) == "x" * 15 + "…"
    assert is_math_text("$5 to $10") and not is_math_text(panels.short("$5 to $10"))
    assert panels.ticks([1, 2, 3], most=2) == ([0, 2], [1, 3])


def test_fewer_than_three_seeds_have_no_band(drawn):
    case, _, _, results = drawn
    bands = [c for axes in axes_of(results["accuracy_curves"][0]) for c in axes.collections]
    assert bool(bands) == (len(case.seeds) >= 3)


def test_a_mark_needs_half_of_the_seeds():
    seeds_with_mark = {"peak_epoch": 5, "fit_epoch": 2, "dip_epoch": 3}
    rows = [("noise", "model", "accuracy", measure, 10.0, n) for measure, n in seeds_with_mark.items()]
    phases = pd.DataFrame(rows, columns=["noise", "model", "curve", "measure", "mean", "n"])
    assert set(phase_marks.select_marks(phases)["measure"]) == {"peak_epoch", "dip_epoch"}


# -- files -------------------------------------------------------------------------------------------------------------


def test_saving_twice_gives_the_same_bytes(tmp_path):
    inputs, shown = inputs_of(CASES["one model, one seed"])
    module = importlib.import_module("epochwise.figures.scenario")
    contents = []
    for folder, times in {"a": 2, "b": 1}.items():
        files = [tmp_path / folder / f"figure.{extension}" for extension in ("pdf", "png", "csv")]
        with theme.use_theme():
            figure, numbers = module.draw(inputs, shown, {})
            for _ in range(times):
                theme.save(figure, numbers, *files, 60)
                contents.append([file.read_bytes() for file in files])
        assert sorted(file.name for file in (tmp_path / folder).iterdir()) == ["figure.csv", "figure.pdf", "figure.png"]
    assert all(content == contents[0] for content in contents)
    back = pd.read_csv(tmp_path / "a" / "figure.csv")
    np.testing.assert_array_equal(back["value"], numbers["value"])


def test_figures_do_without_torch():
    modules = ", ".join(f"epochwise.figures.{name}" for name in FIGURES)
    code = f"import sys, {modules}; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(theme.__file__).parents[2])
