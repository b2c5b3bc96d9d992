"""`captum-scd classify`: images in, a table of what the network says before and after a second look out."""

import argparse
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from PIL import Image

from captum_scd._errors import ImageError, UsageError
from captum_scd._version import __version__
from captum_scd.attribution import FIDOAttribution
from captum_scd.classification import BoxRule, GuidedPrediction, MaskGuidedClassifier
from captum_scd.cli.question import load_subject
from captum_scd.cli.read_options import prepared, settings, strategies
from captum_scd.photos.preparing import View
from captum_scd.provenance import fingerprint
from captum_scd.runs.answers import Answer, AnswerTable
from captum_scd.runs.job import Job
from captum_scd.runs.naming import Photo
from captum_scd.runs.question import Subject
from captum_scd.scoring import as_probabilities
from captum_scd.tables import table

BOX = ("threshold", "inside", "padding", "least")
LOOK = ("view", "combine", "k", "infill", *BOX)
ROWS_SHOWN = 40


def run(options: argparse.Namespace, photos: Sequence[Photo]) -> int:
    """Classify the images; return the exit code.

    Raises:
        UsageError: if the command cannot be carried out.
    """
    subject = load_subject(options)
    answers = AnswerTable(options.out, _request(options, subject))
    return Job(_second_look(options, subject), answers).carry_out(photos, options.overwrite)


def _request(options: argparse.Namespace, subject: Subject) -> str:
    """Hash everything an answer depends on beside the image."""
    request = {
        "model": options.model,
        "weights": fingerprint(subject.model),
        "names": list(subject.classes.names),
        "look": {name: getattr(options, name) for name in LOOK} | strategies(options, ["score"]),
        **prepared(subject),
        "settings": settings(options),
        "version": __version__,
    }
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()


def _second_look(options: argparse.Namespace, subject: Subject) -> "SecondLook":
    """Check what was asked for against what the network knows."""
    guided, count = _guided(options, subject.model), subject.classes.count
    if count < options.k:
        raise UsageError(f"Expected a model of at least {options.k} classes, but it has {count}.")
    return SecondLook(guided, subject)


def _guided(options: argparse.Namespace, model: torch.nn.Module) -> MaskGuidedClassifier:
    try:
        return MaskGuidedClassifier(
            model,
            FIDOAttribution(model, **strategies(options)),
            view=options.view,
            boxes=BoxRule(**{name: getattr(options, name) for name in BOX}),
            combine=options.combine,
            k=options.k,
            settings=settings(options),
        )
    except ValueError as error:
        raise UsageError(str(error)) from error


@dataclass(frozen=True)
class SecondLook:
    """A classifier with a second look, and how photos are brought before it.

    Attributes:
        guided: the classifier; boxes are cut from the photo's own pixels.
        subject: its network.
    """

    guided: MaskGuidedClassifier
    subject: Subject
    doing = "classifying"
    did = "classified"

    def __call__(self, photo: Image.Image) -> tuple[str, ...]:
        """Classify a photo twice: the columns of an answer from `before` to `y1`.

        Raises:
            ImageError: if the network gives NaN.
        """
        view = self.subject.prepare(photo)
        seen = self._seen(photo, view)
        if not (seen.first.isfinite().all() and seen.logits.isfinite().all()):
            raise ImageError("the network's answer holds NaN or infinity")
        box = map(str, view.on_photo(seen.boxes[0, 0].tolist()))
        return *self._said(seen.first), *self._said(seen.logits), *box

    def summary_lines(self, done: Sequence[tuple[str, Answer]]) -> Iterator[str]:
        """Make a table of the answers that the second look changed, and count them."""
        changed = [answer for _, answer in done if answer.changed]
        if changed:
            yield _table(changed)
        yield f"the second look changed {len(changed)} of {len(done)} answers"
        yield from self.subject.normalization.noted()

    def _seen(self, image: Image.Image, view: View) -> GuidedPrediction:
        detail = self.subject.prepare.detail(image)
        inputs, source = self.subject.inputs(view), self.subject.inputs(detail)
        with torch.no_grad():
            return self.guided.classify(inputs, detail=source)

    def _said(self, logits: torch.Tensor) -> tuple[str, str, str]:
        """Class, its name and its probability, of logits (1, classes)."""
        probability, best = as_probabilities(self.subject.model, logits)[0].max(0)
        index = int(best)
        return str(index), self.subject.classes.name(index) or "", f"{probability:.6f}"


def _table(changed: Sequence[Answer]) -> str:
    rows = [
        (
            one.image,
            one.before_name or f"class {one.before}",
            f"{float(one.before_probability):.3f}",
            one.after_name or f"class {one.after}",
            f"{float(one.after_probability):.3f}",
        )
        for one in changed
    ]
    return table(("changed", "before", "probability", "after", "probability"), rows, most=ROWS_SHOWN)
