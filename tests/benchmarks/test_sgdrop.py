"""The experiment on SGDrop: its measures by closed forms, its rows side by side, and a run in small."""

import json
import math
from pathlib import Path

import pytest
import sgdrop
import torch
from overfocus import beetles, summary
from overfocus.cutmix import cutmix, draw_box, paste
from overfocus.measures import accuracy, entropy, hide, spread, worst_group
from overfocus.rows import ROWS, DropBlock
from overfocus.task import Pictures, Task, split
from overfocus.training import Recipe, fit
from PIL import Image
from scipy import stats
from torch import Tensor, nn


@pytest.fixture
def two_pixels() -> Tensor:
    maps = torch.zeros(1, 1, 4, 4)
    maps[..., 1, 1:3] = 3.0
    return maps


@pytest.fixture(scope="module")
def small() -> Task:
    return beetles.make(seed=0, n_train=3, n_test=1, layer="start")


def test_entropy_and_spread_of_known_maps(two_pixels: Tensor) -> None:
    maps = torch.cat([torch.zeros(1, 1, 4, 4), torch.ones(1, 1, 4, 4), two_pixels, two_pixels.clamp(max=1)])
    maps[3, 0, 1, 2] = 0
    assert entropy(maps).tolist() == pytest.approx([0.0, 1.0, math.log(2) / math.log(16), 0.0])
    assert spread(maps).tolist() == pytest.approx([0.0, 1.0, 2 / 16, 1 / 16])


def test_only_the_most_salient_pixels_are_hidden(two_pixels: Tensor) -> None:
    images = torch.rand((1, 3, 4, 4), generator=torch.Generator().manual_seed(0))
    changed = hide(images, two_pixels, share=2 / 16) != images
    assert torch.equal(changed.any(1, keepdim=True), two_pixels > 0)


@pytest.mark.parametrize("rate", [0.1, 0.3])
def test_dropblock_drops_about_its_rate_in_blocks(rate: float) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        left = DropBlock(rate)(torch.ones(32, 16, 12, 12))
    dropped = left == 0
    assert dropped.float().mean().item() == pytest.approx(rate, rel=0.25)
    assert left.mean().item() == pytest.approx(1, rel=1e-4)
    alone = dropped & ~dropped.roll(1, 2) & ~dropped.roll(-1, 2)
    assert not alone[:, :, 1:-1].any()
    assert torch.equal(DropBlock(rate).eval()(left), left)


def test_a_split_takes_the_same_number_of_each_class() -> None:
    labels = torch.tensor([0] * 7 + [1] * 9 + [2] * 5)
    train, test = split(labels, 4, seed=0)
    assert labels[train].bincount().tolist() == [4, 4, 4]
    assert sorted(torch.cat([train, test]).tolist()) == list(range(21))
    assert labels[test][:3].tolist() == [0, 1, 2]
    assert not torch.equal(train, split(labels, 4, seed=1)[0])


def test_intervals_are_students() -> None:
    values = [0.2, 0.5, 0.4, 0.7]
    mean, half = summary.interval(values)
    low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (mean - half, mean + half) == pytest.approx((low, high))


def test_differences_are_taken_seed_by_seed() -> None:
    values = {"ours": {"x": [0.5, 0.9]}, "other": {"x": [0.4, 0.8]}}
    assert "| other | +0.100 ± 0.000 |" in summary.differences(values, {"x": "x"}, to="ours")


def test_every_row_starts_alike_and_repeats_itself() -> None:
    task = beetles.make(seed=0, n_train=1, n_test=1, layer="start")
    assert all(map(torch.equal, task.tail().parameters(), task.tail().parameters()))
    recipe = Recipe(rate=0.2, epochs=1, learning_rate=1e-3)
    results = {row: fit(task, ROWS[row], recipe, seed=0).state_dict() for row in ROWS}
    again = fit(task, ROWS["sgdrop"], recipe, seed=0).state_dict()
    assert all(torch.equal(again[name], results["sgdrop"][name]) for name in again)
    assert all(set(state) == set(task.tail().state_dict()) for state in results.values())
    weights = [state["classifier.weight"] for state in results.values()]
    assert all(not torch.equal(weights[a], weights[b]) for a in range(len(weights)) for b in range(a))


def test_cutmix_mixes_the_truth_by_the_area_that_was_really_pasted() -> None:
    """Each image is of one colour of its own, so that what was pasted can be counted."""
    images = torch.arange(6.0).view(6, 1, 1, 1).expand(-1, 3, 9, 7)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        pasted = []
        for _ in range(200):
            mixed, truth = cutmix(images, torch.eye(6))
            counted = torch.stack([(mixed == colour).float().mean((1, 2, 3)) for colour in range(6)], dim=1)
            torch.testing.assert_close(truth, counted)
            pasted.append(1 - truth.diagonal().min().item())
    assert min(pasted) < 0.1
    assert max(pasted) > 0.7


def test_cutmix_draws_boxes_with_an_even_area_but_for_what_sticks_out() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        boxes = [draw_box(100, 50) for _ in range(2000)]
    areas = torch.tensor([(bottom - top) * (right - left) / 5000 for top, left, bottom, right in boxes])
    assert all(0 <= top <= bottom <= 100 and 0 <= left <= right <= 50 for top, left, bottom, right in boxes)
    root = (torch.arange(1e4) + 0.5) / 1e4
    cut = (root - root**2 / 4) ** 2  # mean length in the image, squared, of a side r of a box with area r²
    assert areas.mean().item() == pytest.approx((cut * 2 * root).mean().item(), abs=0.02)


