"""What the large activation follows over samples: patterns of the input, or of the output."""

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy import stats

from epochwise.activations.auc import auc
from epochwise.analysis.association import correlation, correlation_ratio, ridge_r2

# One row per epoch, layer, feature and measure. `neuron` is the large neuron of the layer at the last epoch.
LARGE_ACTIVATION = pa.schema(
    [
        ("epoch", pa.int32()),
        ("layer", pa.int16()),
        ("neuron", pa.int32()),
        ("feature", pa.string()),
        ("side", pa.string()),
        ("measure", pa.string()),
        ("value", pa.float64()),
    ]
)
# Mean activation of the same neuron over the noisy training samples of each class: one row per epoch, layer, grouping
# (`true` or `given` label) and class. A class without noisy samples has n = 0 and no mean.
LARGE_BY_CLASS = pa.schema(
    [
        ("epoch", pa.int32()),
        ("layer", pa.int16()),
        ("neuron", pa.int32()),
        ("grouping", pa.string()),
        ("class", pa.int16()),
        ("n", pa.int32()),
        ("mean", pa.float64()),
    ]
)


def input_output_association(
    samples: pd.DataFrame,
    *,
    outputs: pd.DataFrame,
    labels: pd.DataFrame,
    features: pd.DataFrame,
    folds: int,
    ridge: float,
) -> pd.DataFrame:
    """What the magnitude of the large activation follows, for each epoch and layer, as the table LARGE_ACTIVATION.

    Input side: Pearson and Spearman correlation with the pixel norm, brightness and contrast (−1 to 1), R² of a ridge
    regression from the principal components of the images, predicted out of fold (at most 1; 0 or less says that it
    predicts nothing), and the correlation ratio η² (0 to 1) by true class, because the true class is what the image
    shows. Output side: η² by given and predicted class, Spearman correlation with the winning probability and with the
    loss, AUC for is-noisy (0.5: no association). `eta2_noisy` is η² by true or given class among the noisy samples
    only, where the two classes differ; it is missing without them. All are missing for a constant magnitude.

    Args:
        samples: the table SAMPLES.
        outputs: the table OUTPUTS.
        labels: the table LABELS.
        features: the table FEATURES of all training images of the data set.
        folds: number of folds of the regression.
        ridge: its penalty.
    """
    # One column per epoch and layer, one row per training sample in the order of its index, because the order decides
    # the folds of the regression.
    labels = labels.sort_values("index")
    magnitudes = samples.pivot(index="index", columns=["epoch", "layer", "neuron"], values="value")
    magnitudes = magnitudes.reindex(labels["index"]).sort_index(axis=1)
    keys = magnitudes.columns.to_frame(index=False)
    magnitude = magnitudes.to_numpy(np.float64)
    by_epoch = outputs.pivot(index="index", columns="epoch").reindex(labels["index"])
    output = {name: by_epoch[name][keys["epoch"]].to_numpy() for name in ("predicted", "probability", "loss")}
    used = features.set_index("index").loc[labels["index"]]
    noisy = labels["is_noisy"].to_numpy(bool)

    ranks = stats.rankdata(magnitude, axis=0)
    rows = []

    def add(side: str, feature: str, measure: str, values: np.ndarray) -> None:
        rows.append(keys.assign(feature=feature, side=side, measure=measure, value=values))

    for name in ("norm", "brightness", "contrast"):
        value = used[name].to_numpy(np.float64)[:, None]
        add("input", name, "pearson", correlation(magnitude, value))
        add("input", name, "spearman", correlation(ranks, stats.rankdata(value, axis=0)))
    components = np.stack(used["components"]).astype(np.float64)
    add("input", "components", "r2", ridge_r2(components, magnitude, folds, ridge))
    for side, name in (("input", "true_label"), ("output", "given_label")):
        classes = np.broadcast_to(labels[name].to_numpy()[:, None], magnitude.shape)
        add(side, name, "eta2", correlation_ratio(magnitude, classes))
        of_noisy = correlation_ratio(magnitude[noisy], classes[noisy]) if noisy.any() else np.full(len(keys), np.nan)
        add(side, name, "eta2_noisy", of_noisy)
    add("output", "predicted_label", "eta2", correlation_ratio(magnitude, output["predicted"]))
    for name in ("probability", "loss"):
        add("output", name, "spearman", correlation(ranks, stats.rankdata(output[name], axis=0)))
    add("output", "is_noisy", "auc", np.array([auc(column, noisy) for column in magnitude.T]))
    table = pd.concat(rows, ignore_index=True)
    table.loc[np.tile(np.ptp(magnitude, axis=0) == 0, len(rows)), "value"] = np.nan  # R² and AUC too
    return table.sort_values(["epoch", "layer"], kind="stable", ignore_index=True)


def large_by_class(samples: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    """Mean activation of the followed neurons over the noisy samples of each class, as the table LARGE_BY_CLASS.

    Grouped by the true label, it shows whether the activation follows what the image shows; grouped by the given label,
    whether it follows what the network was told to answer. Both group the same noisy samples.

    Args:
        samples: the table SAMPLES of a run.
        labels: its table LABELS.
    """
    classes = np.arange(labels[["true_label", "given_label"]].max().max() + 1)
    noisy = labels[labels["is_noisy"]].set_index("index")
    values = samples[samples["index"].isin(noisy.index)].astype({"value": np.float64})
    layers = samples[["epoch", "layer", "neuron"]].drop_duplicates()
    keys = ["epoch", "layer", "neuron", "class"]
    parts = []
    for grouping in ("true", "given"):
        by_class = values.assign(**{"class": values["index"].map(noisy[f"{grouping}_label"])})
        means = by_class.groupby(keys)["value"].agg(n="size", mean="mean").reset_index()
        rows = layers.merge(pd.DataFrame({"class": classes}), how="cross").merge(means, on=keys, how="left")
        parts.append(rows.fillna({"n": 0}).assign(grouping=grouping))
    table = pd.concat(parts, ignore_index=True).astype({"n": int})
    return table.sort_values(["epoch", "layer"], kind="stable", ignore_index=True)
