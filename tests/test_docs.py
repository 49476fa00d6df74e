"""README and docs/: examples run, links lead somewhere, and no public name or error is missing."""

from __future__ import annotations

import importlib.util
import inspect
import os
import re
from doctest import DocTestParser
from pathlib import Path
from types import ModuleType, SimpleNamespace

import markdown
import pytest
from mkdocs.exceptions import PluginError

import tsgen

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted({*DOCS.rglob("*.md")} - {*DOCS.glob("api/*.md")})]
ERRORS = DOCS / "errors.md"
GENERATED = {DOCS / "changes.md"}
SPAN = re.DOTALL | re.MULTILINE
BLOCK = re.compile(r"^(<!-- not run: [^\n]+ -->\n)?```python\n(.*?)^```", SPAN)


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).with_suffix("").as_posix()


def examples(page: Path) -> list[str]:
    """The code of each block of Python that is to be run."""
    blocks = [code for skipped, code in BLOCK.findall(page.read_text("utf-8")) if not skipped]
    return [
        "".join(example.source for example in DocTestParser().get_examples(code)) or code
        for code in blocks
    ]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of networks that have hardly learned
@pytest.mark.parametrize(
    "page", [page for page in PAGES if page != ERRORS and examples(page)], ids=name_of
)
def test_examples_run_from_the_top_to_the_bottom_of_a_page(
    page: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What they print isn't compared, since trainings are cut short."""
    monkeypatch.chdir(tmp_path)
    for estimator in (
        tsgen.LSTMForecaster,
        tsgen.EncoderDecoderForecaster,
        tsgen.LSTMGenerator,
        tsgen.LSTMSeq2Seq,
    ):
        defaults = inspect.unwrap(estimator.__init__).__kwdefaults__
        monkeypatch.setitem(defaults, "max_steps", 2)
    names: dict[str, object] = {}
    for code in examples(page):
        code = re.sub(r"\bmax_steps=\d+", "max_steps=2", code)
        exec(compile(code, f"{page.name}: {code.splitlines()[0]}", "exec"), names)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_errors_read_as_the_page_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    pairs = re.findall(
        r"^```python\n(.*?)^```\n\n```text\n(.*?)\n```", ERRORS.read_text("utf-8"), SPAN
    )
    for code, message in pairs:
        with pytest.raises((TypeError, tsgen.errors.TsgenError)) as caught:
            exec(code, names)
        read = f"{caught.type.__name__}: {caught.value}"
        assert read.replace(f"{tmp_path}{os.sep}", "") == message
    assert len(pairs) == len(examples(ERRORS))


def test_every_error_and_warning_is_on_the_page() -> None:
    page = ERRORS.read_text("utf-8")
    kinds = [name for name in tsgen.errors.__all__ if name not in ("TsgenError", "warn_user")]
    assert [name for name in kinds if f"`{name}`" not in page] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_to_files_and_headings_lead_somewhere(page: Path) -> None:
    for link, heading in re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", page.read_text("utf-8")):
        target = (page.parent / link).resolve() if link else page
        script = target.with_suffix(".py")  # a page of the gallery
        assert target.exists() or target in GENERATED or script.exists(), link
        if heading and target.suffix == ".md":
            assert heading in headings(target), f"{page.name} has a link to {link}#{heading}"


def headings(page: Path) -> set[str]:
    """The anchors of a page, as mkdocs makes them."""
    made = markdown.Markdown(extensions=["toc", "fenced_code"])
    return set(re.findall(r'<h\d id="([^"]+)"', made.convert(page.read_text("utf-8"))))


def test_every_public_name_is_in_the_docs() -> None:
    pages = "".join(page.read_text("utf-8") for page in DOCS.glob("api/*.md"))
    assert [name for name in tsgen.__all__ if f"::: tsgen.{name}\n" not in pages] == []


@pytest.fixture(scope="module")
def hooks() -> ModuleType:
    """What `mkdocs build` adds to the pages."""
    spec = importlib.util.spec_from_file_location("hooks", DOCS / "_hooks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SCRIPT = '''"""Two: and two.

Words.
"""

# %%
# **Sums** are text.
from matplotlib.figure import Figure

2 + 2

# %%
Figure()
'''


def test_a_script_is_a_page_of_text_code_results_and_pictures(hooks: ModuleType) -> None:
    page, pictures = hooks.rendered("two", SCRIPT)
    code = "```python\nfrom matplotlib.figure import Figure\n\n2 + 2\n```"
    parts = ["# Two: and two\n", "Words.", "**Sums** are text.", code, "```\n4\n```", "(two_1.svg)"]
    places = [page.index(part) for part in parts]
    assert places == sorted(places)
    assert list(pictures) == ["two_1.svg"]
    assert b"<svg" in pictures["two_1.svg"]


@pytest.mark.parametrize(
    ("code", "error"),
    [("1 / 0", ZeroDivisionError), ("import warnings\nwarnings.warn('no')", UserWarning)],
)
def test_a_script_that_fails_or_warns_ends_the_build(
    hooks: ModuleType, code: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        hooks.rendered("broken", f'"""Title."""\n\n# %%\n{code}\n')


@pytest.mark.parametrize("address", ["https://example.org/a.js", "//example.org/a.js"])
def test_a_page_that_fetches_from_elsewhere_is_refused(hooks: ModuleType, address: str) -> None:
    page = SimpleNamespace(file=SimpleNamespace(src_uri="a.md"))
    assert hooks.on_post_page('<a href="https://example.org">', page=page)
    with pytest.raises(PluginError, match=r"a\.md fetches from elsewhere"):
        hooks.on_post_page(f'<script src="{address}"></script>', page=page)
