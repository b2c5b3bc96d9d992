"""What training does to pictures and targets."""

import torch

from captum_scd.demo.augmentation import augment, blur, soft_targets


def test_blur_keeps_a_constant_and_the_sum_of_a_point() -> None:
    constant = torch.full((1, 3, 16, 16), 0.3)
    torch.testing.assert_close(blur(constant, 2.0), constant)
    point = torch.zeros(1, 1, 33, 33)
    point[..., 16, 16] = 1
    spread = blur(point, 2.0)
    torch.testing.assert_close(spread.sum(), torch.tensor(1.0))
    rows = torch.arange(33.0) - 16
    variance = (spread.sum((0, 1, 3)) * rows**2).sum()
    torch.testing.assert_close(variance, torch.tensor(4.0), rtol=0.03, atol=0.0)


def test_soft_targets_by_hand() -> None:
    targets = soft_targets(torch.tensor([1, 0, 1]), torch.tensor([0.0, 0.25, 0.9]), 2)
    torch.testing.assert_close(targets, torch.tensor([[0.5, 0.5], [0.75, 0.25], [0.0, 1.0]]))


def test_augmented_pictures_stay_in_range_and_seeds_repeat() -> None:
    images = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    details = torch.zeros(4, 1, 32, 32)
    details[:3, :, 10:14, 10:14] = 1
    runs = [augment(images, details, 0.5, torch.Generator().manual_seed(5)) for _ in range(2)]
    (changed, moved, seen), (again, _, _) = runs
    assert torch.equal(changed, again)
    assert changed.shape == images.shape
    assert 0 <= changed.min() <= changed.max() <= 1
    assert 0 <= seen.min() <= seen.max() <= 1
    assert seen[3] == 0
    assert torch.equal(moved.sum((1, 2, 3)), details.sum((1, 2, 3)))
