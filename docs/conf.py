"""How the documentation is built: `nox --session docs`."""

from __future__ import annotations

from sphinx.application import Sphinx

from backend_shim import __version__

project = "wheel-abi"
author = "The wheel-abi authors"
release = version = __version__

extensions = [
    "myst_parser",  # pages in Markdown, as README and the examples are
    "sphinx.ext.autodoc",
    "sphinx_click",
    "sphinx_argparse_cli",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "wheel-abi"
html_show_copyright = False
# Else `--option` in the help of a command becomes a dash.
smartquotes = False

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

# In docstrings a single backtick is code, as in the rest of the project.
default_role = "code"
autoclass_content = "both"
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True}
# Names of the standard library and of dependencies, for which their own pages would be fetched.
nitpick_ignore_regex = [(r"py:.*", r"(?!backend_shim|resolver_check).*")]


def _without_tree(
    _app: Sphinx, what: str, name: str, _object: object, _options: object, lines: list[str]
) -> None:
    """The tree of errors is shown as it stands in the file, not read as reStructuredText."""
    if what == "module" and name.endswith(".errors"):
        lines.clear()


def setup(app: Sphinx) -> None:
    """What Sphinx calls first."""
    app.connect("autodoc-process-docstring", _without_tree)
