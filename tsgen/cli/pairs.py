"""A table of sources and targets, of which those that are missing are to be filled in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from tsgen._typing import BoolArray
from tsgen.cli.options import FileSpec, PairColumns
from tsgen.cli.tables import read_table
from tsgen.cli.wording import CommandError
from tsgen.data import listing

__all__ = ["Pairs", "read_pairs"]


@dataclass(frozen=True)
class Pairs:
    """The rows of a file.

    Attributes
    ----------
    table : DataFrame
    source, target : str
        The columns.
    missing : ndarray of shape (rows,)
        Which targets are to be found.
    """

    table: pd.DataFrame
    source: str
    target: str
    missing: BoolArray

    @property
    def known(self) -> pd.DataFrame:
        """The rows to learn from."""
        return self.table[~self.missing]

    def filled(self, model: Any, beams: int | None) -> pd.DataFrame:
        """The table with a target in each row that lacks one."""
        if not self.missing.any():
            return self.table
        sources = self.table.loc[self.missing, self.source]
        cells = self.table[self.target].astype(object)
        cells[self.missing] = model.predict(sources.tolist(), num_beams=beams or 1)
        return self.table.assign(**{self.target: cells})


def read_pairs(file: Path, spec: FileSpec, columns: PairColumns, model: Any = None) -> Pairs:
    """Read a table; beside a model all targets are to be found, whatever stands there.

    Raises
    ------
    CommandError
        If it isn't said which columns are what, or one isn't there.
    """
    table, _ = read_table(file, spec)
    source, target = columns.source_col, columns.target_col
    if model is not None:
        how = model.spec_
        if not (how.source_texts and how.target_texts):
            raise CommandError("the model is one of lists of symbols, which a table doesn't have")
        source, target = source or how.source_col, target or str(how.target_name)
        table = table.assign(**{target: ""})
    if source is None or target is None:
        names = listing([repr(name) for name in table.columns])
        raise CommandError(f"--source-col and --target-col name two of the columns: {names}")
    absent = [name for name in (source, target) if name not in table.columns]
    if absent:
        names = listing([repr(name) for name in table.columns])
        raise CommandError(f"there is no column {absent[0]!r}; there are: {names}")
    unknown = table[source].isna().to_numpy().nonzero()[0]
    if len(unknown):
        raise CommandError(
            f"{len(unknown):,} fields of column {source!r} are missing, the first in row "
            f"{unknown[0] + 1}: fill them, or leave those rows out"
        )
    table = table.astype({source: str})
    cells = table[target]
    missing = (cells.isna() | (cells == "")).to_numpy()
    if missing.all() and model is None:
        raise CommandError(f"column {target!r} is empty: there is no target to learn from")
    return Pairs(table, source, target, missing)
