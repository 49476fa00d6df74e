"""What follows from where series stand, in the user's units: a point forecast, paths around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from tsgen._typing import BoolArray, FloatArray, IntArray
from tsgen.data import listing
from tsgen.errors import ClosedLoopWarning, DivergenceError, SettingError, warn_user
from tsgen.generation import Feedback
from tsgen.inference.fitted import FittedModel, Generated
from tsgen.inference.intervals import Calibration, Innovations
from tsgen.inference.spread import predicted_spread
from tsgen.inference.spread_calibration import SpreadCalibration
from tsgen.inference.state import ForecastOrigins
from tsgen.preprocessing import WindowNormaliser, by_series, by_system

__all__ = ["Continuation", "OnBlowup", "Point", "Until"]

OnBlowup = Literal["clip", "raise"]
Until = Callable[[Any], Any]

_PATHS_AT_ONCE = 4096
"""Rows of series times paths that are held in memory together."""
_CELLS_AT_ONCE = 4_000_000
"""Values of paths that are; fewer rows for a long horizon."""


class Point(NamedTuple):
    """The forecast itself."""

    values: FloatArray
    """Of shape (N, H); NaN after a series' stop."""
    stopped: BoolArray
    """Of shape (N, H): true from the step on at which a series' path was stopped."""


