"""The data sets that ship with tsgen, a line each."""

from __future__ import annotations

import pandas as pd

from tsgen.datasets import list_datasets, load_dataset

__all__ = ["dataset_lines"]

_HEADER = "name", "series", "rows", "from", "to", "columns"
_COUNTS = "series", "rows"


def dataset_lines() -> list[str]:
    """A header, and a line for each data set; counts stand to the right."""
    rows = [_HEADER, *(_facts(name) for name in list_datasets())]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            text.rjust(width) if name in _COUNTS else text.ljust(width)
            for name, text, width in zip(_HEADER, row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]


def _facts(name: str) -> tuple[str, ...]:
    """What stands in the line of a data set."""
    table = load_dataset(name)
    count = f"{len(table):,}"
    if "unique_id" not in table:
        return name, "", count, "", "", ", ".join(table.columns)
    first, last = (
        f"{end:%Y-%m-%d}" if isinstance(end, pd.Timestamp) else str(end)
        for end in (table["ds"].min(), table["ds"].max())
    )
    columns = ", ".join(each for each in table.columns if each not in ("unique_id", "ds"))
    return name, f"{table['unique_id'].nunique():,}", count, first, last, columns
