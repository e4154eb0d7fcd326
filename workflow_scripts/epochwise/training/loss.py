"""The loss, softmax cross-entropy: its values, which evaluation reports, and its gradient, which training follows."""

import torch
from torch.nn.functional import cross_entropy


def sample_losses(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Loss of each sample (S, N), at least 0, for logits (S, N, K) and labels (S, N) int64."""
    return cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none").view(labels.shape)


def loss_gradient(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Gradient of each sample's loss by its logits (…, B, K) float32: softmax(logits) − targets.

    `targets` (…, B, K) float32 are one-hot. The mean over a batch has this gradient divided by B.
    """
    return torch.softmax(logits, -1, dtype=torch.float32).sub_(targets)
