"""README and docs/: examples run, links lead somewhere, and no public name is missing."""

from __future__ import annotations

import inspect
import re
from doctest import DocTestParser
from pathlib import Path

import pytest

import tsgen

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^(<!-- not run: [^\n]+ -->\n)?```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


def examples(page: Path) -> list[str]:
    """The code of each block of Python that is to be run."""
    blocks = [code for skipped, code in BLOCK.findall(page.read_text("utf-8")) if not skipped]
    return [
        "".join(example.source for example in DocTestParser().get_examples(code)) or code
        for code in blocks
    ]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of networks that have hardly learned
@pytest.mark.parametrize("page", [page for page in PAGES if examples(page)], ids=lambda p: p.stem)
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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_to_files_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
        assert (page.parent / link).exists(), f"{page.name} has a link to {link}"


def test_every_public_name_is_in_the_docs() -> None:
    pages = "".join(page.read_text("utf-8") for page in (ROOT / "docs" / "api").glob("*.md"))
    assert [name for name in tsgen.__all__ if f"::: tsgen.{name}\n" not in pages] == []
