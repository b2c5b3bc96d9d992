"""Encoders, whose output is an embedding: how similar is what they see to a reference?"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from captum_scd.forward import preserved

SCALE = 100.0
"""What cosines are multiplied by to become logits; networks of CLIP's kind learn about this."""

HOLDERS = ("image_embeds", "pooler_output")
"""Where outputs that are no tensor hold the embedding, first come first served."""


class Similarity(nn.Module):
    """An encoder with a reference: images in, cosine similarities or logits out; see `similarity_to`.

    Attributes:
        encoder: the user's network, as it was.
        reference: embeddings (K, D) of length 1; None where they come with each call.

    >>> encoder = nn.Sequential(nn.Flatten(), nn.Linear(12, 3, bias=False)).eval()
    >>> image = torch.rand(1, 3, 2, 2)
    >>> Similarity(encoder, encoder(image))(image).round().tolist()
    [1.0]
    """

    reference: Tensor | None

    def __init__(
        self, encoder: nn.Module, reference: Tensor | None, method: str = "forward", scale: float = SCALE
    ) -> None:
        super().__init__()
        self.encoder, self.method, self.scale = encoder, method, scale
        self.training = encoder.training
        self.register_buffer("reference", None if reference is None else _unit(reference.detach()).clone())

    @property
    def captum_scd_score(self) -> str | None:
        """The score that suits the output: `"similarity"` for one reference, none for classes."""
        return "similarity" if self.reference is None or len(self.reference) == 1 else None

    def forward(self, images: Tensor, reference: Tensor | None = None) -> Tensor:
        """Compare images with the reference.

        Args:
            images: (N, ...) as the encoder takes them.
            reference: embeddings (D,), (1, D) or one per image (N, D), which stand in place of the
                module's own.

        Returns:
            (N,) cosine similarity in [-1, 1], or logits (N, K) for K references of the module.
        """
        embedded = _unit(self.embedded(images))
        if reference is not None:
            rows = _fitting(torch.atleast_2d(reference), embedded, (1, len(embedded)))
            return (embedded * _unit(rows)).sum(1)
        if self.reference is None:
            raise ValueError(
                "Expected a `reference` with the images, since the module holds none, but got None."
            )
        cosines = embedded @ _fitting(self.reference, embedded, (len(self.reference),)).T
        return cosines[:, 0] if len(self.reference) == 1 else self.scale * cosines

    def embedded(self, images: Tensor) -> Tensor:
        """Embed images (N, ...) -> (N, D), of the length that the encoder gives them."""
        embed = self.encoder if self.method == "forward" else getattr(self.encoder, self.method)
        return _embedding(embed(images), len(images))


def similarity_to(
    model: nn.Module, reference: Tensor | None, *, method: str = "forward", scale: float = SCALE
) -> Similarity:
    """Make an encoder explainable: its output becomes the cosine similarity to a reference.

    This is for networks that return an embedding and no logits, such as DINOv2, CLIP, or those that
    re-identify animals. The encoder is the submodule `encoder`. With one reference, `FIDOAttribution` uses
    `score="similarity"` by default. Several references make an ordinary classifier, which needs a `target`.

    Args:
        model: gives embeddings (N, D), or an output that holds them as `image_embeds` or `pooler_output`.
        reference: what images are compared with: an embedding (D,); an image (C, H, W), which is embedded
            once, here; several embeddings (K, D), of texts or known animals, or images (K, C, H, W), for
            logits of K classes; None where `forward` gets one per image, `additional_forward_args` of
            `attribute`, whose rows follow the images.
        method: that gives the embeddings, for models that do more, such as `"encode_image"`.
        scale: what cosines are multiplied by to become logits of classes; 1 for one reference.

    Returns:
        A module, images (N, C, H, W) -> (N,) in [-1, 1], or logits (N, K).

    Raises:
        TypeError: for a model that is no module, or an output that holds no embedding.
        ValueError: for a method it lacks, or a reference that is empty or not finite; later, for one of
            another length than the embeddings.

    >>> encoder = nn.Sequential(nn.Flatten(), nn.Linear(12, 3)).eval()
    >>> photo, other = torch.rand(2, 3, 2, 2)
    >>> similarity_to(encoder, other)(photo[None]).shape
    torch.Size([1])
    >>> texts = torch.randn(5, 3)
    >>> similarity_to(encoder, texts)(photo[None]).shape
    torch.Size([1, 5])
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"Expected `model` to be a torch.nn.Module, but got {type(model).__name__}.")
    if not callable(getattr(model, method, None)):
        raise ValueError(f"Expected `method` to name a method of the model, but it has no {method!r}.")
    encoder = Similarity(model, None, method, scale)
    if reference is None:
        return encoder
    _check_reference(reference)
    embedded = torch.atleast_2d(reference) if reference.ndim < 3 else embed(encoder, reference)
    return Similarity(model, embedded, method, scale)


def embed(encoder: Similarity, images: Tensor) -> Tensor:
    """Embed an image (C, H, W), or several (K, C, H, W), without a graph and without a trace, (K, D)."""
    place = next(encoder.parameters(), images).device
    batch = images.detach().to(place)
    with torch.no_grad(), preserved(encoder, [place]):
        return encoder.embedded(batch[None] if batch.ndim == 3 else batch)


def _check_reference(reference: Tensor) -> None:
    if not isinstance(reference, Tensor) or not reference.is_floating_point():
        came = reference.dtype if isinstance(reference, Tensor) else type(reference).__name__
        raise TypeError(f"Expected `reference` to be a floating-point tensor, but got {came}.")
    if reference.ndim == 0 or reference.numel() == 0 or not reference.isfinite().all():
        raise ValueError(
            "Expected `reference` to be finite, an embedding (D,) or (K, D), or an image (C, H, W) or "
            f"(K, C, H, W), but got shape {tuple(reference.shape)} or values that are not finite."
        )


def _embedding(output: Any, rows: int) -> Tensor:
    """Find the embeddings (rows, D) in what an encoder returned."""
    held = next(
        (getattr(output, name) for name in HOLDERS if getattr(output, name, None) is not None), output
    )
    if not isinstance(held, Tensor):
        raise TypeError(
            f"Expected the model to return embeddings, but got {type(output).__name__}; wrap it in a module "
            "that returns them."
        )
    if held.ndim < 2 or len(held) != rows or held[0].numel() != held.shape[1]:
        raise ValueError(f"Expected embeddings of shape ({rows}, D), but got {tuple(held.shape)}.")
    return held.flatten(1)


def _fitting(reference: Tensor, embedded: Tensor, counts: tuple[int, ...]) -> Tensor:
    """Return references (K, D) on the embeddings' device if there are so many, and of one length."""
    if reference.ndim != 2 or reference.shape[1] != embedded.shape[1] or len(reference) not in counts:
        raise ValueError(
            f"Expected `reference` to hold an embedding of {embedded.shape[1]} numbers, or one for each of "
            f"{len(embedded)} images, but got shape {tuple(reference.shape)}."
        )
    return reference.to(embedded)


def _unit(embeddings: Tensor) -> Tensor:
    """Scale (K, D) to length 1; float32 at least."""
    wide = embeddings if embeddings.dtype == torch.float64 else embeddings.float()
    return F.normalize(wide, dim=1)
