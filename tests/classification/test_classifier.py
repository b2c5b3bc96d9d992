"""The second look: identities, an object whose place is known, and what may not be touched."""

import copy
import pickle
from typing import Any

import pytest
import torch
from models import PATCH, Additive, PlantedPatch, TinyConv, Watched
from torch import Tensor, nn

from captum_scd import FIDOAttribution, FIDOMasks, MaskGuidedClassifier, infill
from captum_scd.classification import COMBINATIONS, VIEWS, BoxRule, GuidedPrediction, crop_resize

QUICK: dict[str, Any] = {"n_iterations": 3, "mask_size": 4}
WHOLE = BoxRule(least=1e9)


class Colours(nn.Module):
    """Logits: mean red and mean green of the image, so that a small red spot on green reads green."""

    def forward(self, x: Tensor) -> Tensor:
        red, green = (x[:, channel].mean((1, 2)) for channel in (0, 1))
        return 10 * torch.stack([red, green], dim=1)


def spotted(box: tuple[int, int, int, int], size: int = 32) -> Tensor:
    """A green image with a red spot."""
    x0, y0, x1, y1 = box
    image = torch.zeros(1, 3, size, size)
    image[:, 1] = 1
    image[:, 0, y0:y1, x0:x1] = 1
    image[:, 1, y0:y1, x0:x1] = 0
    return image


@pytest.fixture
def guided(net: nn.Module) -> MaskGuidedClassifier:
    return MaskGuidedClassifier(net, settings=QUICK)


def test_logits_have_the_models_shape(guided: MaskGuidedClassifier, images: Tensor) -> None:
    assert guided(images).shape == (3, 5)


def test_a_prediction_holds_what_its_docstring_says(net: nn.Module, images: Tensor) -> None:
    told = MaskGuidedClassifier(net, k=2, settings=QUICK).classify(images)
    assert isinstance(told, GuidedPrediction)
    assert told.first.shape == told.logits.shape == (3, 5)
    assert told.second.shape == (3, 2, 5)
    assert told.boxes.shape == (3, 2, 4)
    assert told.seen.shape == (3, 2, 3, 12, 10)
    assert told.masks is not None
    assert len(told.masks) == 6
    torch.testing.assert_close(told.first, net(images))
    torch.testing.assert_close(told.second.flatten(0, 1), net(told.seen.flatten(0, 1)))


@pytest.mark.parametrize("combine", list(COMBINATIONS))
@pytest.mark.parametrize("k", [1, 3])
def test_a_crop_of_the_whole_image_is_the_first_prediction(
    net: nn.Module, images: Tensor, combine: str, k: int
) -> None:
    guided = MaskGuidedClassifier(net, boxes=WHOLE, combine=combine, k=k, settings=QUICK)
    torch.testing.assert_close(guided(images).softmax(1), net(images).softmax(1), rtol=0, atol=1e-5)


@pytest.mark.parametrize("view", list(VIEWS))
def test_a_map_that_marks_everything_is_the_first_prediction(
    net: nn.Module, images: Tensor, view: str
) -> None:
    guided = MaskGuidedClassifier(net, view=view, combine="replace")
    torch.testing.assert_close(guided(images, maps=torch.full_like(images, 0.2)), net(images))


def test_a_map_that_marks_nothing_blends_to_the_infill_and_crops_nothing_off(
    net: nn.Module, images: Tensor
) -> None:
    nothing = torch.zeros(3, 1, 12, 10)
    seen = {
        view: MaskGuidedClassifier(net, view=view).classify(images, maps=nothing).seen[:, 0] for view in VIEWS
    }
    torch.testing.assert_close(seen["crop"], images)
    torch.testing.assert_close(seen["blend"], infill.blur(images))
    torch.testing.assert_close(seen["blend_crop"], infill.blur(images))


def test_masks_are_blended_with_the_infill_they_were_learned_with(net: nn.Module, images: Tensor) -> None:
    nothing = torch.zeros(3, 1, 4, 4)
    own = FIDOMasks(nothing, nothing, (12, 10), infill=images.flip(3))
    bare = FIDOMasks(nothing, nothing, (12, 10))
    guided = MaskGuidedClassifier(net, FIDOAttribution(net, infill="mean"), view="blend")
    torch.testing.assert_close(guided.classify(images, own).seen[:, 0], images.flip(3))
    torch.testing.assert_close(guided.classify(images, bare).seen[:, 0], infill.mean(images))


