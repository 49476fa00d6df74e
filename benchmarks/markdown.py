"""Markdown tables and their cells, and the marks between which they stand in a page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

NONE = "–"
BLOCK = re.compile(r"<!-- (\w+) -->\n(.*?)<!-- end \1 -->", flags=re.DOTALL)


def number(value: Any, digits: int) -> str:
    """As people read it; a dash for none."""
    return NONE if pd.isna(value) else f"{value:,.{digits}f}"


def seconds(value: Any) -> str:
    """As people read them: two digits below ten, else whole ones."""
    return NONE if pd.isna(value) else f"{value:,.0f} s" if value >= 9.95 else f"{value:.2g} s"


def over_seeds(values: Sequence[float] | pd.Series, form: str) -> str:
    """The median and, where there are several, their range; a dash for none."""
    if not len(values):
        return NONE
    low, middle, high = (f"{x:{form}}" for x in pd.Series(values).quantile([0.0, 0.5, 1.0]))
    return middle if len(values) == 1 else f"{middle} ({low} to {high})"


def line(cells: Iterable[Any]) -> str:
    """A row of a table."""
    return f"| {' | '.join(map(str, cells))} |"


def table(head: str, rule: str, rows: Iterable[Iterable[Any]]) -> str:
    """A table; head and rule are given as they stand in it."""
    return "\n".join([head, rule, *map(line, rows)])


def marks(text: str) -> list[str]:
    """The names of the blocks in a page."""
    return [found[1] for found in BLOCK.finditer(text)]


def filled(text: str, blocks: Mapping[str, str]) -> str:
    """A page with the blocks between their marks; other marks stay as they are."""

    def block(found: re.Match[str]) -> str:
        name = found[1]
        if name not in blocks:
            return found[0]
        return f"<!-- {name} -->\n{blocks[name]}\n<!-- end {name} -->"

    return BLOCK.sub(block, text)
