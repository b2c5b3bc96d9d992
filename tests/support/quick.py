"""Settings that make a run short; tests say nothing of the defaults."""

from typing import Any

from captum_scd import FIDOAttribution

QUICK: dict[str, Any] = {"n_iterations": 3, "n_samples": 2, "mask_size": 4}


def explain(forward_func: Any, inputs: Any, target: Any = 0, strategies: Any = None, **options: Any) -> Any:
    """Attribute with short settings, which `options` override; `strategies` go to the constructor."""
    fido = FIDOAttribution(forward_func, **(strategies or {}))
    return fido.attribute(inputs, target=target, **{**QUICK, **options})
