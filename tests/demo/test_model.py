"""The embedded network: what it weighs, what it knows, what it looks at."""

from importlib import resources

import pytest
import torch

from captum_scd.demo import SPECIES, BeetleNet, DemoImages, generate, load, normalize
from captum_scd.demo.augmentation import blur
from captum_scd.demo.model import peak_mean
from captum_scd.demo.train import ENOUGH, GONE, predict, truth

SEED = 2024


@pytest.fixture(scope="module")
def model() -> BeetleNet:
    return load()


@pytest.fixture(scope="module")
def own() -> DemoImages:
    return generate(64, seed=SEED)


@pytest.fixture(scope="module")
def right(model: BeetleNet, own: DemoImages) -> torch.Tensor:
    return predict(model, own.images) == own.labels


def test_weights_are_small_and_hold_tensors_only() -> None:
    file = resources.files("captum_scd.demo").joinpath("weights.pt")
    data = file.read_bytes()
    assert len(data) < 500_000
    with file.open("rb") as stream:
        state = torch.load(stream, weights_only=True)
    assert all(isinstance(value, torch.Tensor) for value in state.values())


def test_load_gives_a_float_network_in_eval_mode(model: BeetleNet) -> None:
    assert not any(module.training for module in model.modules())
    assert {value.dtype for value in model.parameters()} == {torch.float32}


@pytest.mark.parametrize("size", [64, 128, 150])
def test_any_size_gives_logits(model: BeetleNet, size: int) -> None:
    assert model(torch.zeros(2, 3, size, size)).shape == (2, len(SPECIES))


def test_features_are_the_last_map(model: BeetleNet) -> None:
    maps = model.features(torch.randn(1, 3, 128, 128, generator=torch.Generator().manual_seed(0)))
    assert maps.shape[-2:] == (8, 8)
    assert maps.min() >= 0


def test_peak_mean_by_hand_and_between_mean_and_maximum() -> None:
    maps = torch.tensor([[[[0.0, 1.0], [2.0, 3.0]]]])
    torch.testing.assert_close(peak_mean(maps), torch.tensor([[(36 / 4) ** (1 / 3)]]))
    weights = torch.tensor([[[[1.0, 0.0], [0.5, 0.0]]]])
    torch.testing.assert_close(peak_mean(maps, weights), torch.tensor([[(4 / 1.5) ** (1 / 3)]]))
    assert maps.mean() < peak_mean(maps).item() < maps.max()


def test_peak_mean_of_nothing_has_finite_gradients() -> None:
    maps = torch.zeros(1, 2, 3, 3, requires_grad=True)
    (peak_mean(maps).sum() + peak_mean(maps, torch.zeros(1, 1, 3, 3)).sum()).backward()
    assert maps.grad is not None
    assert maps.grad.isfinite().all()


def test_normalize_inverts_to_the_picture(own: DemoImages) -> None:
    grey = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1).expand(1, 3, 4, 4)
    assert normalize(grey).abs().max() == 0
    difference = normalize(own.images[:1]) - normalize(own.images[1:2])
    std = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    torch.testing.assert_close(difference * std, own.images[:1] - own.images[1:2])


def test_accuracy_on_new_individuals(right: torch.Tensor) -> None:
    assert right.float().mean() > 0.95


def test_answer_follows_the_look_alikes_mark(model: BeetleNet, right: torch.Tensor) -> None:
    swapped = generate(64, seed=SEED, mark="look_alike")
    follows = predict(model, swapped.images) == swapped.labels
    assert follows[right].float().mean() > 0.95


def test_without_its_mark_no_species_is_likely(model: BeetleNet) -> None:
    bare = generate(24, seed=SEED, mark="none")
    with torch.no_grad():
        probability = model(normalize(bare.images)).softmax(1)
    own = probability.gather(1, bare.labels.unsqueeze(1))
    assert own.median() < 0.3


def test_background_alone_decides_nothing(model: BeetleNet, own: DemoImages) -> None:
    images = own.images[:24]
    hidden = torch.where(own.bodies[:24], blur(images, 6.0), images)
    with torch.no_grad():
        probability = model(normalize(hidden)).softmax(1)
    assert probability.gather(1, own.labels[:24].unsqueeze(1)).median() < 0.3


def test_the_body_alone_suffices(model: BeetleNet, own: DemoImages, right: torch.Tensor) -> None:
    shown = torch.where(own.bodies, own.images, blur(own.images, 6.0))
    same = predict(model, shown) == own.labels
    assert same[right].float().mean() > 0.9


def test_the_detail_is_the_truth(model: BeetleNet) -> None:
    """On 19 of 20 unseen beetles the detail alone is enough, and without it the species is gone."""
    enough, needed = truth(model, generate(100, seed=SEED))
    assert (enough >= ENOUGH).float().mean() >= 0.95
    assert (needed <= GONE).float().mean() >= 0.95
