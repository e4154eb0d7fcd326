"""All claims: those of the paper, and ours."""

from epochwise.findings.claim import ALL_MODELS, LARGEST_MODEL, OURS, PAPER, Claim
from epochwise.findings.claims_ours import CLAIMS_OURS
from epochwise.findings.claims_paper import CLAIMS_OF_THE_PAPER

__all__ = ["ALL_MODELS", "CLAIMS", "LARGEST_MODEL", "OURS", "PAPER", "Claim"]

CLAIMS = (*CLAIMS_OF_THE_PAPER, *CLAIMS_OURS)
