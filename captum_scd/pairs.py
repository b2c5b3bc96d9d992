"""Two images that an encoder finds alike: what in each makes it like the other?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from captum_scd.attribution import FIDOAttribution, Infill
from captum_scd.composites import DEFAULT_ROWS, blend
from captum_scd.filling import DEFAULT_INFILLS
from captum_scd.masks import THRESHOLD, FIDOMasks
from captum_scd.models.similarity import Similarity, embed, similarity_to

__all__ = ["Pair", "explain_pair"]


@dataclass(frozen=True, eq=False)
class Pair:
    """What makes two images alike to an encoder.

    Attributes:
        masks: of two examples, image a and image b: what makes a like b, and b like a.
        similarity: by name, cosine similarities (2,) in [-1, 1]: of image a to the whole image b, and of b to
            the whole a. `"image"`: as it is; `"infill"`: replaced altogether; `"ssr"`: only its sufficient
            region shown, higher is better; `"sdr"`: only its destroying region replaced, lower is better.
            `"both"` compares the two sufficient regions with each other. `"image"` and `"both"` hold the same
            number twice.

    If the infill is about as similar as the image itself, the verdict of its masks is `"infill"`, and `kept`
    and `left` mean nothing.

    >>> encoder = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten()).eval()
    >>> a, b = torch.rand(2, 3, 8, 8)
    >>> pair = explain_pair(encoder, a, b, n_iterations=2, n_restarts=1, mask_size=4)
    >>> len(pair.masks), sorted(pair.similarity)
    (2, ['both', 'image', 'infill', 'sdr', 'ssr'])
    """

    masks: FIDOMasks
    similarity: Mapping[str, Tensor]

    @property
    def kept(self) -> Tensor:
        """Share (2,) of the similarity beyond the infill's that each sufficient region keeps by itself."""
        return self._share("ssr")

    @property
    def left(self) -> Tensor:
        """Share (2,) of the similarity beyond the infill's that is left without each destroying region."""
        return self._share("sdr")

    def _share(self, shown: str) -> Tensor:
        floor = self.similarity["infill"]
        return (self.similarity[shown] - floor) / (self.similarity["image"] - floor)


def explain_pair(
    model: nn.Module,
    image_a: Tensor,
    image_b: Tensor,
    *,
    method: str = "forward",
    infill: Infill = DEFAULT_INFILLS,
    **settings: Any,
) -> Pair:
    """Learn what in each of two images makes it like the other, for an encoder: "the same animal, why?"

    For each image this finds the smallest region that alone is as similar to the whole other image as the
    image itself is. It also finds the smallest region without which the similarity falls to that of the
    infill. So it shows what the similarity rests on, also between two different animals. It does not show
    that they are the same animal.

    Args:
        model: an encoder, as `models.similarity_to` takes it.
        image_a, image_b: (C, H, W) or (1, C, H, W), of one shape, as the encoder takes them.
        method: of the model that gives the embeddings.
        infill: what replaces pixels, as in `FIDOAttribution`.
        settings: those of `FIDOAttribution.attribute` beside inputs and targets, such as `seed`.

    Returns:
        The masks of both, and what they do.

    Raises:
        ValueError: for images of another shape, or of two different shapes.
        TypeError: for a model that is no module, or unknown settings.
        Exception: all else as `attribute` raises it.

    >>> encoder = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten()).eval()
    >>> a, b = torch.rand(2, 3, 8, 8)
    >>> pair = explain_pair(encoder, a, b, n_iterations=2, n_restarts=1, mask_size=4)
    >>> pair.masks.ssr.shape
    torch.Size([2, 1, 8, 8])
    """
    encoder = similarity_to(model, None, method=method)
    one, other = _one("image_a", image_a), _one("image_b", image_b)
    if one.shape != other.shape:
        raise ValueError(
            f"Expected two images of one shape, but got {tuple(image_a.shape)} and {tuple(image_b.shape)}."
        )
    images = torch.cat([one, other])
    others = embed(encoder, images).flip(0)
    fido = FIDOAttribution(encoder, infill=infill)
    _, masks = fido.attribute(images, additional_forward_args=(others,), return_masks=True, **settings)
    return Pair(masks, _similarity(encoder, images, masks))


def _similarity(encoder: Similarity, images: Tensor, masks: FIDOMasks) -> dict[str, Tensor]:
    """What is left of the similarity where parts of the images are shown."""
    assert masks.infill is not None
    ssr, sdr = (masks.threshold(THRESHOLD, mode).to(images) for mode in ("ssr", "sdr"))
    shown = {"image": torch.ones_like(ssr), "infill": torch.zeros_like(ssr), "ssr": ssr, "sdr": 1 - sdr}
    rows = torch.cat([blend(mask, images, masks.infill) for mask in shown.values()])
    embedded = nn.functional.normalize(torch.cat([embed(encoder, part) for part in rows.split(DEFAULT_ROWS)]))
    seen = dict(zip(shown, embedded.unflatten(0, (-1, 2)), strict=True))
    others = {name: seen["image"].flip(0) for name in seen} | {"both": seen["ssr"].flip(0)}
    seen["both"] = seen["ssr"]
    return {name: (seen[name] * other).sum(1) for name, other in others.items()}


def _one(name: str, image: Tensor) -> Tensor:
    """Bring an image into the form (1, C, H, W)."""
    batch = image[None] if image.ndim == 3 else image
    if batch.ndim != 4 or len(batch) != 1:
        raise ValueError(
            f"Expected `{name}` of shape (C, H, W) or (1, C, H, W), but got {tuple(image.shape)}."
        )
    return batch
