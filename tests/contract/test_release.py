"""What a release says of itself in several places is the same in all of them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

import tsgen

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def test_the_citation_is_that_of_this_version(project: dict[str, Any]) -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert citation["cff-version"] == "1.2.0"
    assert {"title", "message", "authors", "version", "date-released"} <= citation.keys()
    assert str(citation["version"]) == tsgen.__version__
    assert citation["license"] == project["license"]
    assert [author["name"] for author in citation["authors"]] == [
        author["name"] for author in project["authors"]
    ]


def test_types_are_there_for_others() -> None:
    assert Path(tsgen.__file__).with_name("py.typed").exists()


def test_every_command_is_on_the_page() -> None:
    import typer

    from tsgen.cli import app

    page = (ROOT / "docs" / "cli.md").read_text("utf-8")
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        assert f"| `{name}` |" in page
        assert command.epilog.removeprefix("Example: ") in page
