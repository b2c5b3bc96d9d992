"""A run over many images: what is done is skipped, what is broken is named, the rest is explained."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from captum_scd import visualization
from captum_scd._captum import progress_bar
from captum_scd.cli.classes import Classes
from captum_scd.cli.errors import ImageError, UsageError, one_line
from captum_scd.cli.explainer import THRESHOLD, Explainer, Explanation
from captum_scd.cli.photos import Photo, Preparation, View, read
from captum_scd.cli.records import Outputs, Summary
from captum_scd.cli.tables import table

ROWS_SHOWN = 40


@dataclass
class Job:
    """One run over many images.

    Attributes:
        explainer: the network and the question.
        prepare: from a photo to what the network gets to see.
        out: output folder.
        request: everything that was asked for, as it is kept in summaries.
        done: summaries of the images that are done, by their names.
        failed: reasons why images are not, by their paths.
    """

    explainer: Explainer
    prepare: Preparation
    out: Path
    request: Mapping[str, Any]
    done: dict[str, Summary] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def run(self, photos: Sequence[Photo], overwrite: bool) -> int:
        """Explain what is not done yet, then print what came out; return the exit code."""
        todo = [photo for photo in photos if overwrite or not self._is_done(photo)]
        with progress_bar("captum-scd", len(todo), bool(todo)) as advance_to:
            for count, photo in enumerate(todo, start=1):
                self._explain(photo)
                advance_to(count)
        self._report(photos, skipped=len(photos) - len(todo))
        self.report_failures()
        return 1 if self.failed else 0

    def report_failures(self) -> None:
        """Name the images that could not be explained, and why, on standard error."""
        for path, reason in self.failed.items():
            complain(f"not explained: {path}: {reason}")

    def _outputs(self, photo: Photo) -> Outputs:
        return Outputs(self.out, photo.name)

    def _is_done(self, photo: Photo) -> bool:
        """Look for results of the same image under the same request; remember them."""
        summary = self._outputs(photo).read()
        if summary is None or summary.get("request") != self.request:
            return False
        try:
            same = summary.get("image_sha256") == photo.digest()
        except OSError:
            return False
        if same:
            self.done[photo.name] = summary
        return same

    def _explain(self, photo: Photo) -> None:
        try:
            view, explanation, digest = self._explanation(photo)
        except ImageError as error:
            self.failed[str(photo.path)] = str(error)
            return
        summary = {
            "image": str(photo.path),
            "image_sha256": digest,
            "request": self.request,
            **explanation.facts,
        }
        figure = self._figure(view, explanation)
        try:
            self._outputs(photo).write(figure, explanation.masks, summary)
        except OSError as error:
            raise UsageError(
                f"Expected to write results into {str(self.out)!r}, but it raised {one_line(error)}."
            ) from error
        self.done[photo.name] = summary

    def _explanation(self, photo: Photo) -> tuple[View, Explanation, str]:
        view = self.prepare(read(photo.path))
        try:
            return view, self.explainer(view), photo.digest()
        except ImageError:
            raise
        except Exception as error:
            raise ImageError(f"explaining it raised {one_line(error)}") from error

    def _figure(self, view: View, explanation: Explanation) -> Any:
        masks, facts, normalization = explanation.masks, explanation.facts, self.explainer.normalization
        assert masks.infill is not None
        infill = visualization.denormalize(masks.infill, normalization.mean, normalization.std)
        figure, _ = visualization.masks_figure(
            view.pixels[0], infill[0], masks, facts["probability"], self._title(facts), THRESHOLD
        )
        return figure

    def _title(self, facts: Summary) -> str:
        label = self.explainer.classes.label
        target, predicted = facts["target"]["index"], facts["predicted"]
        other = facts["contrast"]
        title = f"Why {label(target)}" + (f" and not {label(other['index'])}?" if other else "?")
        if predicted["index"] == target:
            return title
        return f"{title}   (predicted: {label(predicted['index'])}, {predicted['probability']:.2f})"

    def _report(self, photos: Sequence[Photo], skipped: int) -> None:
        summaries = [(photo.name, self.done[photo.name]) for photo in photos if photo.name in self.done]
        if summaries:
            print(_table(summaries, self.explainer.classes))
            print(
                "probability: of the explained class; SSR keeps it with the rest of the image replaced, "
                f"SDR leaves it with the region replaced; masks cut at {THRESHOLD}"
            )
            print("".join(_doubts([summary for _, summary in summaries])), end="")
        new = len(summaries) - skipped
        print(f"{new} explained, {skipped} done before, {len(self.failed)} failed; results in {self.out}")


def complain(message: str) -> None:
    """Tell the user on standard error."""
    print(f"captum-scd: {message}", file=sys.stderr)


def _table(summaries: Sequence[tuple[str, Summary]], classes: Classes) -> str:
    header = ("image", "predicted", "probability", "SSR keeps", "SSR area", "SDR leaves", "SDR area")
    numbers = [_numbers(summary) for _, summary in summaries]
    means = [sum(column) / len(column) for column in zip(*numbers, strict=True)]
    rows = [
        (name, _predicted(summary, classes), *_cells(values))
        for (name, summary), values in zip(summaries, numbers, strict=True)
    ]
    hidden = len(rows) - ROWS_SHOWN
    more = [(f"... and {hidden} more", *[""] * (len(header) - 1))] if hidden > 0 else []
    return table(header, rows[:ROWS_SHOWN] + more, (f"mean of {len(rows)}", "", *_cells(means)))


def _doubts(summaries: Sequence[Summary]) -> Iterator[str]:
    """Count the images whose cut masks do not do what they are for."""
    probabilities = [summary["probability"] for summary in summaries]
    weak = sum(one["ssr"] < one["image"] / 2 for one in probabilities)
    alive = sum(one["sdr"] > one["image"] / 2 for one in probabilities)
    if weak:
        yield f"note: in {weak} of {len(summaries)} the SSR keeps less than half of the probability\n"
    if alive:
        yield f"note: in {alive} of {len(summaries)} the SDR leaves more than half of the probability\n"


def _numbers(summary: Summary) -> tuple[float, ...]:
    probability, area = summary["probability"], summary["area"]
    return probability["image"], probability["ssr"], area["ssr"], probability["sdr"], area["sdr"]


def _cells(numbers: Sequence[float]) -> list[str]:
    return [f"{value:.1%}" if place in (2, 4) else f"{value:.3f}" for place, value in enumerate(numbers)]


def _predicted(summary: Summary, classes: Classes) -> str:
    predicted, target = (classes.label(summary[key]["index"]) for key in ("predicted", "target"))
    return predicted if predicted == target else f"{predicted} (explained: {target})"
