"""What is asked of `attribute` beside the numbers."""

from dataclasses import dataclass, fields
from typing import Any

from torch import Tensor

from captum_scd._captum import Baselines, Target
from captum_scd.look_alikes import Contrast

TensorOrTuple = Tensor | tuple[Tensor, ...]


@dataclass(frozen=True)
class Request:
    """Arguments of `attribute` that go with the inputs."""

    baselines: Baselines
    target: Target
    contrast_target: Contrast
    additional_forward_args: object
    feature_mask: TensorOrTuple | None

    def groups(self) -> tuple[Tensor, ...] | None:
        """Feature masks as a tuple, one per input."""
        return (self.feature_mask,) if isinstance(self.feature_mask, Tensor) else self.feature_mask

    def owned(self) -> "Request":
        """Cut loose from the caller's graph and inference mode."""
        return Request(*(own(getattr(self, field.name)) for field in fields(self)))


def own(value: Any) -> Any:
    """Detach and copy tensors, also those in a tuple; leave all else."""
    if isinstance(value, tuple):
        return tuple(map(own, value))
    return value.detach().clone() if isinstance(value, Tensor) else value
