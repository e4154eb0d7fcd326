"""The data of the explorer page: curves, separation, activations and samples, of each run and over seeds, for JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from epochwise.activations.tables import NEURONS, OUTPUTS, SAMPLES
from epochwise.analysis.outliers import OUTLIERS, large_neuron, layers_that_stand_out
from epochwise.analysis.separation import SEPARATION
from epochwise.data.corruption import LABELS
from epochwise.data.image_table import Images
from epochwise.figures.numbers import where
from epochwise.figures.scales import rate_steps_per_epoch
from epochwise.report import explorer_samples
from epochwise.training.history import HISTORY
from epochwise.workflow import tables

SUBSETS = ("clean", "noisy_given", "noisy_true", "test")
CURVES = ("accuracy", "loss", "cross_entropy")
SHOWN_MEASURES = ("cosine_centred", "cosine")
GROUPINGS = ("true", "given")
MARKS = ("peak_epoch", "fit_epoch", "dip_epoch")
MEAN = "mean"  # what the page shows instead of a seed
RANKS = 24  # neurons of a layer that are shown, besides the first ones
FIRST_RANKS = 8


@dataclass(frozen=True)
class RunFiles:
    """Paths of the tables of one run."""

    history: str
    separation: str
    outliers: str
    neurons: str
    samples: str
    outputs: str
    labels: str


@dataclass(frozen=True)
class Responses:
    """Responders of one run: `epochs` (T,), indices and activations (T, layers, count)."""

    epochs: np.ndarray
    strongest: np.ndarray
    strongest_values: np.ndarray
    weakest: np.ndarray
    weakest_values: np.ndarray


def page_data(
    runs: Sequence[Sequence], files: Sequence[RunFiles], over_seeds: Mapping[str, pd.DataFrame], images: Images
) -> dict:
    """Everything that the page embeds.

    Args:
        runs: noise, model and seed of each run.
        files: the tables of each run, in the same order.
        over_seeds: the tables `curves`, `phases`, `phases_by_seed`, `separation`, `outliers` and `runs` of the summary.
        images: the training images.
    """
    responses = [_responses(tables.read(file.samples, SAMPLES)) for file in files]
    extremes = [part for found in responses for part in (found.strongest, found.weakest)]
    random_ones = explorer_samples.draw_samples(tables.read(files[0].labels, LABELS))
    indices, count = explorer_samples.choose_images(random_ones, extremes)
    ranked = [_ranked(tables.read(file.neurons, NEURONS), tables.read(file.outliers, OUTLIERS)) for file in files]
    found = {}
    for run, file, response, of_run in zip(runs, files, responses, ranked, strict=True):
        found["|".join(map(str, run))] = {
            **_curves_of_run(file, over_seeds["phases_by_seed"], run),
            "separation": _separation(tables.read(file.separation, SEPARATION), "value"),
            "ranked": of_run,
            "samples": _samples(file, indices),
            "responses": _as_cells(response, indices, count),
        }
    for noise, model in dict.fromkeys((noise, model) for noise, model, _ in runs):
        of_model = [of_run for run, of_run in zip(runs, ranked, strict=True) if (run[0], run[1]) == (noise, model)]
        found[f"{noise}|{model}|{MEAN}"] = _mean_of_seeds(noise, model, over_seeds, of_model)
    return {
        "runs": found,
        "models": _models(over_seeds["runs"]),
        "indices": indices.tolist(),
        "drawn": np.isin(indices, random_ones).astype(int).tolist(),
        "responders": count,
        "classes": list(images.class_names),
        "sprite": explorer_samples.make_sprite(images.pixels[indices], images.shape),
    }


def _models(runs: pd.DataFrame) -> dict[str, dict]:
    """Number of weights of each model, and its learning rate × steps in an epoch. `runs` is the table of this name."""
    per_epoch = rate_steps_per_epoch(runs)
    weights = runs.drop_duplicates("model").set_index("model")["weights"]
    return {model: {"weights": int(weights[model]), "per_epoch": rate} for model, rate in per_epoch.items()}


def _curves_of_run(file: RunFiles, phases_by_seed: pd.DataFrame, run: Sequence) -> dict:
    """Curves of one run, and the epochs of P, F and D that this run has."""
    history = tables.read(file.history, HISTORY)
    table = history.melt(["epoch", "subset"], [*CURVES], var_name="measure", value_name="mean")
    phases = where(phases_by_seed, **dict(zip(("noise", "model", "seed"), run, strict=True)))
    phases = phases.rename(columns={"value": "mean"})
    return {**_curves(table.assign(low=np.nan, high=np.nan)), "marks": _marks(phases.assign(n=1))}


def _mean_of_seeds(noise: str, model: str, over_seeds: Mapping[str, pd.DataFrame], ranked: list[dict]) -> dict:
    """Curves, marks, separation and ranked activations of a model over its seeds."""
    names = ("curves", "phases", "separation", "outliers")
    of_model = {name: where(over_seeds[name], noise=noise, model=model) for name in names}
    large = layers_that_stand_out(where(of_model["outliers"], measure="largest_over_median_active"))
    return {
        **_curves(of_model["curves"]),
        "marks": _marks(of_model["phases"]),
        "separation": _separation(of_model["separation"], "mean"),
        "ranked": {
            **ranked[0],
            "values": _mean_by_layer([of_seed["values"] for of_seed in ranked]),
            "neurons": None,
            "final": None,
            "stands_out": large["layer"].tolist(),
        },
    }


def _mean_by_layer(values: Sequence[list]) -> list:
    """Mean over seeds of values by epoch, layer and rank. Layers may have different numbers of ranks."""
    return [
        [_rounded(np.mean(of_seeds, axis=0)) for of_seeds in zip(*layers, strict=True)]
        for layers in zip(*values, strict=True)
    ]


def _curves(table: pd.DataFrame) -> dict:
    """The curves of `table`, which has the columns epoch, subset, measure, mean, low and high."""
    epochs = np.sort(table["epoch"].unique())
    curves = {}
    for measure in CURVES:
        rows = table[table["measure"] == measure].pivot(index="epoch", columns="subset").reindex(epochs)
        curves[measure] = {
            subset: {end: _rounded(rows[end, subset]) for end in ("mean", "low", "high")}
            for subset in SUBSETS
            if ("mean", subset) in rows
        }
    return {"epochs": epochs.tolist(), "curves": curves}


def _marks(phases: pd.DataFrame) -> dict[str, float]:
    """Epochs of P, F and D by test accuracy; those that fewer than half of the seeds have are left out."""
    phases = phases[(phases["curve"] == "accuracy") & phases["mean"].notna()]
    phases = phases[2 * phases["n"] >= phases["n"].max()]
    marks = phases[phases["measure"].isin(MARKS)]
    return {measure: round(epoch, 1) for measure, epoch in zip(marks["measure"], marks["mean"], strict=True)}


def _separation(table: pd.DataFrame, column: str) -> dict:
    """Separation by measure and grouping: epochs × layers × classes, where the first class is the mean over classes."""
    table = table[table["measure"].isin(SHOWN_MEASURES)]
    epochs, layers = np.sort(table["epoch"].unique()), np.sort(table["layer"].unique())
    values = {}
    for (measure, grouping), rows in table.groupby(["measure", "grouping"]):
        wide = rows.pivot(index=["epoch", "layer"], columns="class", values=column).sort_index(axis=1)
        wide = wide.reindex(pd.MultiIndex.from_product([epochs, layers]))
        values[f"{measure}|{grouping}"] = _rounded(wide.to_numpy().reshape(len(epochs), len(layers), -1))
    return {"epochs": epochs.tolist(), "values": values}


def choose_ranks(width: int) -> np.ndarray:
    """Ranks of the neurons to show, from 1: the first ones, then at growing distances up to the last."""
    spaced = np.geomspace(1, width, RANKS).round().astype(int)
    return np.unique(np.concatenate([np.arange(1, min(FIRST_RANKS, width) + 1), spaced]))


def _ranked(neurons: pd.DataFrame, outliers: pd.DataFrame) -> dict:
    """Largest activation of the neurons of each layer in descending order, at some ranks, and which neuron is first.

    `ranks` and `values` have a list per layer, because layers may have different numbers of neurons. `stands_out` is
    the layer that stands out at each epoch, as the claims define it. `final` is the large neuron of the layer that
    stands out at the last epoch, with its rank in its layer and its largest activation at each epoch.
    """
    largest = {layer: _by_epoch(rows) for layer, rows in neurons.groupby("layer")}
    ranks = {layer: choose_ranks(table.shape[1]) for layer, table in largest.items()}
    shown = [_rounded(-np.sort(-table.to_numpy())[:, ranks[layer] - 1]) for layer, table in largest.items()]
    layer, neuron = large_neuron(outliers)
    final = largest[layer][neuron].to_numpy()
    return {
        "epochs": next(iter(largest.values())).index.tolist(),
        "ranks": [of_layer.tolist() for of_layer in ranks.values()],
        "values": [list(layers) for layers in zip(*shown, strict=True)],
        "neurons": np.stack([table.to_numpy().argmax(axis=1) for table in largest.values()], axis=1).tolist(),
        "stands_out": layers_that_stand_out(outliers)["layer"].tolist(),
        "final": {
            "layer": layer,
            "neuron": neuron,
            "ranks": (1 + (largest[layer].to_numpy() > final[:, None]).sum(axis=1)).tolist(),
            "values": _rounded(final),
        },
    }


def _by_epoch(rows: pd.DataFrame) -> pd.DataFrame:
    """Largest activations of one layer: epochs × neurons, from 0."""
    return rows.pivot(index="epoch", columns="neuron", values="max").sort_index().sort_index(axis=1)


def _responses(samples: pd.DataFrame) -> Responses:
    """The samples with the strongest and the weakest response of the large neuron of each layer, at each epoch."""
    epochs, layers = np.sort(samples["epoch"].unique()), np.sort(samples["layer"].unique())
    samples = samples.sort_values(["epoch", "layer", "index"], kind="stable")
    values = samples["value"].to_numpy().reshape(len(epochs), len(layers), -1)
    index = samples["index"].to_numpy().reshape(values.shape)
    ends = [
        explorer_samples.find_responders(row, explorer_samples.MOST_RESPONDERS)
        for row in values.reshape(-1, values.shape[-1])
    ]
    shape = (len(epochs), len(layers), -1)
    strongest, weakest = (np.array([end[side] for end in ends]).reshape(shape) for side in (0, 1))
    return Responses(
        epochs,
        np.take_along_axis(index, strongest, -1),
        np.take_along_axis(values, strongest, -1),
        np.take_along_axis(index, weakest, -1),
        np.take_along_axis(values, weakest, -1),
    )


def _as_cells(responses: Responses, indices: np.ndarray, count: int) -> dict:
    """Responders as numbers of their images in the page."""
    found = {"epochs": responses.epochs.tolist()}
    for side in ("strongest", "weakest"):
        found[side] = np.searchsorted(indices, getattr(responses, side)[..., :count]).tolist()
        found[f"{side}_values"] = _rounded(getattr(responses, f"{side}_values")[..., :count], digits=3)
    return found


def _samples(file: RunFiles, indices: np.ndarray) -> dict:
    """Labels and predictions of the shown samples in one run, and when each was learned and forgotten.

    A sample that the run was not trained on has the labels and predictions −1.
    """
    labels = tables.read(file.labels, LABELS).set_index("index").reindex(indices)
    outputs = tables.read(file.outputs, OUTPUTS, ["epoch", "index", "predicted", "probability"])
    outputs = outputs[outputs["index"].isin(indices)].pivot(index="epoch", columns="index").sort_index()
    epochs = outputs.index.to_numpy()
    predicted = outputs["predicted"].reindex(columns=indices).fillna(-1).to_numpy(np.int16)
    percent = (100 * outputs["probability"].reindex(columns=indices)).round().fillna(0).to_numpy(np.uint8)
    true, given = (labels[name].fillna(-1).to_numpy(np.int16) for name in ("true_label", "given_label"))
    absent = given < 0
    found = {
        "epochs": epochs.tolist(),
        "true": explorer_samples.encode(true, "<i2"),
        "given": explorer_samples.encode(given, "<i2"),
        "predicted": explorer_samples.encode(predicted, "<i2"),
        "percent": explorer_samples.encode(percent, "u1"),
    }
    for name, label in {"given": given, "true": true}.items():
        times = explorer_samples.learning_times(predicted, label, epochs)
        for key, values in times.items():
            empty = 0 if key == "times" else explorer_samples.NEVER
            found[f"{key}_{name}"] = explorer_samples.encode(np.where(absent, empty, values), "<i4")
    return found


def _rounded(values, digits: int = 4) -> list:
    """Nested lists with at most `digits` decimal places; missing values become None, because JSON has no NaN."""
    array = np.asarray(values, np.float64).round(digits)
    return np.where(np.isnan(array), None, array.astype(object)).tolist()
