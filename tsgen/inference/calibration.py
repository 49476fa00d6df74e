"""What is missing for intervals to be right, measured in closed loop on a held-out tail."""

from __future__ import annotations

import numpy as np
import torch

from tsgen._typing import IntArray
from tsgen.data import Panel
from tsgen.generation import Feedback
from tsgen.inference.fitted import FittedModel
from tsgen.inference.intervals import Calibration, Innovations, raw_half_widths
from tsgen.inference.spread import predicted_spread
from tsgen.inference.spread_calibration import SpreadCalibration
from tsgen.preprocessing import WindowIndex, by_series

__all__ = ["calibrate_on_tail", "calibrate_spread", "tail_length"]


_MOST_STEPS = 200_000
"""Steps of all calibration windows together, each of which is made for every path."""
_SAMPLES = 100
_PATHS_AT_ONCE = 4096
_MOST_WINDOWS = 2048
"""From which predicted spreads are calibrated."""
_MOST_OF_SERIES = 16


def tail_length(panel: Panel, train_horizon: int) -> int:
    """Rows to hold out of each series: three training horizons, or what half of them can spare.

    The longer the tail, the less its intervals depend on what happened in one stretch of time.
    """
    spare = int(np.median(panel.lengths)) // 3
    return max(1, min(3 * train_horizon, spare))


def calibrate_on_tail(model: FittedModel, panel: Panel, rows: int, seed: int) -> Calibration:
    """The factors that a model of the rows before a tail needs to cover the tail.

    Parameters
    ----------
    model : FittedModel
        Trained without the last ``rows`` rows of each series that has more than twice as many.
    panel : Panel
        All rows.
    rows : int
    seed : int

    Returns
    -------
    Calibration
        Pooled over all series with a tail. Where they are few, each is forecast from several
        cutoffs inside its tail.
    """
    channels = panel.channels
    cutoffs = _cutoffs(panel.lengths[::channels], rows, max(_MOST_STEPS // rows, 1), rows)
    if not len(cutoffs.series):
        return Calibration.none()
    series = model.units.scaled(panel, model.units.scalers_of(panel))
    # What is forecast is never read: a context ends at its cutoff.
    one_step = model.encode_at(series, _first_of_each(cutoffs)).errors
    innovations = Innovations(Innovations.pooled(one_step), seed)
    errors, half_widths = [], []
    at_once = max(1, _PATHS_AT_ONCE // (_SAMPLES * channels))
    for index in map(WindowIndex, cutoffs.series.split(at_once), cutoffs.cutoff.split(at_once)):
        encoding = model.encode_at(series, index)
        truth, known = series.gather(index, 0, rows)
        units = encoding.normaliser.apply(truth, known)
        covariates = series.covariates_at(index, 0, rows)
        point = model.run(encoding, rows, Feedback(covariates=covariates)).path
        errors.append(by_series(torch.where(known, units - point, torch.nan)))
        pairs = zip(index.series.tolist(), index.cutoff.tolist(), strict=True)
        # The cutoff is part of the key, lest all cutoffs of a series share their draws.
        keys = [f"{panel.ids[i * channels]} {cutoff}" for i, cutoff in pairs]
        drawn = innovations.draw(encoding.errors, keys, rows, _SAMPLES)
        copies = torch.arange(len(encoding)).repeat_interleave(_SAMPLES)
        feedback = Feedback(
            drawn.flatten(0, 1),
            covariates=None if covariates is None else covariates[copies],
        )
        paths = model.run(encoding.beams(_SAMPLES), rows, feedback).path
        half_widths.append(raw_half_widths(by_series(paths.unflatten(0, (-1, _SAMPLES)))))
    return Calibration.fit(torch.cat(errors).double().numpy(), np.concatenate(half_widths, axis=2))


def calibrate_spread(
    model: FittedModel, unseen: FittedModel, panel: Panel, rows: int
) -> SpreadCalibration:
    """How many times the spread that a model predicts the errors of a tail are.

    Parameters
    ----------
    model : FittedModel
        What predicts the spread. If it has learned from the tail, its errors there are too small.
    unseen : FittedModel
        The one whose errors count, which has not learned from the tail; it reads as the other does.
    panel : Panel
        All rows.
    rows : int
        Of the tail; each series that has more than twice as many is forecast from some places
        inside of it.
    """
    cutoffs = _cutoffs(panel.lengths[:: panel.channels], rows, _MOST_WINDOWS, _MOST_OF_SERIES)
    if not len(cutoffs.series):
        return SpreadCalibration.none()
    series = model.units.scaled(panel, model.units.scalers_of(panel))
    truth, known = series.gather(cutoffs, 0, rows)
    feedback = Feedback(covariates=series.covariates_at(cutoffs, 0, rows))
    encoding = model.encode_at(series, cutoffs)
    path = model.run(encoding, rows, feedback).path
    spread = predicted_spread(model, encoding, path, feedback)
    if unseen is not model:
        path = unseen.run(unseen.encode_at(series, cutoffs), rows, feedback).path
    errors = torch.where(known, encoding.normaliser.apply(truth, known) - path, torch.nan)
    return SpreadCalibration.fit(*(by_series(part).double().numpy() for part in (errors, spread)))


def _cutoffs(lengths: IntArray, rows: int, most: int, most_of_series: int) -> WindowIndex:
    """Where to forecast from: the start of each tail, and more places inside it if there's room."""
    with_tail = np.flatnonzero(lengths > 2 * rows)
    if len(with_tail) > most:
        with_tail = with_tail[np.linspace(0, len(with_tail) - 1, most).astype(np.int64)]
    each = max(1, min(rows, most_of_series, most // max(len(with_tail), 1)))
    inside = np.linspace(0, rows, each, endpoint=False).astype(np.int64)
    series = np.repeat(with_tail, each)
    cutoff = lengths[series] - rows + np.tile(inside, len(with_tail))
    return WindowIndex(torch.from_numpy(series), torch.from_numpy(cutoff))


def _first_of_each(index: WindowIndex) -> WindowIndex:
    first = np.unique(index.series.numpy(), return_index=True)[1]
    return WindowIndex(index.series[first], index.cutoff[first])