@pytest.mark.parametrize("settings", [{}, {"seed": 4}])
def test_noise_beside_another_methods_map_has_the_settings_seed(
    net: nn.Module, images: Tensor, settings: dict[str, int]
) -> None:
    fido = FIDOAttribution(net, infill="uniform")
    guided = MaskGuidedClassifier(net, fido, view="blend", settings=settings)
    seen = guided.classify(images, maps=torch.zeros(3, 1, 12, 10)).seen[:, 0]
    noise = infill.uniform(images, torch.Generator().manual_seed(settings.get("seed", 0)))
    torch.testing.assert_close(seen, noise)


@pytest.mark.parametrize("place", [(2, 3, 8, 9), (20, 22, 28, 30), (0, 24, 8, 32)], ids=str)
def test_the_second_look_finds_the_planted_object(place: tuple[int, int, int, int]) -> None:
    image = spotted(place)
    found = torch.zeros(1, 1, 32, 32)
    found[..., place[1] : place[3], place[0] : place[2]] = 1
    guided = MaskGuidedClassifier(
        Colours(), boxes=BoxRule(smoothing=0, inside=1, padding=0, least=0), combine="replace"
    )
    told = guided.classify(image, maps=found)
    assert told.first.argmax() == 1
    assert told.logits.argmax() == 0
    assert told.boxes[0, 0].tolist() == list(place)
    torch.testing.assert_close(told.logits, torch.tensor([[10.0, 0.0]]))


def test_learned_masks_put_the_box_around_what_the_model_looks_at() -> None:
    inputs, model = torch.full((1, 1, 12, 12), 0.9), PlantedPatch().eval()
    guided = MaskGuidedClassifier(
        model,
        FIDOAttribution(model, infill="constant"),
        boxes=BoxRule(smoothing=0, inside=1, padding=0, least=0),
        settings={"n_iterations": 60, "mask_size": 12},
    )
    told = guided.classify(inputs)
    assert told.masks is not None
    inside = told.masks.joint[PlantedPatch.region(12, 12)]
    assert inside.mean() > 2 * told.masks.joint.mean()
    x0, y0, x1, y1 = told.boxes[0, 0].tolist()
    rows, columns = PATCH
    overlap = (min(y1, rows.stop) - max(y0, rows.start)) * (min(x1, columns.stop) - max(x0, columns.start))
    assert overlap > 6
    assert (x1 - x0) * (y1 - y0) < 72


def test_differing_boxes_are_cut_as_if_each_image_were_alone(net: nn.Module) -> None:
    batch = torch.cat([spotted((2, 2, 8, 8)), spotted((10, 12, 30, 31)), spotted((0, 0, 32, 32))])
    guided = MaskGuidedClassifier(net, boxes=BoxRule(least=4, padding=2))
    maps = batch[:, :1]
    together = guided.classify(batch, maps=maps)
    assert len({tuple(box) for box in together.boxes[:, 0].tolist()}) == 3
    alone = [guided.classify(batch[i : i + 1], maps=maps[i : i + 1]) for i in range(3)]
    torch.testing.assert_close(together.logits, torch.cat([one.logits for one in alone]))
    torch.testing.assert_close(together.seen, torch.cat([one.seen for one in alone]))


def test_a_batch_learns_as_its_images_alone(guided: MaskGuidedClassifier, images: Tensor) -> None:
    alone = torch.cat([guided(image[None]) for image in images])
    torch.testing.assert_close(guided(images), alone, rtol=1e-3, atol=1e-3)


def test_masks_are_those_of_the_predicted_class_and_the_settings(net: nn.Module, images: Tensor) -> None:
    fido = FIDOAttribution(net, infill="mean", score="logit")
    settings = {**QUICK, "seed": 4, "area_weight": 2.0}
    told = MaskGuidedClassifier(net, fido, settings=settings).classify(images)
    _, masks = fido.attribute(images, target=net(images).argmax(1), return_masks=True, **settings)
    assert told.masks is not None
    assert torch.equal(told.masks.joint, masks.joint)
    assert told.masks.settings == masks.settings


