"""The catalogue: every table, every figure and every reserved name, as plain data.

Rules, tests and documentation read it. Formulas and figure modules do not, so that rewording a caption redraws nothing.
This module imports nothing of the project.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """A table: its name, its path below the folder of its kind, the schema as `module:name`, and what it holds.

    A `part` is the settings group of an optional part of the workflow. Only experiments that have it have the table.
    """

    name: str
    path: str
    schema: str
    about: str
    part: str = ""


@dataclass(frozen=True)
class Figure:
    """A figure: its name, the names of its inputs, and its caption.

    Inputs are tables of the summary, `train_images`, `labels` (a table per noise), and `samples` of the run that is
    shown. A figure with `one_model` shows the model with the most weights under the first noise. `part` is that of a
    table. `group` is `paper` for the figures of the paper and `further` for ours. `reading` says what the paper reports
    there, see `findings.claim.PUBLIC_READING`.
    """

    name: str
    inputs: tuple[str, ...]
    caption: str
    one_model: bool = False
    part: str = ""
    group: str = "further"
    reading: str = ""


# Below results/data/{dataset}/.
DATASET_TABLES = (
    Table("train", "train.parquet", "data.image_table:schema", "Training images."),
    Table("test", "test.parquet", "data.image_table:schema", "Test images."),
    Table(
        "features",
        "features.parquet",
        "data.features:FEATURES",
        "Pixel statistics and principal components of the training images.",
    ),
)

# Below results/{experiment}/{noise}/. With `shared_draw: false` each seed has its own: labels_seed{seed}.parquet.
LABEL_TABLES = (
    Table(
        "labels",
        "labels.parquet",
        "data.corruption:LABELS",
        "The training samples used, in training order, with their true and given labels.",
    ),
)

# Below results/{experiment}/{noise}/{model}/seed{seed}/.
RUN_TABLES = (
    Table("history", "history.parquet", "training.history:HISTORY", "Learning curves."),
    Table(
        "class_means",
        "activations/class_means.parquet",
        "activations.tables:CLASS_MEANS",
        "Mean activation of each group of samples, per layer.",
    ),
    Table(
        "neurons",
        "activations/neurons.parquet",
        "activations.tables:NEURONS",
        "Statistics of every neuron over the training samples.",
    ),
    Table(
        "samples",
        "activations/samples.parquet",
        "activations.tables:SAMPLES",
        "Activation of the large neuron of each layer on every training sample.",
    ),
    Table(
        "outputs",
        "activations/outputs.parquet",
        "activations.tables:OUTPUTS",
        "Prediction, its probability and the loss on every training sample.",
    ),
    Table(
        "test_paths",
        "activations/test_paths.parquet",
        "activations.tables:TEST_PATHS",
        "How mean activations of test data compare with those of clean and of noisy training data, per layer.",
    ),
    Table(
        "separation",
        "separation.parquet",
        "analysis.separation:SEPARATION",
        "How far clean and noisy signals have moved apart, per layer and class.",
    ),
    Table(
        "outliers",
        "outliers.parquet",
        "analysis.outliers:OUTLIERS",
        "The large neuron of each layer, and how far its activation stands out.",
    ),
    Table(
        "large_activation",
        "large_activation.parquet",
        "analysis.large_activation:LARGE_ACTIVATION",
        "What the large activation follows.",
    ),
    Table(
        "large_by_class",
        "large_by_class.parquet",
        "analysis.large_activation:LARGE_BY_CLASS",
        "Mean of the large activation over the noisy samples of each true and of each given class.",
    ),
    Table(
        "interventions",
        "interventions.parquet",
        "activations.edit_tables:INTERVENTIONS",
        "What the network predicts if the large neuron, or a control, is edited.",
        part="interventions",
    ),
    Table(
        "anatomy",
        "anatomy.parquet",
        "activations.edit_tables:ANATOMY",
        "The weights of the large neuron.",
        part="interventions",
    ),
    Table(
        "anatomy_images",
        "anatomy_images.parquet",
        "activations.edit_tables:ANATOMY_IMAGES",
        "What the large neuron responds to, as images.",
        part="interventions",
    ),
    Table(
        "measures",
        "measures.parquet",
        "activations.measure_tables:LAYER_MEASURES",
        "Further measures of every layer, each with its null.",
        part="measures",
    ),
    Table(
        "grams",
        "activations/grams.parquet",
        "activations.measure_tables:GRAMS",
        "Inner products of activations on fixed batches of samples, for the similarity of layers.",
        part="measures",
    ),
)
# The other results of a run. `snapshots.sha256` lists the checksums of the snapshots.
RUN_FILES = ("snapshots", "snapshots.sha256", "provenance.json")
# What a run keeps out of the archive, because it is large.
NOT_ARCHIVED = ("snapshots", "class_means", "neurons", "samples", "outputs", "grams")

# Below results/{experiment}/summary/, by the group that one job makes, as in findings.summarize:GROUPS.
SUMMARY_GROUPS = {
    "runs": (
        Table("runs", "runs.parquet", "findings.summarize:SCHEMAS", "What each run is made of."),
        Table("curves", "curves.parquet", "findings.summarize:SCHEMAS", "Learning curves over seeds."),
        Table("phases", "phases.parquet", "findings.summarize:SCHEMAS", "Epochs and sizes of the phases over seeds."),
        Table("phases_by_seed", "phases_by_seed.parquet", "findings.summarize:SCHEMAS", "The same, seed by seed."),
        Table("separation", "separation.parquet", "findings.summarize:SCHEMAS", "Signal separation over seeds."),
        Table(
            "outliers", "outliers.parquet", "findings.summarize:SCHEMAS", "The large neuron of each layer over seeds."
        ),
        Table(
            "ranked_activations",
            "ranked_activations.parquet",
            "findings.summarize:SCHEMAS",
            "Largest activations of the neurons by rank, at the first and last epoch.",
        ),
        Table(
            "large_activation",
            "large_activation.parquet",
            "findings.summarize:SCHEMAS",
            "How strongly the large activation follows each feature, over seeds.",
        ),
        Table(
            "large_by_class",
            "large_by_class.parquet",
            "findings.summarize:SCHEMAS",
            "Mean of the large activation over the noisy samples of each class, over seeds.",
        ),
        Table(
            "test_paths",
            "test_paths.parquet",
            "findings.summarize:SCHEMAS",
            "Mean activations of test data compared with those of clean and of noisy training data, over seeds.",
        ),
    ),
    "measures": (
        Table(
            "measures",
            "measures.parquet",
            "findings.summarize:SCHEMAS",
            "Further measures of every layer over seeds.",
            part="measures",
        ),
        Table(
            "similarity",
            "similarity.parquet",
            "findings.summarize:SCHEMAS",
            "Similarity of layers, epochs and seeds.",
            part="measures",
        ),
    ),
    "interventions": (
        Table(
            "interventions",
            "interventions.parquet",
            "findings.summarize:SCHEMAS",
            "What an edit of the large neuron, or of a control, changes, over seeds.",
            part="interventions",
        ),
        Table(
            "anatomy",
            "anatomy.parquet",
            "findings.summarize:SCHEMAS",
            "The large neuron of each run.",
            part="interventions",
        ),
    ),
    "twins": (
        Table(
            "twins",
            "twins.parquet",
            "findings.summarize:SCHEMAS",
            "What the noise costs, compared with the same runs without noise.",
            part="twins",
        ),
        Table(
            "variance",
            "variance.parquet",
            "findings.summarize:SCHEMAS",
            "Whether runs differ by their initialization or by the draw of the noise.",
            part="twins",
        ),
    ),
}
ALL_SUMMARY_TABLES = tuple(table for group in SUMMARY_GROUPS.values() for table in group)

# Below results/{experiment}/.
RESULT_TABLES = (
    Table("claims", "claims.parquet", "findings.judging:CLAIMS_TABLE", "Every claim with its effect and verdict."),
    Table(
        "findings", "findings.parquet", "findings.findings:FINDINGS_TABLE", "The three findings with their verdicts."
    ),
)

# What a column means, in every table that has it.
COLUMNS = {
    "index": "row of the image in the data set's train.parquet (or test.parquet), from 0",
    "label": "class of the image, from 0",
    "pixels": "values 0 to 255 in the order channel, row, column",
    "norm": "Euclidean norm of the pixels in [0, 1]",
    "brightness": "mean of the pixels in [0, 1]",
    "contrast": "standard deviation of the pixels in [0, 1]",
    "components": "scores on the leading principal components, each with unit variance",
    "true_label": "label in the data set",
    "given_label": "label that the network is trained on",
    "is_noisy": "whether the given label differs from the true one",
    "epoch": "number of passes over the training data; 0 is the untrained network",
    "layer": "hidden layer, from 1",
    "neuron": "number of the neuron in its layer, from 0",
    "noise": "name of the noise in the configuration",
    "model": "name of the model in the configuration",
    "seed": "seed of the run",
    "noise_kind": "kind of the noise",
    "requested_rate": "requested share of wrong labels, 0 to 1; missing if none was requested",
    "achieved_rate": "share of wrong labels, 0 to 1, counted in the labels of the run",
    "hidden_layers": "number of hidden layers",
    "widths": "units of each hidden layer, from first to last, for instance 2048-1024-512",
    "weights": "number of weights and biases",
    "learning_rate": "step size of the optimizer; times steps_per_epoch and epochs it is a measure of training",
    "steps_per_epoch": "optimizer steps in an epoch",
    "subset": "which samples: clean, noisy, train, test; noisy_given and noisy_true say which label is scored",
    "accuracy": "share of samples classified as their label, 0 to 1",
    "loss": "mean of the loss that is trained, in nats, at least 0",
    "cross_entropy": "mean softmax cross-entropy in nats, at least 0; the same as the loss if that is trained",
    "n": "number of samples; over seeds: number of seeds that have a value",
    "grouping": "label that forms the classes: true or given",
    "class": "class, from 0; −1: unweighted mean over classes",
    "mean": "mean; of activations: one value per neuron",
    "max": "largest activation of the neuron over the samples, at least 0",
    "std": "standard deviation over the samples",
    "active_share": "share of samples with a positive activation, 0 to 1",
    "argmax_index": "sample with the largest activation",
    "layer_argmax_share": "share of samples on which the neuron is the largest of its layer, 0 to 1",
    "rms_ratio": "mean over samples of the activation over the root mean square of the other neurons of the layer",
    "rms_ratio_of_means": "mean activation over the root of the mean square of the other neurons and all samples",
    "followed_neuron": "neuron with the largest activation of the layer at the last epoch",
    "followed_rms_ratio": "rms_ratio of that neuron",
    "followed_rms_ratio_of_means": "rms_ratio_of_means of that neuron",
    "ratio_over_threshold": "followed_rms_ratio over outliers.large_ratio; above 1 the activation counts as large",
    "predictions": "test samples of the class that are predicted: correct or wrong",
    "reference": "training samples of the class whose mean activation they are compared with: clean or noisy",
    "split_half": "cosine of the means of two random halves of the test samples: the ceiling that their number allows",
    "layer_median_active": "median of all positive activations of the layer",
    "value": "the value; for samples: the activation",
    "predicted": "class with the largest probability",
    "probability": "probability of the predicted class, 0 to 1",
    "measure": "name of the measure; of the large activation: r2, eta2, eta2_noisy (noisy samples alone), pearson, "
    "spearman, auc; over seeds the last three are replaced by pearson_squared, spearman_squared and abs_2auc_minus_1, "
    "because signs would cancel",
    "largest_activation": "largest activation of the large neuron",
    "second_largest_activation": "largest activation of the second largest neuron",
    "largest_over_median_neuron": "largest activation over the median of those of all neurons of the layer, at least 1",
    "largest_over_median_active": "largest activation over the median positive activation of the layer, at least 1",
    "massive": "criterion of Sun et al. (2024)",
    "kurtosis": "excess kurtosis of the largest activations of the layer's neurons; large if few stand out",
    "argmax_share": "share of samples on which the large neuron is the largest of its layer, 0 to 1",
    "depth": "number of the layer over the number of hidden layers, above 0 and at most 1",
    "stands_out": "whether it is the layer whose large neuron stands out most at this epoch",
    "feature": "what the activation is compared with",
    "side": "input or output",
    "curve": "the test curve that the measure is read from: accuracy or loss",
    "definition": "how the effect of the claim is measured",
    "low": "lower end of the interval over seeds; missing for fewer than three seeds",
    "high": "upper end of the interval over seeds",
    "rank": "rank of the neuron by its largest activation, from 1",
    "claim": "name of the claim",
    "finding": "number of the paper's finding",
    "source": "whose statement it is: paper or ours; of a variance: initialization, noise draw, or both together",
    "statement": "the statement",
    "scope": "models that the claim speaks of",
    "in_scope": "whether the claim speaks of this model",
    "effect": "mean effect over seeds; positive supports the claim",
    "margin": "the interval must be above this value for the verdict reproduced",
    "verdict": "reproduced, contradicted, inconclusive or not applicable",
    "reading": "which report of the public reading the claim comes from: its number and our words; empty if ours",
    "p": "one-sided p value of the t test that the mean effect is not above the margin",
    "p_holm": "p, corrected for all claims in scope that support the same finding under the same noise (Holm 1979)",
    "bootstrap_low": "lower end of the bootstrap interval over seeds; too narrow for few seeds",
    "bootstrap_high": "upper end of the bootstrap interval over seeds",
    "effect_size": "mean effect over its standard deviation over seeds (Cohen's d_z)",
    "seeds_needed": "seeds that would decide the claim with probability 0.8 at the observed effect; missing if none",
    "target": "edited neuron: large, runner_up, or a control nearest in contribution (matched)",
    "contribution": "root mean square of the activation times the norm of the outgoing weights",
    "edit": "what the activation is set to: none, zero, mean, half, one_and_a_half, double, zero_equal, mean_equal",
    "accuracy_change": "accuracy minus that of the unedited network",
    "loss_change": "loss minus that of the unedited network, in nats",
    "is_large": "whether the neuron has the largest activation of its layer at this epoch",
    "incoming_norm": "Euclidean norm of the incoming weights",
    "incoming_rank": "rank of this norm in the layer, from 1",
    "outgoing_norm": "Euclidean norm of the outgoing weights",
    "outgoing_rank": "rank of this norm in the layer, from 1",
    "contribution_rank": "rank of the contribution in the layer, from 1",
    "bias": "bias of the neuron",
    "cosine_mean_image": "cosine of the mean gradient of the activation and the mean input",
    "cosine_component": "cosine of the mean gradient of the activation and the first principal component",
    "image": "name of the image: gradient, response, mean, component",
    "appears_epoch": "first epoch at which it is the largest on half of the samples and twice the runner-up",
    "large_since_epoch": "epoch since which it has the largest activation of its layer, to the end",
    "peak_epoch": "epoch of the first peak of test accuracy",
    "dip_epoch": "epoch of the dip of test accuracy",
    "fit_epoch": "epoch from which the noisy labels are fitted",
    "largest_over_second": "largest over second largest activation of the layer's neurons, at least 1",
    "null_mean": "mean of the measure with permuted labels; missing if it does not depend on the given labels",
    "null_low": "smallest value with permuted labels",
    "null_high": "largest value with permuted labels",
    "batch": "number of the fixed batch of samples, from 0",
    "gram": "inner products of the activations of all pairs of samples of the batch, row by row",
    "kind": "what is compared: layers, epochs or seeds",
    "other_epoch": "epoch of the other layer",
    "other_layer": "the other layer",
    "twin_error": "test error at the end of the same run without noise, 0 to 1",
    "test_error": "test error at the end, 0 to 1",
    "test_error_low": "lower end of its interval over seeds",
    "gap": "test error minus that of the twin without noise",
    "gap_low": "lower end of its interval over seeds",
    "gap_high": "upper end of its interval over seeds",
    "slope": "gap over the share of wrong labels",
    "slope_low": "lower end of its interval over seeds",
    "slope_high": "upper end of its interval over seeds",
    "overfitting": "benign, tempered, catastrophic or undecided",
    "variance": "estimated variance that comes from this source, at least 0",
    "share": "its share of the sum over sources",
    "draws": "number of draws of the noise",
    "title": "short name of the finding",
    "because": "how many verdicts of the primary claims are reproduced, and which are not",
}

# Every figure over epochs has a second x axis, learning rate × steps, from the table `runs`.
FIGURES = (
    Figure(
        "accuracy_curves",
        ("curves", "phases", "runs"),
        "Accuracy of clean training data, of noisy training data compared with their given and with their true labels, "
        "and of test data. Bands are intervals over seeds. A phase is marked if at least half of the seeds have it.",
        group="paper",
        reading="Test accuracy of MLP7 peaks near 0.45 before epoch 100, falls until about epoch 7,000 and ends near "
        "0.43; MLP5 and MLP3 have no second descent, and at the end all three fit clean and noisy data.",
    ),
    Figure(
        "loss_curves",
        ("curves", "phases", "runs"),
        "Loss of the same data. The first row is the loss that is trained. If it is not the cross-entropy of the "
        "outputs, the second row is that one. If losses differ more than tenfold, the axis is logarithmic and ends at "
        "0.01.",
        group="paper",
        reading="Test loss of MLP7 falls to about 2.01, rises to about 2.10 while noisy data are learned, and falls "
        "again to about 2.02.",
    ),
    Figure(
        "separation",
        ("separation", "phases", "runs"),
        "Cosine similarity between the mean activations of clean and of noisy training data of a true class, as the "
        "mean over classes. 1: both have the same direction. Dashed: the cosine of two random halves of the clean "
        "data. Higher values cannot be expected.",
        group="paper",
        reading="The cosine falls during training, most in the layers near the output, in MLP7 and MLP5 alike and "
        "clearly less in MLP3; the fall begins when the loss of noisy data falls steeply.",
    ),
    Figure(
        "test_paths_correct",
        ("test_paths", "phases", "runs"),
        "Cosine similarity between the mean activation of the correctly predicted test data of a class and those of "
        "clean and of noisy training data with this true class, as the mean over classes. Both rows of a measure have "
        "the same axis. Dashed: two random halves of these test data, the highest value that their number allows. "
        "Grey: the range if right and wrong predictions are permuted within each class.",
        group="paper",
        reading="Correctly predicted test data run with clean training data (cosine near 1), as was predicted "
        "beforehand, but not in MLP3.",
    ),
    Figure(
        "test_paths_wrong",
        ("test_paths", "phases", "runs"),
        "The same of the wrongly predicted test data, grouped by their true class.",
        group="paper",
        reading="Wrongly predicted test data run with noisy training data, as was predicted beforehand, but not in "
        "MLP3.",
    ),
    Figure(
        "activation_ratio",
        ("outliers", "phases", "runs"),
        "Activation of one neuron of each layer over the root mean square of all others in the layer, as the mean over "
        "training data (equation 5). The neuron is the one with the largest activation of its layer at the last epoch, "
        "followed back to the first. Dotted: the ratio from which an activation is called large.",
        group="paper",
        reading="One neuron of hidden layer 2 of MLP7 passes the ratio 10 near epoch 20,000 and reaches about 40 at "
        "epoch 100,000; MLP5 and MLP3 follow towards epoch 1,000,000, always in one of the first three layers.",
    ),
    Figure(
        "large_by_true_class",
        ("large_by_class", "outliers", "phases", "runs", "train_images"),
        "Mean activation of the followed neuron on noisy training data, one line per true class, in the layer that has "
        "the largest ratio at the end. Lines that are far apart say that the activation depends on what the image "
        "shows. The axis is that of the figure by given label.",
        group="paper",
        reading="The size of the large activation depends on the true class, so on the pattern of the input.",
    ),
    Figure(
        "large_by_given_label",
        ("large_by_class", "outliers", "phases", "runs", "train_images"),
        "The same noisy training data, one line per given label. Lines that are far apart say that the activation "
        "depends on the label that the network is trained on. The axis is that of the figure by true class.",
        group="paper",
        reading="The size of the large activation hardly depends on the given label, so not on the pattern of the "
        "output.",
    ),
    Figure(
        "scenario",
        ("curves", "separation", "outliers", "phases", "runs"),
        "Test accuracy, accuracy on the wrong labels, signal separation and the large activation of the largest model "
        "over epochs. The last row is the layer with the largest ratio at the end. Phase 3 is shaded from the dip to "
        "the end, however much accuracy recovers.",
        one_model=True,
        group="paper",
        reading="Separation and then a large activation accompany the second descent; the authors call this scenario "
        "speculation.",
    ),
    Figure(
        "data_decomposition",
        ("train_images", "labels"),
        "Training images with a wrong label, each with its true and its given label. Below, for each noise: how many "
        "samples of each true class carry each label.",
    ),
    Figure(
        "phases",
        ("curves", "phases", "phases_by_seed", "runs"),
        "Test accuracy with its first peak (P), the perfect fit of the noisy labels (F) and its dip (D). Below: how "
        "test performance changes between them, seed by seed. For the loss, P and D are its own best value and its "
        "dip, and the sign is reversed, so that higher is better. Dip and recovery are read at each run's own minimum, "
        "so they are never negative; the claims use the cross-fitted recovery, which has no such bias.",
    ),
    Figure(
        "separation_by_layer",
        ("separation", "phases", "runs"),
        "Cosine similarity between the mean activations of clean and of noisy data of a class, per hidden layer. 1: "
        "both have the same direction. Centred: without the mean that the activations of all samples share. Dashed: "
        "the cosine of two random halves of the clean data. Higher values cannot be expected.",
    ),
    Figure(
        "separation_by_class",
        ("separation", "train_images"),
        "Cosine similarity between clean and noisy mean activations at the end of training, class by class. Grouped "
        "by the true label it falls if noisy samples leave their class. Grouped by the given label it rises if they "
        "join the class that their label names.",
    ),
    Figure(
        "activation_distribution",
        ("ranked_activations",),
        "Largest activation of every neuron of a layer in descending order, before and after training. A single large "
        "activation shows as a first rank far above the second. The lines of hardly active neurons leave the panel.",
    ),
    Figure(
        "large_activation",
        ("outliers", "phases", "runs"),
        "The largest activation of each layer, compared with the median positive activation and with the second "
        "largest neuron, and the share of samples on which this neuron is the largest of its layer.",
    ),
    Figure(
        "large_activation_inputs",
        ("large_activation", "outliers", "samples", "train_images"),
        "How much of the variance of the large activation the input and the output explain, in the layer where it "
        "stands out most; and the images with its largest and smallest values. All rows but the last are shares of "
        "variance, from 0 to 1. True labels are on the side of the input, because they say what the image shows. R²: "
        "predicted by a cross-validated linear fit, below 0 if it predicts nothing. η²: "
        "between classes. r²: squared Pearson correlation. ρ²: squared Spearman correlation, the share of "
        "the variance of ranks. The last row is no share of variance: |2·AUC − 1| is 0 if the activation does not "
        "distinguish samples with wrong labels, and 1 if it does so perfectly.",
        one_model=True,
    ),
    Figure(
        "twins",
        ("curves", "twins", "runs"),
        "Test error over epochs with wrong labels and, dashed, of the same runs without them. Below: the difference at "
        "the end, over the share of wrong labels, and the kind of overfitting (Mallinar et al. 2022). Intervals over "
        "seeds.",
        part="twins",
    ),
    Figure(
        "maps",
        ("curves", "runs"),
        "Test error over epochs and widths of the first layer, and over epochs and shares of wrong labels (compare "
        "Nakkiran et al. 2020). "
        "The line marks the first epoch at which 99 % of the training data have their given labels. Beside each map: "
        "test error at a few epochs.",
        part="maps",
    ),
    Figure(
        "measures",
        ("measures", "phases", "runs"),
        "Measures of every hidden layer over epochs. Grey: the range of the same measure with the given labels "
        "permuted within each class, in the last layer. Epoch 0 is the untrained network. probe: what a linear "
        "classifier reads from the layer. neighbours: the class of the nearest samples. collapse: 0 if all samples of "
        "a class coincide (nc1), and if the class means are spread evenly (nc2). rank, ratio: number of directions.",
        part="measures",
    ),
    Figure(
        "similarity",
        ("similarity",),
        "Similarity of activations by linear CKA on the same samples: between the layers of a network at the last "
        "epoch, between the epochs of its last hidden layer, and between two seeds, for each layer and epoch. Means "
        "over seeds or pairs of seeds.",
        part="measures",
    ),
    Figure(
        "interventions",
        ("interventions", "phases", "runs"),
        "What changes if the large neuron is edited: test accuracy and accuracy on the wrong labels, minus those of "
        "the unedited network. The same edit of the neuron with the second largest activation, and of the five neurons "
        "nearest in contribution, shows what other neurons of the layer cost. The dashed line takes as much from the "
        "five as from the large neuron. Bands are intervals over seeds. Each panel has its own range, at least from "
        "−0.01 to 0.01, because effects differ much between models.",
        part="interventions",
    ),
    Figure(
        "anatomy",
        ("anatomy", "anatomy_images", "curves", "train_images", "runs"),
        "The large neuron of each run: when it appears and since when it is the largest of its layer, compared with "
        "the phases of test accuracy, and the rank of its weights. Below, for one run: the mean gradient of its "
        "activation with respect to the pixels, what its images have in common, the mean image and the first principal "
        "component.",
        one_model=True,
        part="interventions",
    ),
)
# Where the report shows the figures: those of the paper first. Those that are not named here are under BEYOND.
TOPICS = {
    "2 Figures of the paper": tuple(figure.name for figure in FIGURES if figure.group == "paper"),
    "3 Data and phases": ("data_decomposition", "phases"),
    "4 Signal separation": ("separation_by_layer", "separation_by_class"),
    "5 Large activation": ("large_activation", "activation_distribution", "large_activation_inputs"),
}
BEYOND = "6 Beyond the paper"
PAGES = {
    "findings": "What the report opens with: the paper's three findings and its claims, with verdicts.",
    "claims": "Every claim with its effect, interval and verdict.",
}

# Names that an experiment, a noise, a model or a data set cannot have, because folders of the workflow have them.
RESERVED = ("data", "summary", "figures", "captions", "logs", "provenance", "benchmarks")
