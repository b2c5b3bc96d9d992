"""Groups are found where they are, and not where they are not."""

import builtins
import sys
from typing import Any

import pytest
import torch

from captum_scd.systematic.grouping import LEAST_IMAGES, grouped, spread, standardized

GENERATOR = torch.Generator().manual_seed(0)
CLOUD = torch.randn(40, 5, generator=GENERATOR, dtype=torch.float64)


def test_one_cloud_is_one_group():
    assert grouped(CLOUD).tolist() == [0] * 40


@pytest.mark.parametrize("count", [2, 3, 4])
def test_clouds_apart_are_groups_the_largest_first(count):
    sizes = [8 + 4 * k for k in range(count)]
    truth = torch.tensor([k for k in range(count) for _ in range(sizes[k])])
    clouds = torch.randn(len(truth), 5, generator=GENERATOR, dtype=torch.float64)
    clouds[range(len(truth)), truth] += 20.0
    assert torch.equal(grouped(clouds), count - 1 - truth)


def test_a_stray_image_is_no_group():
    stray = CLOUD.clone()
    stray[: LEAST_IMAGES - 1] += 50
    assert grouped(stray).tolist() == [0] * 40
    assert grouped(CLOUD[: 2 * LEAST_IMAGES - 1]).tolist() == [0] * (2 * LEAST_IMAGES - 1)


def test_images_that_are_all_the_same_are_one_group():
    assert grouped(torch.ones(20, 3, dtype=torch.float64)).tolist() == [0] * 20


def test_torchs_and_numpys_random_numbers_are_left_alone():
    import numpy as np

    before, ours = np.random.get_state()[1].tolist(), torch.get_rng_state()
    grouped(CLOUD, seed=3)
    assert np.random.get_state()[1].tolist() == before
    assert torch.equal(torch.get_rng_state(), ours)


def test_standard_numbers_have_mean_0_and_deviation_1():
    values = standardized(torch.cat([7 * CLOUD + 3, torch.ones(40, 1)], dim=1))
    assert values[:, :5].mean(0).abs().max() < 1e-9
    assert (values[:, :5].std(0, correction=0) - 1).abs().max() < 1e-9
    assert not values[:, 5].any()
    assert spread(values) == pytest.approx(5)


def test_without_scikit_learn_the_extra_is_named(monkeypatch):
    real = builtins.__import__

    def missing(name: str, *arguments: Any, **options: Any) -> Any:
        if name.startswith("sklearn"):
            raise ImportError(name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", missing)
    for name in [name for name in sys.modules if name.startswith("sklearn")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'captum-scd\[errors\]'"):
        grouped(CLOUD)
