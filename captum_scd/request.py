"""What is asked of `attribute` beside the numbers."""

from dataclasses import dataclass, fields, replace
from typing import Any

from numpy.typing import NDArray
from torch import Tensor

from captum_scd._captum import Baselines, Target, within_tools
from captum_scd.grid import FeatureMasks
from captum_scd.look_alikes import Contrast

TensorOrTuple = Tensor | tuple[Tensor, ...]
FeatureMask = Tensor | NDArray[Any] | FeatureMasks | None


@dataclass(frozen=True)
class Request:
    """Arguments of `attribute` that go with the inputs."""

    baselines: Baselines
    target: Target
    contrast_target: Contrast
    additional_forward_args: object
    feature_mask: FeatureMask

    def groups(self) -> FeatureMasks | None:
        """Feature masks as a tuple, one per input; None where there is none at all."""
        if self.feature_mask is None or isinstance(self.feature_mask, tuple):
            return self.feature_mask
        return (self.feature_mask,)

    def fitted(self, count: int) -> "Request":
        """Cut loose from the caller's graph and inference mode, and follow the examples, `count` of them.

        Captum's tools repeat the examples, and of what goes with them only the arguments that they know.
        """
        loose = Request(*(own(getattr(self, field.name)) for field in fields(self)))
        if not within_tools():
            return loose
        return replace(loose, contrast_target=_repeated(loose.contrast_target, count))


def own(value: Any) -> Any:
    """Detach and copy tensors, also those in a tuple; leave all else."""
    if isinstance(value, tuple):
        return tuple(map(own, value))
    return value.detach().clone() if isinstance(value, Tensor) else value


def _repeated(asked: Any, count: int) -> Any:
    """Repeat look-alikes as Captum's tools repeat examples: those of each several times in a row."""
    each = isinstance(asked, list) or getattr(asked, "ndim", 0) > 0
    if not each or not len(asked) or count % len(asked):
        return asked
    return [one for one in asked for _ in range(count // len(asked))]
