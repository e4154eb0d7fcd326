"""What a claim is."""

from collections.abc import Callable
from dataclasses import dataclass

from epochwise.findings.effects import RunEvidence

# What we know of the paper beyond its abstract comes from this text. We have not seen the PDF.
PUBLIC_READING = "as a public reading of the full text reports (kraidiky/grokking-conceptual-review, commit 771a58d8)"
PAPER, OURS = "paper", "ours"
ALL_MODELS, LARGEST_MODEL = "all models", "largest model"
SMALLER_MODELS, LARGER_MODELS = "smaller models", "larger models"
DEEP_MODELS = "models with more than three hidden layers"
SMALLEST, LARGEST = "smallest", "largest"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One claim.

    Attributes:
        name: its name in tables and pages.
        finding: number of the paper's finding that it supports, 1 to 3.
        source: PAPER if the paper states it, OURS if it is our stricter reading or a check of ours.
        reading: what the paper reports, as a public reading of the full text reports it, after the number of that
            report in `docs/science.md`; empty if the claim is ours.
        statement: what is claimed, in one sentence.
        definition: how it is measured, in words. A positive effect supports the claim.
        margin: key of the margin under `claims` in the configuration.
        effect: the effect on one run, see `epochwise.findings.effects`.
        figures: names of the figures that show it.
        scope: the models that the claim speaks of: ALL_MODELS, LARGEST_MODEL, SMALLER_MODELS (all but the largest),
            LARGER_MODELS (all but the smallest; a single model counts as one of them) or DEEP_MODELS. Largest and
            smallest go by the number of weights.
        compared_with: the effect of which model is taken off, seed by seed: that of the SMALLEST or of the LARGEST one,
            or "" if of none.
        applies: whether the claim can be made about a run. A run without what the claim is about has no effect, and
            the verdict on a model without any such run is *not applicable*. None: it can be made about every run.
        nonnegative: whether the effect cannot be negative, see `epochwise.findings.verdicts.verdict`.
        needs: name of the table of a run (a field of `RunEvidence`) without which the claim is not judged.
        no_effect: what an effect of 0 means, as the end of a sentence, where `definition` does not say it plainly.
    """

    name: str
    finding: int
    statement: str
    definition: str
    margin: str
    effect: Callable[[RunEvidence], float]
    figures: tuple[str, ...]
    source: str = OURS
    reading: str = ""
    scope: str = ALL_MODELS
    compared_with: str = ""
    applies: Callable[[RunEvidence], bool] | None = None
    nonnegative: bool = False
    needs: str = "phases"
    no_effect: str = ""