def test_k_looks_are_those_of_the_k_likeliest_classes(net: nn.Module, images: Tensor) -> None:
    told = MaskGuidedClassifier(net, k=3, settings=QUICK).classify(images)
    likeliest = net(images).topk(3).indices
    for look in range(3):
        _, masks = FIDOAttribution(net).attribute(
            images, target=likeliest[:, look], return_masks=True, **QUICK
        )
        alone = MaskGuidedClassifier(net).classify(images, masks)
        torch.testing.assert_close(told.second[:, look], alone.second[:, 0], rtol=1e-3, atol=1e-3)


def test_precomputed_masks_give_the_same_without_learning(net: nn.Module, images: Tensor) -> None:
    watched = Watched(net).eval()
    told = MaskGuidedClassifier(watched, k=2, settings=QUICK).classify(images)
    watched.rows.clear()
    again = MaskGuidedClassifier(watched).classify(images, told.masks)
    assert watched.rows == [3, 6]
    assert torch.equal(again.logits, told.logits)
    assert again.masks is told.masks


def test_masks_survive_a_file(net: nn.Module, images: Tensor, tmp_path) -> None:
    guided = MaskGuidedClassifier(net, view="blend_crop", settings=QUICK)
    told = guided.classify(images)
    assert told.masks is not None
    told.masks.save(tmp_path / "masks.npz")
    assert torch.equal(guided(images, FIDOMasks.load(tmp_path / "masks.npz")), told.logits)


@pytest.mark.parametrize("mode", ["joint", "ssr", "sdr"])
def test_another_methods_map_is_treated_as_a_mask_is(net: nn.Module, images: Tensor, mode: str) -> None:
    masks = MaskGuidedClassifier(net, settings=QUICK).classify(images).masks
    assert masks is not None
    guided = MaskGuidedClassifier(net, mode=mode, boxes=BoxRule(least=2, padding=1))
    mine, theirs = (
        guided.classify(images, masks),
        guided.classify(images, maps=7 * masks.mask(mode).expand(-1, 3, -1, -1)),
    )
    assert torch.equal(mine.boxes, theirs.boxes)
    torch.testing.assert_close(mine.logits, theirs.logits)
    assert theirs.masks is None


def test_coarse_maps_are_interpolated(net: nn.Module) -> None:
    images, coarse = torch.rand(1, 3, 32, 32), torch.zeros(1, 1, 4, 4)
    coarse[..., 1, 2] = 3
    box = MaskGuidedClassifier(net, boxes=BoxRule(least=0, padding=0)).classify(images, maps=coarse).boxes
    x0, y0, x1, y1 = box[0, 0].tolist()
    assert ((x0 + x1) / 2, (y0 + y1) / 2) == (20, 12)


def test_boxes_are_cut_from_the_detail(net: nn.Module) -> None:
    detail = torch.rand(2, 3, 96, 64)
    inputs = crop_resize(detail, torch.tensor([[0, 0, 64, 96]] * 2), (48, 32))
    found = torch.zeros(2, 1, 48, 32)
    found[0, :, 3:9, 4:20], found[1, :, 30:40, 8:15] = 1, 1
    guided = MaskGuidedClassifier(net, boxes=BoxRule(smoothing=0, inside=1, padding=0, least=0))
    told = guided.classify(inputs, maps=found, detail=detail)
    expected = crop_resize(detail, 2 * told.boxes[:, 0], (48, 32))
    torch.testing.assert_close(told.seen[:, 0], expected)
    assert not torch.allclose(told.seen, guided.classify(inputs, maps=found).seen)
    blended = MaskGuidedClassifier(net, view="blend", boxes=guided.boxes)
    same = (blended.classify(inputs, maps=found, detail=one).seen for one in (None, detail))
    torch.testing.assert_close(*same)


