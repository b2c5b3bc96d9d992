"""Masks forming, as a moving picture."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from captum_scd.masks import FIDOMasks
from captum_scd.visualization.checks import check_image, check_masks, check_range
from captum_scd.visualization.layout import head, outline, paint, sheet, write_caption, write_name
from captum_scd.visualization.pictures import overlay

if TYPE_CHECKING:
    from matplotlib.animation import AbstractMovieWriter

NAMES = {"ssr": "Sufficient region (SSR)", "sdr": "Destroying region (SDR)", "joint": "Joint importance"}

VIDEOS = (".mp4", ".mkv", ".mov")
"""What ffmpeg is asked to write."""

HOLD = 2
"""Seconds that the finished masks stay."""


def animate_masks(
    image: Tensor,
    masks: FIDOMasks,
    path: str | os.PathLike[str],
    fps: int = 8,
    title: str = "",
    threshold: float = 0.5,
) -> None:
    """Write an animation of SSR, SDR and joint map as they form over a photo, and hold them at the end.

    Args:
        image: (3 or 1, H, W) in [0, 1].
        masks: of this one image, learned with `attribute(..., trajectory=n)`; a frame per n iterations.
        path: file to write: `.gif`, or `.mp4`, `.mkv` or `.mov` where ffmpeg is installed.
        fps: frames per second, at least 1.
        title: written above.
        threshold: where the masks are outlined, in [0, 1].

    Raises:
        ValueError: for masks without trajectory, another file type, or an image or numbers that do not fit.
        RuntimeError: for a video where ffmpeg is missing.

    >>> import tempfile
    >>> frames = torch.rand(3, 1, 1, 4, 4)
    >>> course = {"ssr_cells": frames, "sdr_cells": frames}
    >>> masks = FIDOMasks(frames[-1], frames[-1], size=(16, 16), trajectory=course)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     film = Path(folder) / "forming.gif"
    ...     animate_masks(torch.rand(3, 16, 16), masks, film, fps=1)
    ...     film.read_bytes()[:3]
    b'GIF'
    """
    check_image("image", image)
    check_masks("masks", masks, image)
    check_range("threshold", threshold, 0, 1)
    if not masks.trajectory:
        raise ValueError("Expected masks learned with `trajectory` above 0, but got none of their course.")
    writer = _writer(Path(path), fps)
    figure, (axes,) = sheet(1, len(NAMES), 2.3, image.shape[1] / image.shape[2])
    head(figure, title, f"0 to 1; outlined: mask cut at {threshold:g}")
    for axis, name in zip(axes, NAMES.values(), strict=True):
        write_name(axis, name)
    with writer.saving(figure, os.fspath(path), dpi=100):
        for caption, frame in _frames(masks):
            for axis, mode in zip(axes, NAMES, strict=True):
                _draw(axis, image, frame.mask(mode)[0], threshold)
            write_caption(axes[0], caption)
            writer.grab_frame()
        for _ in range(HOLD * fps):
            writer.grab_frame()


def _writer(path: Path, fps: int) -> AbstractMovieWriter:
    from matplotlib.animation import FFMpegWriter, PillowWriter

    if type(fps) is not int or fps < 1:
        raise ValueError(f"Expected `fps` to be an integer of at least 1, but got {fps!r}.")
    if path.suffix.lower() == ".gif":
        return PillowWriter(fps)
    if path.suffix.lower() not in VIDEOS:
        raise ValueError(f"Expected a file ending in .gif, {', '.join(VIDEOS)}, but got {path.name!r}.")
    if not FFMpegWriter.isAvailable():
        raise RuntimeError(f"Expected ffmpeg to write {path.name!r}, but it is not installed; write a .gif.")
    return FFMpegWriter(fps)


def _frames(masks: FIDOMasks) -> Iterator[tuple[str, FIDOMasks]]:
    """Each moment of a trajectory: when it was, and the masks of then."""
    every, total = masks.settings.get("trajectory"), len(masks.history.get("loss", ()))
    pairs = zip(masks.trajectory["ssr_cells"], masks.trajectory["sdr_cells"], strict=True)
    last = len(masks.trajectory["ssr_cells"]) - 1
    for i, (ssr, sdr) in enumerate(pairs):
        known = f"iteration {total if i == last else (i + 1) * every} of {total}" if every and total else ""
        yield known, FIDOMasks(ssr, sdr, masks.size)


def _draw(axis: Any, image: Tensor, mask: Tensor, threshold: float) -> None:
    """Paint a mask (1, H, W) in place of the last one."""
    for old in [*axis.images, *axis.collections]:
        old.remove()
    paint(axis, overlay(image, mask))
    outline(axis, mask[0] >= threshold)
