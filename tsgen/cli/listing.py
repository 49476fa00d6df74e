"""The data sets that ship with tsgen, a line each."""

from __future__ import annotations

from typing import Any

import pandas as pd

from tsgen.datasets import list_datasets, load_dataset

__all__ = ["dataset_lines"]


def dataset_lines() -> list[str]:
    """A header, and a line for each data set."""
    table = pd.DataFrame([_facts(name) for name in list_datasets()])
    return table.to_string(index=False, justify="left").splitlines()


def _facts(name: str) -> dict[str, Any]:
    rows = load_dataset(name)
    if "unique_id" not in rows:
        return {"name": name, "series": "", "rows": len(rows), "from": "", "to": "",
                "columns": ", ".join(rows.columns)}  # fmt: skip
    others = [column for column in rows.columns if column not in ("unique_id", "ds", "y")]
    ends = (rows["ds"].min(), rows["ds"].max())
    first, last = (f"{end:%Y-%m-%d}" if isinstance(end, pd.Timestamp) else str(end) for end in ends)
    return {
        "name": name, "series": rows["unique_id"].nunique(), "rows": len(rows), "from": first,
        "to": last, "columns": ", ".join(["symbols y" if rows["y"].dtype.kind not in "fi" else "y",
                                          *others]),
    }  # fmt: skip