def test_a_detail_that_is_no_multiple_still_fits(net: nn.Module) -> None:
    detail = torch.rand(1, 3, 101, 67)
    told = MaskGuidedClassifier(net, boxes=WHOLE).classify(
        torch.rand(1, 3, 48, 33), maps=torch.ones(1, 1, 4, 4), detail=detail
    )
    torch.testing.assert_close(
        told.seen[:, 0], crop_resize(detail, torch.tensor([[0, 0, 67, 101]]), (48, 33))
    )


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_precision_is_kept(net: nn.Module, images: Tensor, dtype: torch.dtype) -> None:
    guided = MaskGuidedClassifier(net.to(dtype), view="blend_crop", k=2, settings=QUICK)
    told = guided.classify(images.to(dtype))
    assert {told.logits.dtype, told.first.dtype, told.second.dtype, told.seen.dtype} == {dtype}
    assert told.logits.isfinite().all()


def test_callables_take_the_place_of_names(net: nn.Module, images: Tensor) -> None:
    corner = torch.tensor([[0, 0, 5, 6]])
    guided = MaskGuidedClassifier(
        net,
        view=lambda scene: scene.inputs.flip(3) * (scene.boxes.sum() == 33),
        boxes=lambda maps: corner.expand(len(maps), -1),
        combine=lambda looks: looks[:, 1],
        settings=QUICK,
    )
    torch.testing.assert_close(guided(images), net(images.flip(3)))


def test_the_model_is_left_as_it_was(images: Tensor) -> None:
    model = nn.Sequential(TinyConv(), nn.Dropout(0.5)).eval()
    model[0].head.weight.requires_grad_(False)
    model[0].head.bias.grad = torch.ones(5)
    state = {name: value.clone() for name, value in model.state_dict().items()}
    chance = torch.get_rng_state()
    guided = MaskGuidedClassifier(model, view="blend_crop", settings=QUICK)
    first, second = guided(images), guided(images)
    assert torch.equal(first, second)
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), chance)
    assert torch.equal(model[0].head.bias.grad, torch.ones(5))
    assert [p.requires_grad for p in model.parameters()].count(False) == 1
    assert not any(part.training or part._forward_hooks for part in model.modules())


def test_an_exception_leaves_the_random_state_and_the_gradients(net: nn.Module, images: Tensor) -> None:
    def fail(call: int) -> None:
        if call == 4:
            raise KeyboardInterrupt

    chance = torch.get_rng_state()
    with pytest.raises(KeyboardInterrupt):
        MaskGuidedClassifier(Watched(net, fail=fail).eval(), settings=QUICK)(images)
    assert torch.equal(torch.get_rng_state(), chance)
    assert all(parameter.grad is None for parameter in net.parameters())


def test_gradients_flow_through_the_looks_and_not_through_the_masks(
    guided: MaskGuidedClassifier, images: Tensor
) -> None:
    inputs = images.clone().requires_grad_()
    told = guided.classify(inputs)
    told.logits.sum().backward()
    assert inputs.grad is not None
    assert inputs.grad.abs().sum() > 0
    assert told.masks is not None
    assert not told.masks.joint.requires_grad


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode])
def test_no_graph_is_made_where_none_is_wanted(
    guided: MaskGuidedClassifier, images: Tensor, context: Any
) -> None:
    expected = guided(images)
    with context():
        logits = guided(images)
    assert not logits.requires_grad
    assert torch.equal(logits, expected)


def test_it_is_a_module_like_any_other(guided: MaskGuidedClassifier, images: Tensor) -> None:
    expected = guided(images)
    assert all(name.startswith("model.") for name in guided.state_dict())
    twin = copy.deepcopy(guided)
    assert twin.fido.forward_func is twin.model
    assert twin.model is not guided.model
    assert torch.equal(twin(images), expected)
    assert torch.equal(pickle.loads(pickle.dumps(guided))(images), expected)


