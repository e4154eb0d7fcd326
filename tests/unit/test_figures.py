"""Every figure drawn from small made-up tables: its numbers are the input's, no panel is empty, no texts overlap."""

import importlib
import itertools
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from matplotlib.text import Text

from epochwise import catalogue
from epochwise.activations.tables import SAMPLES
from epochwise.data.corruption import LABELS
from epochwise.figures import numbers as figure_numbers
from epochwise.figures import phase_marks, theme
from epochwise.findings import summary

FIGURES = tuple(figure.name for figure in catalogue.FIGURES)
SCHEMAS = summary.SCHEMAS | {"labels": LABELS, "samples": SAMPLES}
MARKS = ["peak_epoch", "fit_epoch", "dip_epoch"]
STATISTICS = {
    "pearson": ("norm", "brightness", "contrast"),
    "spearman": ("norm", "brightness", "contrast", "probability", "loss"),
    "r2": ("components",),
    "eta2": ("true_label", "given_label", "predicted_label"),
    "auc": ("is_noisy",),
}
OUTPUT_SIDE = ("true_label", "given_label", "predicted_label", "probability", "loss", "is_noisy")
PHASES = {"fitted": 0.99, "learned": 0.5, "smoothing": 1, "min_dip": 0.01}
WIDTH = 12


@dataclass(frozen=True)
class Case:
    """A made-up experiment; `models` maps names to numbers of hidden layers."""

    models: dict = field(default_factory=lambda: {"mlp3": 2, "mlp5": 4})
    noises: tuple = ("symmetric30",)
    seeds: tuple = (0, 1, 2)
    class_names: tuple = tuple("0123456789")
    shape: tuple = (1, 8, 8)
    last: int = 300
    fits: bool = True
    noisy: bool = True
    missing: bool = False
    images: int = 8


CASES = {
    "usual": Case(),
    "one model, one seed": Case(models={"mlp3": 1}, seeds=(0,), last=3, images=1),
    "noises, never fitted": Case(models={"mlp2": 1, "mlp3": 2}, noises=("low", "high"), fits=False, last=4000),
    "a hundred classes, colour, missing": Case(
        models={"mlp3": 2},
        class_names=tuple(map(str, range(100))),
        shape=(3, 8, 8),
        seeds=(0, 1),
        missing=True,
        images=12,
    ),
    "long names, deep": Case(
        models={"a_small-model": 1, "a_model_with-a_long_name_of_more-than_one_line": 9},
        class_names=("airplane", "automobile", "ankle boot", "T-shirt/top"),
        images=20,
    ),
    "no noise": Case(models={"mlp3": 2}, noisy=False),
    "many models": Case(
        models={f"d2_w{2**i}": 2 for i in range(3, 11)}, noises=("low", "high"), seeds=(0,), last=3, images=1
    ),
}


def by_run(case, columns):
    """One table of all runs: `columns(rng, layers)` gives the frame of one run."""
    rng = np.random.default_rng(1)
    return pd.concat(
        [
            columns(rng, layers).assign(noise=noise, model=model, seed=seed)
            for noise, (model, layers), seed in itertools.product(case.noises, case.models.items(), case.seeds)
        ],
        ignore_index=True,
    )


def history(case, epochs):
    def run(rng, layers):
        t = np.log1p(epochs) / np.log1p(case.last)
        given = (1.0 if case.fits else 0.6) / (1 + np.exp(-40 * (t - 0.6 + 0.03 * rng.normal())))
        given[t < 0.1] = 0.05
        given[-1] = 1.0 if case.fits else 0.6
        test = np.interp(t, [0, 0.4, 0.7, 1], [0.1, 0.8, 0.5, 0.6]) + 0.01 * rng.normal(size=len(t))
        curves = {
            "clean": np.minimum(0.1 + 2 * t, 1),
            "noisy_given": given,
            "noisy_true": 0.9 * (1 - given),
            "test": test,
        }
        if not case.noisy:
            curves |= {"noisy_given": np.full(len(t), np.nan), "noisy_true": np.full(len(t), np.nan)}
        curves["train"] = curves["clean"]
        return pd.concat(
            [
                pd.DataFrame({"epoch": epochs, "subset": subset, "accuracy": a, "loss": 2.3 - 2.29 * a})
                for subset, a in curves.items()
            ]
        )

    return by_run(case, run)


