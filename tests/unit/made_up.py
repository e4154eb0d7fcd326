"""Small made-up experiments: the tables that figures draw, without any training."""

import itertools
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa

from epochwise.data.corruption import LABELS
from epochwise.findings import drawn
from epochwise.findings.intervals import over_seeds
from epochwise.findings.summarize import SUMMARIES, summarize

SCHEMAS = drawn.SCHEMAS | {"labels": LABELS}
MEASURES = {
    "pearson": ("norm", "brightness", "contrast"),
    "spearman": ("norm", "brightness", "contrast", "probability", "loss"),
    "r2": ("components",),
    "eta2": ("true_label", "given_label", "predicted_label"),
    "eta2_noisy": ("true_label", "given_label"),
    "auc": ("is_noisy",),
}
OUTPUT_SIDE = ("given_label", "predicted_label", "probability", "loss", "is_noisy")
PHASES = {"fitted": 0.99, "learned": 0.5, "smoothing": 1, "min_dip": 0.01}
WIDTH = 12


@dataclass(frozen=True)
class Case:
    """A made-up experiment; `models` maps names to numbers of hidden layers.

    `last` is the last epoch. A model in `ends` ends earlier, at the epoch given there.
    """

    models: dict = field(default_factory=lambda: {"mlp3": 2, "mlp5": 4})
    noises: tuple = ("symmetric30",)
    seeds: tuple = (0, 1, 2)
    class_names: tuple = tuple("0123456789")
    shape: tuple = (1, 8, 8)
    last: int = 300
    ends: dict = field(default_factory=dict)
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
        class_names=("what costs $5 to $10 in a shop", "automobile", "ankle boot", "T-shirt/top"),
        images=20,
    ),
    "epochs of their own": Case(models={"mlp3": 2, "mlp7": 6}, ends={"mlp3": 40}),
    "no noise": Case(models={"mlp3": 2}, noisy=False),
    "many models": Case(
        models={f"d2_w{2**i}": 2 for i in range(3, 11)}, noises=("low", "high"), seeds=(0,), last=3, images=1
    ),
}


def by_run(case, columns):
    """One table of all runs: `columns(rng, layers)` gives the frame of one run."""
    rng = np.random.default_rng(1)
    parts = []
    for noise, (model, layers), seed in itertools.product(case.noises, case.models.items(), case.seeds):
        run = columns(rng, layers)
        if "epoch" in run:
            run = run[run["epoch"] <= case.ends.get(model, case.last)]
        parts.append(run.assign(noise=noise, model=model, seed=seed))
    return pd.concat(parts, ignore_index=True)


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
                pd.DataFrame({"epoch": epochs, "subset": subset, "accuracy": a, "loss": 2.3 - 2.29 * a}).assign(
                    cross_entropy=2.3 - 2.2 * a
                )
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
        largest = rng.uniform(4, 40, len(table))
        over = np.where(case.missing & (table["layer"] == layers), np.nan, largest)
        names = ("second_largest_activation", "largest_over_median_neuron", "kurtosis")
        table = table.assign(largest_activation=largest, largest_over_median_active=over)
        ratio = over / 2
        ratios = {f"{who}rms_ratio{how}": ratio for who in ("", "followed_") for how in ("", "_of_means")}
        ratios["ratio_over_threshold"] = ratio / 10
        return table.assign(argmax_share=rng.random(len(table)), **dict.fromkeys(names, largest / 2), **ratios)

    return by_run(case, run).assign(massive=False)


def neurons(case, epochs):
    def run(rng, layers):
        keys = [*itertools.product(epochs, range(1, layers + 1), range(WIDTH))]
        table = pd.DataFrame(keys, columns=["epoch", "layer", "neuron"])
        return table.assign(max=np.where(table["neuron"] == 0, 0, rng.uniform(0.01, 30, len(table))))

    table = by_run(case, run)  # of every epoch; the first and each model's last one are read
    return table[table["epoch"].isin([0]) | (table["epoch"] == table.groupby("model")["epoch"].transform("max"))]


def large_activation(case, epochs):
    def run(rng, layers):
        pairs = [(feature, measure) for measure, features in MEASURES.items() for feature in features]
        keys = [(*key, *pair) for key in itertools.product(epochs, range(1, layers + 1)) for pair in pairs]
        table = pd.DataFrame(keys, columns=["epoch", "layer", "feature", "measure"])
        signed = table["measure"].isin(["pearson", "spearman"])
        value = np.where(signed, rng.uniform(-0.9, 0.9, len(table)), rng.uniform(0.1, 0.9, len(table)))
        if case.missing:
            value[table["feature"] == "norm"] = np.nan
        return table.assign(value=value, side=np.where(table["feature"].isin(OUTPUT_SIDE), "output", "input"))

    return by_run(case, run)


