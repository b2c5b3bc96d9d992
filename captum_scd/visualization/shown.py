"""A figure that a notebook shows by itself. Imported only when a figure is made, as matplotlib is."""

from io import BytesIO

from matplotlib.figure import Figure


class ShownFigure(Figure):
    """A figure that belongs to no window, and still shows as the last value of a notebook's cell.

    Notebooks learn to show matplotlib's own figures only once pyplot has made one, or from
    `%matplotlib inline`; until then they would print no more than the figure's name.
    """

    def _repr_png_(self) -> bytes:
        """Draw the figure as a PNG, for IPython."""
        drawn = BytesIO()
        self.savefig(drawn, format="png")
        return drawn.getvalue()
