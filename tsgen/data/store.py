"""Files of Parquet as a panel whose rows stay in files."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tsgen._messages import written
from tsgen._runtime import process_group
from tsgen._typing import FloatArray, IntArray
from tsgen.data.covariates import Covariate, Covariates, sorted_categories, with_more_categories
from tsgen.data.frame import Short, check_short, read_panel, refuse_short
from tsgen.data.layouts import LongLayout
from tsgen.data.long import LongReader
from tsgen.data.maps import Table
from tsgen.data.native import opened
from tsgen.data.panel import Panel
from tsgen.data.parquet import ParquetSource, SeriesBlock, SeriesReader, is_path
from tsgen.data.ragged import chunks, offsets_of, ranges
from tsgen.data.reader import reader_of
from tsgen.data.sorting import in_whole_series
from tsgen.data.spec import FrameSpec
from tsgen.data.validation import listing
from tsgen.errors import FrameError, SettingError, StoreExistsError

__all__ = ["read_stored_panel", "rows_or_files"]

_SERIES_AT_ONCE = 512
_ROWS_AT_ONCE = 2**19
_AS_FRAME = "read it with pd.read_parquet(path) and pass the frame"


def rows_or_files(df: Any, store: Any) -> Any:
    """What is given to ``fit``: a path or a dataset as a `ParquetSource`, all else as it is."""
    if is_path(df) or type(df).__module__ == "pyarrow._dataset":
        return ParquetSource.of(df, "df")
    if store is not None:
        raise SettingError(
            f"store={written(os.fspath(store))} is a folder for the rows of files, and df= is a "
            f"{type(df).__name__}: pass df= the path of a folder or a file of Parquet, or leave "
            "store= out"
        )
    return df


def read_stored_panel(
    source: ParquetSource,
    how: FrameSpec,
    *,
    freq: Any = None,
    min_rows: int = 1,
    short: Short = "error",
    store: str | os.PathLike[str] | None = None,
) -> Panel:
    """The panel that `read_panel` makes of a frame, with its rows as memory maps.

    Parameters
    ----------
    source : ParquetSource
        Long; series and their rows come in any order. Where the rows of a series stand apart,
        they are put together first (see `in_whole_series`).
    how, freq, min_rows, short
        As for `read_panel`; a frequency that isn't given is found in the first series.
    store : path, optional
        A folder that is made; by default one that goes with the panel. Of several processes with
        one script the first one makes it, and the others have one that goes with the panel.

    Raises
    ------
    FrameError
        With all that is wrong with the first series that can't be read.
    StoreExistsError
        If there is something where the folder is to be.
    """
    check_short(short)
    _check_layout(source, how)
    if not process_group().is_first:
        store = None
    columns, id_col = source.columns_of(how.columns, _AS_FRAME), how.columns.id
    with _new_folder(store) as folder, in_whole_series(source, id_col, folder) as whole:
        blocks, parts = SeriesReader(whole, columns, id_col), _Parts(folder, min_rows, short)
        while (block := blocks.take(_SERIES_AT_ONCE, _ROWS_AT_ONCE)) is not None:
            panel = _read(block, how, freq)
            freq, how = panel.frequency, replace(how, known_frequency="that of the first series")
            parts.add(panel)
        if not parts:
            raise FrameError([f"{source.name} has 0 rows; a forecast needs history"])
        panel = parts.joined()
    if store is None:
        # Whatever holds some of the values holds the map, and so the file.
        weakref.finalize(panel.values.base, shutil.rmtree, folder, ignore_errors=True)
    return panel


def _check_layout(source: ParquetSource, how: FrameSpec) -> None:
    """Refuse what isn't long, with all columns that there are."""
    frame, columns = source.without_rows(), how.columns
    if isinstance(reader_of(opened(frame), columns), LongReader):
        return
    expected = listing([written(name) for name in (columns.id, columns.time, *columns.targets)])
    there = listing([written(name) for name in frame.columns], most=20)
    raise FrameError(
        [
            f"{source.name} has no rows of ids, time stamps and targets: expected the columns "
            f"{expected} among {there}; pass id_col=, time_col= or target_col="
        ]
    )


