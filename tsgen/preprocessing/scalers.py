"""Bringing series to one scale: a transformer per series, and a normaliser per window.

The transformer (a named one, or any of scikit-learn with an inverse) is fitted on training rows
only. The named ones keep two float64 arrays for the whole panel, however many series it has.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.base import BaseEstimator, clone
from torch import Tensor

from tsgen._messages import written
from tsgen._typing import BoolArray, FloatArray, IntArray
from tsgen.data import changed_by_chunks, in_chunks, listing, offsets_of, ranges
from tsgen.errors import ScalerError, SettingError
from tsgen.nn import TensorRecord
from tsgen.preprocessing.target_transforms import TargetTransform

__all__ = [
    "NAMED_SCALERS",
    "SPREAD_FLOOR",
    "PanelScaler",
    "SeriesScalers",
    "WindowNormaliser",
    "check_template",
    "fit_scaler",
    "fit_scalers",
]


NAMED_SCALERS = ("standard", "minmax", "robust")

SPREAD_FLOOR = 0.01


class SeriesScalers(ABC):
    """One fitted scaler for each of N series."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def take(self, positions: IntArray) -> SeriesScalers:
        """The scalers of some of the series."""

    @abstractmethod
    def append(self, other: SeriesScalers) -> SeriesScalers:
        """These scalers, then the others."""

    @abstractmethod
    def transform(self, values: FloatArray, offsets: IntArray) -> FloatArray:
        """Flat values (rows,) of the N series, scaled."""

    @abstractmethod
    def inverse_transform(self, values: FloatArray) -> FloatArray:
        """Values of shape (N, H) in the series' own units."""


@dataclass(frozen=True)
class AffineScalers(SeriesScalers):
    """``(y - centre) / scale``, both of shape (N,)."""

    centre: FloatArray
    scale: FloatArray

    def __len__(self) -> int:
        return len(self.centre)

    def take(self, positions: IntArray) -> AffineScalers:
        return AffineScalers(self.centre[positions], self.scale[positions])

    def append(self, other: SeriesScalers) -> AffineScalers:
        assert isinstance(other, AffineScalers)
        return AffineScalers(
            np.concatenate([self.centre, other.centre]), np.concatenate([self.scale, other.scale])
        )

    def transform(self, values: FloatArray, offsets: IntArray) -> FloatArray:
        lengths = np.diff(offsets)

        def scaled_rows(some: slice, rows: FloatArray) -> FloatArray:
            scaled = rows - np.repeat(self.centre[some], lengths[some])
            scaled /= np.repeat(self.scale[some], lengths[some])
            return scaled

        return changed_by_chunks(values, offsets, scaled_rows)

    def inverse_transform(self, values: FloatArray) -> FloatArray:
        return values * self.scale[:, None] + self.centre[:, None]


@dataclass(frozen=True)
class TransformerScalers(SeriesScalers):
    """A fitted scikit-learn transformer for each series."""

    transformers: tuple[Any, ...]

    def __len__(self) -> int:
        return len(self.transformers)

    def take(self, positions: IntArray) -> TransformerScalers:
        return TransformerScalers(tuple(self.transformers[i] for i in positions))

    def append(self, other: SeriesScalers) -> TransformerScalers:
        assert isinstance(other, TransformerScalers)
        return TransformerScalers(self.transformers + other.transformers)

    def transform(self, values: FloatArray, offsets: IntArray) -> FloatArray:
        scaled = np.full(len(values), np.nan)
        for transformer, (first, stop) in zip(self.transformers, pairwise(offsets), strict=True):
            rows = values[first:stop]
            known = ~np.isnan(rows)
            if known.any():
                column = _column(transformer.transform(rows[known, None]))
                scaled[first:stop][known] = column
        return scaled

    def inverse_transform(self, values: FloatArray) -> FloatArray:
        restored = [
            _column(transformer.inverse_transform(rows[:, None]))
            for transformer, rows in zip(self.transformers, values, strict=True)
        ]
        return np.stack(restored)


