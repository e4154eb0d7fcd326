"""The activation of hidden layers: ReLU, clipped at a cap if there is one."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch

KEY = "activation_cap"  # in the metadata of a snapshot


@dataclass(frozen=True)
class Activation:
    """min(max(x, 0), cap), and max(x, 0) without a cap. All else that knows about a cap asks this object.

    Attributes:
        cap: largest value of an activation, above 0; None clips nothing.
    """

    cap: float | None = None

    def round_to(self, dtype: torch.dtype) -> "Activation":
        """The same with the cap rounded to `dtype`, because `backward_` compares rounded activations with the cap."""
        return self if self.cap is None else Activation(torch.tensor(self.cap, dtype=dtype).item())

    def apply_(self, values: torch.Tensor) -> torch.Tensor:
        """The activations of `values`, in place."""
        return values.relu_() if self.cap is None else values.clamp_(0, self.cap)

    def backward_(self, gradient: torch.Tensor, activations: torch.Tensor) -> None:
        """Set the gradient by `activations` to 0, in place, where the activation is constant: at 0, and at the cap."""
        if self.cap is None:
            torch.ops.aten.threshold_backward.grad_input(gradient, activations, 0, grad_input=gradient)
        else:
            torch.ops.aten.hardtanh_backward.grad_input(gradient, activations, 0, self.cap, grad_input=gradient)

    def to_metadata(self) -> dict[str, str]:
        """The entry in a snapshot's metadata; there is none without a cap."""
        return {} if self.cap is None else {KEY: json.dumps(self.cap)}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> "Activation":
        """The activation that a snapshot names. Raises ValueError if its cap is no positive number."""
        if KEY not in metadata:
            return cls()
        cap = float(metadata[KEY])
        if not 0 < cap < math.inf:
            raise ValueError(f"its {KEY} {cap} is not a positive number")
        return cls(cap)
