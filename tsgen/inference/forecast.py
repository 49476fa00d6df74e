"""What forecasts show: the point, quantiles around it, sample paths; in the user's units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tsgen._typing import FloatArray
from tsgen.inference.continuation import Continuation, Until
from tsgen.inference.intervals import Calibration, Innovations
from tsgen.inference.spread_calibration import SpreadCalibration

__all__ = ["SAMPLES", "Spread", "forecast_outputs", "sample_paths"]

SAMPLES = 200
"""Paths behind the levels and quantiles of a forecast."""
_FEWEST_SAMPLES = 100
"""Paths that are rolled out to be calibrated, however few are asked for."""


@dataclass(frozen=True, eq=False)
class Spread:
    """What paths around a forecast are made of.

    Attributes
    ----------
    innovations : Innovations
    calibration : Calibration or SpreadCalibration, optional
        How they are stretched around the forecast; not at all if there is none.
    """

    innovations: Innovations
    calibration: Calibration | SpreadCalibration | None = None


def forecast_outputs(
    continuation: Continuation,
    shares: Mapping[str, float],
    spread: Spread | None,
    until: Until | None = None,
) -> dict[str, Any]:
    """The point forecast, and quantiles of the paths around it.

    Parameters
    ----------
    continuation : Continuation
    shares : mapping of str to float
        By the suffix of a quantile's column, the share of paths below it.
    spread : Spread, optional
        Needed if there are shares.
    until : callable, optional
        What ends a series' path; adds the output ``"-stopped"``.

    Returns
    -------
    dict of str to ndarray of shape (N, H)
        By suffix; the point's is empty.
    """
    point = continuation.point(until)
    outputs: dict[str, Any] = {"": point.values}
    if until is not None:
        outputs["-stopped"] = point.stopped
    if shares:
        assert spread is not None
        bands = _quantiles(continuation, list(shares.values()), spread)
        bands[:, np.isnan(point.values)] = np.nan
        outputs |= dict(zip(shares, bands, strict=True))
    return outputs


def sample_paths(
    continuation: Continuation, spread: Spread, num_samples: int, until: Until | None = None
) -> FloatArray:
    """Sample paths, (N, S, H), each with NaN after its end."""
    # Few paths say little of their own spread, by which they are calibrated.
    rolled = num_samples if spread.calibration is None else max(num_samples, _FEWEST_SAMPLES)
    paths = np.empty((len(continuation.origins), num_samples, continuation.horizon))
    for series, values in continuation.paths(spread.innovations, rolled, spread.calibration, until):
        paths[series] = values[:, :num_samples]
    return np.rint(paths) if continuation.model.units.scaler.counts else paths


def _quantiles(continuation: Continuation, shares: Sequence[float], spread: Spread) -> FloatArray:
    """Quantiles around the forecast, (Q, N, H): of sample paths, unless there is a quicker way."""
    calibration = spread.calibration
    if isinstance(calibration, SpreadCalibration):
        bands = continuation.quantiles(calibration, shares)
    else:
        bands = np.concatenate(
            [
                np.quantile(paths, shares, axis=1)
                for _, paths in continuation.paths(spread.innovations, SAMPLES, calibration)
            ],
            axis=1,
        )
    if continuation.model.units.scaler.counts:
        # Outward, so that an interval of whole numbers covers no less.
        below = np.array(shares)[:, None, None] < 0.5
        bands = np.where(below, np.floor(bands), np.ceil(bands))
    return bands
