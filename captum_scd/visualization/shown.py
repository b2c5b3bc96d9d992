"""A figure that a notebook shows by itself. Imported only when a figure is made, as matplotlib is."""

from io import BytesIO

from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure
from matplotlib.text import Text


class ShownFigure(Figure):
    """A figure that belongs to no window, and still shows as the last value of a notebook's cell.

    Notebooks learn to show matplotlib's own figures only once pyplot has made one, or from
    `%matplotlib inline`; until then they would print no more than the figure's name.
    """

    def draw(self, renderer: RendererBase) -> None:
        """Draw the figure; a `$` in somebody's names is a `$`, and begins no formula."""
        for text in self.findobj(Text):
            text.set_parse_math(False)
        super().draw(renderer)

    def _repr_png_(self) -> bytes:
        """Draw the figure as a PNG, for IPython."""
        drawn = BytesIO()
        self.savefig(drawn, format="png")
        return drawn.getvalue()
