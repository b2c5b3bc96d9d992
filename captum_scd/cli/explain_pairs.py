"""`explain --reference`: what makes each image like another one, and that one like each."""

import argparse
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from captum_scd import visualization
from captum_scd._errors import ImageError, UsageError
from captum_scd.cli.explain import extents, made
from captum_scd.cli.networks.loading import load, probe
from captum_scd.cli.option_types import check_writable
from captum_scd.cli.read_options import (
    chosen_device,
    normalization,
    preparation,
    request,
    settings,
    strategies,
)
from captum_scd.masks import FIDOMasks
from captum_scd.models import similarity_to
from captum_scd.pairs import Pair, explain_pair
from captum_scd.passes import counted
from captum_scd.photos.reading import read
from captum_scd.runs.classes import Classes
from captum_scd.runs.digests import digest_of
from captum_scd.runs.facts import cut_areas, row_of
from captum_scd.runs.folder import Figure, Files, Folder
from captum_scd.runs.job import Job
from captum_scd.runs.naming import Photo
from captum_scd.runs.question import Subject
from captum_scd.runs.results import Summary, verdict_told
from captum_scd.store.entry import SCHEMA
from captum_scd.tables import table

HEADER = ["image", "similarity", "SSR alone", "SSR area", "without SDR", "SDR area", "both SSRs"]


def run(options: argparse.Namespace, found: Sequence[Photo]) -> int:
    """Explain all images beside the reference; return the exit code.

    Raises:
        UsageError: if the command cannot be carried out.
    """
    photos = _photos(options, found)
    asked = {**settings(options), **strategies(options)}
    work = ExplainPairs(_subject(options), options.reference, asked)
    told = {**request(options, work.subject), "reference_sha256": digest_of(options.reference)}
    check_writable(options.out)
    return Job(work, Folder(options.out, told)).carry_out(photos, options.overwrite)


def _photos(options: argparse.Namespace, found: Sequence[Photo]) -> list[Photo]:
    """Leave out the reference itself, which a folder may hold."""
    photos = [one for one in found if one.path.resolve() != options.reference.resolve()]
    if not photos:
        raise UsageError("Expected an image beside the reference, but found that one only.")
    return photos


def _subject(options: argparse.Namespace) -> Subject:
    """Load the network, and ask it once for an embedding, each of whose numbers counts as a class."""
    device, (network, own) = chosen_device(options.device), load(options.model)
    prepare, scaled = preparation(options, own), normalization(options, own)
    model = network.to(device)
    width = probe(similarity_to(model, None).embedded, prepare.size, device)
    return Subject(model, Classes(width), prepare, scaled, device)


class ExplainPairs:
    """Masks of each image and of the reference, a figure of both and a summary.

    Args:
        subject: the network, which gives embeddings.
        reference: path of the image that all are compared with.
        options: of `explain_pair`, those that were given.

    Raises:
        UsageError: if the reference cannot be read.
    """

    doing = "explaining"
    did = "explained"

    def __init__(self, subject: Subject, reference: Path, options: Mapping[str, Any]) -> None:
        self.subject, self.reference, self.options = subject, reference, options
        try:
            self.view = subject.prepare(read(reference))
        except ImageError as error:
            raise UsageError(
                f"Expected --reference to be an image, but {str(reference)!r}: {error}."
            ) from error

    def __call__(self, photo: Image.Image) -> Files:
        """Explain what makes a photo like the reference, and the other way round."""
        views, start = [self.subject.prepare(photo), self.view], time.perf_counter()
        images = torch.cat([self.subject.inputs(view) for view in views])
        with counted(self.subject.model) as passes:
            pair = explain_pair(self.subject.model, *images, **self.options)
        masks = pair.masks.to("cpu")
        own, other = ({**_side(pair, row), **extents(masks[row], view)} for row, view in enumerate(views))
        facts = {
            "schema": SCHEMA,
            **own,
            "reference": {"image": str(self.reference), **other},
            **made(self.subject, masks, start, passes.total),
        }
        return Files(self._figure(torch.cat([view.pixels for view in views]), pair, masks), masks, facts)

    def summary_lines(self, summaries: Sequence[tuple[str, Summary]]) -> Iterator[str]:
        """Make a table of the images."""
        if not summaries:
            return
        rows = [[name, *_cells(summary)] for name, summary in summaries]
        yield table([*HEADER, "verdict", "of the reference"], rows)
        yield (
            f"cosine similarity to {self.reference.name}, in [-1, 1]: of the image, of its SSR with the rest "
            "replaced, of the image with its SDR replaced, and of both SSRs with each other"
        )
        yield from self.subject.normalization.noted()

    def _figure(self, pixels: torch.Tensor, pair: Pair, masks: FIDOMasks) -> Figure:
        names = ("this image", self.reference.name)
        figure: Figure
        figure, _ = visualization.pair_figure(pixels, self.subject.picture(masks.infill), pair, names)
        return figure


def _side(pair: Pair, row: int) -> dict[str, Any]:
    """What is known of one of the two images."""
    return {
        "similarity": row_of(pair.similarity, row),
        **verdict_told(pair.masks.verdict[row]),
        "areas": row_of(cut_areas(pair.masks), row),
    }


def _cells(summary: Summary) -> list[str]:
    seen, areas = summary["similarity"], summary["areas"]
    numbers = [
        f"{seen['image']:.3f}",
        f"{seen['ssr']:.3f}",
        f"{areas['ssr']:.1%}",
        f"{seen['sdr']:.3f}",
        f"{areas['sdr']:.1%}",
        f"{seen['both']:.3f}",
    ]
    return [*numbers, summary["verdict"]["word"], summary["reference"]["verdict"]["word"]]
