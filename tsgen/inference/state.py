"""Where the forecasts of a panel start: what was read of each series, as a value of its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor

from tsgen._messages import written
from tsgen._typing import IntArray
from tsgen.data import Panel
from tsgen.generation import RolloutState
from tsgen.nn import rows_of
from tsgen.preprocessing import SeriesScalers, WindowNormaliser

__all__ = ["Context", "Encoding", "ForecastState", "Start"]


@dataclass(frozen=True, eq=False)
class Context:
    """The rows that a network reads of B series before it predicts.

    Attributes
    ----------
    values : Tensor of shape (B·C, rows)
        In the normaliser's units, float32, the last row at the end; 0 where there is none.
    known : Tensor of shape (B·C, rows)
        1 where there is a row, else 0.
    normaliser : WindowNormaliser
    covariates : Tensor of shape (B, rows, D), optional
    """

    values: Tensor
    known: Tensor
    normaliser: WindowNormaliser
    covariates: Tensor | None = None


@dataclass(frozen=True, eq=False)
class Encoding:
    """What reading their contexts came to, for B systems of C series.

    Attributes
    ----------
    normaliser : WindowNormaliser
    loops : tuple of RolloutState
        Where each member of the model stands; most often there is one.
    residuals : Tensor of shape (B·C, T)
        Errors of the one-step predictions inside the context, in the normaliser's units; NaN
        where there was nothing to predict.
    """

    normaliser: WindowNormaliser
    loops: tuple[RolloutState, ...]
    residuals: Tensor

    def __len__(self) -> int:
        return len(self.loops[0])

    @property
    def channels(self) -> int:
        """C."""
        return self.loops[0].channels

    def take(self, systems: Tensor) -> Encoding:
        """That of some of the B systems, each as often as its position is named."""
        rows = rows_of(systems, self.channels)
        return Encoding(
            WindowNormaliser(self.normaliser.mean[rows], self.normaliser.spread[rows]),
            tuple(loop.take(systems) for loop in self.loops),
            self.residuals[rows],
        )

    def put(self, systems: Tensor, others: Encoding) -> Encoding:
        """The same with that of some systems replaced."""
        rows = rows_of(systems, self.channels)
        return Encoding(
            WindowNormaliser(
                self.normaliser.mean.index_copy(0, rows, others.normaliser.mean),
                self.normaliser.spread.index_copy(0, rows, others.normaliser.spread),
            ),
            tuple(
                loop.put(systems, other)
                for loop, other in zip(self.loops, others.loops, strict=True)
            ),
            self.residuals.index_copy(0, rows, others.residuals),
        )

    @staticmethod
    def join(parts: Iterable[Encoding]) -> Encoding:
        """That of one group of series after the other."""
        parts = list(parts)
        return Encoding(
            WindowNormaliser(
                torch.cat([part.normaliser.mean for part in parts]),
                torch.cat([part.normaliser.spread for part in parts]),
            ),
            tuple(map(RolloutState.join, zip(*(part.loops for part in parts), strict=True))),
            torch.cat([part.residuals for part in parts]),
        )


@dataclass(frozen=True, eq=False)
class Start:
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
    def start(self) -> Start:
        """Where the forecasts of its series start."""
        panel = self.panel
        return Start(panel.ids, panel.ends, panel.behind, self.scalers, self.encoding)

    def __repr__(self) -> str:
        return f"ForecastState({len(self)} series, the last row at {self.panel.ends.max()})"
