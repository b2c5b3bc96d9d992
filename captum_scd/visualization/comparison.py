"""Maps of several methods beside the photos they explain, all coloured by one rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from torch import Tensor

from captum_scd.visualization.checks import check_choice, check_count, check_images, check_maps
from captum_scd.visualization.layout import CAPTION, INK, captioned_sheet, head, outline, paint
from captum_scd.visualization.pictures import tinted, to_picture
from captum_scd.visualization.scales import COMPARED, SCALES, Scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

UNKNOWN = 0.8
"""Grey of pixels for which a map has no finite value."""


def comparison_figure(
    images: Tensor,
    maps: Mapping[str, Tensor],
    captions: Mapping[str, Sequence[str]] | None = None,
    labels: Sequence[str] = (),
    title: str = "",
    scale: str = COMPARED,
) -> tuple[Figure, Any]:
    """Draw images down and methods across, the photo first, all maps on one colour scale.

    By rank, a pixel's colour is the share of its map's other pixels that are less important: each panel
    without ties has as much of every colour, and a flat map is dark. By percentile, it is the positive part
    of the map divided by its 99.5th percentile. The greyed photo shows faintly through. Where a map is NaN
    or infinite the panel is light grey, and says "no map" if it is so everywhere.

    Args:
        images: (N, 3 or 1, H, W) in [0, 1].
        maps: by method, (N, C, H, W); channels are summed, larger is more important.
        captions: by method, a text per image, written under its panel; methods may be missing.
        labels: one per image, written under the photo.
        title: written above.
        scale: `"rank"` or `"percentile"`.

    Returns:
        The figure, and its axes as an array (N, 1 + number of maps).

    Raises:
        ValueError: for an unknown scale or method, or images, maps, captions or labels that do not fit.

    >>> figure, axes = comparison_figure(torch.rand(2, 3, 8, 8), {"FIDO": torch.rand(2, 1, 8, 8)})
    >>> axes.shape
    (2, 2)
    """
    texts = _checked(images, maps, captions or {}, labels)
    check_choice("scale", scale, SCALES)
    return _drawn(images, maps, texts, title, SCALES[scale])


def maps_figure(
    images: Tensor,
    maps: Mapping[str, Tensor],
    regions: Tensor,
    shares: Mapping[str, Tensor],
    labels: Sequence[str] = (),
    title: str = "",
    region: str = "detail",
) -> tuple[Figure, Any]:
    """Draw the maps of several methods beside photos on which the decisive detail is known and outlined.

    Args:
        images, maps, labels, title: as for `comparison_figure`, drawn by percentile.
        regions: (N, 1, H, W) boolean, True on the known detail.
        shares: by name, (N,) share of the map's energy on the detail in [0, 1]; written under the panels.
        region: what the outlined detail is called.

    Returns:
        The figure, and its axes as an array (N, 1 + number of maps).

    Raises:
        ValueError: for arguments that do not fit the images or the maps.

    >>> region = torch.zeros(1, 1, 8, 8, dtype=torch.bool)
    >>> region[..., 2:4, 2:4] = True
    >>> maps, shares = {"FIDO": torch.rand(1, 1, 8, 8)}, {"FIDO": torch.tensor([0.4])}
    >>> figure, axes = maps_figure(torch.rand(1, 3, 8, 8), maps, region, shares)
    >>> axes.shape
    (1, 2)
    """
    check_images("images", images)
    if regions.shape != images[:, :1].shape:
        raise ValueError(
            f"Expected `regions` of shape {tuple(images[:, :1].shape)}, but got {tuple(regions.shape)}."
        )
    captions = {
        name: [f"{share:.1%} of the map on the {region}" for share in shares[name]] for name in shares
    }
    areas = [f"{region}: {one.float().mean():.1%} of the image" for one in regions]
    check_count("labels", labels or areas, len(images))
    under = ["\n".join(filter(None, pair)) for pair in zip_longest(labels, areas)]
    scale = SCALES[COMPARED]
    scale = scale._replace(note=f"{scale.note}; outlined: the {region}")
    figure, axes = _drawn(images, maps, _checked(images, maps, captions, under), title, scale)
    for row, one in zip(axes, regions, strict=True):
        for axis in row:
            outline(axis, one[0])
    return figure, axes


def _checked(
    images: Tensor, maps: Mapping[str, Tensor], captions: Mapping[str, Sequence[str]], labels: Sequence[str]
) -> list[Sequence[str]]:
    """Check that everything fits; the texts under each column of panels, "" where there is none."""
    none = [""] * len(images)
    check_images("images", images)
    check_maps(maps, images)
    check_count("labels", labels or none, len(images))
    for name, texts in captions.items():
        check_choice("captions", name, maps)
        check_count(f"captions[{name!r}]", texts, len(images))
    return [labels or none, *(captions.get(name, none) for name in maps)]


def _drawn(
    images: Tensor, maps: Mapping[str, Tensor], texts: Sequence[Sequence[str]], title: str, scale: Scale
) -> tuple[Figure, Any]:
    figure, axes = captioned_sheet(["Photo", *maps], texts, images.shape[2] / images.shape[3])
    for axis, image in zip(axes[:, 0], images, strict=True):
        paint(axis, to_picture(image))
    for column, values in zip(axes.T[1:], maps.values(), strict=True):
        for axis, image, one in zip(column, images, values, strict=True):
            _show_map(axis, image, scale.apply(one))
    head(figure, title, scale.note, scale.ends, tinted)
    return figure, axes


def _show_map(axis: Axes, image: Tensor, colors: Tensor) -> None:
    """Paint a map (1, H, W) over its greyed photo, grey where it is NaN."""
    unknown = colors[0].isnan().numpy()
    picture = tinted(image, colors)
    picture[unknown] = UNKNOWN
    paint(axis, picture)
    if unknown.all():
        axis.text(
            0.5,
            0.5,
            "no map",
            transform=axis.transAxes,
            ha="center",
            va="center",
            fontsize=CAPTION,
            color=INK,
        )
