"""Writes `llms.txt`, and each page as Markdown beside its HTML.

The source of a page is Markdown already. Only the directives of Sphinx are replaced: tabs and columns by their titles,
included files by their text, and the reference by the text that Sphinx makes of it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.builders.text import TextBuilder

TOCTREE = re.compile(r"^```\{toctree\}\n:caption: (.*)\n:hidden:\n\n((?:[\w-]+\n)+)```\n", re.MULTILINE)
INCLUDE = re.compile(r"^```\{literalinclude\} (\S+)\n:language: (\w+)\n```$", re.MULTILINE)
TAB = re.compile(r"^:::\{tab-item\} (.*)\n:sync: .*\n", re.MULTILINE)
FENCE = re.compile(r"^(?::{3,4}(?:\{[a-z-]+\}.*)?|:[a-z-]+:.*)\n\n?", re.MULTILINE)
IMAGE = re.compile(r"(!\[[^]]*\]\()([\w-]+\.svg\))")
UNDERLINED = re.compile(r"^(\S.*)\n([*=-])\2{2,}$", re.MULTILINE)
LEVELS = {"*": "#", "=": "##", "-": "###"}
"""What Sphinx underlines headings with, and the level of the heading."""


def setup(app: Sphinx) -> dict[str, bool]:
    """Write the files after the HTML, and link the Markdown of each page in its head."""
    app.connect("html-page-context", _link)
    app.connect("build-finished", _write)
    return {"parallel_read_safe": True}


def markdown(source: str, folder: Path) -> str:
    """Return the text of a page without the directives of Sphinx.

    Args:
        source: The text with them.
        folder: The folder of the page. Included files are relative to it.
    """

    def included(match: re.Match[str]) -> str:
        return f"```{match[2]}\n{(folder / match[1]).read_text('utf-8')}```"

    text = TOCTREE.sub("", source)
    text = INCLUDE.sub(included, text)
    text = TAB.sub(r"**\1**\n", text)
    text = FENCE.sub("", text)
    return IMAGE.sub(r"\1_images/\2", text).rstrip() + "\n"


def summary(text: str) -> str:
    """Return the first sentence of a page in Markdown, without links."""
    paragraphs = [each for each in re.split(r"\n{2,}", re.sub(r"```.*?```", "", text, flags=re.DOTALL)) if each.strip()]
    first = next(each for each in paragraphs if re.match(r"[A-Za-z`]", each.strip()))
    sentence = re.split(r"(?<=\.)\s", " ".join(first.split()), maxsplit=1)[0]
    return re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", sentence)


def _link(_app: Sphinx, name: str, _template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    if doctree is not None:
        href = f"{Path(name).name}.md"
        context["metatags"] = context.get("metatags", "") + f'<link rel="alternate" type="text/markdown" href="{href}">'


def _write(app: Sphinx, error: Exception | None) -> None:
    if error is not None or app.builder.name != "html":
        return
    folder, out = Path(app.srcdir), Path(app.outdir)
    pages: dict[str, str] = {}
    for name in sorted(app.env.found_docs):
        source = Path(app.env.doc2path(name)).read_text("utf-8")
        pages[name] = _reference(app, name) if "{eval-rst}" in source else markdown(source, folder)
        (out / f"{name}.md").write_text(pages[name], "utf-8")
    title, _, rest = pages["index"].partition("\n")
    lines = [title, "", f"> {summary(rest)}"]
    for caption, names in TOCTREE.findall((folder / "index.md").read_text("utf-8")):
        lines += ["", f"## {caption}", ""]
        for name in names.split():
            heading, _, text = pages[name].partition("\n")
            lines.append(f"- [{heading.removeprefix('# ')}]({name}.md): {summary(text)}")
    (out / "llms.txt").write_text("\n".join(lines) + "\n", "utf-8")


def _reference(app: Sphinx, name: str) -> str:
    """Return the text that Sphinx makes of a page, with headings of Markdown."""
    builder = TextBuilder(app, app.env)
    builder.init()
    builder.secnumbers, builder.current_docname = {}, name
    doctree = app.env.get_and_resolve_doctree(name, app.builder)
    translator: Any = app.registry.create_translator(builder, doctree, builder)
    doctree.walkabout(translator)
    text = UNDERLINED.sub(lambda match: f"{LEVELS[match[2]]} {match[1]}", translator.body)
    return text.rstrip() + "\n"