@dataclass(frozen=True)
class Continuation:
    """What follows from where forecasts start.

    The loop runs by system, (B, steps, C); what comes of it is by series, N = B·C of them.

    Attributes
    ----------
    model : FittedModel
    origins : ForecastOrigins
    horizon : int
        H.
    given : ndarray of shape (N, H), optional
        Values that are known, in the user's units; NaN where they aren't.
    on_blowup : {"clip", "raise"}
    covariates : Tensor of shape (systems, steps ahead, D), optional
        Of all steps after each system's own last row.
    """

    model: FittedModel
    origins: ForecastOrigins
    horizon: int
    given: FloatArray | None = None
    on_blowup: OnBlowup = "clip"
    covariates: Tensor | None = None

    def point(self, until: Until | None = None) -> Point:
        """The closed loop without innovations."""
        if until is None:
            self._report_blowups(self._free_run, torch.from_numpy(self._columns[:, -1]))
            values = self._in_user_units(self._free_run.path, slice(None))
            return Point(values, np.zeros(values.shape, dtype=np.bool_))
        condition = _StopCondition(until, len(self.origins), self.horizon)

        def all_stopped(units: Tensor) -> bool:
            steps = units.shape[1] - (self._ahead - self.horizon)
            return condition.met_by(self._in_user_units(units, slice(None))[:, : max(steps, 0)])

        run = self._roll(all_stopped)
        stopped = condition.stopped
        # What a loop does after its path has ended is nobody's concern.
        first = np.where(stopped.any(axis=1), stopped.argmax(axis=1), self.horizon - 1)
        self._report_blowups(run, torch.from_numpy(first + self.origins.behind))
        return Point(_cut(self._in_user_units(run.path, slice(None)), stopped), stopped)

    def attention(self) -> FloatArray:
        """What each step of the horizon attends to in the context of its system, (B, H, T)."""
        feedback = Feedback(given=self._given_units, covariates=self.covariates)
        found = self.model.attention(self.origins.encoding, self._ahead, feedback).numpy()
        columns = self._columns[:: self.model.channels, :, None]
        return np.take_along_axis(found, columns, axis=1)

    def quantiles(self, calibration: SpreadCalibration, shares: Sequence[float]) -> FloatArray:
        """Quantiles around the point forecast, (Q, N, H), from its predicted spread."""
        multiples = torch.from_numpy(calibration.multiples(shares, self._ahead))
        centre, spread = self._free_run.path, self._spread
        bounds = [centre + row.to(centre.dtype) * spread for row in multiples]
        return np.stack([self._in_user_units(bound, slice(None)) for bound in bounds])

    def paths(
        self,
        innovations: Innovations,
        num_samples: int,
        calibration: Calibration | SpreadCalibration | None,
        until: Until | None = None,
    ) -> Iterator[tuple[slice, FloatArray]]:
        """Sample paths, some series at a time; with a predicate each has NaN after its hit.

        Yields
        ------
        series : slice
        paths : ndarray of shape (B, S, H)
        """
        lost: dict[str, int] = {}
        cells = max(1, _CELLS_AT_ONCE // self._ahead)
        channels = self.model.channels
        at_once = max(1, min(_PATHS_AT_ONCE, cells) // (num_samples * channels))
        for systems in torch.arange(len(self.origins.encoding)).split(at_once):
            series = slice(int(systems[0]) * channels, (int(systems[-1]) + 1) * channels)
            units, left = self._paths(systems, series, innovations, num_samples)
            if isinstance(calibration, SpreadCalibration):
                centre, spread = self._free_run.path[series], self._spread[series]
                units = calibration.stretch(units, centre, spread)
            elif calibration is not None:
                units = calibration.stretch(units, self._free_run.path[series])
            values = self._in_user_units(units, series)
            if until is not None:
                values = _stopped_paths(values, until)
            # What a path does after its end is nobody's concern.
            steps = np.isfinite(values).sum(axis=2) + self.origins.behind[series, None]
            counts = (left.numpy() < steps).sum(axis=1)
            for i in np.flatnonzero(counts):
                lost[self.origins.name(series.start + int(i))] = int(counts[i])
            yield series, values
        if lost:
            where = [f"{count} of {num_samples} of {name}" for name, count in lost.items()]
            self._report(f"paths left the limits of the closed loop: {listing(where)}")

    def _paths(
        self, systems: Tensor, series: slice, innovations: Innovations, num_samples: int
    ) -> tuple[Tensor, Tensor]:
        """Rollouts of some systems, by series: (N, S, H), and when each left its limits."""
        errors = self.origins.encoding.errors[systems]
        keys = list(self.origins.ids[series][:: self.model.channels])
        drawn = innovations.draw(errors, keys, self._ahead, num_samples)
        copies = systems.repeat_interleave(num_samples)
        start = self.origins.encoding.take(systems).beams(num_samples)
        feedback = Feedback(
            drawn.flatten(0, 1),
            None if self._given_units is None else self._given_units[copies],
            covariates=None if self.covariates is None else self.covariates[copies],
        )
        run = self.model.run(start, self._ahead, feedback)
        path, left = (by_series(part.unflatten(0, (-1, num_samples))) for part in run)
        return path, left

    @cached_property
    def _ahead(self) -> int:
        """Steps to roll: a series that ends before its wide frame does needs some more."""
        return self.horizon + int(self.origins.behind.max())

    @cached_property
    def _free_run(self) -> Generated:
        """The closed loop without innovations, all steps ahead, by series."""
        return self._roll(None)

    @cached_property
    def _spread(self) -> Tensor:
        """Of the point forecast's errors, as the model itself predicts it, (N, steps ahead)."""
        path = by_system(self._free_run.path, self.model.channels)
        feedback = Feedback(given=self._given_units, covariates=self.covariates)
        return by_series(predicted_spread(self.model, self.origins.encoding, path, feedback))

    def _roll(self, enough: Callable[[Tensor], bool] | None) -> Generated:
        feedback = Feedback(given=self._given_units, covariates=self.covariates)
        asked = None if enough is None else lambda path: enough(by_series(path))
        run = self.model.run(self.origins.encoding, self._ahead, feedback, enough=asked)
        return Generated(*map(by_series, run))

    def _report_blowups(self, run: Generated, last: Tensor) -> None:
        """Report loops that left their limits up to the last step that counts, (N,)."""
        lost = torch.nonzero(run.left <= last).squeeze(1).tolist()
        if lost:
            origins = self.origins
            where = [
                f"series {origins.name(i)} at step {int(run.left[i]) - int(origins.behind[i]) + 1}"
                for i in lost[:5]
            ]
            self._report(f"the closed loop left its limits: {listing(where, total=len(lost))}")

    def _report(self, what: str) -> None:
        if self.on_blowup == "raise":
            raise DivergenceError(f"{what}; model.stability() tells more")
        warn_user(
            f"{what}; values are held there. model.stability() tells more, on_blowup='raise' makes "
            "this an error",
            ClosedLoopWarning,
        )

    @cached_property
    def _given_units(self) -> Tensor | None:
        """The given values in the normaliser's units, (B, steps ahead, C)."""
        if self.given is None:
            return None
        known = ~np.isnan(self.given)
        some = np.flatnonzero(known.any(axis=1))
        offsets = np.concatenate([[0], np.cumsum(known[some].sum(axis=1))])
        scaled = np.full(self.given.shape, np.nan)
        if len(some):
            scalers = self.origins.scalers.take(some)
            scaled[known] = scalers.transform(self.given[known], offsets)
        shifted = np.full((len(scaled), self._ahead), np.nan)
        np.put_along_axis(shifted, self._columns, scaled, axis=1)
        values = torch.from_numpy(shifted)
        units = self._normaliser.apply(values, ~values.isnan())
        units = torch.where(values.isnan(), torch.nan, units.to(self.model.network.dtype))
        return by_system(units, self.model.channels)

    @cached_property
    def _normaliser(self) -> WindowNormaliser:
        """That of each series, (N, 1)."""
        return self.origins.encoding.normaliser.map(lambda tensor, _: by_series(tensor))

    @cached_property
    def _columns(self) -> IntArray:
        """Where the steps of the horizon stand among the steps ahead, (N, H)."""
        return self.origins.behind[:, None] + np.arange(self.horizon)

    def _in_user_units(self, units: Tensor, series: slice) -> FloatArray:
        """Paths (B, steps) or (B, S, steps) of some series, cut to the horizon."""
        scalers = self.origins.scalers
        if len(scalers) != len(units):
            scalers = scalers.take(np.arange(len(scalers))[series])
        normaliser = self._normaliser.map(lambda tensor, _: tensor[series])
        values = scalers.inverse_transform(normaliser.invert(units.flatten(1)).numpy())
        values = values.reshape(units.shape)
        if units.shape[-1] < self._ahead:  # stopped early
            rest = np.full((*values.shape[:-1], self._ahead - units.shape[-1]), np.nan)
            values = np.concatenate([values, rest], axis=-1)
        of_series = (slice(None), None) if units.ndim == 3 else slice(None)
        if self._ahead > self.horizon:
            columns = self._columns[series][of_series]
            shape = (*values.shape[:-1], self.horizon)
            values = np.take_along_axis(values, np.broadcast_to(columns, shape), axis=-1)
        if self.given is None:
            return values
        given = self.given[series][of_series]
        return np.where(np.isnan(given), values, given)


class _StopCondition:
    """A predicate of values, asked about each once, however often a rollout stops to ask."""

    def __init__(self, until: Until, series: int, horizon: int) -> None:
        self._until = until
        self._asked = 0
        self.stopped = np.zeros((series, horizon), dtype=np.bool_)
        """True from the first step on for which the predicate was true."""

    def met_by(self, values: FloatArray) -> bool:
        """Ask about the steps that are new, (N, steps so far): whether all series have ended."""
        new = slice(self._asked, values.shape[1])
        if new.start < new.stop:
            hits = _evaluated(self._until, values[:, new]).cumsum(axis=1) > 0
            before = self.stopped[:, new.start - 1, None] if new.start else False
            self.stopped[:, new] = hits | before
            self.stopped[:, new.stop :] = self.stopped[:, new.stop - 1, None]
            self._asked = new.stop
        return bool(self.stopped[:, -1].all())


def _stopped_paths(paths: FloatArray, until: Until) -> FloatArray:
    """Paths (N, S, H), each with NaN after the first value of which the predicate is true."""
    flat = paths.reshape(-1, paths.shape[-1])
    return _cut(flat, _evaluated(until, flat).cumsum(axis=1) > 0).reshape(paths.shape)


def _cut(values: FloatArray, stopped: BoolArray) -> FloatArray:
    """Values (N, H) with NaN after the first step that is marked."""
    after = np.zeros_like(stopped)
    after[:, 1:] = stopped[:, :-1]
    return np.where(after, np.nan, values)


def _evaluated(until: Until, values: FloatArray) -> BoolArray:
    """The predicate's answers, (N, H); NaN is no value to ask about."""
    try:
        answers = np.asarray(until(values))
    except (TypeError, ValueError):  # written for one value at a time
        answers = np.empty(0)
    if answers.shape != values.shape:
        answers = np.array([[bool(until(value)) for value in row] for row in values])
    if answers.dtype != np.bool_:
        raise SettingError(f"until= returned {answers.dtype}: expected True or False for a value")
    return np.asarray(answers & ~np.isnan(values))
