"""What the scripts share: models that learn for so many minutes, and options that say how."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tsgen

_TRIED = 20
"""Optimiser steps by which the pace of a training is measured."""


@dataclass(frozen=True)
class Fit:
    """A fitted model, and what a row of results says of it."""

    model: Any
    name: str
    seed: int
    steps: int
    seconds: float
    settings: str
    """The arguments that were given, as JSON."""

    @property
    def row(self) -> dict[str, Any]:
        """For a table of results."""
        return {
            "model": self.name,
            "seed": self.seed,
            "steps": self.steps,
            "seconds": round(self.seconds, 1),
            "settings": self.settings,
        }


def options(description: str | None, results: Path) -> argparse.ArgumentParser:
    """Of a script that trains."""
    parser = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, help="of training; by default as the preset says")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument(
        "--settings", type=json.loads, default={}, metavar="JSON",
        help='of the model, such as {"hidden_size": 512}',
    )  # fmt: skip
    parser.add_argument("--out", type=Path, default=results, help="CSV")
    return parser


def fitted(
    data: Any,
    seed: int,
    settings: Mapping[str, Any],
    minutes: float | None = None,
    kind: type[Any] = tsgen.LSTMGenerator,
) -> Fit:
    """A model of some data, that learned for as many steps as take about so long here.

    A tuple is a source and a target.
    """
    given = {"verbose": False, "random_state": seed, **settings}
    if minutes is not None:
        given["max_steps"] = _steps_within(minutes, data, given, kind)
    model = kind(**given)
    seconds = _seconds(model, data)
    preset = settings.get("preset", "balanced")
    name = f"tsgen, {preset}" if minutes is None else f"tsgen, {minutes:g} minutes"
    steps = int(model.report_.losses["step"].iloc[-1])
    return Fit(model, name, seed, steps, seconds, json.dumps(dict(settings), sort_keys=True))


def _steps_within(
    minutes: float, data: Any, given: Mapping[str, Any], kind: type[Any] = tsgen.LSTMGenerator
) -> int:
    _, start, rest = (  # the first fit imports what it needs
        _seconds(kind(**{**given, "max_steps": steps}), data) for steps in (1, 1, _TRIED + 1)
    )
    return max(1, round((minutes * 60 - start) * _TRIED / max(rest - start, 1e-3)))


def _seconds(model: Any, data: Any) -> float:
    start = time.perf_counter()
    model.fit(*(data if isinstance(data, tuple) else (data,)))
    return time.perf_counter() - start
