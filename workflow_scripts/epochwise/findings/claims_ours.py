"""Our claims: stricter readings of the paper's abstract, and checks of ours."""

from functools import partial

from epochwise.findings import effects, effects_activation
from epochwise.findings.claim import LARGEST_MODEL, SMALLEST, Claim

# What the edited large neuron is compared with, in the words of the claims: other neurons edited in the same way, or
# so strongly that the next layer loses the same norm.
_SAME_EDIT = ("with controls", "", "one of those other neurons is edited in the same way")
_SAME_NORM = (
    "if other neurons lose as much",
    ", if the same norm is taken from the next layer",
    "as much is taken from those other neurons",
)

# What several claims have in common.
_regeneralization = partial(Claim, finding=1, figures=("phases",), scope=LARGEST_MODEL)
_separation = partial(Claim, finding=2, margin="cosine")

CLAIMS_OURS = (
    Claim(
        name="double_descent_in_larger_models",
        finding=1,
        statement="The recovery is seen in the largest model.",
        definition="cross-fitted recovery of test accuracy, minus that of the smallest model with the same seed",
        margin="accuracy",
        effect=effects.recovery,
        figures=("phases",),
        scope=LARGEST_MODEL,
        compared_with=SMALLEST,
    ),
    _regeneralization(
        name="regeneralization_weak_accuracy",
        statement="A network that fits noisy data perfectly recovers on test data.",
        definition="test accuracy, cross-fitted improvement from dip to end (higher is better)",
        margin="accuracy",
        effect=partial(effects.recovery_if_fitted, curve="accuracy"),
    ),
    _regeneralization(
        name="regeneralization_weak_loss",
        statement="A network that fits noisy data perfectly recovers on test data, by its loss too.",
        definition="test loss, cross-fitted fall from dip to end (negative: it rose)",
        margin="loss",
        effect=partial(effects.recovery_if_fitted, curve="loss"),
    ),
    _regeneralization(
        name="regeneralization_after_fit_accuracy",
        statement="Test performance improves after the noisy data are fitted perfectly.",
        definition="test accuracy, improvement from perfect noise fit to end (higher is better)",
        margin="accuracy",
        effect=partial(effects.after_fit, curve="accuracy"),
    ),
    _regeneralization(
        name="regeneralization_after_fit_loss",
        statement="The test loss, too, improves after the noisy data are fitted perfectly.",
        definition="test loss, fall from perfect noise fit to end (negative: it rose)",
        margin="loss",
        effect=partial(effects.after_fit, curve="loss"),
    ),
    *(
        _regeneralization(
            name=name,
            statement=f"A network that fits noisy data perfectly ends {how}.",
            definition=f"test {curve}, {change} from first peak to end ({sign})",
            margin=curve,
            effect=partial(effects.surplus_if_fitted, curve=curve),
        )
        for name, curve, how, change, sign in (
            (
                "regeneralization_strong_accuracy",
                "accuracy",
                "better than at its first peak",
                "improvement",
                "higher is better",
            ),
            (
                "regeneralization_strong_loss",
                "loss",
                "with a lower test loss than at its first optimum",
                "fall",
                "negative: it rose",
            ),
        )
    ),
    _separation(
        name="separation_grows_with_depth_cosine_centred",
        statement="With the mean of all samples subtracted, clean and noisy signals are further apart in outer layers.",
        definition="centred cosine by true label, first minus last hidden layer, at the end",
        effect=partial(effects.separation_by_depth, measure="cosine_centred"),
        figures=("separation_by_layer", "separation_by_class"),
    ),
    _separation(
        name="separation_grows_with_epochs_cosine_centred",
        statement="With the mean of all samples subtracted, clean and noisy signals separate more and more in the "
        "outer layer.",
        definition="centred cosine by true label of the last hidden layer, untrained minus end",
        effect=partial(effects.separation_by_epoch, measure="cosine_centred"),
        figures=("separation_by_layer", "scenario"),
    ),
    Claim(
        name="large_activation_single",
        finding=3,
        statement="A single very large activation emerges.",
        definition="octaves between the largest and the second largest activation of the layer that stands out, at the "
        "end",
        margin="single",
        effect=effects_activation.single,
        nonnegative=True,
        figures=("activation_distribution", "large_activation"),
    ),
    Claim(
        name="large_activation_shallow",
        finding=3,
        statement="The large activation is in a shallow layer.",
        definition="depth of the middle of the network minus that of the layer that stands out, at the end",
        margin="depth",
        effect=effects_activation.shallow,
        figures=("large_activation",),
    ),
    Claim(
        name="large_activation_grows_over_runner_up",
        finding=3,
        statement="The large activation evolves with re-generalization: it grows beyond that of the second neuron.",
        definition="octaves between dip and end, largest over second largest activation of the layer that stands out",
        margin="octaves",
        effect=effects_activation.grows_over_runner_up,
        figures=("large_activation",),
    ),
    Claim(
        name="large_activation_grows_over_median",
        finding=3,
        statement="The large activation evolves with re-generalization: it grows beyond typical activations.",
        definition="octaves between dip and end, largest over median positive activation of the layer that stands out",
        margin="octaves",
        effect=effects_activation.grows_over_median,
        figures=("large_activation", "scenario"),
    ),
    Claim(
        name="large_activation_grows_in_share",
        finding=3,
        statement="The large activation evolves with re-generalization: it becomes the largest on more samples.",
        definition="growth between dip and end, share of samples on which it is the largest of its layer",
        margin="share",
        effect=effects_activation.grows_in_share,
        figures=("large_activation",),
    ),
    Claim(
        name="large_activation_follows_input",
        finding=3,
        statement="Its magnitude follows input patterns, not output patterns.",
        applies=effects_activation.is_large,
        definition="R² from input components minus largest η² by given or predicted class or ρ² with probability or "
        "loss",
        margin="explained",
        effect=effects_activation.follows_input,
        figures=("large_activation_inputs",),
    ),
    *(
        Claim(
            name=name,
            finding=3,
            statement=f"The network needs the large activation: {what}, test accuracy falls more than {than}.",
            definition="cost in test accuracy at the end, minus the mean cost of the neurons nearest in contribution"
            + condition,
            margin="accuracy",
            effect=partial(effects_activation.needed_at_end, edit=edit),
            no_effect=f"the network loses as much test accuracy if {instead}",
            figures=("interventions",),
            needs="interventions",
        )
        for name, edit, what, (than, condition, instead) in (
            ("large_activation_needed_at_end_zero", "zero", "without it", _SAME_EDIT),
            ("large_activation_needed_at_end_mean", "mean", "at its mean", _SAME_EDIT),
            ("large_activation_needed_at_end_zero_equal", "zero_equal", "without it", _SAME_NORM),
            ("large_activation_needed_at_end_mean_equal", "mean_equal", "at its mean", _SAME_NORM),
        )
    ),
    *(
        Claim(
            name=name,
            finding=3,
            statement=f"The large activation carries the recovery: {what}, test accuracy rises less from dip to end.",
            definition="rise of test accuracy from dip to end, minus that with the edited neuron",
            margin="accuracy",
            effect=partial(effects_activation.needed_for_recovery, edit=edit),
            figures=("interventions",),
            needs="interventions",
            no_effect="test accuracy recovers as much with the edited neuron",
        )
        for name, edit, what in (
            ("large_activation_needed_for_recovery_zero", "zero", "without it"),
            ("large_activation_needed_for_recovery_mean", "mean", "at its mean"),
        )
    ),
    Claim(
        name="noisy_data_recognizable",
        finding=2,
        statement="The last layer shows which data are noisy: a linear probe recognizes them, unlike permuted labels.",
        definition="AUC of the probe in the last hidden layer at the end, minus that with permuted labels",
        margin="share",
        effect=partial(effects.above_null, measure="probe_noisy"),
        figures=("measures",),
        needs="measures",
    ),
    Claim(
        name="noisy_data_join_their_given_class",
        finding=2,
        statement="In outer layers the neighbours of noisy data are of the class that their label names.",
        definition="share of neighbours of the given class at the end, last minus first hidden layer",
        margin="share",
        effect=partial(effects.rises_with_depth, measure="neighbours_given"),
        figures=("measures",),
        needs="measures",
    ),
)
