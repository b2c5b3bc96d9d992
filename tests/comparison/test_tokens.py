"""GradCAM of tokens: by hand, on a planted patch, and with tokens that are no places of the image."""

import pytest
import torch
from architectures import TinyViT, settled
from torch import Tensor

from captum_scd import compare
from captum_scd.comparison.layers import token_grid
from captum_scd.comparison.tokens import token_gradcam

CHEAP = {"metrics": ["total_variation"]}


def test_token_gradcam_is_the_weighted_sum_of_the_features() -> None:
    tokens = torch.tensor([[[1.0, 2.0], [3.0, -1.0]]])
    gradients = torch.tensor([[[1.0, 0.0], [3.0, -2.0]]])
    assert token_gradcam(tokens, gradients).tolist() == [[0.0, 7.0]]


@pytest.mark.parametrize("leading", [0, 1, 5])
@pytest.mark.parametrize("frozen", [False, True])
def test_networks_of_tokens_keep_their_row_on_the_grid_of_the_patches(
    images: Tensor, leading: int, frozen: bool
) -> None:
    model = settled(TinyViT(leading)).requires_grad_(not frozen)
    wide = torch.cat([images, images], dim=3)[..., :16]
    row = compare(model, wide, 2, ["gradcam"], **CHEAP).rows["gradcam"]
    assert row.status == "done", row.note
    assert "3 x 4 tokens" in row.note
    assert f"the {leading} before" in row.note or not leading
    assert row.map.amax((1, 2, 3)).min() > 0


def test_the_layer_is_the_last_whose_patches_reach_the_class(images: Tensor) -> None:
    row = compare(settled(TinyViT(1)), images[..., :8], methods=["gradcam"], **CHEAP).rows["gradcam"]
    assert row.note.startswith("layer 'norms.1', 3 x 2 tokens without the 1 before them")


@pytest.mark.parametrize(
    ("count", "size", "embedded", "grid"),
    [
        (196, (224, 224), None, (14, 14)),
        (197, (224, 224), None, (14, 14)),
        (198, (224, 224), None, (14, 14)),
        (261, (224, 224), (16, 16), (16, 16)),
        (1 + 12 * 20, (192, 320), None, (12, 20)),
        (49, (224, 224), (56, 56), (7, 7)),
        (2, (224, 224), None, None),
    ],
)
def test_the_grid_has_the_images_sides(count: int, size, embedded, grid) -> None:
    assert token_grid(count, size, embedded) == grid