def large_by_class(case, epochs):
    def run(rng, layers):
        keys = [*itertools.product(epochs, range(1, layers + 1), ("true", "given"), range(len(case.class_names)))]
        table = pd.DataFrame(keys, columns=["epoch", "layer", "grouping", "class"])
        mean = rng.uniform(0, 5, len(table)) * (1 + table["epoch"] / case.last)
        if case.missing:
            mean = mean.where(table["class"] % 3 > 0)
        return table.assign(neuron=1, n=3 if case.noisy else 0, mean=mean if case.noisy else np.nan)

    return by_run(case, run)


def test_paths(case, epochs):
    def run(rng, layers):
        classes = range(-1, len(case.class_names))
        groups = ("correct", "wrong"), ("clean", "noisy"), ("cosine", "cosine_centred")
        keys = [*itertools.product(epochs, range(1, layers + 1), classes, *groups)]
        names = ["epoch", "layer", "class", "predictions", "reference", "measure"]
        table = pd.DataFrame(keys, columns=names)
        value = rng.uniform(0.3, 1, len(table))
        if case.missing:
            value[table["class"] % 3 == 0] = np.nan
        if not case.noisy:
            value[table["reference"] == "noisy"] = np.nan
        null = value - 0.2
        table = table.assign(n=9, value=value, split_half=0.99, null_mean=null)
        return table.assign(null_low=null - 0.05, null_high=null + 0.05)

    return by_run(case, run)


def twins_of(case):
    """The summary table `twins`: every noise but the last, which is the twin."""
    rows = []
    for (noise, rate), model in itertools.product(zip(case.noises[:-1], (0.1, 0.3), strict=False), case.models):
        row = {"noise": noise, "model": model, "achieved_rate": rate, "twin_error": 0.1, "test_error": 0.3}
        row |= {"test_error_low": 0.2, "gap": 0.2, "gap_low": 0.1, "gap_high": 0.3, "slope": 1, "slope_low": 0.5}
        rows.append(row | {"slope_high": 2, "n": 3, "overfitting": "tempered"})
    return pd.DataFrame(rows, columns=SCHEMAS["twins"].names)


def labels_of(case):
    """Ten labels of each run, three of which are wrong."""
    return by_run(case, lambda rng, layers: pd.DataFrame({"is_noisy": [True] * 3 + [False] * 7}))


def measures(case, epochs):
    def run(rng, layers):
        names = ("probe_noisy", "neighbours_given", "collapse_nc1_true", "effective_rank")
        table = pd.DataFrame(
            [*itertools.product(epochs, range(1, layers + 1), names)], columns=["epoch", "layer", "measure"]
        )
        table["value"] = rng.uniform(0.4, 1, len(table))
        null = np.where(table["measure"].isin(names[:2]), 0.5, np.nan)
        return table.assign(null_mean=null, null_low=null - 0.1, null_high=null + 0.1)

    return by_run(case, run)


def similarity(case, epochs):
    """The summary table of this name. A single seed cannot be compared with another."""
    rows = []
    for noise, (model, layers) in itertools.product(case.noises, case.models.items()):
        states = [*itertools.product(map(int, epochs), range(1, layers + 1))]
        pairs = [("seeds", state, state) for state in states if len(case.seeds) > 1]
        pairs += [("layers", a, b) for a, b in itertools.combinations(states, 2) if a[0] == b[0]]
        pairs += [("epochs", a, b) for a, b in itertools.combinations(states, 2) if a[1] == b[1]]
        for kind, (epoch, layer), (other_epoch, other_layer) in pairs:
            key = {"noise": noise, "model": model, "kind": kind, "epoch": epoch, "other_epoch": other_epoch}
            row = {"layer": layer, "other_layer": other_layer, "mean": 0.5, "low": np.nan, "high": np.nan, "n": 1}
            rows.append(key | row)
    return pd.DataFrame(rows)


