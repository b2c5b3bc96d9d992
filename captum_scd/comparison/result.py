"""`Comparison`: what several methods say of the same images, as maps, numbers, tables and figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from torch import Tensor

from captum_scd._captum import Target
from captum_scd._version import __version__
from captum_scd.comparison import tables
from captum_scd.comparison.costs import Cost
from captum_scd.comparison.maps import stretched
from captum_scd.comparison.measures import Measure
from captum_scd.comparison.notebook import shown
from captum_scd.metrics import InsertionDeletion
from captum_scd.verdict import Verdict

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DONE, LEFT_OUT, FAILED, INTERRUPTED = "done", "left out", "failed", "interrupted"
"""What can become of a method: `LEFT_OUT` where it has no meaning for the model."""


@dataclass(frozen=True, eq=False)
class Row:
    """What became of one method.

    Attributes:
        label: its name in tables and figures.
        status: `"done"`, `"left out"`, `"failed"` or `"interrupted"`.
        note: why it was left out or failed; of a method that is done, what the reader should know, such as
            the layer that GradCAM looked at.
        attributions: (N, channels, H, W) as the method gave them, interpolated to the images' size.
        map: (N, 1, H, W), one value per pixel, larger = more important: what the metrics rank.
        values: by metric, (N,) one value per image; a metric that failed is missing, and named in the note.
        curves: insertion and deletion curves, if one of the metrics is computed from them.
        cost: what making the maps took, without the metrics.
        measuring: what the metrics took; what several methods share is charged to the first.
        verdicts: FIDO's own, one per image, on whether its map can be trusted; no other method gives any.

    >>> Row("GradCAM", LEFT_OUT, "the model has no map of features").values
    {}
    """

    label: str
    status: str = DONE
    note: str = ""
    attributions: Tensor | None = None
    map: Tensor | None = None
    values: Mapping[str, Tensor] = field(default_factory=dict)
    curves: InsertionDeletion | None = None
    cost: Cost | None = None
    measuring: Cost | None = None
    verdicts: tuple[Verdict, ...] = ()


@dataclass(frozen=True, eq=False)
class Comparison:
    """Several methods side by side: the same images, classes, baselines and metrics.

    Attributes:
        rows: by name of the method, in the order in which they were asked for.
        measures: by name of the metric: its label, and whether higher or lower is better.
        inputs: (N, C, H, W), the images.
        baselines: (N, C, H, W), what replaced missing pixels.
        target: class of each image.
        seed: of all random draws.
        outputs: (N, classes), what the model says of the images.

    >>> from captum_scd import compare
    >>> model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(400, 5)).eval()
    >>> images = torch.randn(2, 3, 12, 12)
    >>> comparison = compare(model, images, methods=["saliency", "random"], metrics="deletion")
    >>> list(comparison.maps), comparison.rows["saliency"].status, len(comparison)
    (['saliency', 'random'], 'done', 2)
    >>> comparison.to_markdown().splitlines()[0]
    '| method | deletion ↓ | s/image | forwards | with backward |'
    """

    rows: Mapping[str, Row]
    measures: Mapping[str, Measure]
    inputs: Tensor
    baselines: Tensor
    target: Target
    seed: int
    outputs: Tensor

    @property
    def attributions(self) -> dict[str, Tensor]:
        """By method, as it gave them: (N, channels, H, W); methods that are not done are missing."""
        return {name: row.attributions for name, row in self.rows.items() if row.attributions is not None}

    @property
    def maps(self) -> dict[str, Tensor]:
        """By method, (N, 1, H, W): one value per pixel, larger = more important."""
        return {name: row.map for name, row in self.rows.items() if row.map is not None}

    @property
    def interrupted(self) -> bool:
        """Tell whether Ctrl-C kept some methods from being run."""
        return any(row.status == INTERRUPTED for row in self.rows.values())

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.inputs)

    def __repr__(self) -> str:
        return f"Comparison of {len(self)} images\n{self.to_markdown()}"

    def _repr_html_(self) -> str:
        """Show maps, table and notes in a notebook."""
        return shown(self)

    def to_markdown(self) -> str:
        """Write a table with a line per method: means over the images, and notes below.

        An arrow points to what is better. Costs are per image; memory is the peak of the whole batch.
        """
        return tables.markdown(self.rows, self.measures)

    def to_dict(self) -> dict[str, Any]:
        """Everything but the maps, as JSON can hold it: values image by image, means, costs, notes."""
        target = self.target.tolist() if isinstance(self.target, Tensor) else self.target
        return {
            "version": __version__,
            "images": len(self),
            "size": list(self.inputs.shape[2:]),
            "target": target,
            "seed": self.seed,
            **tables.record(self.rows, self.measures),
        }

    def to_dataframe(self) -> Any:
        """Return a `pandas.DataFrame` with a line for each method and image.

        Raises:
            ImportError: where pandas is not installed; captum_scd does not need it otherwise.
        """
        return tables.dataframe(self.rows, self.measures, len(self))

    def plot(
        self,
        metric: str | None = None,
        scale: str | None = None,
        images: Tensor | None = None,
        labels: Sequence[str] = (),
        title: str = "",
    ) -> tuple[Figure, Any]:
        """Draw the maps: a row per image, a column per method, all on one scale.

        Args:
            metric: written under each map, "" for none; by default the difference of insertion and
                deletion, or the first metric where that was not asked for.
            scale: `"rank"` colours the pixels by their order in the map, `"percentile"`, the default, by
                their value.
            images: (N, 3 or 1, H, W) in [0, 1] to show, such as the photos before normalisation; by
                default each input is stretched to [0, 1].
            labels: one per image, written above it; by default its class.
            title: written above.

        Returns:
            The figure, and its axes as an array (N, 1 + methods).

        Raises:
            ValueError: for a metric that was not asked for, or where no method is done.
        """
        from captum_scd.visualization import comparison_figure
        from captum_scd.visualization.scales import COMPARED

        maps = {self.rows[name].label: values for name, values in self._drawable().items()}
        return comparison_figure(
            self._shown(images),
            maps,
            captions=self._captions(self._captioning() if metric is None else metric),
            labels=labels or self._classes(),
            title=title,
            scale=COMPARED if scale is None else scale,
        )

    def plot_curves(self, title: str = "") -> tuple[Figure, Any]:
        """Draw the insertion and deletion curves, a line per method: means over the images, and their spread.

        Raises:
            ValueError: where no metric of the comparison is made of them.
        """
        from captum_scd.visualization import curves_figure

        curves = {row.label: row.curves for row in self.rows.values() if row.curves is not None}
        if not curves:
            raise ValueError(
                "Expected 'insertion', 'deletion' or 'difference' among the metrics to draw curves."
            )
        return curves_figure(
            next(iter(curves.values())).shares,
            {label: one.insertion_curve for label, one in curves.items()},
            {label: one.deletion_curve for label, one in curves.items()},
            title=title,
        )

    def _drawable(self) -> dict[str, Tensor]:
        if not self.maps:
            raise ValueError("Expected a method that is done, but there is no map to draw.")
        return self.maps

    def _shown(self, images: Tensor | None) -> Tensor:
        if images is not None:
            return images
        shown = self.inputs if self.inputs.shape[1] in (1, 3) else self.inputs.mean(1, keepdim=True)
        return stretched(shown.float())

    def _captioning(self) -> str:
        return "difference" if "difference" in self.measures else next(iter(self.measures))

    def _captions(self, metric: str) -> dict[str, list[str]]:
        if not metric:
            return {}
        if metric not in self.measures:
            names = ", ".join(map(repr, self.measures))
            raise ValueError(f"Expected `metric` to be one of {names}, but got {metric!r}.")
        label = self.measures[metric].label
        return {
            row.label: [
                "\n".join(
                    [f"{label} {value:.3f}", *(f"verdict: {one.word}" for one in row.verdicts[at : at + 1])]
                )
                for at, value in enumerate(row.values[metric].tolist())
            ]
            for row in self.rows.values()
            if metric in row.values
        }

    def _classes(self) -> list[str]:
        if self.target is None:
            return []
        target = self.target.tolist() if isinstance(self.target, Tensor) else self.target
        return [f"class {one}" for one in target]  # type: ignore[union-attr]
