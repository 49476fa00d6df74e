"""A backtest on rows that the network hasn't seen, beside the forecasts that it has to beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tsgen.data import Columns, output_name
from tsgen.errors import FrameError
from tsgen.evaluation import seasonal_error
from tsgen.forecasters import Naive, NeuralForecaster, SeasonalNaive
from tsgen.reporting.reading import SeriesRead, numbers

__all__ = ["LEVELS", "MODEL", "Accuracy", "measure_accuracy"]

LEVELS = 80, 95
"""Of the intervals, in per cent."""
MODEL, LAST, SEASON = "tsgen", "last value", "last season"
_MOST_WINDOWS, _FEWEST_BEFORE = 5, 2
_MOST_VALUES = 500_000
"""That are forecast, as far as it can be helped."""
_ROUNDING = 1e-9
"""Of the largest value: a seasonal error that is smaller is none."""
_KEYS = ["series", "cutoff", "step"]


@dataclass(frozen=True)
class Accuracy:
    """How far forecasts were from what came.

    Errors are scaled, series by series, by the seasonal naive error of its rows before the first
    cutoff, and each series counts the same. A forecaster is a column: ``"tsgen"``,
    ``"last season"`` where there is a season, and ``"last value"``.

    Attributes
    ----------
    horizon : int
        H.
    n_windows : int
        Cutoffs of a series at most.
    forecasts : int
        How many there were of all series.
    refit : bool
        Whether a network of the same settings was fitted to the rows before the first cutoff, since
        the model itself had seen later ones.
    mase, rmsse : Series
        By forecaster.
    mase_by_step, rmsse_by_step : DataFrame
        A row for each of the H steps, a column for each forecaster.
    by_series : DataFrame
        A row for each series that was forecast, by its position: ``mae`` and ``rmse`` in its own
        units, and the scaled errors of each forecaster.
    coverage : DataFrame
        A row for each of the H steps, a column for each level: how many per cent of the values lay
        inside of the interval. Without columns where there are no levels.
    unscaled : int
        Series that have no part in scaled errors, since their season repeats exactly.
    """

    horizon: int
    n_windows: int
    forecasts: int
    refit: bool
    mase: pd.Series
    rmsse: pd.Series
    mase_by_step: pd.DataFrame
    rmsse_by_step: pd.DataFrame
    by_series: pd.DataFrame
    coverage: pd.DataFrame
    unscaled: int

    @property
    def reference(self) -> str:
        """The better one of the forecasts to beat."""
        return str(self.mase.drop(MODEL).fillna(np.inf).idxmin())

    @property
    def ratio(self) -> float:
        """The error as a share of that of the better naive forecast; NaN where that has none."""
        theirs = float(self.mase[self.reference])
        return float(self.mase[MODEL]) / theirs if theirs > 0 else float("nan")

    @property
    def ranked(self) -> list[int]:
        """The series from the best to the worst, by their scaled errors."""
        return [int(i) for i in self.by_series[MODEL].dropna().sort_values().index]


def measure_accuracy(model: NeuralForecaster, read: SeriesRead, horizon: int) -> Accuracy:
    """Forecast from earlier rows of the series.

    Parameters
    ----------
    model : forecaster
        Where it has seen rows after the first cutoff, a clone is fitted to those before it. There
        are intervals if it is calibrated.
    read : SeriesRead
    horizon : int
        H.

    Raises
    ------
    TsgenError
        Where no series is long enough, or the clone can't be fitted.
    """
    longest = int(read.panel.lengths.max())
    if longest < horizon + _FEWEST_BEFORE:
        raise FrameError(
            [
                f"a backtest of {horizon} steps needs {horizon + _FEWEST_BEFORE} rows of a series, "
                f"and the longest has {longest}"
            ]
        )
    count = _windows(read, horizon)
    plan: dict[str, Any] = {"horizon": horizon, "n_windows": count, "short": "skip"}
    season = model.settings_.season_length
    naive = _naive_rows(read, season, plan)
    before = _rows_before(naive[LAST], read, horizon)
    refit = _has_seen(model, read, before)
    levels = None if model.model_.calibration is None else list(LEVELS)
    found = model.backtest(read.frame, **plan, level=levels, refit=count if refit else False)
    rows = _tidy(found, read)
    for name, others in naive.items():
        rows = rows.merge(others[[*_KEYS, MODEL]].rename(columns={MODEL: name}), on=_KEYS)
    units = _units(read, before, season)
    return Accuracy(
        horizon=horizon,
        n_windows=count,
        forecasts=int(rows.groupby(["series", "cutoff"]).ngroups),
        refit=refit,
        unscaled=int(units[1].isna().sum()),
        **_scaled_errors(rows, [MODEL, *naive], units),
        coverage=_coverage(rows),
    )


def _windows(read: SeriesRead, horizon: int) -> int:
    """Cutoffs, so that half of the rows of most series come before the first; fewer of many."""
    median = int(np.median(read.panel.lengths[read.positions]))
    affordable = _MOST_VALUES // (len(read) * horizon)
    return max(1, min(_MOST_WINDOWS, median // 2 // horizon, affordable))


def _naive_rows(read: SeriesRead, season: int, plan: dict[str, Any]) -> dict[str, pd.DataFrame]:
    """The backtests of the forecasts to beat."""
    forecasters: dict[str, Naive | SeasonalNaive] = {LAST: Naive()}
    if season > 1:
        forecasters = {SEASON: SeasonalNaive(season_length=season), **forecasters}
    frame, panel = read.values_alone(), read.panel
    how: Any = {"freq": panel.frequency, "fill": panel.fill, **read.names}
    return {
        name: _tidy(forecaster.fit(frame, **how).backtest(frame, **plan), read)
        for name, forecaster in forecasters.items()
    }


def _tidy(found: pd.DataFrame, read: SeriesRead) -> pd.DataFrame:
    """A row for each value: ``series``, ``cutoff``, ``step``, the error, and hits of intervals."""
    step = found.groupby(_whose(found, read.columns), observed=True).cumcount() + 1
    parts = []
    for target in read.columns.targets:
        ids = found[read.columns.id] if read.named else np.repeat(read.ids[:1], len(found))
        true = numbers(found[target])
        part = {
            "series": read.codes(ids, target),
            "cutoff": found["cutoff"].to_numpy(),
            "step": step.to_numpy(),
            "true": true,
            MODEL: numbers(found[output_name(target, "_pred")]) - true,
        }
        for level in LEVELS:
            low, high = (output_name(target, f"_pred-{end}-{level}") for end in ("lo", "hi"))
            if low in found.columns:
                inside = (numbers(found[low]) <= true) & (true <= numbers(found[high]))
                part[_inside(level)] = 100.0 * inside
        parts.append(pd.DataFrame(part))
    return pd.concat(parts, ignore_index=True).dropna(subset=["true"])


def _whose(found: pd.DataFrame, columns: Columns) -> list[Any]:
    return [name for name in (columns.id, "cutoff") if name in found.columns]


def _rows_before(rows: pd.DataFrame, read: SeriesRead, horizon: int) -> pd.Series:
    """How many there are before the first cutoff of each series that was forecast."""
    windows = rows.groupby("series")["cutoff"].nunique()
    lengths = read.panel.lengths[read.positions[windows.index]]
    return pd.Series(lengths, index=windows.index) - horizon * windows


def _has_seen(model: NeuralForecaster, read: SeriesRead, before: pd.Series) -> bool:
    """Whether the model was trained on rows after the first cutoff of some series."""
    positions = read.positions[before.index]
    seen = model.panel_.ids.get_indexer(read.panel.ids[positions])
    known = seen >= 0
    cutoffs = read.history.stamps(
        positions[known] // read.panel.channels, before.to_numpy()[known] - 1
    )
    try:
        return bool((model.panel_.ends[seen[known]] > cutoffs).any())
    except (TypeError, ValueError):  # stamps of another kind aren't those of training
        return False


def _units(read: SeriesRead, before: pd.Series, season: int) -> dict[int, pd.Series]:
    """Seasonal errors before the first cutoff by series, of power 1 and 2; NaN where they are 0."""
    train = {i: read.values(i)[:count] for i, count in zip(before.index, before, strict=True)}
    rounding = pd.Series({i: _ROUNDING * np.nanmax(np.abs(one)) for i, one in train.items()})
    units = {}
    for power in (1, 2):
        errors = {i: seasonal_error(one, season, power=power) for i, one in train.items()}
        units[power] = pd.Series(errors)
        units[power] = units[power].where(units[power] > rounding**power)
    return units


def _scaled_errors(
    rows: pd.DataFrame, names: list[str], units: dict[int, pd.Series]
) -> dict[str, Any]:
    """Those of each forecaster: overall, and by step."""
    series, step = rows["series"], rows["step"]
    absolute = rows[names].abs().div(series.map(units[1]), axis=0)
    squares = (rows[names] ** 2).div(series.map(units[2]), axis=0)
    roots_by_step = squares.groupby([series, step]).mean() ** 0.5
    return {
        "mase": absolute.groupby(series).mean().mean(),
        "rmsse": (squares.groupby(series).mean() ** 0.5).mean(),
        "mase_by_step": absolute.groupby([series, step]).mean().groupby(level=1).mean(),
        "rmsse_by_step": roots_by_step.groupby(level=1).mean(),
        "by_series": _by_series(rows, absolute),
    }


def _by_series(rows: pd.DataFrame, scaled: pd.DataFrame) -> pd.DataFrame:
    series, error = rows["series"], rows[MODEL]
    own = {
        "mae": error.abs().groupby(series).mean(),
        "rmse": (error**2).groupby(series).mean() ** 0.5,
    }
    return pd.DataFrame(own).join(scaled.groupby(series).mean())


def _coverage(rows: pd.DataFrame) -> pd.DataFrame:
    """How many per cent of the values lay inside of each interval, by step."""
    levels = {_inside(level): level for level in LEVELS if _inside(level) in rows}
    return rows[[*levels]].groupby(rows["step"]).mean().rename(columns=levels)


def _inside(level: int) -> str:
    return f"inside {level}"
