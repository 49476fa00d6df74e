"""Transforms that keep forecasts inside of the values that a series can have.

Like the link of a generalised linear model [1]_ one takes values to the whole line, where scalers
and the network work, and what comes back can't leave the bounds: neither can intervals, since it is
applied to each path.

References
----------
.. [1] Nelder, Wedderburn: Generalized Linear Models. J. R. Stat. Soc. A 135, 1972.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from tsgen._messages import written
from tsgen._typing import BoolArray, FloatArray
from tsgen.errors import ScalerError, SettingError

__all__ = ["LARGEST_LOG", "MARGIN", "TargetTransform", "target_transform_of"]


MARGIN = 1e-3
"""How far inside of its bounds a value at the bound of ``"logit"`` is taken to lie, as a share."""
LARGEST_LOG = 690.0


@dataclass(frozen=True)
class TargetTransform:
    """One transform and its inverse.

    Attributes
    ----------
    name : {"log1p", "count", "logit"}
    low, high : float
        The bounds of the values, which they may reach; ``None`` for no upper one.
    """

    name: str
    low: float = 0.0
    high: float | None = None

    @property
    def whole(self) -> bool:
        """Whether the values are whole numbers."""
        return self.name == "count"

    def outside(self, values: FloatArray) -> BoolArray:
        """Which values can't be transformed; NaN can."""
        outside = values < self.low
        if self.high is not None:
            outside |= values > self.high
        if self.whole:
            outside |= np.isfinite(values) & (values != np.rint(values))
        return outside

    def forward(self, values: FloatArray) -> FloatArray:
        """Values on the whole line; none may be outside."""
        outside = self.outside(values)
        if outside.any():
            raise ScalerError(f"{values[outside].flat[0]:g} {self.complaint}")
        if self.high is None:
            return np.log1p(values)
        share = MARGIN + (1 - 2 * MARGIN) * (values - self.low) / (self.high - self.low)
        return np.log(share / (1 - share))

    def inverse(self, values: FloatArray) -> FloatArray:
        """And back, inside of the bounds."""
        if self.high is None:
            return np.maximum(np.expm1(np.minimum(values, LARGEST_LOG)), 0.0)
        share = 1 / (1 + np.exp(-np.clip(values, -LARGEST_LOG, LARGEST_LOG)))
        inside = np.clip((share - MARGIN) / (1 - 2 * MARGIN), 0.0, 1.0)
        return self.low + (self.high - self.low) * inside

    @property
    def complaint(self) -> str:
        """What is wrong with a value outside."""
        if self.whole:
            return "is no whole number of 0 or more, as target_transform='count' expects"
        if self.high is None:
            return "is below 0, which target_transform='log1p' can't have"
        return (
            f"is outside of {self.low:g} to {self.high:g}, the bounds of target_transform='logit'"
        )


def target_transform_of(given: Any) -> TargetTransform | None:
    """The ``target_transform`` of a forecaster, or a `SettingError`."""
    if given is None:
        return None
    if isinstance(given, str) and given in ("log1p", "count"):
        return TargetTransform(given)
    if isinstance(given, str) and given == "logit":
        return TargetTransform("logit", 0.0, 1.0)
    if isinstance(given, list | tuple) and len(given) == 3 and given[0] == "logit":
        low, high = given[1:]
        numbers = all(isinstance(x, Real) and not isinstance(x, bool) for x in (low, high))
        if numbers and np.isfinite(low) and np.isfinite(high) and low < high:
            return TargetTransform("logit", float(low), float(high))
    raise SettingError(
        f"target_transform={written(given)}: expected None, 'log1p', 'count', 'logit' for values "
        "from 0 "
        "to 1, or ('logit', low, high)"
    )
