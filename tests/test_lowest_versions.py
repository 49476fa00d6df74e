"""What `make test-lowest` installs is what pyproject.toml promises."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from packaging.version import Version

ROOT = Path(__file__).parents[1]
TORCH = "torch"
"""Isn't tested at its lowest version: a build of its own would be large."""


def floors() -> dict[str, Version]:
    """Of what a user may install: the dependencies, and the extras that tests use."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    names = "parquet", "benchmarks", "holidays", "tune", "duckdb", "onnx"
    wanted = [*project["dependencies"], *(each for name in names for each in extras[name])]
    return {name: Version(version) for name, version in (each.split(">=") for each in wanted)}


def test_every_promised_version_is_tried() -> None:
    text = (ROOT / "constraints-lowest.txt").read_text("utf-8")
    pins = {name: Version(pin) for name, pin in re.findall(r"^([\w-]+)==(.+)$", text, re.MULTILINE)}
    lowest = {name: version for name, version in floors().items() if name != TORCH}
    assert {name: pins.get(name) for name in lowest} == lowest