def separation(case, epochs):
    classes = len(case.class_names)

    def run(rng, layers):
        keys = [*itertools.product(epochs, range(1, layers + 1), ("true", "given"), range(classes))]
        table = pd.DataFrame(keys, columns=["epoch", "layer", "grouping", "class"])
        table["cosine_centred"] = rng.uniform(-0.5, 1, len(table)) if case.noisy else np.nan
        if case.missing:
            table.loc[table["class"] % 3 == 0, "cosine_centred"] = np.nan
        mean = table.groupby(["epoch", "layer", "grouping"], as_index=False)["cosine_centred"].mean()
        table = pd.concat([table, mean.assign(**{"class": -1})])
        cosine = 0.5 + table["cosine_centred"] / 2
        table = table.assign(cosine=cosine, cosine_without_large=cosine, split_half=0.98 + 0 * cosine)
        return table.melt(["epoch", "layer", "grouping", "class"], var_name="measure")

    return by_run(case, run)


def outliers(case, epochs):
    def run(rng, layers):
        table = pd.DataFrame([*itertools.product(epochs, range(1, layers + 1))], columns=["epoch", "layer"])
        peak = rng.uniform(4, 40, len(table))
        over = np.where(case.missing & (table["layer"] == layers), np.nan, peak)
        others = dict.fromkeys(("runner_up", "peak_over_median_peak", "kurtosis"), peak / 2)
        return table.assign(peak=peak, peak_over_median_active=over, argmax_share=rng.random(len(table)), **others)

    return by_run(case, run).assign(massive=False)


def neurons(case, epochs):
    def run(rng, layers):
        keys = [*itertools.product((epochs[0], epochs[-1]), range(1, layers + 1), range(WIDTH))]
        table = pd.DataFrame(keys, columns=["epoch", "layer", "neuron"])
        return table.assign(max=np.where(table["neuron"] == 0, 0, rng.uniform(0.01, 30, len(table))))

    return by_run(case, run)


def large_activation(case, epochs):
    def run(rng, layers):
        pairs = [(feature, statistic) for statistic, features in STATISTICS.items() for feature in features]
        keys = [(*key, *pair) for key in itertools.product(epochs, range(1, layers + 1)) for pair in pairs]
        table = pd.DataFrame(keys, columns=["epoch", "layer", "feature", "statistic"])
        signed = table["statistic"].isin(["pearson", "spearman"])
        value = np.where(signed, rng.uniform(-0.9, 0.9, len(table)), rng.uniform(0.1, 0.9, len(table)))
        if case.missing:
            value[table["feature"] == "norm"] = np.nan
        return table.assign(value=value, side=np.where(table["feature"].isin(OUTPUT_SIDE), "output", "input"))

    return by_run(case, run)


def typed(table, name):
    """A table as it is read from its file."""
    return pa.Table.from_pandas(table, SCHEMAS[name], preserve_index=False).to_pandas()