@dataclass(frozen=True)
class TransformedScalers(SeriesScalers):
    """Scalers behind a target transform, for those series that it applies to."""

    target_transform: TargetTransform
    applies: BoolArray
    ids: pd.Index
    """Of the series, for messages."""
    scalers: SeriesScalers

    def __len__(self) -> int:
        return len(self.scalers)

    def take(self, positions: IntArray) -> TransformedScalers:
        scalers = self.scalers.take(positions)
        return TransformedScalers(
            self.target_transform, self.applies[positions], self.ids[positions], scalers
        )

    def append(self, other: SeriesScalers) -> TransformedScalers:
        assert isinstance(other, TransformedScalers)
        applies = np.concatenate([self.applies, other.applies])
        scalers = self.scalers.append(other.scalers)
        return TransformedScalers(
            self.target_transform, applies, self.ids.append(other.ids), scalers
        )

    def transform(self, values: FloatArray, offsets: IntArray) -> FloatArray:
        return self.scalers.transform(self.transformed(values, offsets), offsets)

    def inverse_transform(self, values: FloatArray) -> FloatArray:
        restored = self.scalers.inverse_transform(values)
        restored[self.applies] = self.target_transform.inverse(restored[self.applies])
        return restored

    def transformed(self, values: FloatArray, offsets: IntArray) -> FloatArray:
        """Flat values, transformed; one outside of its bounds is an error that names it."""
        lengths = np.diff(offsets)

        def outside(some: slice, rows: FloatArray) -> IntArray:
            applies = np.repeat(self.applies[some], lengths[some])
            found = np.flatnonzero(self.target_transform.outside(rows) & applies)
            return found + int(offsets[some.start])

        def forward(some: slice, rows: FloatArray) -> FloatArray:
            applies, changed = np.repeat(self.applies[some], lengths[some]), rows.copy()
            changed[applies] = self.target_transform.forward(rows[applies])
            return changed

        wrong = np.concatenate([outside(*part) for part in in_chunks(values, offsets)])
        if len(wrong):
            series = np.searchsorted(offsets, wrong, side="right") - 1
            where = [
                f"series {written(self.ids[i])}, row {row - offsets[i]} ({values[row]:g})"
                for i, row in zip(series[:5], wrong[:5], strict=True)
            ]
            raise ScalerError(
                f"a value of the target {self.target_transform.complaint}: "
                f"{listing(where, total=len(wrong))}"
            )
        return changed_by_chunks(values, offsets, forward)


@dataclass(frozen=True)
class PanelScaler:
    """The scalers of the series seen in fit, and what fits one to a series not seen.

    Attributes
    ----------
    template : str, transformer or None
        As the user gave it.
    ids : Index of shape (N,)
    scalers : SeriesScalers
        One for each id; or, if shared, one for each channel of all systems.
    shared : int, default 0
        The channels of a system where all systems share their scalers.
    target_transform : TargetTransform, optional
        Goes before the scalers.
    transformed : tuple of bool, default (True,)
        To which channels of a system it applies.
    """

    template: Any
    ids: pd.Index
    scalers: SeriesScalers
    shared: int = 0
    target_transform: TargetTransform | None = None
    transformed: tuple[bool, ...] = (True,)

    @property
    def counts(self) -> bool:
        """Whether the values are whole numbers."""
        return self.target_transform is not None and self.target_transform.whole

    def knows(self, ids: pd.Index) -> bool:
        """Whether none of these series gets a scaler of its own rows."""
        return bool(self.shared) or bool((self.ids.get_indexer(ids) >= 0).all())

    def for_series(self, ids: pd.Index, values: FloatArray, offsets: IntArray) -> SeriesScalers:
        """The scalers of these series; one not seen in fit gets its own from the given rows."""
        if self.target_transform is None:
            return self._scalers_of(ids, values, offsets)
        transformed = _transform_alone(self.target_transform, self.transformed, ids).transformed(
            values, offsets
        )
        scalers = self._scalers_of(ids, transformed, offsets)
        return TransformedScalers(
            self.target_transform, _by_channel(self.transformed, len(ids)), ids, scalers
        )

    def _scalers_of(self, ids: pd.Index, values: FloatArray, offsets: IntArray) -> SeriesScalers:
        if self.shared:
            return self.scalers.take(np.arange(len(ids)) % self.shared)
        positions = self.ids.get_indexer(ids)
        unseen = positions < 0
        if not unseen.any():
            return self.scalers.take(positions)
        lengths = np.diff(offsets)
        new = fit_scalers(
            self.template,
            ids[unseen],
            values[np.repeat(unseen, lengths)],
            offsets_of(lengths[unseen]),
        )
        positions[unseen] = len(self.scalers) + np.arange(len(new))
        return self.scalers.append(new).take(positions)