def test_a_pasted_box_comes_from_the_other_image() -> None:
    images = torch.rand((2, 3, 4, 4), generator=torch.Generator().manual_seed(0))
    mixed, truth = paste(images, torch.eye(2), torch.tensor([1, 0]), (1, 0, 3, 4))
    assert torch.equal(mixed[0, :, 1:3], images[1, :, 1:3])
    assert torch.equal(mixed[0, :, 0], images[0, :, 0])
    assert truth.tolist() == [[0.5, 0.5], [0.5, 0.5]]


def test_retraining_changes_the_last_layer_alone(small: Task) -> None:
    recipe = Recipe(rate=0.2, epochs=1, learning_rate=1e-3)
    plain, again = (fit(small, ROWS[row], recipe, seed=0).state_dict() for row in ("nothing", "last-layer"))
    changed = {name for name in plain if not torch.equal(plain[name], again[name])}
    assert changed == {"classifier.weight", "classifier.bias"}


def test_a_retrained_last_layer_gets_more_of_the_balanced_images_right(small: Task) -> None:
    recipe = Recipe(rate=0.2, epochs=1, learning_rate=1e-3)
    right = [
        accuracy(nn.Sequential(small.stem, fit(small, ROWS[row], recipe, seed=0)), small.balanced)
        for row in ("nothing", "last-layer")
    ]
    assert right[1] > right[0] + 0.3


def test_balanced_beetles_are_of_every_species_and_group() -> None:
    drawn = beetles.balanced(2, seed=5)
    assert drawn.labels.bincount().tolist() == [6] * 8
    right, wrong, bare = drawn.images[:, :, 3, 3].chunk(3)
    assert torch.equal(right, wrong)  # the card's paper
    assert not torch.equal(right, bare)


def test_the_worst_group_is_the_least_of_all_sets_and_classes() -> None:
    """The model says what the first pixel says."""
    said = torch.tensor([[0, 0, 1, 1], [0, 1, 1, 1]])
    sets = [Pictures(torch.eye(2)[row][:, :, None, None], torch.tensor([0, 0, 1, 1])) for row in said]
    assert worst_group(nn.Flatten(), sets[:1]) == 1.0
    assert worst_group(nn.Flatten(), sets) == 0.5


def test_a_small_run_reports_every_seed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "values.json"
    arguments = "--part beetles --seeds 2 --rows nothing,sgdrop --train 1 --test 1 --epochs 1 --threads 1"
    assert sgdrop.main([*arguments.split(), "--fido-images", "1", "--json", str(file)]) == 0
    values = json.loads(file.read_text())["values"]
    assert set(values) == {"nothing", "sgdrop"}
    assert "worst_group" in values["sgdrop"]
    assert "fido_area" in values["sgdrop"]
    assert all(len(column) == 2 for row in values.values() for column in row.values())
    assert "| sgdrop |" in capsys.readouterr().out


def test_fido_is_left_out_for_no_images(tmp_path: Path) -> None:
    file = tmp_path / "values.json"
    arguments = "--part beetles --seeds 1 --rows nothing --train 1 --test 1 --epochs 1 --fido-images 0"
    assert sgdrop.main([*arguments.split(), "--threads", "1", "--json", str(file)]) == 0
    assert not {"fido_area", "fido_entropy"} & set(json.loads(file.read_text())["values"]["nothing"])


NETWORK = """
from torch import nn

class Network(nn.Module):
    def __init__(self):
        super().__init__()
        stages = [nn.Sequential(nn.Conv2d(before, after, 3, 2, 1), nn.ReLU())
                  for before, after in ((3, 4), (4, 4), (4, 4), (4, 6))]
        self.features = nn.Sequential(*stages)

def load():
    return Network().eval()
"""


@pytest.mark.parametrize("network", ["squeezenet", "efficientnet_lite0"])
def test_birds_are_told_apart_by_the_end_of_either_network(tmp_path: Path, network: str) -> None:
    (tmp_path / f"{network}.py").write_text(NETWORK)
    for number in range(6):
        path = tmp_path / "birds" / f"species {number % 2}" / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 40), (40 * number, 90, 90)).save(path)
    file = tmp_path / "values.json"
    small = "--seeds 1 --rows cutmix,last-layer,sgdrop --train 2 --epochs 1 --size 32 --fido-images 0"
    arguments = [*small.split(), "--data", str(tmp_path), "--json", str(file), "--threads", "1"]
    assert sgdrop.main(["--part", "birds", "--network", network, *arguments]) == 0
    told = json.loads(file.read_text())
    assert told["settings"]["network"] == network
    assert all("worst_group" not in row for row in told["values"].values())


def test_differences_are_those_of_the_row_that_is_asked_for() -> None:
    values = {"nothing": {"accuracy": [0.5, 0.9]}, "cutmix": {"accuracy": [0.4, 0.8]}}
    assert "| cutmix | +0.100 ± 0.000 |" in sgdrop.tables(values, to="nothing")


def test_missing_birds_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sgdrop.main(["--part", "birds", "--data", str(tmp_path)]) == 2
    assert "birds/*/*.jpg" in capsys.readouterr().err


def test_a_run_goes_on_where_an_earlier_one_ended(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = "--part beetles --rows dropout --train 1 --test 1 --epochs 1 --threads 1 --fido-images 0"
    sgdrop.main([*arguments.split(), "--seeds", "1", "--json", str(tmp_path / "run.json")])
    capsys.readouterr()
    sgdrop.main([*arguments.split(), "--seeds", "2", "--json", str(tmp_path / "run.json")])
    assert [line.split(":")[0] for line in capsys.readouterr().err.splitlines()] == ["seed 1, dropout"]
    assert len(json.loads((tmp_path / "run.json").read_text())["values"]["dropout"]["accuracy"]) == 2
