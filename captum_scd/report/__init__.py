"""One page about many images: a single HTML file that needs no network, for any method's maps.

What is shown comes in as plain data, an `Entry` per image, one after the other; what comes out is text:

>>> from captum_scd.report import Column, Entry, Map, Report, render
>>> half = torch.tensor([[0.0, 1.0], [0.0, 1.0]])
>>> wren = Entry("wren", torch.rand(3, 8, 8), [Map("right half", half)], {"area": 0.5})
>>> page = "".join(render(Report("Where?", [Column("area", "share of the image")]), [wren]))
>>> page.startswith("<!doctype html>"), "http:" in page or "https:" in page
(True, False)
"""

from captum_scd.report.entries import Column, Entry, Failure, Map, Report
from captum_scd.report.page import is_page, render

__all__ = ["Column", "Entry", "Failure", "Map", "Report", "is_page", "render"]
