"""The rules by which a training step changes the weights: Adam, or gradient descent with momentum."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch

BETA1 = 0.9  # decay of Adam's mean of the gradient (Kingma & Ba 2015)


@dataclass(frozen=True)
class Part:
    """A part of all weights that one call of the optimizer updates and one copy then rounds.

    The lists are what torch's fused optimizers take. `rounded` and `exact` are views of the same part as one tensor.
    """

    weights: list[torch.Tensor]
    gradients: list[torch.Tensor]
    exp_avg: list[torch.Tensor]
    exp_avg_sq: list[torch.Tensor]
    rounded: torch.Tensor
    exact: torch.Tensor


@dataclass(frozen=True)
class Optimizer:
    """How a step changes the weights w, whose gradient is g; η is the learning rate.

    `adam` (Kingma & Ba 2015) keeps exp_avg = β₁·exp_avg + (1 − β₁)·g and exp_avg_sq = β₂·exp_avg_sq + (1 − β₂)·g².
    With both corrected for their start at 0, w becomes w − η·exp_avg/(√exp_avg_sq + ε), where β₁ = 0.9.
    `sgd` (Sutskever et al. 2013, in torch's form) keeps exp_avg = momentum·exp_avg + g, and w becomes w − η·exp_avg.

    Before either, w becomes (1 − η·weight_decay)·w: the decoupled decay of Loshchilov & Hutter (2019). It enters
    neither exp_avg nor exp_avg_sq. Weights and biases decay alike, as in torch.optim.AdamW.

    Attributes:
        learning_rate: η, above 0.
        kind: adam or sgd.
        momentum: factor of the earlier steps in `sgd`, from 0 to below 1.
        weight_decay: strength λ of the decay, at least 0; 0 means none.
        epsilon: Adam's ε, above 0.
        beta2: Adam's β₂, from 0 to below 1.
    """

    learning_rate: float
    kind: str = "adam"
    momentum: float = 0.0
    weight_decay: float = 0.0
    epsilon: float = 1e-8
    beta2: float = 0.999

    @classmethod
    def from_settings(cls, settings: Mapping) -> "Optimizer":
        """The optimizer of a `training` block of the configuration."""
        return cls(
            learning_rate=settings["learning_rate"],
            kind=settings["optimizer"],
            momentum=settings["momentum"],
            weight_decay=settings["weight_decay"],
            epsilon=settings["adam_epsilon"],
            beta2=settings["adam_beta2"],
        )

    def update(self, part: Part, step: torch.Tensor) -> None:
        """Change the weights of a part in place; `step` () is the number of this step, from 1.

        The functions are those inside torch.optim.Adam and torch.optim.SGD. They are called directly, because for small
        networks the classes around them cost more than the update, and importing them also imports torch's compiler.
        """
        if self.weight_decay:
            part.exact.mul_(1 - self.learning_rate * self.weight_decay)
        gradients = [gradient.float() for gradient in part.gradients]
        if self.kind == "sgd":
            torch._fused_sgd_(
                part.weights, gradients, part.exp_avg if self.momentum else [], lr=self.learning_rate,
                momentum=self.momentum, weight_decay=0.0, dampening=0.0, nesterov=False, maximize=False,
                is_first_step=False,  # exp_avg starts at 0, so the first step is like any other
            )  # fmt: skip
        else:
            torch._fused_adam_(
                part.weights, gradients, part.exp_avg, part.exp_avg_sq, [], [step] * len(part.weights),
                lr=self.learning_rate, beta1=BETA1, beta2=self.beta2, eps=self.epsilon,
                weight_decay=0.0, amsgrad=False, maximize=False,
            )  # fmt: skip
