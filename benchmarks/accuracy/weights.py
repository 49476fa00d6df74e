"""Pretrained weights by name, and what the model card says of the files that come with tsgen.

A name is that of the file and the first digits of its sha256, so that a figure can be held against
the weights that it was made with, wherever they lay.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import tsgen
from benchmarks.markdown import NONE, number, table
from tsgen.weights import read_weights, shipped_file

FOLDER = Path(tsgen.__file__).parent / "weights"
DIGITS = 12
"""Of the sha256 in a name."""


def shipped() -> list[Path]:
    """The files that come with tsgen, by their number of units."""
    return sorted(FOLDER.glob("*.safetensors"), key=lambda path: (len(path.name), path.name))


def sha256(path: Path) -> str:
    """Of all bytes of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def name_of(path: Path) -> str:
    """As results have it: ``lstm128 0123456789ab``."""
    return f"{path.stem} {sha256(path)[:DIGITS]}"


def name_for(settings: Any) -> str:
    """Of the weights that a fitted model began with; empty for random ones."""
    if settings.init == "random":
        return ""
    if settings.init == "pretrained":
        return name_of(shipped_file(settings.hidden_size, settings.season))
    return name_of(Path(settings.init))


def card() -> str:
    """The files that come with tsgen: their size, the steps that made them, and their sha256."""
    return table(
        "| file | units | layers | weights | bytes | steps | sha256 |",
        "|---|---:|---:|---:|---:|---:|---|",
        map(_row, shipped()),
    )


def _row(path: Path) -> tuple[str, ...]:
    weights = read_weights(path)
    count = sum(tensor.numel() for tensor in weights.network.state_dict().values())
    steps = weights.facts.get("steps")
    return (
        f"`tsgen/weights/{path.name}`",
        number(weights.hidden_size, 0),
        number(weights.num_layers, 0),
        number(count, 0),
        number(path.stat().st_size, 0),
        NONE if steps is None else number(steps, 0),
        f"`{sha256(path)}`",
    )
