"""What figures ask of their input, each answered in one sentence."""

from collections.abc import Collection, Mapping, Sized

import torch
from torch import Tensor

from captum_scd.masks import FIDOMasks

SLACK = 1e-3
"""Round-off by which a value may leave its range."""


def check_range(name: str, values: Tensor | float, low: float, high: float) -> None:
    """Raise ValueError unless all values are in [low, high]; NaN counts as outside."""
    values = values if isinstance(values, Tensor) else torch.as_tensor(values, device="cpu")
    if values.numel() and not ((values >= low - SLACK) & (values <= high + SLACK)).all():
        least, most = values.min(), values.max()
        raise ValueError(
            f"Expected `{name}` in [{low:g}, {high:g}], but got values from {least:g} to {most:g}."
        )


def check_image(name: str, image: Tensor, like: Tensor | None = None) -> None:
    """Raise ValueError unless it is an image (3 or 1, H, W) in [0, 1], of the spatial size of `like`."""
    if image.ndim != 3 or len(image) not in (1, 3) or not image.numel():
        raise ValueError(f"Expected `{name}` of shape (3 or 1, H, W), but got {tuple(image.shape)}.")
    if like is not None and image.shape[1:] != like.shape[1:]:
        raise ValueError(
            f"Expected `{name}` of the image's size {tuple(like.shape[1:])}, but got {tuple(image.shape)}."
        )
    check_range(name, image, 0, 1)


def check_images(name: str, images: Tensor) -> None:
    """Raise ValueError unless they are at least one image, (N, 3 or 1, H, W) in [0, 1]."""
    if images.ndim != 4 or images.shape[1] not in (1, 3) or not images.numel():
        raise ValueError(f"Expected `{name}` of shape (N, 3 or 1, H, W), but got {tuple(images.shape)}.")
    check_range(name, images, 0, 1)


def check_masks(name: str, masks: FIDOMasks, image: Tensor) -> None:
    """Raise ValueError unless the masks are of one image (., H, W), and of this size."""
    if len(masks) != 1 or tuple(masks.size) != tuple(image.shape[1:]):
        raise ValueError(
            f"Expected `{name}` of one image of size {tuple(image.shape[1:])}, "
            f"but got {len(masks)} of size {tuple(masks.size)}."
        )


def check_maps(maps: Mapping[str, Tensor], images: Tensor) -> None:
    """Raise ValueError unless there is a map, and all are (N, C, H, W) for images (N, ., H, W)."""
    if not maps:
        raise ValueError("Expected at least one map, but got none.")
    for name, values in maps.items():
        fits = values.ndim == 4 and len(values) == len(images) and values.shape[2:] == images.shape[2:]
        if not fits or not values.shape[1]:
            expected = f"({len(images)}, C, {images.shape[2]}, {images.shape[3]})"
            raise ValueError(f"Expected map {name!r} of shape {expected}, but got {tuple(values.shape)}.")


def check_count(name: str, values: Sized, count: int) -> None:
    """Raise ValueError unless there is one value for each of `count` images."""
    if len(values) != count:
        raise ValueError(f"Expected `{name}` to have one entry per image ({count}), but got {len(values)}.")


def check_choice(name: str, value: object, choices: Collection[str]) -> None:
    """Raise ValueError unless the value is one of the choices."""
    if value not in choices:
        raise ValueError(
            f"Expected `{name}` to be one of {', '.join(map(repr, choices))}, but got {value!r}."
        )
