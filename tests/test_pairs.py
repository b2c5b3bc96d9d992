"""A spot that two images share, and others that they do not."""

import pytest
import torch
from models import Colours, spotted
from torch import Tensor
from torch.nn import functional as F

from captum_scd.composites import blend
from captum_scd.pairs import Pair, explain_pair

SHARED = ((1, 2), (8, 1))
IMAGES = torch.stack([spotted(red=SHARED[0], green=(7, 7)), spotted(red=SHARED[1], blue=(2, 8))])
ENCODER = Colours().eval()
SETTINGS = {"n_iterations": 12, "mask_size": 12, "n_restarts": 1}


@pytest.fixture(scope="module")
def pair() -> Pair:
    return explain_pair(ENCODER, *IMAGES, infill="constant", **SETTINGS)


def test_regions_of_both_lie_on_the_spot_they_share(pair) -> None:
    for row, (top, left) in enumerate(SHARED):
        shared = torch.zeros(12, 12, dtype=torch.bool)
        shared[top : top + 3, left : left + 3] = True
        for mode in ("ssr", "sdr"):
            region = pair.masks.threshold(0.5, mode)[row, 0]
            assert (region & shared).sum() > 0.7 * region.sum() > 0
    assert (pair.kept > 0.8).all()
    assert (pair.left < 0.2).all()


def _shown(pair: Pair, mask: Tensor) -> Tensor:
    return ENCODER(blend(mask.float(), IMAGES, pair.masks.infill))


def test_similarities_are_those_of_what_is_shown(pair) -> None:
    whole = ENCODER(IMAGES).flip(0)
    ssr, sdr = (pair.masks.threshold(0.5, mode) for mode in ("ssr", "sdr"))
    for name, mask in {"image": ssr | True, "infill": ssr & False, "ssr": ssr, "sdr": ~sdr}.items():
        expected = F.cosine_similarity(_shown(pair, mask), whole)
        torch.testing.assert_close(pair.similarity[name], expected, rtol=0, atol=1e-5)
    alone = _shown(pair, ssr)
    expected = F.cosine_similarity(alone, alone.flip(0))
    torch.testing.assert_close(pair.similarity["both"], expected, rtol=0, atol=1e-5)


def test_shares_are_those_of_the_verdict(pair) -> None:
    for row, verdict in enumerate(pair.masks.verdict):
        assert pair.kept[row].item() == pytest.approx(verdict.ssr_keeps, abs=1e-4)
        assert pair.left[row].item() == pytest.approx(verdict.sdr_leaves, abs=1e-4)


def test_each_image_is_explained_as_by_itself_and_in_any_order(pair) -> None:
    turned = explain_pair(ENCODER, IMAGES[1], IMAGES[:1], infill="constant", **SETTINGS)
    torch.testing.assert_close(turned.masks.joint.flip(0), pair.masks.joint)


def test_images_that_are_no_pair_are_refused() -> None:
    with pytest.raises(ValueError, match="`image_b` of shape"):
        explain_pair(ENCODER, IMAGES[0], IMAGES)
    with pytest.raises(ValueError, match="of one shape"):
        explain_pair(ENCODER, IMAGES[0], IMAGES[1, :, :8])
