"""What the classification benchmark rests on: folds, harder photos, intervals, and honest choices."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from classification import MAIN, Answers, compare
from common.paired import bootstrap_interval
from PIL import Image
from scipy import stats
from second_look.cases import Case, Source
from second_look.folds import PENALTIES, Head, Pool, stratified_folds, views
from second_look.harder import cluttered, off_centre
from second_look.looks import Answer
from torch import Generator, Tensor, nn
from torch.nn import functional as F


def chance(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def test_folds_are_even_within_and_across_classes() -> None:
    labels = [0] * 27 + [1] * 20 + [2] * 4
    folds = stratified_folds(labels, 10, seed=3).tolist()
    for label in range(3):
        sizes = [Counter(f for f, k in zip(folds, labels, strict=True) if k == label)[n] for n in range(10)]
        assert max(sizes) - min(sizes) <= 1
    assert sorted(Counter(folds).values()) == [5] * 9 + [6]
    assert folds == stratified_folds(labels, 10, seed=3).tolist()
    assert folds != stratified_folds(labels, 10, seed=4).tolist()


class Means(nn.Module):
    """Pooled features of an image are the means of its channels."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Identity()


def test_a_head_is_a_logistic_regression_on_standardised_features() -> None:
    features = torch.randn(60, 2, 5, generator=chance())
    features[..., 2] = 40 + 9 * features[..., 2]
    labels = (features[:, 0, 0] + features[:, 0, 1] > 0).long()
    rows, penalty = torch.arange(10, 60), 0.1
    head = Head(Means(), Pool(features, labels)._fit(rows, penalty))
    pooled, truth = features[rows].flatten(0, 1), labels[rows].repeat_interleave(2)
    deviation = pooled.std(0)
    weight = (head.last.weight * deviation).requires_grad_()
    bias = (head.last.bias + head.last.weight @ pooled.mean(0)).requires_grad_()
    standard = (pooled - pooled.mean(0)) / deviation
    loss = F.cross_entropy(F.linear(standard, weight, bias), truth) + penalty / 2 * weight.square().sum()
    slopes = torch.autograd.grad(loss, (weight, bias))
    assert max(slope.abs().max() for slope in slopes) < 1e-4
    images = pooled[:, :, None, None].expand(-1, -1, 3, 4)
    torch.testing.assert_close(head(images), F.linear(standard, weight, bias).detach(), rtol=1e-4, atol=1e-4)


def test_a_head_learns_what_can_be_learned_and_never_sees_the_other_rows() -> None:
    features = torch.randn(90, 2, 4, generator=chance())
    labels = features[:, 0, :3].argmax(1)
    features[:, 1] = features[:, 0]
    rows = torch.arange(60)
    last = Pool(features, labels).train(rows)
    changed = features.clone()
    changed[60:] = 1e6
    again = Pool(changed, labels).train(rows)
    assert torch.equal(last.weight, again.weight)
    assert (last(features[60:, 0]).argmax(1) == labels[60:]).float().mean() > 0.8


def test_the_penalty_is_chosen_on_rows_that_are_not_trained_on() -> None:
    """Where there is nothing to learn, the strongest serves best; on rows trained on, the weakest."""
    features = torch.randn(60, 1, 40, generator=chance())
    labels, rows = torch.arange(60) % 2, torch.arange(60)
    pool = Pool(features, labels)
    chosen = pool.train(rows)
    strongest, weakest = (pool._fit(rows, pick(PENALTIES)) for pick in (max, min))
    assert torch.equal(chosen.weight, strongest.weight)
    assert chosen.weight.norm() < weakest.weight.norm() / 2


def test_views_are_the_image_its_mirror_image_and_parts() -> None:
    image = torch.arange(8.0).expand(1, 3, 8, 8)
    shown = views(image, chance())
    assert torch.equal(shown[0], image[0])
    assert torch.equal(shown[1], image[0].flip(2))
    for part in shown[2:]:
        steps = part[0, 0].diff()
        assert 0.4 < steps.abs().mean() <= 1
        assert bool((steps >= 0).all()) != bool((steps <= 0).all())
    assert torch.equal(shown, views(image, chance()))


@pytest.fixture
def photo() -> Tensor:
    return torch.rand(1, 3, 20, 24, generator=chance())


def places(canvas: Tensor, photo: Tensor) -> list[tuple[int, int]]:
    height, width = photo.shape[2:]
    windows = canvas[0].unfold(1, height, 1).unfold(2, width, 1)
    same = (windows == photo[0][:, None, None]).all(4).all(3).all(0)
    return [tuple(place) for place in same.nonzero().tolist()]


def test_off_centre_photos_are_whole_and_anywhere(photo: Tensor) -> None:
    found = [places(off_centre(photo, chance(seed)), photo) for seed in range(6)]
    assert all(len(one) == 1 for one in found)
    assert len({one[0] for one in found}) > 3
    assert off_centre(photo, chance()).shape == (1, 3, 40, 48)
    assert torch.equal(off_centre(photo, chance(1)), off_centre(photo, chance(1)))


