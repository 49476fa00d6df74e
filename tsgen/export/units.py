"""From the units of the data to those of a network and back, float64, in an ONNX graph.

Rows are (rows, B, C) here, NaN where a value is missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tsgen._typing import BoolArray
from tsgen.errors import SettingError
from tsgen.export.graph import BOOL, F32, F64, I64, Graph, Value
from tsgen.preprocessing import (
    LARGEST_LOG,
    MARGIN,
    SPREAD_FLOOR,
    AffineScalers,
    PanelScaler,
    SeriesScalers,
    TargetTransform,
)

__all__ = [
    "Normaliser",
    "Scale",
    "affine",
    "any_row",
    "back",
    "is_known",
    "normaliser_of",
    "outside",
    "scale_of",
    "transform",
]

ZERO, ONE = np.float64(0), np.float64(1)


class Scale(NamedTuple):
    """What a scaler subtracts and divides by, each of shape (1, B or 1, C)."""

    centre: Value
    size: Value


def any_row(op: Graph, flags: Value) -> Value:
    """Whether a flag is true in any row, (1, B, C)."""
    found: Value = op.cast(op.ReduceMax(op.cast(flags, F32), axes=[0], keepdims=1), BOOL)
    return found


def is_known(op: Graph, rows: Value) -> Value:
    """Where a value is there."""
    known: Value = op.Not(op.IsNaN(rows))
    return known


def affine(scalers: SeriesScalers, argument: str) -> AffineScalers:
    """Scalers that a graph can have, or a `SettingError`."""
    if not isinstance(scalers, AffineScalers):
        raise SettingError(
            f"{argument} is a transformer of scikit-learn, which can't be exported to ONNX: fit "
            f"with {argument}='standard', 'minmax', 'robust' or None"
        )
    return scalers


# --- bounds


def outside(op: Graph, bounds: TargetTransform, channels: BoolArray, values: Value) -> Value:
    """Which values can't be transformed; as `tsgen.preprocessing.TargetTransform.outside`.

    Parameters
    ----------
    bounds : TargetTransform
    channels : ndarray of shape (C,)
        To which of them it applies.
    values : str
    """
    found = op.Less(values, np.float64(bounds.low))
    if bounds.high is not None:
        found = op.Or(found, op.Greater(values, np.float64(bounds.high)))
    if bounds.whole:
        broken = op.Not(op.Equal(values, op.Round(values)))
        found = op.Or(found, op.And(broken, is_known(op, values)))
    of_channels: Value = op.And(found, channels)
    return of_channels


def transform(op: Graph, bounds: TargetTransform, channels: BoolArray, values: Value) -> Value:
    """Values on the whole line; one outside of the bounds as if it were at them."""
    low, high = np.float64(bounds.low), bounds.high
    changed = op.Max(values, low)
    if high is None:
        changed = op.Log(op.Add(changed, ONE))
    else:
        part = op.Div(op.Sub(op.Min(changed, np.float64(high)), low), np.float64(high - low))
        share = op.Add(op.Mul(part, np.float64(1 - 2 * MARGIN)), np.float64(MARGIN))
        changed = op.Log(op.Div(share, op.Sub(ONE, share)))
    kept: Value = op.Where(channels, changed, values)
    return kept


def back(op: Graph, bounds: TargetTransform, channels: BoolArray, values: Value) -> Value:
    """And back, inside of the bounds."""
    largest = np.float64(LARGEST_LOG)
    if bounds.high is None:
        powers = op.Sub(op.Exp(op.Min(values, largest)), ONE)
        changed = op.Max(powers, ZERO)
    else:
        within = op.Max(op.Min(values, largest), -largest)
        share = op.Div(ONE, op.Add(ONE, op.Exp(op.Neg(within))))
        part = op.Div(op.Sub(share, np.float64(MARGIN)), np.float64(1 - 2 * MARGIN))
        part = op.Max(op.Min(part, ONE), ZERO)
        changed = op.Add(op.Mul(part, np.float64(bounds.high - bounds.low)), np.float64(bounds.low))
    kept: Value = op.Where(channels, changed, values)
    return kept


# --- a scaler for each series


def scale_of(
    op: Graph, scaler: PanelScaler, channels: int, values: Value, known: Value, series: Value | None
) -> Scale:
    """That of each system, by its number; of one not seen in fit (-1) that of the given rows.

    Parameters
    ----------
    scaler : PanelScaler
    channels : int
        C.
    values, known : str
        All rows that are given, transformed.
    series : str, optional
        int64, of shape (B,); needed unless all systems share their scalers.
    """
    fitted = affine(scaler.scalers, "scaler")
    tables = (part.reshape(-1, channels) for part in (fitted.centre, fitted.scale))
    if series is None:
        return Scale(*(op.Unsqueeze(table, [0]) for table in tables))
    seen = (op.Unsqueeze(op.Gather(table, series, axis=0), [0]) for table in tables)
    new = _fitted(op, scaler.template, values, known)
    is_new = op.Unsqueeze(op.Less(series, [0]), [0, 2])
    return Scale(*(op.Where(is_new, own, old) for own, old in zip(new, seen, strict=True)))


def _fitted(op: Graph, template: str, values: Value, known: Value) -> Scale:
    """The scale of the rows themselves, as `tsgen.preprocessing.fit_scaler` finds it."""
    at_end = op.Where(known, values, np.float64(np.inf))
    low = _reduced(op, "ReduceMin", at_end)
    high = _reduced(op, "ReduceMax", op.Where(known, values, np.float64(-np.inf)))
    if template == "minmax":
        centre, size = low, op.Sub(high, low)
    else:
        centre, size = _moments(op, op.Where(known, values, ZERO), known)
        if template == "robust":
            rows = op.rows(op.Shape(values), 0, 1)
            ascending, _ = op.TopK(at_end, rows, outputs=2, axis=0, largest=0)
            count = _reduced(op, "ReduceSum", op.cast(known, F64))
            quarter, centre, three = (_quantile(op, ascending, count, q) for q in (0.25, 0.5, 0.75))
            quartiles = op.Sub(three, quarter)
            size = op.Where(op.Greater(quartiles, ZERO), quartiles, size)
    constant = op.Equal(low, high)
    flat = op.Or(constant, op.Equal(size, ZERO))
    return Scale(op.Where(constant, low, centre), op.Where(flat, ONE, size))


def _quantile(op: Graph, ascending: Value, count: Value, q: float) -> Value:
    position = op.Mul(op.Sub(count, ONE), np.float64(q))
    below, above = op.Floor(position), op.Ceil(position)
    low, high = (op.GatherElements(ascending, op.cast(row, I64), axis=0) for row in (below, above))
    value: Value = op.Add(low, op.Mul(op.Sub(position, below), op.Sub(high, low)))
    return value


# --- mean and spread of a context


@dataclass(frozen=True)
class Normaliser:
    """Mean and spread of each window, (1, B, C), as `tsgen.preprocessing.WindowNormaliser`."""

    mean: Value
    spread: Value

    def apply(self, op: Graph, values: Value, known: Value) -> Value:
        """Values in the normaliser's units, float32; 0 where they aren't known."""
        varies = self.varies(op)
        units = op.Div(op.Sub(values, self.mean), op.Where(varies, self.spread, ONE))
        return op.cast(op.Where(op.And(known, varies), units, ZERO), F32)

    def invert(self, op: Graph, units: Value) -> Value:
        """And back, float64."""
        value: Value = op.Add(self.mean, op.Mul(self.spread, op.cast(units, F64)))
        return value

    def varies(self, op: Graph) -> Value:
        """Which windows have a spread."""
        found: Value = op.Greater(self.spread, ZERO)
        return found


def normaliser_of(
    op: Graph, values: Value, known: Value, context_length: int, *, window_norm: bool
) -> Normaliser:
    """That of the last rows, as `tsgen.preprocessing.WindowNormaliser.of`."""
    mean, spread = _moments(op, op.rows(values, -context_length), op.rows(known, -context_length))
    _, own_spread = _moments(op, values, known)
    if window_norm:
        return Normaliser(mean, op.Max(spread, op.Mul(own_spread, np.float64(SPREAD_FLOOR))))
    constant = op.Equal(own_spread, ZERO)
    return Normaliser(op.Where(constant, mean, ZERO), op.Where(constant, ZERO, ONE))


def _moments(op: Graph, values: Value, known: Value) -> Scale:
    """Mean and standard deviation of the known values of each window."""
    count = op.Max(_reduced(op, "ReduceSum", op.cast(known, F64)), ONE)
    first_known = op.ArgMax(op.cast(known, F32), axis=0, keepdims=1)
    first = op.GatherElements(values, first_known, axis=0)
    shifted = op.Where(known, op.Sub(values, first), ZERO)
    mean = op.Div(_reduced(op, "ReduceSum", shifted), count)
    deviations = op.Where(known, op.Sub(shifted, mean), ZERO)
    variance = op.Div(_reduced(op, "ReduceSum", op.Mul(deviations, deviations)), count)
    return Scale(op.Add(first, mean), op.Sqrt(variance))


def _reduced(op: Graph, operator: str, values: Value) -> Value:
    """Over the rows, which stay as an axis of 1."""
    if operator == "ReduceSum":
        total: Value = op.ReduceSum(values, [0], keepdims=1)
        return total
    found: Value = getattr(op, operator)(values, axes=[0], keepdims=1)
    return found
