"""What `mkdocs build` adds to the pages: the gallery, which it runs, options, changes.

A script of docs/gallery/ has the form that sphinx-gallery, Jupyter and editors know: a docstring
with the title, then cells that begin with ``# %%`` and comments, which are text. A cell's last
expression is shown: a figure as a picture, anything else as Python writes it. An exception or a
warning in a script ends the build, and so does a page that fetches something from elsewhere.
"""

from __future__ import annotations

import ast
import io
import re
import warnings
from collections.abc import Iterator
from contextlib import redirect_stdout
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd
import typer
from matplotlib.figure import Figure
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from typer.testing import CliRunner

from tsgen.cli.commands import app

STYLE = {"savefig.transparent": True, "svg.hashsalt": "tsgen"}  # a hash, so that ids stay the same
TERMINAL = {"COLUMNS": "88", "TERM": "dumb", "NO_COLOR": "1"}
FETCHED = re.compile(r'<(?:script|img|iframe|link)\b[^>]*\b(?:src|href)="(?:https?:)?//[^"]*"')


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are generated, and the pictures of the gallery."""
    changes = Path(config.docs_dir, "..", "CHANGELOG.md").read_text("utf-8")
    files.append(File.generated(config, "changes.md", content=changes))
    commands = files.get_file_from_path("cli.md")
    assert commands is not None
    files.remove(commands)
    page = f"{commands.content_string}\n{_command_line()}"
    files.append(File.generated(config, "cli.md", content=page))
    for script in sorted(Path(config.docs_dir, "gallery").glob("*.py")):
        page, pictures = rendered(script.stem, script.read_text("utf-8"))
        files.append(File.generated(config, f"gallery/{script.stem}.md", content=page))
        for name, svg in pictures.items():
            files.append(File.generated(config, f"gallery/{name}", content=svg))
    return files


def on_page_content(html: str, **_: Any) -> str:
    """Write the references of docstrings, ``[1]_``, as text is written."""
    return re.sub(r"(?:\.\. )?\[(\d+)\]_?(?!\()", r"[\1]", html)


def on_post_page(output: str, page: Any, **_: Any) -> str:
    """Refuse a page that would fetch something from elsewhere."""
    if fetched := FETCHED.search(output):
        raise PluginError(f"{page.file.src_uri} fetches from elsewhere: {fetched[0]}")
    return output


@cache  # `mkdocs serve` builds anew at every change
def rendered(name: str, source: str) -> tuple[str, dict[str, bytes]]:
    """Run a script: its page in Markdown, and its pictures by file name."""
    title, *text = (ast.get_docstring(ast.parse(source)) or "").split("\n", 1)
    page = [f"# {title.rstrip('.')}", *text]
    pictures: dict[str, bytes] = {}
    names: dict[str, Any] = {"__name__": name}
    for words, code in _cells(source):
        page.append(words)
        if not code:
            continue
        page.append(f"```python\n{code}\n```")
        printed, svg = _run(code, names, f"{name}.py")
        if printed:
            page.append(f"```\n{printed.rstrip()}\n```")
        if svg:
            picture = f"{name}_{len(pictures) + 1}.svg"
            pictures[picture] = svg
            page.append(f"![{title.rstrip('.')}]({picture})")
    page.append(f"[The script]({name}.py)")
    return "\n\n".join(page) + "\n", pictures


def _cells(source: str) -> Iterator[tuple[str, str]]:
    """The text and the code of each cell."""
    for cell in re.split(r"^# %%.*\n", source, flags=re.MULTILINE)[1:]:
        comment = re.match(r"(?:#.*\n?)*", cell)[0]  # type: ignore[index]
        words = re.sub(r"^# ?", "", comment, flags=re.MULTILINE)
        yield words.strip(), cell[len(comment) :].strip()


def _run(code: str, names: dict[str, Any], file: str) -> tuple[str, bytes]:
    """What a cell prints, its last expression included, and that as a picture if it is a figure."""
    tree = ast.parse(code, file)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    options = pd.option_context("display.width", 88, "display.precision", 3)
    printed, svg = io.StringIO(), io.BytesIO()
    with redirect_stdout(printed), warnings.catch_warnings(), options:
        warnings.simplefilter("error", UserWarning)
        with matplotlib.rc_context(STYLE):
            exec(compile(tree, file, "exec"), names)
            if isinstance(last, ast.Expr):
                shown = eval(compile(ast.Expression(last.value), file, "eval"), names)
                if isinstance(shown, Figure):
                    shown.savefig(svg, format="svg", bbox_inches="tight", metadata={"Date": None})
                elif shown is not None:
                    print(shown if isinstance(shown, pd.DataFrame | pd.Series) else repr(shown))
    return printed.getvalue(), svg.getvalue()


def _command_line() -> str:
    """What `--help` says of each command."""
    page = "## Options\n\nWhat `tsgen COMMAND --help` says.\n"
    for name in typer.main.get_command(app).commands:  # type: ignore[attr-defined]
        answer = CliRunner().invoke(app, [name, "--help"], env=TERMINAL, prog_name="tsgen")
        page += f"\n### {name}\n\n```\n{answer.output.strip()}\n```\n"
    return page
