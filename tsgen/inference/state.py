"""Where the forecasts of a panel start: what was read of each series, as a value of its own."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from torch import Tensor

from tsgen._messages import written
from tsgen._typing import IntArray
from tsgen.data import Panel
from tsgen.nn import RolloutState, TensorRecord
from tsgen.preprocessing import SeriesScalers, WindowNormaliser

__all__ = ["Context", "Encoding", "ForecastOrigins", "ForecastState"]


@dataclass(frozen=True, eq=False)
class Context(TensorRecord):
    """The rows that a network reads of B series before it predicts.

    Attributes
    ----------
    values : Tensor of shape (B, rows, C)
        In the normaliser's units, float32, the last row at the end; 0 where there is none.
    known : Tensor of shape (B, rows, C)
        1 where there is a row, else 0.
    normaliser : WindowNormaliser
    covariates : Tensor of shape (B, rows, D), optional
    """

    values: Tensor
    known: Tensor
    normaliser: WindowNormaliser
    covariates: Tensor | None = None


@dataclass(frozen=True, eq=False)
class Encoding(TensorRecord):
    """What reading their contexts came to, for B systems of C series.

    Attributes
    ----------
    normaliser : WindowNormaliser
    loops : tuple of RolloutState
        Where each member of the model stands; most often there is one.
    errors : Tensor of shape (B, T, C)
        Those of the one-step predictions inside the context, in the normaliser's units; NaN
        where there was nothing to predict.
    """

    normaliser: WindowNormaliser
    loops: tuple[RolloutState, ...]
    errors: Tensor


@dataclass(frozen=True, eq=False)
class ForecastOrigins:
    """Where N forecasts start; several may be of one series, from one cutoff each.

    Attributes
    ----------
    ids : Index of shape (N,)
        The series of each.
    cutoffs : Index of shape (N,)
        The stamp after which each begins.
    behind : ndarray of shape (N,)
        int64; how many steps the last row that was read lies before that.
    scalers : SeriesScalers
    encoding : Encoding
    """

    ids: pd.Index
    cutoffs: pd.Index
    behind: IntArray
    scalers: SeriesScalers
    encoding: Encoding

    def __len__(self) -> int:
        return len(self.ids)

    def name(self, position: int) -> str:
        """What one of them is called in messages."""
        series = written(self.ids[position])
        return series if self.ids.is_unique else f"{series} after {self.cutoffs[position]}"


@dataclass(frozen=True, eq=False)
class ForecastState:
    """Where the forecasts of a panel start; ``model.encode(df)`` makes one.

    It isn't changed by a forecast, so that many may start from it, and a model that was trained
    anew refuses it.

    Attributes
    ----------
    panel : Panel
        The last rows of each series, as many as a later update needs.
    scalers : SeriesScalers
    encoding : Encoding
    weights : int
        A checksum of the weights that read the rows.

    Examples
    --------
    >>> import tsgen
    >>> df = tsgen.load_dataset("sunspots")
    >>> model = tsgen.LSTMForecaster(max_steps=5, verbose=False).fit(df.iloc[:-1])
    >>> state = model.update(model.encode(df.iloc[:-1]), df.iloc[-1:])
    >>> model.predict(11, state=state).equals(model.predict(11, df=df))
    True
    """

    panel: Panel
    scalers: SeriesScalers
    encoding: Encoding
    weights: int

    def __len__(self) -> int:
        return len(self.panel)

    @property
    def origins(self) -> ForecastOrigins:
        """Where the forecasts of its series start."""
        panel = self.panel
        return ForecastOrigins(panel.ids, panel.ends, panel.behind, self.scalers, self.encoding)

    def __repr__(self) -> str:
        return f"ForecastState({len(self)} series, the last row at {self.panel.ends.max()})"
