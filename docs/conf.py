"""How Sphinx builds these pages: `nox -s docs`."""

from __future__ import annotations

import importlib
import pkgutil
import re
import sys
from pathlib import Path
from typing import Any

import attrs
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.ext.napoleon import GoogleDocstring
from sphinx.util.docutils import SphinxDirective

import ecskit.models

project = "ecskit"
author = "the ecskit authors"
version = release = ecskit.__version__

sys.path.insert(0, str(Path(__file__).parent))
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_design", "markdown_pages"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["compare.css"]
html_title = f"ecskit {release}"
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]  # tabs: code stays in fences of its own, so that it is read without Sphinx

add_module_names = False  # most classes are defined in private modules; the page names the public ones
default_role = "code"  # docstrings put code into single backticks
smartquotes = False  # quotes are those of values
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True  # show the name ABSENT_LIST, not its value
maximum_signature_line_length = 100
napoleon_google_docstring = True
napoleon_use_rtype = False
napoleon_custom_sections = [("Polling", "params_style")]  # of waits


class Models(SphinxDirective):
    """Lists the models of each family by name. Their members are documented in the classes, where editors show them."""

    def run(self) -> list[nodes.Node]:
        """Write the list as Markdown and parse that."""
        families = sorted(info.name for info in pkgutil.iter_modules(ecskit.models.__path__))
        lines: list[str] = []
        for family in families:
            module: Any = importlib.import_module(f"ecskit.models.{family}")
            names = ", ".join(f"`{name}`" for name in module.__all__)
            lines += [f"**ecskit.models.{family}**: {names}", ""]
        return self.parse_text_to_nodes("\n".join(lines))


def whole_docstring(docstring: Any) -> tuple[str, list[str]]:
    """Return the text of the docstring of a property or field, and no type.

    Napoleon would read the text before a colon in its first line as a type. Ours are sentences; types are annotations.
    """
    return "", GoogleDocstring(docstring._consume_to_end(), docstring._config).lines()


def defaults(
    _app: Sphinx, _what: str, _name: str, described: Any, _options: object, signature: str | None, returns: str | None
) -> tuple[str | None, str | None]:
    """Show the defaults of a class of attrs, whose generated signature has expressions in their place."""
    if signature is None or not attrs.has(described):
        return signature, returns

    def value(match: re.Match[str]) -> str:
        default = attrs.fields_dict(described)[match[1]].default
        return "..." if isinstance(default, attrs.Factory) else repr(default)

    signature = re.sub(r"attr_dict\['(\w+)'\]\.default", value, signature)
    return signature.replace("=NOTHING", "=...").replace("= NOTHING", "= ..."), returns


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directive, and keep docstrings whole."""
    app.add_directive("models", Models)
    GoogleDocstring._consume_inline_attribute = whole_docstring
    app.connect("autodoc-process-signature", defaults)
    return {"parallel_read_safe": True}