def fit_scaler(
    template: Any,
    ids: pd.Index,
    values: FloatArray,
    offsets: IntArray,
    *,
    shared: int = 0,
    target_transform: TargetTransform | None = None,
    transformed: tuple[bool, ...] = (True,),
) -> PanelScaler:
    """Fit a scaler to each series, or one to each channel of all of them.

    Parameters
    ----------
    template : {"standard", "minmax", "robust"}, transformer or None
        A transformer is cloned for each series and gets its rows as one column, float64;
        ``None`` leaves values as they are.
    ids : Index of shape (N,)
    values : ndarray of shape (rows,)
        float64, one series after the other; NaN is left out.
    offsets : ndarray of shape (N + 1,)
    shared : int, default 0
        C to share scalers: the series at i, i + C, i + 2C … have one.
    target_transform : TargetTransform, optional
        Is applied first.
    transformed : tuple of bool
        To which channels.

    Raises
    ------
    SettingError
        If ``template`` is none of these.
    ScalerError
        If a transformer can't be fitted to a series, or doesn't give back what went in, or a
        value is outside of the transform's bounds.
    """
    if target_transform is not None:
        values = _transform_alone(target_transform, transformed, ids).transformed(values, offsets)
    if shared:
        # Series by series, those of one channel after those of the other.
        order = np.arange(len(ids)).reshape(-1, shared).T.ravel()
        lengths = np.diff(offsets)
        values = values[ranges(offsets[:-1][order], lengths[order])]
        pooled = lengths.reshape(-1, shared).sum(axis=0)
        offsets = offsets_of(pooled)
        names = pd.Index(["all series"] * shared)
        return PanelScaler(
            template,
            ids,
            fit_scalers(template, names, values, offsets),
            shared,
            target_transform,
            transformed,
        )
    return PanelScaler(
        template, ids, fit_scalers(template, ids, values, offsets), 0, target_transform, transformed
    )


