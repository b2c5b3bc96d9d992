"""Classifying one photo, and a run over many: what is done is kept, what is broken is named."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from PIL import Image

from captum_scd._captum import progress_bar
from captum_scd._errors import ImageError, one_line
from captum_scd.classification import GuidedPrediction, MaskGuidedClassifier
from captum_scd.cli.answers import Answer, AnswerTable
from captum_scd.cli.job import complain
from captum_scd.cli.naming import Photo
from captum_scd.cli.tables import table
from captum_scd.photos import Normalization, Preparation, View, read
from captum_scd.runs.classes import Classes

ROWS_SHOWN = 40


@dataclass(frozen=True)
class SecondLook:
    """A classifier with a second look, and how photos are brought before it.

    Attributes:
        guided: the classifier, in eval mode, on `device`.
        classes: what its outputs mean.
        prepare: from a photo to what the network gets to see; boxes are cut from the photo's own pixels.
        normalization: of its inputs.
        device: where it runs.
        request: hash of everything an answer depends on beside the image.
    """

    guided: MaskGuidedClassifier
    classes: Classes
    prepare: Preparation
    normalization: Normalization
    device: torch.device
    request: str

    def __call__(self, photo: Photo) -> Answer:
        """Classify a photo twice.

        Raises:
            ImageError: if it cannot be read, or the network fails on it or gives NaN.
        """
        image = read(photo.path)
        view = self.prepare(image)
        try:
            told, digest = self._told(image, view), photo.digest()
        except Exception as error:
            raise ImageError(f"classifying it raised {one_line(error)}") from error
        if not (told.first.isfinite().all() and told.logits.isfinite().all()):
            raise ImageError("the network's answer holds NaN or infinity")
        x0, y0, x1, y1 = map(str, view.on_photo(told.boxes[0, 0].tolist()))
        before, after = self._said(told.first), self._said(told.logits)
        return Answer(str(photo.path), *before, *after, x0, y0, x1, y1, digest, self.request)

    def _told(self, image: Image.Image, view: View) -> GuidedPrediction:
        detail = self.prepare.detail(image)
        inputs, source = (self.normalization(one.pixels.to(self.device)) for one in (view, detail))
        with torch.no_grad():
            return self.guided.classify(inputs, detail=source)

    def _said(self, logits: torch.Tensor) -> tuple[str, str, str]:
        """Class, its name and its probability, of logits (1, classes)."""
        probability, best = logits[0].float().softmax(0).max(0)
        index = int(best)
        return str(index), self.classes.name(index) or "", f"{probability:.6f}"


@dataclass
class LookAgain:
    """One run over many photos.

    Attributes:
        look: the classifier.
        table: where the answers go.
        done: answers to this run's photos, by their paths.
        failed: reasons why there is none, by their paths.
    """

    look: SecondLook
    table: AnswerTable
    done: dict[str, Answer] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def run(self, photos: Sequence[Photo], overwrite: bool) -> int:
        """Classify what is not done yet, then print what came out; return the exit code."""
        before = self.table.read()
        if not overwrite:
            self._keep(before, photos)
        paths = {str(photo.path) for photo in photos}
        self.table.begin([one for one in before if one.image not in paths or one in self.done.values()])
        kept = len(self.done)
        todo = [photo for photo in photos if str(photo.path) not in self.done]
        with progress_bar("captum-scd", len(todo), bool(todo)) as advance_to:
            for count, photo in enumerate(todo, start=1):
                self._classify(photo)
                advance_to(count)
        self._report(photos, kept)
        self.report_failures()
        return 1 if self.failed else 0

    def report_failures(self) -> None:
        """Name the photos that could not be classified, and why, on standard error."""
        for path, reason in self.failed.items():
            complain(f"not classified: {path}: {reason}")

    def _keep(self, before: Sequence[Answer], photos: Sequence[Photo]) -> None:
        """Remember answers to the same photos under the same request."""
        ours = {one.image: one for one in before if one.request_sha256 == self.look.request}
        for photo in photos:
            answer = ours.get(str(photo.path))
            if answer is not None and answer.image_sha256 == _digest(photo):
                self.done[answer.image] = answer

    def _classify(self, photo: Photo) -> None:
        try:
            answer = self.look(photo)
        except ImageError as error:
            self.failed[str(photo.path)] = str(error)
            return
        self.table.append(answer)
        self.done[answer.image] = answer

    def _report(self, photos: Sequence[Photo], kept: int) -> None:
        answers = [self.done[str(photo.path)] for photo in photos if str(photo.path) in self.done]
        changed = [one for one in answers if one.changed]
        if changed:
            print(_table(changed))
        print(f"the second look changed {len(changed)} of {len(answers)} answers")
        new = len(answers) - kept
        print(
            f"{new} classified, {kept} done before, {len(self.failed)} failed; results in {self.table.path}"
        )


def _digest(photo: Photo) -> str | None:
    try:
        return photo.digest()
    except OSError:
        return None


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
    hidden = len(rows) - ROWS_SHOWN
    more = [(f"... and {hidden} more", "", "", "", "")] if hidden > 0 else []
    header = ("changed", "before", "probability", "after", "probability")
    return table(header, rows[:ROWS_SHOWN] + more)
