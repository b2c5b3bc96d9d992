"""The pictures and their ground truth."""

import pytest
import torch
import torch.nn.functional as F

from captum_scd.demo import SPECIES, DemoImages, generate, look_alike


@pytest.fixture(scope="module")
def own() -> DemoImages:
    return generate(24, seed=11)


@pytest.fixture(scope="module")
def swapped() -> DemoImages:
    return generate(24, seed=11, mark="look_alike")


@pytest.fixture(scope="module")
def bare() -> DemoImages:
    return generate(24, seed=11, mark="none")


def test_shapes_types_and_ranges(own: DemoImages) -> None:
    assert len(own) == 24
    assert own.images.shape == (24, 3, 128, 128)
    assert own.images.dtype == torch.float32
    assert own.images.min() >= 0
    assert own.images.max() <= 1
    for mask in (own.details, own.bodies):
        assert mask.shape == (24, 1, 128, 128)
        assert mask.dtype == torch.bool
    assert own.labels.bincount().tolist() == [3] * len(SPECIES)


def test_unknown_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        generate(0)
    with pytest.raises(ValueError, match="look_alike"):
        generate(1, mark="other")  # type: ignore[arg-type]


def test_same_seed_same_pictures(own: DemoImages) -> None:
    again = generate(9, seed=11)
    assert torch.equal(again.images, own.images[:9])
    assert torch.equal(again.details, own.details[:9])


def test_other_seed_other_pictures(own: DemoImages) -> None:
    other = generate(2, seed=12)
    assert not torch.equal(other.images, own.images[:2])


def test_global_generator_is_left_alone() -> None:
    before = torch.get_rng_state()
    first = generate(1, size=32, seed=3)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(99)
    assert torch.equal(generate(1, size=32, seed=3).images, first.images)


def test_details_are_small(own: DemoImages) -> None:
    share = own.details.float().mean((1, 2, 3))
    assert share.min() > 0.007
    assert share.max() < 0.03


def test_details_lie_on_the_body_and_off_the_margin(own: DemoImages) -> None:
    assert not (own.details & ~own.bodies).any()
    inner = own.details[..., 2:-2, 2:-2]
    assert inner.sum() == own.details.sum()


def test_bodies_fill_a_moderate_share(own: DemoImages) -> None:
    share = own.bodies.float().mean((1, 2, 3))
    assert share.min() > 0.1
    assert share.max() < 0.45


def test_look_alike_changes_only_the_details(own: DemoImages, swapped: DemoImages) -> None:
    changed = (own.images != swapped.images).any(1, keepdim=True)
    assert not (changed & ~(own.details | swapped.details)).any()
    assert changed.flatten(1).any(1).all()
    assert torch.equal(own.bodies, swapped.bodies)
    assert swapped.labels.tolist() == [look_alike(label) for label in own.labels.tolist()]


def test_leaving_the_mark_out_changes_exactly_the_details(own: DemoImages, bare: DemoImages) -> None:
    changed = (own.images != bare.images).any(1, keepdim=True)
    assert not (changed & ~own.details).any()
    assert changed.sum() > 0.95 * own.details.sum()
    assert not bare.details.any()
    assert torch.equal(bare.labels, own.labels)


def test_marks_stand_out_from_the_shell(own: DemoImages, bare: DemoImages) -> None:
    difference = (own.images - bare.images).abs().amax(1, keepdim=True)
    for picture, detail in zip(difference, own.details, strict=True):
        assert picture[detail].mean() > 0.1


def test_look_alike_is_an_involution_without_fixed_points() -> None:
    for label in range(len(SPECIES)):
        assert look_alike(label) != label
        assert look_alike(look_alike(label)) == label


def test_the_scene_is_the_same_at_every_size(own: DemoImages) -> None:
    large = generate(8, size=256, seed=11)
    small = F.avg_pool2d(large.images, 2)
    assert (small - own.images[:8]).abs().mean() < 0.04
    shares = [part.details[:8].float().mean((1, 2, 3)) for part in (large, own)]
    assert ((shares[0] - shares[1]).abs() < 0.006).all()