def _by_channel(flags: tuple[bool, ...], count: int) -> BoolArray:
    return np.tile(np.array(flags, dtype=np.bool_), count // len(flags))


def _transform_alone(
    target_transform: TargetTransform, flags: tuple[bool, ...], ids: pd.Index
) -> TransformedScalers:
    """The transform alone, before there are scalers behind it."""
    plain = AffineScalers(np.zeros(len(ids)), np.ones(len(ids)))
    return TransformedScalers(target_transform, _by_channel(flags, len(ids)), ids, plain)


def fit_scalers(
    template: Any, ids: pd.Index, values: FloatArray, offsets: IntArray, *, invertible: bool = True
) -> SeriesScalers:
    """Fit a scaler to each series; without need of an inverse for what is never forecast."""
    check_template("scaler" if invertible else "covariate_scaler", template, invertible=invertible)
    if template is None:
        return AffineScalers(np.zeros(len(ids)), np.ones(len(ids)))
    if isinstance(template, str) and template in NAMED_SCALERS:
        parts = [
            _fit_affine(template, *_known(rows, offsets[some.start : some.stop + 1]))
            for some, rows in in_chunks(values, offsets)
        ]
        return AffineScalers(
            np.concatenate([part.centre for part in parts]),
            np.concatenate([part.scale for part in parts]),
        )
    values, offsets = _known(values, offsets)
    return TransformerScalers(
        tuple(
            _fit_transformer(template, name, rows, invertible=invertible)
            for name, rows in zip(ids, _split(values, offsets), strict=True)
        )
    )


def _known(values: FloatArray, offsets: IntArray) -> tuple[FloatArray, IntArray]:
    """Rows without those that are missing, and where series begin among them."""
    offsets = offsets - offsets[0]
    known = ~np.isnan(values)
    if known.all():
        return values, offsets
    offsets = np.concatenate([[0], np.cumsum(known)])[offsets]
    values = values[known]
    nothing = np.diff(offsets) == 0  # a covariate may be unknown in a whole series
    values = np.insert(values, offsets[:-1][nothing], 0.0)
    return values, offsets + np.concatenate([[0], np.cumsum(nothing)])


def check_template(name: str, template: Any, *, invertible: bool = True) -> None:
    """Refuse what is no scaler with a `SettingError` that says what is."""
    if template is None or (isinstance(template, str) and template in NAMED_SCALERS):
        return
    methods = ("fit", "transform", *(["inverse_transform"] if invertible else []))
    if isinstance(template, type) or not all(hasattr(template, method) for method in methods):
        *most, last = methods
        raise SettingError(
            f"{name}={written(template)}: expected one of {', '.join(map(repr, NAMED_SCALERS))}, "
            "None, "
            f"or a scikit-learn transformer (an instance) with {', '.join(most)} and {last}"
        )


def _fit_affine(name: str, values: FloatArray, offsets: IntArray) -> AffineScalers:
    starts, lengths = offsets[:-1], np.diff(offsets)
    low = np.minimum.reduceat(values, starts)
    high = np.maximum.reduceat(values, starts)
    if name == "minmax":
        centre, scale = low, high - low
    else:
        centre, scale = _mean_and_spread(values, starts, lengths, np.maximum(-low, high))
        if name == "robust":
            centre, quartiles = _median_and_quartiles(values, offsets)
            scale = np.where(quartiles > 0, quartiles, scale)
    # Sums of equal numbers round: what is constant is said by the range, not by the spread.
    constant = low == high
    return AffineScalers(
        np.where(constant, low, centre), np.where(constant | (scale == 0), 1.0, scale)
    )


def _mean_and_spread(
    values: FloatArray, starts: IntArray, lengths: IntArray, size: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation, (N,) each; squares are taken in units of the largest value."""
    unit = np.where(size > 0, size, 1.0)
    relative = values / np.repeat(unit, lengths)
    mean = np.add.reduceat(relative, starts) / lengths
    relative -= np.repeat(mean, lengths)
    np.square(relative, out=relative)
    return mean * unit, np.sqrt(np.add.reduceat(relative, starts) / lengths) * unit


def _median_and_quartiles(values: FloatArray, offsets: IntArray) -> tuple[FloatArray, FloatArray]:
    """Median and interquartile range, (N,) each, by one sort of the whole panel."""
    lengths = np.diff(offsets)
    in_order = values[np.lexsort((values, np.repeat(np.arange(len(lengths)), lengths)))]
    quarter, half, three = (_quantile(in_order, offsets, q) for q in (0.25, 0.5, 0.75))
    return half, three - quarter


def _quantile(in_order: FloatArray, offsets: IntArray, q: float) -> FloatArray:
    position = offsets[:-1] + q * (np.diff(offsets) - 1)
    below = np.floor(position).astype(np.int64)
    above = np.ceil(position).astype(np.int64)
    return in_order[below] + (position - below) * (in_order[above] - in_order[below])


def _fit_transformer(
    template: BaseEstimator, name: Any, rows: FloatArray, *, invertible: bool
) -> BaseEstimator:
    column = rows[:, None]
    try:
        transformer = clone(template).fit(column)
        scaled = transformer.transform(column)
        restored = _column(transformer.inverse_transform(scaled)) if invertible else rows
        scaled = _column(scaled)
    except Exception as error:
        raise ScalerError(
            f"scaler {written(template)} failed on series {written(name)}: {error}"
        ) from error
    if len(scaled) != len(rows):
        raise ScalerError(
            f"scaler {written(template)} turned the {len(rows)} rows of series {written(name)} "
            "into "
            f"{len(scaled)} values; expected one column of as many rows"
        )
    for what, result in (("transform", scaled), ("inverse_transform", restored)):
        bad = np.flatnonzero(~np.isfinite(result))
        if bad.size:
            where = listing([f"row {i} ({rows[i]:g})" for i in bad[:5]], total=len(bad))
            raise ScalerError(
                f"{what} of scaler {written(template)} gives values that aren't finite for series "
                f"{written(name)}: {where}; choose a scaler that is defined for them"
            )
    worst = int(np.abs(restored - rows).argmax())
    # Digits that float64 loses at a high level are no fault of the inverse.
    tolerance = 1e-6 * np.ptp(rows) + 1e-12 * np.abs(rows).max()
    if abs(restored[worst] - rows[worst]) > tolerance:
        raise ScalerError(
            f"scaler {written(template)} doesn't invert: for series {written(name)}, row {worst}, "
            f"{rows[worst]:g} came back as {restored[worst]:g}; give it a matching inverse"
        )
    return transformer


def _split(values: FloatArray, offsets: IntArray) -> Iterator[FloatArray]:
    return (values[a:b] for a, b in pairwise(offsets))


def _column(scaled: Any) -> FloatArray:
    return np.asarray(scaled, dtype=np.float64).reshape(-1)


@dataclass(frozen=True, eq=False)
class WindowNormaliser(TensorRecord):
    """Mean and spread of each window's context, float64, of shape (B, 1, C).

    A spread of 0 stands for rows that are all equal: they are 0 in the normaliser's units, and
    whatever the network adds, the forecast is the constant.
    """

    mean: Tensor
    spread: Tensor

    @classmethod
    def of(
        cls, values: Tensor, known: Tensor, context_length: int, window_norm: bool
    ) -> WindowNormaliser:
        """Measure the context; without ``window_norm`` only constant windows are centred.

        Parameters
        ----------
        values, known : Tensor of shape (B, rows, C)
            float64 and bool: the rows before a cutoff, of which the last ``context_length`` are
            the context.
        """
        mean, spread = _moments(values[:, -context_length:], known[:, -context_length:])
        # The floor is a fraction of the spread of all that is read: a flat context must not blow
        # up the rows that lags reach before it.
        own_spread = _moments(values, known)[1]
        if window_norm:
            return cls(mean, torch.maximum(spread, SPREAD_FLOOR * own_spread))
        constant = own_spread == 0
        zero = torch.zeros_like(mean)
        return cls(torch.where(constant, mean, zero), torch.where(constant, zero, zero + 1.0))

    def apply(self, values: Tensor, known: Tensor) -> Tensor:
        """Values (B, rows, C) in the normaliser's units, float32; 0 where they aren't known."""
        usable = known & (self.spread > 0)
        units = (values - self.mean) / torch.where(self.spread > 0, self.spread, 1.0)
        return torch.where(usable, units, 0.0).to(torch.float32)

    def invert(self, units: Tensor) -> Tensor:
        """Values (B, H, C) in the scaler's units, float64."""
        return self.mean + self.spread * units.to(torch.float64)


def _moments(values: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of the known values of each window, ``(B, 1, C)``."""
    count = known.sum(dim=1, keepdim=True).clamp(min=1)
    first = values.gather(1, known.to(torch.uint8).argmax(dim=1, keepdim=True))
    # Measured from the first value, equal rows have a spread of exactly 0.
    shifted = torch.where(known, values - first, 0.0)
    mean = shifted.sum(dim=1, keepdim=True) / count
    variance = (torch.where(known, shifted - mean, 0.0).square()).sum(dim=1, keepdim=True) / count
    return first + mean, variance.sqrt()
