"""The large activation: the neuron of a layer with the largest peak, how far it stands out, and what it follows."""

import numpy as np
import pandas as pd
from scipy import stats

from epochwise.errors import InputError


def outliers(neurons: pd.DataFrame, massive_value: float, massive_ratio: float) -> pd.DataFrame:
    """For each epoch and layer the neuron with the largest peak, and how far it stands out.

    A peak is a neuron's maximum over the training set, `kurtosis` the excess kurtosis of the peaks over neurons;
    `massive` is the criterion of Sun et al. (2024): a value above `massive_value` and at least `massive_ratio` times
    the median magnitude, here of the positive activations.
    """
    return pd.DataFrame(
        [
            {"epoch": epoch, "layer": layer, **_outlier(block, massive_value, massive_ratio)}
            for (epoch, layer), block in neurons.groupby(["epoch", "layer"])
        ]
    )


def _outlier(block: pd.DataFrame, massive_value: float, massive_ratio: float) -> dict:
    peaks = block["max"].to_numpy(np.float64)
    large = int(np.argmax(peaks))
    peak = peaks[large]
    median_active = float(block["layer_median_active"].iloc[0])
    return {
        "neuron": block["neuron"].iloc[large],
        "peak": peak,
        "runner_up": np.partition(peaks, -2)[-2] if len(peaks) > 1 else np.nan,
        "peak_over_median_peak": _ratio(peak, np.median(peaks)),
        "peak_over_median_active": _ratio(peak, median_active),
        "massive": bool(peak > massive_value and peak >= massive_ratio * median_active),
        "kurtosis": stats.kurtosis(peaks) if np.ptp(peaks) > 0 else np.nan,
        "argmax_share": block["layer_argmax_share"].iloc[large],
    }


def _ratio(value: float, reference: float) -> float:
    return value / reference if reference > 0 else np.nan


def what_it_follows(
    samples: pd.DataFrame, outputs: pd.DataFrame, labels: pd.DataFrame, features: pd.DataFrame, folds: int, ridge: float
) -> pd.DataFrame:
    """What the magnitude m of the large activation follows over samples, for each epoch and layer.

    Input side: Pearson and Spearman correlation with pixel norm, brightness and contrast; cross-validated R² of a
    ridge regression on the principal components. Output side: correlation ratio η² by true, given and predicted class;
    Spearman correlation with the winning probability and the loss; AUC for is-noisy. A statistic of a constant m is
    missing. Tables are those of `tables.SCHEMAS`; `features` holds all training images and is narrowed to those used.
    """
    # `samples` runs through the training samples once per epoch and layer, `outputs` once per epoch: columns of
    # matrices.
    n = len(labels)
    keys = samples.iloc[::n][["epoch", "layer", "neuron"]].reset_index(drop=True)
    magnitude = samples["value"].to_numpy(np.float64).reshape(-1, n).T
    epochs = outputs["epoch"].to_numpy()[::n]
    at = np.searchsorted(epochs, keys["epoch"])  # the column of `outputs` that belongs to a column of `magnitude`
    output = {name: outputs[name].to_numpy().reshape(-1, n).T[:, at] for name in ("predicted", "probability", "loss")}
    used = features.set_index("index").loc[labels["index"]]

    ranks = stats.rankdata(magnitude, axis=0)
    noisy = labels["is_noisy"].to_numpy()
    rows = []

    def add(side: str, feature: str, statistic: str, values: np.ndarray) -> None:
        rows.append(keys.assign(feature=feature, side=side, statistic=statistic, value=values))

    for name in ("norm", "brightness", "contrast"):
        value = used[name].to_numpy(np.float64)[:, None]
        add("input", name, "pearson", correlation(magnitude, value))
        add("input", name, "spearman", correlation(ranks, stats.rankdata(value, axis=0)))
    components = np.stack(used["components"]).astype(np.float64)
    add("input", "components", "r2", ridge_r2(components, magnitude, folds, ridge))
    for name, classes in {"true_label": labels["true_label"], "given_label": labels["given_label"]}.items():
        add(
            "output",
            name,
            "eta2",
            correlation_ratio(magnitude, np.broadcast_to(classes.to_numpy()[:, None], magnitude.shape)),
        )
    add("output", "predicted_label", "eta2", correlation_ratio(magnitude, output["predicted"]))
    for name in ("probability", "loss"):
        add("output", name, "spearman", correlation(ranks, stats.rankdata(output[name], axis=0)))
    add("output", "is_noisy", "auc", auc(ranks, noisy))
    table = pd.concat(rows, ignore_index=True)
    table.loc[np.tile(np.ptp(magnitude, axis=0) == 0, len(rows)), "value"] = np.nan  # R² and AUC too
    return table.sort_values(["epoch", "layer"], kind="stable", ignore_index=True)


def correlation(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Pearson correlation of the columns of `a` (N, T) with those of `b` (N, T) or (N, 1); NaN if one is constant."""
    constant = (np.ptp(a, axis=0) == 0) | (np.ptp(b, axis=0) == 0)
    a, b = a - a.mean(0), b - b.mean(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(constant, np.nan, (a * b).sum(0) / np.sqrt((a**2).sum(0) * (b**2).sum(0)))


def correlation_ratio(values: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """η² of each column of `values` (N, T) by `classes` (N, T): variance between classes over variance; NaN if
    constant."""
    ratios = np.full(values.shape[1], np.nan)
    for column, (value, label) in enumerate(zip(values.T, classes.T, strict=True)):
        if np.ptp(value) == 0:
            continue
        centred = value - value.mean()
        counts = np.bincount(label)
        sums = np.bincount(label, centred)
        present = counts > 0
        ratios[column] = (sums[present] ** 2 / counts[present]).sum() / (centred @ centred)
    return ratios


def auc(ranks: np.ndarray, positive: np.ndarray) -> np.ndarray:
    """Area under the ROC curve of scores with these mid-`ranks` (N, T) for `positive` (N,); NaN without both kinds.

    The Mann–Whitney statistic over the number of pairs (Hanley & McNeil 1982).
    """
    n = int(positive.sum())
    pairs = n * (len(positive) - n)
    if pairs == 0:
        return np.full(ranks.shape[1], np.nan)
    return (ranks[positive].sum(0) - n * (n + 1) / 2) / pairs


def ridge_r2(components: np.ndarray, targets: np.ndarray, folds: int, ridge: float) -> np.ndarray:
    """R² (T,) of `targets` (N, T), predicted out of fold by ridge regression on `components` (N, C).

    Raises InputError if there are fewer samples than folds.
    """
    from sklearn.linear_model import Ridge
    from sklearn.metrics import r2_score
    from sklearn.model_selection import KFold, cross_val_predict

    if folds > len(components):
        raise InputError(f"outliers.folds: {folds} is more than the {len(components)} samples; give a smaller number.")
    split = KFold(folds, shuffle=True, random_state=0)
    predicted = cross_val_predict(Ridge(ridge), components, targets, cv=split)
    return r2_score(targets, predicted, multioutput="raw_values")