def inputs_of(case):
    """All tables that figures draw, and the run that single-run figures show."""
    rng = np.random.default_rng(0)
    epochs = np.unique(np.geomspace(1, case.last + 1, 7).round().astype(int) - 1)
    curves = history(case, epochs)
    by_seed = summary.phases_by_seed(curves, PHASES)
    tables = {
        "curves": summary.curves(curves, 0.95),
        "phases": summary.over_seeds(by_seed, ["noise", "model", "metric", "quantity"], "value", 0.95),
        "separation": summary.separation(separation(case, epochs), 0.95),
        "outliers": summary.outliers(outliers(case, epochs), 0.95),
        "peaks": summary.peaks(neurons(case, epochs), 0.95),
        "large_activation": summary.large_activation(large_activation(case, epochs), 0.95),
        "phases_by_seed": by_seed,
    }
    classes = len(case.class_names)
    true = np.tile(np.arange(classes, dtype=np.int16), 400 // classes)
    drawn = rng.random(len(true)) < (0.3 if case.noisy else 0)
    given = np.where(drawn, rng.integers(classes, size=len(true)), true).astype(np.int16)
    index = rng.permutation(2 * len(true))[: len(true)]
    labels = {"index": np.sort(index), "true_label": true, "given_label": given, "is_noisy": true != given}
    tables["labels"] = pd.DataFrame(labels)
    model, layers = [*case.models.items()][-1]
    keys = [*itertools.product((epochs[0], epochs[-1]), range(1, layers + 1), labels["index"])]
    samples = pd.DataFrame(keys, columns=["epoch", "layer", "index"])
    tables["samples"] = samples.assign(neuron=1, value=np.maximum(rng.normal(size=len(samples)), 0))
    inputs = {name: typed(table, name) for name, table in tables.items()}
    pixels = rng.integers(0, 256, (2 * len(true), int(np.prod(case.shape))), dtype=np.uint8)
    inputs["train_images"] = SimpleNamespace(pixels=pixels, shape=case.shape, class_names=case.class_names)
    return inputs, {"noise": case.noises[0], "model": model}


@pytest.fixture(scope="module", params=CASES, ids=lambda name: name.replace(" ", "_"))
def drawn(request):
    """A case, its inputs, and every figure of it, laid out: {name: (figure, numbers)}."""
    case = CASES[request.param]
    inputs, shown = inputs_of(case)
    results = {}
    with theme.applied():
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


RUN_EPOCH = ["noise", "model", "epoch", "quantity"]


def without_marks(numbers):
    return numbers[~numbers["quantity"].isin(MARKS)]


def test_every_column_of_the_numbers_is_explained(drawn):
    explained = figure_numbers.__doc__
    for name, (_, numbers) in drawn[3].items():
        about = explained + importlib.import_module(f"epochwise.figures.{name}").draw.__doc__
        assert all(f"`{column}`" in about for column in numbers), name


def test_layers_seeds_and_epochs_are_numbers(drawn):
    for _, numbers in drawn[3].values():
        for column in {"layer", "seed", "epoch", "rank", "n"} & {*numbers}:
            assert pd.api.types.is_integer_dtype(numbers[column]), column


@pytest.mark.parametrize("name", ["learning_curves", "separation_by_layer", "large_activation", "scenario"])
def test_lines_show_exactly_the_numbers(drawn, name):
    figure, numbers = drawn[3][name]
    values = without_marks(numbers)["value"].dropna()
    np.testing.assert_array_equal(drawn_values(figure), np.sort(values))


def test_learning_curves_are_the_means_of_the_table(drawn):
    _, inputs, _, results = drawn
    numbers = results["learning_curves"][1]
    expected = inputs["curves"].rename(columns={"metric": "quantity"})
    same(without_marks(numbers), expected, [*RUN_EPOCH, "subset"])


def test_marks_are_the_mean_epochs_of_the_phases(drawn):
    case, inputs, _, results = drawn
    numbers = results["learning_curves"][1]
    marks = numbers[numbers["quantity"].isin(MARKS)]
    phases = inputs["phases"].query("metric == 'accuracy' and quantity in @MARKS").dropna(subset="mean")
    phases = phases.set_index(["noise", "model", "quantity"])["mean"]
    assert len(marks) == len(phases)
    for mark in marks.itertuples():
        assert mark.value == phases[mark.noise, mark.model, mark.quantity]
    assert ("fit_epoch" in set(marks["quantity"])) == (case.fits and case.noisy)


def test_phases_shows_every_seed_and_the_means(drawn):
    _, inputs, _, results = drawn
    numbers = results["phases"][1]
    changes = numbers[numbers["quantity"].isin(["fall", "recovery", "surplus", "after_fit"])]
    keys = ["noise", "model", "metric", "quantity"]
    single = changes[changes["seed"].notna()].set_index([*keys, "seed"])["value"]
    expected = inputs["phases_by_seed"].query("quantity in ['fall', 'recovery', 'surplus', 'after_fit']")
    assert len(single) == len(expected)
    for row in expected.itertuples():
        np.testing.assert_equal(single[row.noise, row.model, row.metric, row.quantity, row.seed], row.value)
    means = changes[changes["seed"].isna()].set_index(keys)["value"]
    for row in inputs["phases"].query("quantity in ['fall', 'recovery', 'surplus', 'after_fit']").itertuples():
        np.testing.assert_equal(means[row.noise, row.model, row.metric, row.quantity], row.mean)


def test_separation_by_layer_is_the_mean_over_classes_with_the_last_layers_ceiling(drawn):
    case, inputs, _, results = drawn
    numbers = results["separation_by_layer"][1]
    table = inputs["separation"][inputs["separation"]["class"] == -1]
    table = table.rename(columns={"measure": "quantity"})
    cosines = table[table["quantity"].isin(["cosine", "cosine_centred"])]
    keys = [*RUN_EPOCH, "grouping", "layer"]
    same(numbers[numbers["quantity"].isin(["cosine", "cosine_centred"])], cosines, keys)
    ceiling = table[(table["quantity"] == "split_half") & (table["layer"] == table["model"].map(case.models))]
    same(numbers[numbers["quantity"] == "split_half"], ceiling, keys)


def test_separation_by_class_is_the_last_epoch(drawn):
    case, inputs, _, results = drawn
    _, numbers = results["separation_by_class"]
    table = inputs["separation"]
    expected = table[(table["measure"] == "cosine_centred") & (table["class"] >= 0) & (table["epoch"] == case.last)]
    keys = ["noise", "model", "epoch", "layer", "grouping", "class"]
    same(numbers.assign(low=np.nan, high=np.nan), expected.assign(low=np.nan, high=np.nan), keys)
    assert (numbers["class_name"] == numbers["class"].map(dict(enumerate(case.class_names)))).all()


def test_activation_distribution_is_the_peaks_of_the_first_and_last_epoch(drawn):
    _, inputs, _, results = drawn
    same(results["activation_distribution"][1], inputs["peaks"], ["noise", "model", "epoch", "layer", "rank"])


def test_large_activation_is_the_outlier_measures(drawn):
    _, inputs, _, results = drawn
    numbers = results["large_activation"][1]
    shown = ["peak_over_median_active", "peak_over_runner_up", "argmax_share"]
    table = inputs["outliers"][inputs["outliers"]["measure"].isin(shown)]
    same(without_marks(numbers), table.rename(columns={"measure": "quantity"}), [*RUN_EPOCH, "layer"])


def test_the_layer_that_stands_out_is_shallow_and_has_the_largest_ratio_at_the_last_epoch():
    rows = [(10, layer, ratio) for layer, ratio in enumerate([3.0, np.nan, 5, 99, 4, 4], start=1)]
    rows += [(1, layer, ratio) for layer, ratio in enumerate([1000.0, 1, 1, 1, 1, 1], start=1)]
    table = pd.DataFrame(rows, columns=["epoch", "layer", "peak_over_median_active"])
    others = ("peak", "runner_up", "peak_over_median_peak", "kurtosis", "argmax_share")
    table = table.assign(**dict.fromkeys(others, 1.0), massive=False, noise="noise", model="model", seed=0)
    assert figure_numbers.layer_that_stands_out(summary.outliers(table, 0.95), "noise", "model") == 3


def test_inputs_are_the_strengths_in_the_outstanding_layer(drawn):
    case, inputs, _, results = drawn
    numbers = results["large_activation_inputs"][1]
    statistics = numbers[numbers["part"] == "statistic"]
    assert len(statistics) == 13 * len(case.models) * len(case.noises)
    table = inputs["large_activation"]
    table = table.set_index(["noise", "model", "epoch", "layer", "feature", "statistic"])
    for row in statistics.itertuples():
        assert row.layer == figure_numbers.layer_that_stands_out(inputs["outliers"], row.noise, row.model)
        key = (row.noise, row.model, case.last, row.layer, row.feature, row.statistic)
        expected = table.loc[key, ["mean", "low", "high"]]
        np.testing.assert_equal([row.value, row.low, row.high], [*expected])


def test_inputs_show_the_images_at_both_ends(drawn):
    case, inputs, shown, results = drawn
    numbers = results["large_activation_inputs"][1]
    images = numbers[numbers["part"] == "image"]
    layer = figure_numbers.layer_that_stands_out(inputs["outliers"], shown["noise"], shown["model"])
    samples = inputs["samples"]
    samples = samples[(samples["layer"] == layer) & (samples["epoch"] == case.last)].set_index("index")["value"]
    for end, values in {"largest": samples.sort_values(ascending=False), "smallest": samples.sort_values()}.items():
        found = images[images["end"] == end]
        np.testing.assert_array_equal(found["value"], values.head(case.images))
        np.testing.assert_array_equal(found["value"], samples[found["index"]])


def test_data_decomposition_counts_every_sample_and_shows_noisy_ones(drawn):
    case, inputs, _, results = drawn
    numbers, labels = results["data_decomposition"][1], inputs["labels"]
    names = np.array(case.class_names)
    matrix = numbers[numbers["part"] == "matrix"].set_index(["true_label", "given_label"])["count"]
    pairs = pd.Series(list(zip(names[labels["true_label"]], names[labels["given_label"]], strict=True))).value_counts()
    assert matrix.sum() == len(labels)
    assert all(matrix[pair] == count for pair, count in pairs.items())
    bars = numbers[numbers["part"].isin(["right label", "wrong label"])].groupby("part")["count"].sum()
    assert bars["wrong label"] == labels["is_noisy"].sum() and bars.sum() == len(labels)
    images = numbers[numbers["part"] == "image"]
    rows = labels.set_index("index").loc[images["index"]]
    assert len(rows) == case.images and rows["is_noisy"].all() == case.noisy
    assert [*names[rows["true_label"]]] == [*images["true_label"]]
    assert [*names[rows["given_label"]]] == [*images["given_label"]]


def test_scenario_shows_one_minus_the_centred_cosine_of_first_and_last_layer(drawn):
    case, inputs, shown, results = drawn
    numbers = results["scenario"][1].query("quantity == 'separation'")
    layers = sorted({1, case.models[shown["model"]]})
    assert [*numbers["layer"].unique()] == layers
    table = inputs["separation"].query(
        "noise == @shown['noise'] and model == @shown['model'] and measure == 'cosine_centred' and grouping == 'true'"
    )
    table = table[(table["class"] == -1) & table["layer"].isin(layers)]
    expected = table.assign(
        mean=1 - table["mean"], low=1 - table["high"], high=1 - table["low"], quantity="separation"
    )  # fmt: skip
    same(numbers, expected, [*RUN_EPOCH, "layer"])


# -- uncertainty and phases --------------------------------------------------------------------------------------------


def test_fewer_than_three_seeds_have_no_band(drawn):
    case, _, _, results = drawn
    bands = [c for axes in axes_of(results["learning_curves"][0]) for c in axes.collections]
    assert bool(bands) == (len(case.seeds) >= 3)


def test_a_mark_needs_half_of_the_seeds():
    quantities = {"peak_epoch": 5, "fit_epoch": 2, "dip_epoch": 3}
    rows = [("noise", "model", "accuracy", quantity, 10.0, n) for quantity, n in quantities.items()]
    phases = pd.DataFrame(rows, columns=["noise", "model", "metric", "quantity", "mean", "n"])
    assert set(phase_marks.marks_of(phases)["quantity"]) == {"peak_epoch", "dip_epoch"}


# -- files -------------------------------------------------------------------------------------------------------------


def test_saving_twice_gives_the_same_bytes(tmp_path):
    inputs, shown = inputs_of(CASES["one model, one seed"])
    module = importlib.import_module("epochwise.figures.scenario")
    contents = []
    for folder, times in {"a": 2, "b": 1}.items():
        files = [tmp_path / folder / f"figure.{extension}" for extension in ("pdf", "png", "csv")]
        with theme.applied():
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
