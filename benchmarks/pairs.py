"""What makes two photos alike to an encoder, and do its regions alone keep that?

    python benchmarks/pairs.py
    python benchmarks/pairs.py --network dinov2_small --pairs 2

What is done is kept in `--json`, and the same command goes on from there.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from captum.attr import InputXGradient, LayerAttribution, LayerGradCam
from common.data import parser_with_data, read
from common.kept import earlier, keep
from common.networks import load_module
from torch import Tensor, nn

from captum_scd.attribution import FAST
from captum_scd.cli.option_types import whole_number
from captum_scd.composites import blend
from captum_scd.models import similarity_to
from captum_scd.pairs import Pair, explain_pair
from captum_scd.tables import markdown
from captum_scd.verdict import LEAVES_OF_SPAN

SIZE = 224
EACH = 4
"""Photos of a species among which the most similar is looked for."""

DIFFERENT = 4
"""One pair of different species comes on so many, this included."""

SAME, OTHER = "same species", "different species"
HEADINGS = (
    "",
    "the region alone ↑",
    "share kept ↑",
    "without the region ↓",
    "share left ↓",
    "left too much ↓",
)


def lite0(data: Path) -> nn.Sequential:
    """Pooled features of EfficientNet-Lite0, (N, 1280)."""
    features = load_module(data, "efficientnet_lite0").load().features
    return nn.Sequential(features, nn.AdaptiveAvgPool2d(1), nn.Flatten())


def dinov2(data: Path) -> nn.Module:
    """Tokens of the vision transformer, (N, 768)."""
    backbone: nn.Module = load_module(data, "dinov2_small").backbone()
    return backbone


NETWORKS = {"efficientnet_lite0": lite0, "dinov2_small": dinov2}


def photos(data: Path, count: int) -> list[tuple[str, Path, Path]]:
    """Pairs of birds, evenly over the species: photos of one, and now and then of two."""
    species = [sorted(folder.glob("*.jpg")) for folder in sorted(data.glob("birds/*"))]
    pairs = []
    for place in range(count):
        first = species[place * len(species) // count]
        other = species[(place * len(species) // count + 1) % len(species)]
        different = place % DIFFERENT == DIFFERENT - 1
        pairs.append((OTHER, first[0], other[0]) if different else (SAME, first[0], first[len(first) // 2]))
    return pairs


def measure(encoder: nn.Module, images: Tensor, pair: Pair) -> Iterator[dict[str, Any]]:
    """Yield for each image the similarities that regions keep and leave, of FIDO and of others."""
    assert pair.masks.infill is not None
    with torch.no_grad():
        embeddings = encoder(images)
    for row in range(2):
        model, image = similarity_to(encoder, embeddings[1 - row]), images[row : row + 1]
        cut = {mode: pair.masks.threshold(0.5, mode)[row : row + 1] for mode in ("ssr", "sdr")}
        shown = {name: regions(cut) for name, regions in _methods(model, image, row).items()}
        masks = [mask for kept, lost in shown.values() for mask in (kept, ~lost)]
        with torch.no_grad():
            seen = model(torch.cat([blend(one.float(), image, pair.masks.infill[row]) for one in masks]))
        numbers = iter(seen.tolist())
        yield {
            "image": float(pair.similarity["image"][row]),
            "infill": float(pair.similarity["infill"][row]),
            "both": float(pair.similarity["both"][row]),
            **{f"{mode}_area": float(one.float().mean()) for mode, one in cut.items()},
            "verdict": pair.masks.verdict[row].word,
            "methods": {name: (next(numbers), next(numbers)) for name in shown},
        }


def _methods(model: nn.Module, image: Tensor, seed: int) -> dict[str, Any]:
    """By name, what makes of FIDO's regions those of a method, of the same areas."""
    maps = {"input x gradient": InputXGradient(model).attribute(image.clone().requires_grad_()).abs().sum(1)}
    if isinstance(model.encoder, nn.Sequential):
        coarse = LayerGradCam(model, model.encoder[0]).attribute(image)
        maps["GradCAM"] = LayerAttribution.interpolate(coarse, (SIZE, SIZE), "bilinear")[:, 0]
    shifts = torch.randint(
        SIZE // 4, 3 * SIZE // 4, (2,), generator=torch.Generator().manual_seed(seed)
    ).tolist()

    def fido(cut: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        return tuple(cut.values())

    def elsewhere(cut: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        return tuple(one.roll(shifts, (2, 3)) for one in cut.values())

    def of(values: Tensor) -> Any:
        return lambda cut: tuple(_top(values.detach(), int(one.sum())) for one in cut.values())

    return {"FIDO": fido, **{name: of(one) for name, one in maps.items()}, "the same elsewhere": elsewhere}


def _top(values: Tensor, count: int) -> Tensor:
    """The first pixels of a map (1, H, W), as a region (1, 1, H, W)."""
    region = torch.zeros(values.numel(), dtype=torch.bool)
    region[values.flatten().topk(count).indices] = True
    return region.view(1, *values.shape)


def run(encoder: nn.Module, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure the pairs that are not measured yet; one record an image."""
    pairs = photos(options.data, options.pairs)
    asked = {"network": options.network, "fast": options.fast, "pairs": options.pairs, "seed": options.seed}
    done: list[dict[str, Any]] = earlier(options.json, asked).get("values", [])
    for kind, *paths in pairs[len(done) // 2 :]:
        images = torch.cat([read(path, SIZE, SIZE) for path in paths])
        settings = {"seed": options.seed, **(FAST if options.fast else {})}
        found = measure(encoder, images, explain_pair(encoder, *images, **settings))
        done += [{"kind": kind, "photo": path.stem, **one} for path, one in zip(paths, found, strict=True)]
        keep(options.json, asked, values=done)
        print(f"{len(done) // 2}/{len(pairs)} pairs", file=sys.stderr, flush=True)
    return done


def nearest(encoder: nn.Module, data: Path) -> str:
    """Say how many birds have one of their own species as the most similar, which chance has at 8 %."""
    birds = [path for folder in sorted(data.glob("birds/*")) for path in sorted(folder.glob("*.jpg"))[:EACH]]
    with torch.no_grad():
        embedded = torch.cat([encoder(read(path, SIZE, SIZE)) for path in birds])
    cosines = nn.functional.normalize(embedded) @ nn.functional.normalize(embedded).T
    places = cosines.fill_diagonal_(-1).argmax(1).tolist()
    right = sum(birds[place].parent == one.parent for place, one in zip(places, birds, strict=True))
    return f"{right} of {len(birds)} birds have one of their own species as the most similar"


def table(records: Sequence[Mapping[str, Any]]) -> str:
    """Mean similarities by method; shares of the means, from all blurred to the whole image.

    Last, in how many images a verdict would call the destroying region failed.
    """

    def mean(name: str) -> float:
        return fmean(one[name] for one in records)

    whole, floor = mean("image"), mean("infill")
    rows = [("whole image", f"{whole:.3f}", "1", f"{floor:.3f}", "0", "")]
    for name in records[0]["methods"]:
        kept, left = (fmean(one["methods"][name][place] for one in records) for place in (0, 1))
        shares = ((value - floor) / (whole - floor) for value in (kept, left))
        numbers = (f"{v:.3f}" for pair in zip((kept, left), shares, strict=True) for v in pair)
        rows.append((name, *numbers, f"{_failures(records, name)} of {len(records)}"))
    return markdown(HEADINGS, rows)


def _failures(records: Sequence[Mapping[str, Any]], name: str) -> int:
    spans = ((one["methods"][name][1] - one["infill"], one["image"] - one["infill"]) for one in records)
    return sum(left > LEAVES_OF_SPAN * span for left, span in spans)


def told(records: Sequence[Mapping[str, Any]]) -> str:
    """What else there is to say of some records, in a line."""
    areas = [f"{mode} {fmean(one[f'{mode.lower()}_area'] for one in records):.3f}" for mode in ("SSR", "SDR")]
    trusted = sum(one["verdict"] == "trustworthy" for one in records)
    both = fmean(one["both"] for one in records)
    return (
        f"areas: {', '.join(areas)}; the two SSRs alone, with each other: {both:.3f}; "
        f"{trusted} of {len(records)} trustworthy"
    )


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = parser_with_data(__doc__)
    parser.add_argument("--network", choices=NETWORKS, default="efficientnet_lite0", help="%(default)s")
    parser.add_argument("--pairs", type=whole_number(1), default=8, help="of birds (%(default)s)")
    parser.add_argument("--seed", type=whole_number(0), default=0, help="of the masks (%(default)s)")
    parser.add_argument("--fast", action="store_true", help="the fast settings instead of the defaults")
    parser.add_argument("--json", type=Path, default=Path("out/pairs.json"), help="%(default)s")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    torch.set_num_threads(options.threads)
    if not any(options.data.glob("birds/*/*.jpg")) or not (options.data / f"{options.network}.py").is_file():
        print(f"Expected {options.network}.py and birds in {options.data}; see --data.", file=sys.stderr)
        return 2
    encoder = NETWORKS[options.network](options.data).eval().requires_grad_(False)
    records = run(encoder, options)
    for kind in (SAME, OTHER):
        chosen = [one for one in records if one["kind"] == kind]
        if chosen:
            print(f"{options.network}, {kind}, {len(chosen)} images\n\n{table(chosen)}\n\n{told(chosen)}\n")
    print(nearest(encoder, options.data))
    return 0


if __name__ == "__main__":
    sys.exit(main())
