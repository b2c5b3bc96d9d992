"""Masks forming: as many frames as the run kept, and the finished masks to look at."""

import shutil
from pathlib import Path

import matplotlib.animation
import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence

from captum_scd import FIDOMasks
from captum_scd.visualization import animate_masks
from captum_scd.visualization.animation import HOLD

IMAGE = torch.zeros(3, 4, 8)


def _masks(frames: int = 3) -> FIDOMasks:
    """A bright column that moves a step to the right in each frame."""
    cells = torch.zeros(frames, 1, 1, 4, 8)
    for i in range(frames):
        cells[i, ..., 2 * i] = 1
    return FIDOMasks(cells[-1], cells[-1], (4, 8), trajectory={"ssr_cells": cells, "sdr_cells": cells})


def _brightest_column(frame: Image.Image) -> int:
    """Where it is brightest below the words and within the first panel, in cells of the mask."""
    pixels = np.asarray(frame.convert("L"), dtype=float)
    left, width = 18, 224
    strip = pixels[int(0.6 * len(pixels)) : int(0.8 * len(pixels)), left : left + width]
    return int(strip.mean(0).reshape(8, -1).mean(1).argmax())


def test_the_gif_shows_each_frame_in_turn_and_holds_the_last(tmp_path: Path) -> None:
    path = tmp_path / "masks.GIF"
    animate_masks(IMAGE, _masks(), path, fps=4)
    with Image.open(path) as film:
        frames = [(frame.copy(), frame.info["duration"]) for frame in ImageSequence.Iterator(film)]
    assert [_brightest_column(frame) for frame, _ in frames] == [0, 2, 4]
    assert [duration for _, duration in frames] == [250, 250, 250 + 1000 * HOLD]


def test_each_frame_says_when_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []

    def note(writer, **options) -> None:
        said.append(writer.fig.axes[0].get_xlabel())

    monkeypatch.setattr(matplotlib.animation.PillowWriter, "grab_frame", note)
    monkeypatch.setattr(matplotlib.animation.PillowWriter, "finish", lambda writer: None)
    masks = _masks()
    run = FIDOMasks(
        masks.ssr_cells, masks.sdr_cells, (4, 8), history={"loss": torch.zeros(25, 1)},
        settings={"trajectory": 10}, trajectory=masks.trajectory,
    )  # fmt: skip
    animate_masks(IMAGE, run, str(tmp_path / "a.gif"), fps=1)
    assert said == ["iteration 10 of 25", "iteration 20 of 25", *["iteration 25 of 25"] * (1 + HOLD)]
    said.clear()
    animate_masks(IMAGE, masks, tmp_path / "a.gif", fps=1)
    assert set(said) == {""}


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="no ffmpeg")
def test_a_video_is_written_where_ffmpeg_is(tmp_path: Path) -> None:
    animate_masks(IMAGE, _masks(), tmp_path / "masks.mp4")
    assert (tmp_path / "masks.mp4").stat().st_size > 0


def test_a_video_without_ffmpeg_is_answered_in_one_sentence(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(matplotlib.animation.FFMpegWriter, "isAvailable", classmethod(lambda writer: False))
    with pytest.raises(RuntimeError, match=r"Expected ffmpeg to write 'a.mp4', but it is not installed"):
        animate_masks(IMAGE, _masks(), tmp_path / "a.mp4")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"path": "masks.png"}, r"a file ending in .gif, .mp4, .mkv, .mov, but got 'masks.png'"),
        ({"path": "masks"}, "a file ending in .gif"),
        ({"fps": 0}, "`fps` to be an integer of at least 1, but got 0"),
        ({"fps": 2.5}, "`fps` to be an integer of at least 1, but got 2.5"),
        (
            {"masks": FIDOMasks(torch.zeros(1, 1, 4, 8), torch.zeros(1, 1, 4, 8), (4, 8))},
            "masks learned with",
        ),
        ({"image": IMAGE[..., :3]}, "`masks` of one image of size"),
        ({"threshold": 2}, r"`threshold` in \[0, 1\]"),
    ],
)
def test_what_does_not_fit_is_answered_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=f"Expected {message}.*"):
        animate_masks(**{"image": IMAGE, "masks": _masks(), "path": "a.gif", **change})
    assert not list(tmp_path.iterdir())