def _read(block: SeriesBlock, how: FrameSpec, freq: Any) -> Panel:
    try:
        return read_panel(_frame_of(block, how), how, freq=freq)
    except FrameError as error:
        raise FrameError([block.with_places(problem) for problem in error.problems]) from None


def _frame_of(block: SeriesBlock, how: FrameSpec) -> pd.DataFrame:
    """The rows of a block as those of any other would be read."""
    frame, columns = block.frame, how.columns
    changed: dict[Any, Any] = {}
    if isinstance(frame[columns.id].dtype, pd.CategoricalDtype):  # of this block alone
        changed[columns.id] = frame[columns.id].astype(frame[columns.id].cat.categories.dtype)
    for name in columns.covariates:
        # Text of which there is none here looks like missing numbers.
        if name in frame and frame[name].dtype == object and frame[name].isna().all():
            changed[name] = frame[name].astype("category")
    return frame.assign(**changed) if changed else frame


@contextmanager
def _new_folder(store: str | os.PathLike[str] | None) -> Iterator[Path]:
    """A folder that is there for good if all goes well, and not at all if it doesn't."""
    if store is None:
        folder = Path(tempfile.mkdtemp(prefix="tsgen-"))
    else:
        folder = Path(store)
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            raise StoreExistsError(
                f"store={written(os.fspath(store))} exists already: pass a folder that doesn't, "
                "or remove it"
            ) from None
    try:
        yield folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


@dataclass(frozen=True)
class _Order:
    """How series stand in the panel, and stood in the files."""

    positions: IntArray
    """Of shape (ids,): which id of the files each of the panel is."""
    ids: IntArray
    """Of shape (ids,): where each of the files stands in the panel."""

    def of(self, per_id: int) -> IntArray:
        """The positions of what each id has several of, side by side."""
        return (self.positions[:, None] * per_id + np.arange(per_id)).ravel()

    @property
    def is_kept(self) -> bool:
        """Whether both are the same."""
        return bool((np.diff(self.positions) > 0).all())


