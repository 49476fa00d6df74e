"""Simulated series as a frame, as all of tsgen reads it."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd
from pandas.tseries.offsets import BaseOffset

from tsgen._messages import written
from tsgen._typing import FloatArray
from tsgen._validation import is_auto, season_lengths, seed_of, whole_number
from tsgen.data import TimeAxis, time_axis
from tsgen.errors import SettingError
from tsgen.simulation.prior import Prior

__all__ = ["simulate"]

_POINTS = 2**18
"""Rows of all series that are drawn at once, more or less."""


def simulate(
    n_series: int,
    length: int,
    *,
    freq: str | int | BaseOffset = "MS",
    season_length: int | tuple[int, int] | Literal["auto"] = "auto",
    random_state: int | None = None,
    prior: Prior | None = None,
) -> pd.DataFrame:
    """Simulate series of many kinds: trends, seasons, cycles, counts, and what else there is.

    They are drawn from a prior that is meant to be as wide as the series that people forecast:
    for tests, for teaching, and to learn how much data a method needs.

    Parameters
    ----------
    n_series, length : int
        Series, and rows of each.
    freq : str, int or offset, default "MS"
        Whatever pandas has an offset for, or the step of integer time.
    season_length : int, pair of int or "auto", default "auto"
        Rows in a season, 1 for none; or in a season and a longer one around it, such as
        ``(24, 168)``. By default that of the frequency, with the week around the day where a
        season is a day; integer time has none.
    random_state : int, optional
        The seed; another one each time if not given.
    prior : tsgen.simulation.Prior, optional
        Other shares of the parts.

    Returns
    -------
    pandas.DataFrame
        A long frame: `unique_id` ("s0", "s1", …), `ds` (from 2000-01-01, or from 0) and `y`
        (float64, finite). The same seed gives the same series, of which a larger ``n_series``
        has more; another length or season gives others.

    Raises
    ------
    SettingError
        For an argument that can't be used, with its value and what is accepted.

    Examples
    --------
    >>> import tsgen
    >>> df = tsgen.simulate(3, 48, random_state=0)
    >>> df.shape, df["ds"].iloc[-1].date().isoformat()
    ((144, 3), '2003-12-01')
    >>> from tsgen.simulation import Prior
    >>> counts = tsgen.simulate(
    ...     3, 48, random_state=0, prior=Prior(growth=0, counts=0.9, outliers=0)
    ... )
    """
    n_series = whole_number("n_series", n_series, "series to simulate")
    length = whole_number("length", length, "rows of each series")
    axis = time_axis(freq, length)
    seasons = _seasons_of(axis) if is_auto(season_length) else season_lengths(season_length)
    seed, prior = seed_of(random_state), _checked(prior)
    # Parts of one size whatever n_series is, so that it changes no series.
    size = min(256, max(64, _POINTS // length))
    parts = [
        prior.values(np.random.default_rng([seed, part]), size, length, *seasons)
        for part in range(-(-n_series // size))
    ]
    return _long_frame(np.concatenate(parts)[:n_series], axis.times)


def _seasons_of(axis: TimeAxis) -> tuple[int, int | None]:
    return axis.frequency.season_length or 1, axis.frequency.longer_season


def _checked(prior: Any) -> Prior:
    if prior is not None and not isinstance(prior, Prior):
        raise SettingError(
            f"prior={written(prior)}: expected a tsgen.simulation.Prior, such as "
            "Prior(outliers=0.0), or None"
        )
    return prior or Prior()


def _long_frame(values: FloatArray, times: pd.Index) -> pd.DataFrame:
    count, length = values.shape
    ids = pd.Index([f"s{number}" for number in range(count)])
    return pd.DataFrame(
        {
            "unique_id": ids.repeat(length),
            "ds": times.take(np.tile(np.arange(length), count)),
            "y": values.ravel(),
        }
    )
