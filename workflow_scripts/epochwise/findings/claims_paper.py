"""The claims of the paper, and how they are measured.

They are those that a public reading of the full text reports (`findings.claim.PUBLIC_READING`), in our words.
The number before each reading is that of the report in `docs/science.md`.
"""

from functools import partial

from epochwise.findings import effects, effects_activation
from epochwise.findings.claim import (
    DEEP_MODELS,
    LARGER_MODELS,
    LARGEST,
    LARGEST_MODEL,
    PAPER,
    SMALLER_MODELS,
    SMALLEST,
    Claim,
)

# What several claims have in common.
_claim = partial(Claim, source=PAPER)
_separation = partial(_claim, finding=2, margin="cosine")
_large_activation = partial(_claim, finding=3)

# To add a claim, add an entry. If it needs a margin of its own, add it to `Claims` in workflow/config_settings.py.
CLAIMS_OF_THE_PAPER = (
    _claim(
        name="second_descent_accuracy",
        finding=1,
        reading="1: the largest network has a second descent",
        statement="In the largest model test accuracy falls and rises again with training time.",
        definition="smaller of fall and cross-fitted recovery of test accuracy",
        margin="accuracy",
        effect=partial(effects.second_descent, curve="accuracy"),
        figures=("accuracy_curves", "phases", "scenario"),
        scope=LARGEST_MODEL,
    ),
    _claim(
        name="second_descent_loss",
        finding=1,
        reading="1: the largest network has a second descent, in its test loss",
        statement="In the largest model the test loss rises and falls again with training time.",
        definition="smaller of rise and cross-fitted recovery of the test loss, by the loss that is trained",
        margin="loss",
        effect=partial(effects.second_descent, curve="loss"),
        figures=("loss_curves", "phases"),
        scope=LARGEST_MODEL,
    ),
    _claim(
        name="second_descent_only_in_largest",
        finding=1,
        reading="1: only the largest network has a second descent; the others have none",
        statement="Smaller models recover less than the largest one.",
        definition="cross-fitted recovery of test accuracy of the largest model with the same seed, minus this model's",
        margin="accuracy",
        effect=effects.lack_of_recovery,
        figures=("accuracy_curves", "phases"),
        scope=SMALLER_MODELS,
        compared_with=LARGEST,
    ),
    _claim(
        name="all_data_fitted",
        finding=1,
        reading="1: at the end all three networks fit clean and noisy data equally well",
        statement="At the end every model fits clean and noisy data.",
        definition="smaller of the final accuracies of clean and of noisy data on their given labels, minus the level "
        "of fitted data",
        margin="fit",
        effect=effects.fit_margin,
        figures=("accuracy_curves",),
    ),
    _claim(
        name="ends_below_first_peak",
        finding=1,
        reading="2: test accuracy ends near 0.43, below the first plateau near 0.45",
        statement="The largest model ends with a lower test accuracy than at its first peak.",
        definition="test accuracy, first peak minus end",
        margin="accuracy",
        effect=effects.shortfall,
        figures=("accuracy_curves", "phases"),
        scope=LARGEST_MODEL,
    ),
    _claim(
        name="noisy_after_clean",
        finding=2,
        reading="2: at first only clean data are learned, later noisy data",
        statement="Noisy data are learned after clean data.",
        definition="octaves of epochs between learning clean and noisy data",
        margin="octaves",
        effect=effects.noisy_after_clean,
        figures=("accuracy_curves",),
    ),
    _separation(
        name="separation_grows_with_epochs_cosine",
        reading="3: the cosine of clean and noisy class means falls during training",
        statement="Clean and noisy signals of a class separate more and more in the outer layer.",
        definition="cosine by true label of the last hidden layer, untrained minus end",
        effect=partial(effects.separation_by_epoch, measure="cosine"),
        figures=("separation", "separation_by_layer", "scenario"),
    ),
    _separation(
        name="separation_grows_with_depth_cosine",
        reading="3: the cosine falls most near the output",
        statement="Clean and noisy signals of a class are further apart in outer layers.",
        definition="cosine by true label, first minus last hidden layer, at the end",
        effect=partial(effects.separation_by_depth, measure="cosine"),
        figures=("separation", "separation_by_layer", "separation_by_class"),
    ),
    _separation(
        name="separation_weaker_in_smallest",
        reading="3: the two larger networks separate alike, the smallest clearly less",
        statement="In larger models the signals separate further than in the smallest one.",
        definition="fall of the cosine by true label of the last hidden layer, untrained minus end, minus that of the "
        "smallest model with the same seed",
        effect=partial(effects.separation_by_epoch, measure="cosine"),
        figures=("separation",),
        scope=LARGER_MODELS,
        compared_with=SMALLEST,
    ),
    _claim(
        name="separation_begins_with_noisy_loss",
        finding=2,
        reading="3: separation begins when the loss on noisy labels falls steeply",
        statement="Signals begin to separate when the loss on noisy labels begins to fall.",
        definition="1 minus the octaves between two epochs: the cosine by true label of the last hidden layer, and the "
        "trained loss of noisy data, have made a tenth of their fall from their maximum",
        margin="octaves",
        effect=effects.separation_begins_with_noisy_loss,
        figures=("separation", "loss_curves"),
        no_effect="the two epochs differ by a factor of two",
    ),
    _separation(
        name="test_paths_correct",
        reading="4: correctly predicted test data of a class run with its clean training data, not in the smallest "
        "network",
        statement="In larger models correctly predicted test data run with clean training data of their class.",
        definition="mean over classes of the cosine with clean minus that with noisy training data, of correctly "
        "predicted test data, last hidden layer, at the end",
        effect=effects.correct_with_clean,
        figures=("test_paths_correct",),
        scope=LARGER_MODELS,
    ),
    _separation(
        name="test_paths_wrong",
        reading="4: wrongly predicted test data of a class run with its noisy training data, not in the smallest "
        "network",
        statement="In larger models wrongly predicted test data run with noisy training data of their class.",
        definition="mean over classes of the cosine with noisy minus that with clean training data, of wrongly "
        "predicted test data, last hidden layer, at the end",
        effect=effects.wrong_with_noisy,
        figures=("test_paths_wrong",),
        scope=LARGER_MODELS,
    ),
    _separation(
        name="test_paths_weaker_in_smallest",
        reading="4: the two paths of test data are not seen in the smallest network",
        statement="In larger models the two paths of test data are further apart than in the smallest one.",
        definition="smaller of the differences of cosines of correctly and of wrongly predicted test data, minus that "
        "of the smallest model with the same seed",
        effect=effects.both_paths,
        figures=("test_paths_correct", "test_paths_wrong"),
        scope=LARGER_MODELS,
        compared_with=SMALLEST,
    ),
    _large_activation(
        name="large_activation_ratio",
        reading="5: in every network one of the first three hidden layers reaches a ratio above 10",
        statement="In one of the first three hidden layers the largest activation is far above the others.",
        definition="octaves by which the activation of the followed neuron over the root mean square of the others, "
        "the largest of the first three layers at the end, is above `outliers.large_ratio`",
        margin="octaves",
        effect=effects_activation.ratio_above_threshold,
        figures=("activation_ratio",),
    ),
    _large_activation(
        name="large_activation_grows",
        reading="5: the ratio grows from the first epochs to the end",
        statement="The large activation still grows at the end of training.",
        definition="octaves of growth of the same ratio over the last tenfold of epochs",
        margin="octaves",
        effect=effects_activation.grows_over_last_tenfold,
        figures=("activation_ratio",),
        applies=effects_activation.is_large_in_first_layers,
    ),
    _large_activation(
        name="large_activation_in_first_layers",
        reading="5: the large activation is always in one of the first three hidden layers",
        statement="The large activation is in one of the first three hidden layers.",
        definition="3.5 minus the number of the layer with the largest ratio at the end, over the number of hidden "
        "layers",
        margin="depth",
        effect=effects_activation.in_first_layers,
        figures=("activation_ratio",),
        scope=DEEP_MODELS,
        applies=effects_activation.is_large,
    ),
    _large_activation(
        name="large_activation_follows_true_class",
        reading="6: its size depends on what the image shows, and hardly on the label that was given",
        statement="On noisy data its size follows what the image shows, not the label that was given.",
        definition="η² among noisy training samples by true label minus by given label, in the layer with the largest "
        "ratio at the end",
        margin="explained",
        effect=effects_activation.follows_true_class,
        figures=("large_by_true_class", "large_by_given_label"),
        applies=effects_activation.is_large,
    ),
    _large_activation(
        name="large_activation_later_in_smaller",
        reading="5: the smaller networks reach the ratio only towards the end of a training ten times as long",
        statement="In smaller models the activation becomes large later than in the largest one.",
        definition="octaves between the epochs from which the largest ratio of all layers stays above "
        "`outliers.large_ratio`, this model minus the largest one with the same seed",
        margin="octaves",
        effect=effects_activation.octave_of_large_activation,
        figures=("activation_ratio",),
        scope=SMALLER_MODELS,
        compared_with=LARGEST,
        applies=effects_activation.is_large,
    ),
)