class _Parts:
    """Panels of some series each, whose rows go to files as they come."""

    def __init__(self, folder: Path, min_rows: int, short: Short) -> None:
        self._folder, self._min_rows, self._skips = folder, min_rows, short == "skip"
        self._values = Table(folder / "values.npy")
        self._rows: Table | None = None
        self._static: list[FloatArray] = []
        self._schema: tuple[Covariate, ...] = ()
        self._panels: list[Panel] = []
        self._short: list[pd.Series] = []

    def __len__(self) -> int:
        return len(self._panels)

    def add(self, panel: Panel) -> None:
        """More series."""
        short = panel.lengths < self._min_rows
        if short.any():
            self._short.append(pd.Series(panel.lengths[short], index=panel.ids[short]))
            panel = panel.select(~short) if self._skips else panel
        self._values.add(panel.values)
        if panel.covariates is not None:
            self._add_covariates(panel.covariates)
        # A part of the values, even of none, would keep all of them.
        self._panels.append(replace(panel, values=np.empty(0), covariates=None))

    def _add_covariates(self, new: Covariates) -> None:
        known = self._schema or new.schema
        self._schema = tuple(map(with_more_categories, known, new.schema))
        if any(item.categories is not None for item in self._schema):
            new = new.read_as(self._schema)
        if self._rows is None:
            self._rows = Table(self._folder / "covariates.npy")
        self._rows.add(new.rows)
        self._static.append(new.static)

    def joined(self) -> Panel:
        """All series, sorted by id."""
        self._check_short()
        first = self._panels[0]
        ids = _appended([panel.ids for panel in self._panels])
        ends = _appended([panel.ends for panel in self._panels])
        lengths = np.concatenate([panel.lengths for panel in self._panels])
        layouts = [panel.layout for panel in self._panels]
        order = _order_of(ids.get_level_values(0), sum(layout.count for layout in layouts))
        per_id = len(ids) // len(order.positions)
        series = order.of(per_id)
        systems = order.of(per_id // first.channels)
        values = self._in_order(self._values, lengths, None if order.is_kept else series)
        panel = replace(
            first,
            values=values,
            offsets=offsets_of(lengths[series]),
            ids=ids[series],
            ends=ends[series],
            behind=np.zeros(len(ids), dtype=np.int64),
            frequency=self._panels[-1].frequency,
            layout=_layout_of(layouts, order),
        )
        by_system = lengths[:: first.channels]
        covariates = self._covariates(by_system, systems, kept=order.is_kept)
        return replace(panel, covariates=covariates)

    def _check_short(self) -> None:
        total = sum(len(panel) for panel in self._panels)
        if self._short and (not self._skips or not total):
            short = pd.concat(self._short).sort_index()
            refuse_short(short.index, short.to_numpy(), self._min_rows)

    def _covariates(self, lengths: IntArray, systems: IntArray, *, kept: bool) -> Covariates | None:
        if self._rows is None:
            return None
        schema = tuple(map(_with_sorted_categories, self._schema))
        static = np.concatenate(self._static)[systems]
        renumbered = not all(map(_are_alike, schema, self._schema))

        def as_sorted(rows: FloatArray) -> FloatArray:
            known = Covariates(self._schema, rows, static[:0])
            return known.read_as(schema).rows if renumbered else rows

        rows = self._in_order(
            self._rows, lengths, None if kept and not renumbered else systems, as_sorted
        )
        static = Covariates(self._schema, rows[:0], static).read_as(schema).static
        return Covariates(schema, rows, static)

    @staticmethod
    def _in_order(
        table: Table,
        lengths: IntArray,
        order: IntArray | None,
        change: Callable[[FloatArray], FloatArray] = lambda rows: rows,
    ) -> FloatArray:
        """The rows of segments in another order, changed; in the place of those that were there."""
        rows = table.mapped()
        if order is None or 0 in rows.shape:
            return rows
        starts, lengths = offsets_of(lengths)[:-1][order], lengths[order]
        other = Table(table.path.with_suffix(".sorted"))
        for some in chunks(offsets_of(lengths), _ROWS_AT_ONCE):
            other.add(change(np.asarray(rows[ranges(starts[some], lengths[some])])))
        del rows
        other.path.replace(table.path)
        return table.mapped()


def _appended(indexes: list[pd.Index]) -> pd.Index:
    return indexes[0].append(indexes[1:])


def _order_of(names: pd.Index, count: int) -> _Order:
    """By id, as `read_panel` sorts them; of each there are as many series side by side."""
    ids = np.asarray(pd.factorize(names[:: len(names) // count], sort=True)[0])
    return _Order(np.argsort(ids), ids)


def _layout_of(layouts: list[Any], order: _Order) -> LongLayout:
    """The layout of all rows together."""
    first = offsets_of(np.array([layout.count for layout in layouts]))
    appearance = [
        order.ids[start + layout.appearance] for start, layout in zip(first, layouts, strict=False)
    ]
    dtypes = [
        reduce(_common_dtype, of_target)
        for of_target in zip(*(layout.target_dtypes for layout in layouts), strict=True)
    ]
    layout: LongLayout = replace(
        layouts[0],
        appearance=np.concatenate(appearance),
        target_dtype=dtypes[0],
        other_dtypes=tuple(dtypes[1:]),
    )
    return layout


def _common_dtype(one: Any, other: Any) -> Any:
    """Whole numbers become others where a part of them is missing."""
    return one if one == other else np.result_type(one, other)


def _with_sorted_categories(item: Covariate) -> Covariate:
    if item.categories is None:
        return item
    return replace(item, categories=sorted_categories(item.categories))


def _are_alike(one: Covariate, other: Covariate) -> bool:
    return one.categories is other.categories or bool(one.categories.equals(other.categories))  # type: ignore[union-attr]
