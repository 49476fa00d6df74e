"""Hypothesis strategies that draw panels, for tests of what reads or forecasts them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from tsgen._typing import FloatArray
from tsgen.errors import MissingExtraError

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

__all__ = ["panels", "series", "wide_panels"]

IdKind: TypeAlias = Literal["text", "integer", "category"]
ValueKind: TypeAlias = Literal["trend", "seasonal", "constant", "random_walk", "large_offset"]

_FREQUENCIES: tuple[str | int, ...] = ("h", "D", "B", "W-SUN", "MS", "ME", "QS", "YS", 1)
_ID_KINDS: tuple[IdKind, ...] = ("text", "integer", "category")
_VALUE_KINDS: tuple[ValueKind, ...] = (
    "trend",
    "seasonal",
    "constant",
    "random_walk",
    "large_offset",
)


def series(
    *,
    length: tuple[int, int] = (8, 40),
    freq: Sequence[str | int] = _FREQUENCIES,
    values: Sequence[ValueKind] = _VALUE_KINDS,
) -> SearchStrategy[pd.Series[float]]:
    """One series under a time index.

    Parameters
    ----------
    length : tuple of two ints, default (8, 40)
        Fewest and most rows. With fewer than 8, business days can look like days.
    freq : sequence of str or int
        pandas aliases, for a ``DatetimeIndex``, and whole numbers, the step of integer time; one
        is drawn.
    values : sequence of str
        Kinds of values, of which one is drawn: ``"trend"``, ``"seasonal"``, ``"constant"``,
        ``"random_walk"``, and ``"large_offset"``, a random walk around a billion.

    Returns
    -------
    SearchStrategy of Series
        float64 values without NaN.

    Raises
    ------
    MissingExtraError
        Without hypothesis.

    Examples
    --------
    >>> from hypothesis import given, settings
    >>> from tsgen import Naive
    >>> from tsgen.testing import series
    >>> @settings(max_examples=5, database=None, deadline=None)
    ... @given(series(freq=["MS"]))
    ... def test_naive_repeats_the_last_value(y):
    ...     assert Naive().fit(y).predict(3).eq(y.iloc[-1]).all()
    >>> test_naive_repeats_the_last_value()
    """
    chosen = _Choice((1, 1), length, tuple(freq), ("text",), tuple(values), stagger=0)
    return _drawn(chosen).map(_Drawn.series)


def wide_panels(
    *,
    n_series: tuple[int, int] = (1, 4),
    length: tuple[int, int] = (8, 40),
    freq: Sequence[str | int] = _FREQUENCIES,
    ids: Sequence[IdKind] = _ID_KINDS,
    values: Sequence[ValueKind] = _VALUE_KINDS,
    stagger: int = 0,
) -> SearchStrategy[pd.DataFrame]:
    """Wide frames: time as the index, a column per series; leading NaN where one starts later.

    Parameters
    ----------
    n_series : tuple of two ints, default (1, 4)
        Fewest and most series.
    length : tuple of two ints, default (8, 40)
        Fewest and most rows of a series.
    freq, values
        As in `series`.
    ids : sequence of {"text", "integer", "category"}
        Kinds of ids, of which one is drawn for the panel.
    stagger : int, default 0
        By how many rows the ends of the series may differ, which gives trailing NaN.

    Returns
    -------
    SearchStrategy of DataFrame
        float64 columns, in an order that isn't sorted.

    Raises
    ------
    MissingExtraError
        Without hypothesis.

    Examples
    --------
    >>> from hypothesis import given, settings
    >>> from tsgen import Naive
    >>> from tsgen.testing import wide_panels
    >>> @settings(max_examples=5, database=None, deadline=None)
    ... @given(wide_panels(freq=["h"], stagger=2))
    ... def test_columns_are_kept(df):
    ...     assert Naive().fit(df).predict(3).columns.equals(df.columns)
    >>> test_columns_are_kept()
    """
    chosen = _Choice(n_series, length, tuple(freq), tuple(ids), tuple(values), stagger)
    return _drawn(chosen).map(_Drawn.wide)


def panels(
    *,
    n_series: tuple[int, int] = (1, 4),
    length: tuple[int, int] = (8, 40),
    freq: Sequence[str | int] = _FREQUENCIES,
    ids: Sequence[IdKind] = _ID_KINDS,
    values: Sequence[ValueKind] = _VALUE_KINDS,
    stagger: int = 3,
    covariates: bool = False,
    holes: bool = False,
    id_col: str = "unique_id",
    time_col: str = "ds",
    target_col: str = "y",
) -> SearchStrategy[pd.DataFrame]:
    """Long frames: a row per series and time stamp.

    Parameters
    ----------
    n_series, length, freq, ids, values
        As in `wide_panels`.
    stagger : int, default 3
        By how many rows the ends of the series may differ.
    covariates : bool, default False
        Whether there are the columns ``number``, ``kind`` (text) and ``region`` (text, the same in
        all rows of a series) too.
    holes : bool, default False
        Whether some values are NaN and some rows are missing, never the first and the last one of
        a series.
    id_col, time_col, target_col : str
        The names of the columns.

    Returns
    -------
    SearchStrategy of DataFrame
        One series after the other, in time order each, their ids in an order that isn't sorted.

    Raises
    ------
    MissingExtraError
        Without hypothesis.

    Examples
    --------
    >>> from hypothesis import given, settings
    >>> from tsgen import SeasonalNaive
    >>> from tsgen.testing import panels
    >>> @settings(max_examples=5, database=None, deadline=None)
    ... @given(panels(n_series=(2, 3), freq=["D", "ME"], values=["seasonal"]))
    ... def test_every_series_is_forecast(df):
    ...     forecast = SeasonalNaive().fit(df).predict(2)
    ...     assert set(forecast["unique_id"]) == set(df["unique_id"])
    >>> test_every_series_is_forecast()
    """
    chosen = _Choice(n_series, length, tuple(freq), tuple(ids), tuple(values), stagger)
    return _drawn(chosen).map(
        lambda drawn: drawn.long(id_col, time_col, target_col, covariates, holes)
    )


@dataclass(frozen=True)
class _Choice:
    """What a strategy draws from."""

    n_series: tuple[int, int]
    length: tuple[int, int]
    freq: tuple[str | int, ...]
    ids: tuple[IdKind, ...]
    values: tuple[ValueKind, ...]
    stagger: int


@dataclass(frozen=True)
class _Drawn:
    """A panel before it gets a layout: ids, and under each id a series, in the same order."""

    ids: pd.Index
    columns: tuple[pd.Series[float], ...]
    seed: int

    def series(self) -> pd.Series[float]:
        return self.columns[0].rename("y")

    def wide(self) -> pd.DataFrame:
        df = pd.concat(self.columns, axis=1, sort=True)
        df.columns = self.ids
        return df

    def long(
        self, id_col: str, time_col: str, target_col: str, covariates: bool, holes: bool
    ) -> pd.DataFrame:
        which = np.repeat(np.arange(len(self.ids)), [len(column) for column in self.columns])
        rows = pd.concat(self.columns)
        columns: dict[str, Any] = {
            id_col: self.ids.take(which),
            time_col: rows.index,
            target_col: rows.to_numpy(),
        }
        random = np.random.default_rng([self.seed, len(rows)])
        if covariates:
            columns["number"] = random.normal(5, 2, size=len(rows))
            columns["kind"] = random.choice(["none", "some", "much"], size=len(rows))
            columns["region"] = np.array(["north", "south"])[which % 2]
        df = pd.DataFrame(columns)
        if holes:
            inside = (which[1:-1] == which[:-2]) & (which[1:-1] == which[2:])
            inside = np.concatenate([[False], inside, [False]])
            fate = random.random(len(df))
            df.loc[inside & (fate < 0.1), target_col] = np.nan
            df = df[~inside | (fate < 0.9)].reset_index(drop=True)
        return df


def _strategies() -> ModuleType:
    try:
        from hypothesis import strategies
    except ImportError as error:
        raise MissingExtraError(
            "tsgen.testing needs hypothesis: pip install 'tsgen[dev]'"
        ) from error
    return strategies


def _drawn(choice: _Choice) -> SearchStrategy[_Drawn]:
    st = _strategies()

    def draw_panel(draw: DrawFn) -> _Drawn:
        count = draw(st.integers(*choice.n_series))
        lengths = [draw(st.integers(*choice.length)) for _ in range(count)]
        behind = [draw(st.integers(0, choice.stagger)) for _ in range(count)]
        kinds = [draw(st.sampled_from(choice.values)) for _ in range(count)]
        seed = draw(st.integers(0, 2**32 - 1))
        freq = draw(st.sampled_from(choice.freq))
        ids = _ids(draw(st.sampled_from(choice.ids)), draw(st.permutations(range(count))))
        stops = [max(lengths) + choice.stagger - rows for rows in behind]
        stamps = _stamps(freq, max(lengths) + choice.stagger)
        columns = [
            pd.Series(
                _values(kind, rows, np.random.default_rng([seed, i])),
                index=stamps[stop - rows : stop],
            )
            for i, (kind, rows, stop) in enumerate(zip(kinds, lengths, stops, strict=True))
        ]
        return _Drawn(ids, tuple(columns), seed)

    drawn: SearchStrategy[_Drawn] = st.composite(draw_panel)()
    return drawn


def _ids(kind: IdKind, order: list[int]) -> pd.Index:
    """``"s-0"``, ``"s-1"``, … or 0, 1, … in the order given; the last category is of no series."""
    if kind == "integer":
        return pd.Index(order)
    names = [f"s-{i}" for i in order]
    if kind == "category":
        return pd.CategoricalIndex(names, [*sorted(names), "unused"])
    return pd.Index(names)


def _stamps(freq: str | int, rows: int) -> pd.Index:
    if isinstance(freq, int):
        return pd.RangeIndex(0, rows * freq, freq)
    return pd.DatetimeIndex(pd.date_range("2021-03-01", periods=rows, freq=freq).to_numpy())


def _values(kind: ValueKind, rows: int, random: np.random.Generator) -> FloatArray:
    """Values of shape (rows,) around a level of up to a thousand, at a scale of 0.01 to 100."""
    level = random.uniform(-1_000, 1_000)
    scale = 10 ** random.uniform(-2, 2)
    time = np.arange(rows)
    noise = random.normal(size=rows)
    shape: FloatArray
    if kind == "constant":
        return np.full(rows, level)
    if kind == "trend":
        shape = random.normal() * time + 0.1 * noise
    elif kind == "seasonal":
        shape = np.sin(2 * np.pi * (time / random.integers(3, 13) + random.random())) + 0.1 * noise
    else:
        shape = np.cumsum(noise)
    if kind == "large_offset":
        level = 1e9
    return level + scale * shape
