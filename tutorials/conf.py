"""Settings of the HTML reference, which is built from this folder: `make docs`.

Notebooks are shown with the outputs they were saved with, nothing is fetched while building, and a warning
is an error.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from captum_scd import __version__

project = "captum_scd"
author = copyright = "The captum_scd authors"
version = release = __version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "directives"]
exclude_patterns = ["README.md"]
nb_execution_mode = "off"
myst_heading_anchors = 3

default_role = "py:obj"
autodoc_default_options = {"members": True, "imported-members": True, "member-order": "bysource"}
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
toc_object_entries_show_parents = "hide"
python_maximum_signature_line_length = 88
napoleon_use_param = False
napoleon_use_rtype = False
napoleon_custom_sections = [("Attributes", "params_style")]

html_theme = "furo"
html_title = f"captum_scd {release}"
html_static_path = ["style.css"]
html_css_files = ["style.css"]
html_copy_source = False