BAD_OPTIONS = [
    ({"view": "zoom"}, ValueError, "Expected `view` to be one of 'crop', 'blend', 'blend_crop'"),
    ({"combine": "max"}, ValueError, "Expected `combine` to be one of 'replace'"),
    ({"mode": "both"}, ValueError, "Expected `mode` to be one of 'joint', 'ssr', 'sdr', but got 'both'."),
    ({"k": 0}, ValueError, "Expected `k` to be at least 1, but got 0."),
    ({"k": 1.0}, TypeError, "Expected `k` to be an integer, but got 1.0."),
    ({"k": True}, TypeError, "Expected `k` to be an integer, but got True."),
    ({"settings": {"iterations": 3}}, ValueError, "but got 'iterations'"),
    ({"settings": {"target": 3}}, ValueError, "but got 'target'"),
]


@pytest.mark.parametrize(("options", "error", "message"), BAD_OPTIONS)
def test_impossible_options_are_refused(net: nn.Module, options: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        MaskGuidedClassifier(net, **options)


def test_a_model_that_cannot_be_called_is_refused() -> None:
    with pytest.raises(TypeError, match="callable"):
        MaskGuidedClassifier("net")


MODELS = [
    (lambda x: x.flatten(1).sum(1), ValueError, r"at least two classes, but got shape \(3,\)"),
    (
        lambda x: x.flatten(1).sum(1, keepdim=True),
        ValueError,
        r"at least two classes, but got shape \(3, 1\)",
    ),
    (lambda x: x, ValueError, "at least two classes"),
    (lambda x: Additive()(x)[:2], ValueError, r"logits \(3, classes\)"),
    (lambda x: (Additive()(x), x), TypeError, "logits in a tensor, but got tuple"),
]


@pytest.mark.parametrize(("model", "error", "message"), MODELS)
def test_models_that_are_no_classifiers_are_refused(
    images: Tensor, model: Any, error: Any, message: str
) -> None:
    with pytest.raises(error, match=message):
        MaskGuidedClassifier(model)(images)


def test_more_classes_than_there_are_are_refused(images: Tensor) -> None:
    with pytest.raises(ValueError, match="Expected `k` of at most 2 classes, but got 3"):
        MaskGuidedClassifier(Additive(), k=3)(images)


def masks_of(count: int, size: tuple[int, int]) -> FIDOMasks:
    cells = torch.rand(count, 1, 4, 4)
    return FIDOMasks(cells, cells, size)


BAD_INPUTS = [
    ({"masks": masks_of(2, (12, 10))}, "Expected `masks` for each of 3 images, but got 2"),
    ({"masks": masks_of(4, (12, 10))}, "Expected `masks` for each of 3 images, but got 4"),
    ({"masks": masks_of(3, (10, 12))}, r"Expected masks of size \(12, 10\), but got \(10, 12\)"),
    ({"maps": torch.rand(2, 1, 12, 10)}, "Expected `maps` for each of 3 images, but got 2"),
    ({"maps": torch.rand(0, 1, 12, 10)}, "Expected `maps` for each of 3 images, but got 0"),
    ({"maps": torch.rand(3, 12, 10)}, r"Expected finite maps \(N, C, h, w\), but got shape \(3, 12, 10\)"),
    ({"maps": torch.full((3, 1, 2, 2), float("nan"))}, "Expected finite maps"),
    ({"masks": masks_of(3, (12, 10)), "maps": torch.rand(3, 1, 2, 2)}, "`masks` or `maps`, but got both"),
    ({"detail": torch.rand(2, 3, 24, 20)}, r"Expected `detail` of the same \(3, 3\) images and channels"),
    ({"detail": torch.rand(3, 1, 24, 20)}, "Expected `detail`"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD_INPUTS)
def test_masks_maps_and_details_that_do_not_fit_are_refused(
    guided: MaskGuidedClassifier, images: Tensor, arguments: Any, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        guided.classify(images, **arguments)


@pytest.mark.parametrize("inputs", [torch.rand(3, 12), torch.ones(2, 3, 8, 8, dtype=torch.long)])
def test_only_images_are_taken(guided: MaskGuidedClassifier, inputs: Tensor) -> None:
    with pytest.raises(ValueError, match=r"Expected floating-point images \(N, C, H, W\)"):
        guided(inputs)


def test_an_empty_batch_is_refused(guided: MaskGuidedClassifier) -> None:
    with pytest.raises(ValueError, match="nothing empty"):
        guided(torch.rand(0, 3, 12, 10))