def interventions(case, epochs):
    def run(rng, layers):
        names = ("large", "runner_up", "matched_1", "matched_2"), ("none", "zero", "mean", "double")
        keys = [*itertools.product(epochs, *names, ("clean", "noisy_given", "noisy_true", "test"))]
        table = pd.DataFrame(keys, columns=["epoch", "target", "edit", "subset"])
        return table.assign(accuracy_change=rng.normal(0, 0.02, len(table)), loss_change=rng.normal(size=len(table)))

    return by_run(case, run)


def anatomy(case, epochs):
    """The summary table of this name: the large neuron of each run. Half of them never appear."""

    def run(rng, layers):
        ranks = {name: [int(rng.integers(1, 300))] for name in ("incoming_rank", "outgoing_rank", "contribution_rank")}
        moments = {name: [float(rng.choice(epochs))] for name in ("large_since_epoch", "peak_epoch", "dip_epoch")}
        row = {"layer": [layers], "neuron": [3], "appears_epoch": [np.nan if rng.random() < 0.5 else float(epochs[-1])]}
        others = ("largest_over_second", "argmax_share", "bias", "cosine_mean_image", "cosine_component")
        return pd.DataFrame(row | ranks | moments | {"fit_epoch": [np.nan]} | {name: [0.5] for name in others})

    return by_run(case, run)


def typed(table, name):
    """A table as it is read from its file."""
    return pa.Table.from_pandas(table, SCHEMAS[name], preserve_index=False).to_pandas()


def summarize_one(name, table):
    """The summary table of this name from the table of all runs."""
    summary = SUMMARIES[name]
    rows = summary.rows({name: table}, {})
    found = over_seeds(rows, summary.keys, "value", 0.95)
    return summary.complete(found, rows) if summary.complete else found


def inputs_of(case):
    """All tables that figures draw, and the run that single-run figures show."""
    rng = np.random.default_rng(0)
    epochs = np.unique(np.geomspace(1, case.last + 1, 7).round().astype(int) - 1)
    of_runs = {"history": history, "separation": separation, "outliers": outliers, "neurons": neurons}
    of_runs |= {"large_activation": large_activation, "large_by_class": large_by_class, "test_paths": test_paths}
    training = {"learning_rate": 0.001, "steps_per_epoch": 40}
    models = {
        model: {"widths": [max(8 * 2**i - j, 1) for j in range(layers)], "weights": 100 * 2**i} | training
        for i, (model, layers) in enumerate(case.models.items())
    }
    noises = {noise: {"kind": "symmetric", "rate": 0.3} for noise in case.noises}
    settings = {"level": 0.95, "phases": PHASES, "noises": noises, "models": models}
    runs = {name: make(case, epochs) for name, make in of_runs.items()}
    tables = summarize("runs", runs | {"labels": labels_of(case)}, settings)
    tables |= {
        "interventions": summarize_one("interventions", interventions(case, epochs)),
        "anatomy": anatomy(case, epochs),
        "measures": summarize_one("measures", measures(case, epochs)),
        "similarity": similarity(case, epochs),
        "twins": twins_of(case),
    }
    classes = len(case.class_names)
    true = np.tile(np.arange(classes, dtype=np.int16), 400 // classes)
    drawn = rng.random(len(true)) < (0.3 if case.noisy else 0)
    given = np.where(drawn, rng.integers(classes, size=len(true)), true).astype(np.int16)
    index = rng.permutation(2 * len(true))[: len(true)]
    labels = {"index": np.sort(index), "true_label": true, "given_label": given, "is_noisy": true != given}
    model, layers = [*case.models.items()][-1]
    keys = [*itertools.product((epochs[0], epochs[-1]), range(1, layers + 1), labels["index"])]
    samples = pd.DataFrame(keys, columns=["epoch", "layer", "index"])
    tables["samples"] = samples.assign(neuron=1, value=np.maximum(rng.normal(size=len(samples)), 0))
    images = ("gradient", "response", "mean", "component")
    tables["anatomy_images"] = pd.DataFrame(
        {"image": images, "pixels": [rng.normal(size=int(np.prod(case.shape))) for _ in images]}
    )
    inputs = {name: typed(table, name) for name, table in tables.items()}
    inputs["labels"] = {noise: typed(pd.DataFrame(labels), "labels") for noise in case.noises}
    pixels = rng.integers(0, 256, (2 * len(true), int(np.prod(case.shape))), dtype=np.uint8)
    inputs["train_images"] = SimpleNamespace(pixels=pixels, shape=case.shape, class_names=case.class_names)
    return inputs, {"noise": case.noises[0], "model": model}