def test_cluttered_photos_are_whole_beside_what_is_not(photo: Tensor) -> None:
    others = torch.rand(3, 3, 20, 24, generator=chance(1))
    corners = set()
    for seed in range(12):
        canvas = cluttered(photo, others, chance(seed))
        assert canvas.shape == (1, 3, 40, 48)
        (place,) = places(canvas, photo)
        corners.add(place)
        torch.testing.assert_close(canvas.mean(), torch.cat([photo, others]).mean(), rtol=0.05, atol=0)
    assert corners == {(0, 0), (0, 24), (20, 0), (20, 24)}


def test_photos_have_the_size_the_network_knows(tmp_path: Path) -> None:
    (tmp_path / "imagenet").mkdir()
    for label in range(4):
        path = tmp_path / "imagenet" / f"{label:04d}_name.jpg"
        Image.new("RGB", (70, 60), (50 * label, 90, 90)).save(path)
    source = Source(nn.Identity(), tmp_path, torch.device("cpu"), images=1, leave_out=0, seed=0, size=28)
    examples = {case.part: case.load() for case in source.photos()}
    assert set(examples) == {"photos", "off-centre", "cluttered"}
    assert {example.inputs.shape for example in examples.values()} == {(1, 3, 28, 28)}
    assert examples["photos"].detail.shape[2] > 28
    assert examples["cluttered"].detail.shape == (1, 3, 56, 56)


def test_a_constant_difference_has_no_width() -> None:
    assert bootstrap_interval(np.full(30, 0.25), range(30)) == pytest.approx((0.25, 0.25))


def test_intervals_are_scipys() -> None:
    values = np.random.default_rng(0).normal(0.3, 1, 80)
    expected = stats.bootstrap((values,), np.mean, method="percentile", rng=1).confidence_interval
    assert bootstrap_interval(values, range(80)) == pytest.approx(tuple(expected), abs=0.02)


def test_versions_of_one_photo_count_as_one() -> None:
    values = np.random.default_rng(0).normal(size=40)
    alone = bootstrap_interval(values, range(40))
    thrice = bootstrap_interval(np.repeat(values, 3), np.repeat(np.arange(40), 3).tolist())
    assert thrice == pytest.approx(alone)


def answers(settings: dict[str, Tensor], folds: list[int]) -> Answers:
    """Two classes; class 0 is true; (N,) logits of class 0 for each setting of one method."""

    def logits(value: Tensor) -> Tensor:
        return torch.stack([value, -value])

    def one(place: int, fold: int) -> Answer:
        case = Case("part", f"photo {place}", 0, fold, nn.Identity(), lambda: pytest.fail("loaded"))
        looks = {("box", name): logits(value[place])[None] for name, value in settings.items()}
        return Answer(case, logits(torch.tensor(-0.1)), looks)

    return Answers([one(place, fold) for place, fold in enumerate(folds)])


def test_rows_are_named_and_combined_as_they_say() -> None:
    table = answers({"first": torch.tensor([0.5, -2.0]), "other": torch.tensor([9.0, 9.0])}, [0, 1])
    rows = {row.name: row for row in table.rows()}
    assert list(rows) == ["no mask", "box", "box and whole", "box, chosen"]
    assert rows["no mask"].right.tolist() == [0, 0]
    assert rows["box"].right.tolist() == [1, 0]
    assert rows["box and whole"].logits[:, 0].tolist() == pytest.approx([0.2, -1.05])
    assert rows["box"].loss == pytest.approx(np.logaddexp(0, [-1.0, 4.0]))


def test_settings_are_chosen_without_a_look_at_the_fold_they_are_used_on() -> None:
    """Each setting is right in one fold only, so that the one chosen on the other fold is wrong."""
    first, other = torch.tensor([5.0, 5.0, -9.0, -9.0]), torch.tensor([-9.0, -9.0, 5.0, 5.0])
    rows = {row.name: row for row in answers({"a": first, "b": other}, [0, 0, 1, 1]).rows()}
    chosen = rows["box, chosen"]
    assert (chosen.logits[:, 0] < 5).all()
    assert chosen.right.sum() == 0


def test_comparisons_are_paired_differences() -> None:
    table = answers({"a": torch.tensor([3.0, -3.0, 3.0, 3.0])}, [0, 1, 2, 3])
    none, box, *_ = table.rows()
    told = compare(box, none, table.groups, seed=0)
    assert (told["row"], told["base"]) == ("box", "no mask")
    assert told["gain"] == 0.75
    assert told["gain_interval"][0] <= 0.75 <= told["gain_interval"][1]
    assert told["loss_change"] == pytest.approx((box.loss - none.loss).mean())


def test_the_main_row_is_the_librarys_default() -> None:
    from captum_scd import MaskGuidedClassifier

    guided = MaskGuidedClassifier(nn.Identity())
    assert (guided.view, guided.combine) == ("crop", "mean_logits")
    assert MAIN == "FIDO crop and whole"
