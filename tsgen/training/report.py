"""How a training went: its losses, and how far the closed loop falls behind one-step forecasts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from tsgen.generation import SymbolChoice, generate, median, read_over_holes
from tsgen.nn import RecurrentNetwork, RolloutState, SymbolNetwork
from tsgen.preprocessing import WindowBatch
from tsgen.training.pair_module import PairBatch
from tsgen.training.step import free_run
from tsgen.training.symbol_data import SymbolBatch

__all__ = ["Losses", "TrainingReport", "exposure", "symbol_exposure"]

_POINTS = 50
"""Rows of the table of losses, at most."""
_SYMBOLS_AHEAD = 32
"""After the first half of a window, at most."""
_BOTH = "free_running", "teacher_forced"


@dataclass(frozen=True)
class Losses:
    """The losses of a run.

    Attributes
    ----------
    training : list of float
        Of every step.
    validation : dict of int to float
        Of the closed loop, by the number of steps before it.
    interrupted : str, optional
        What ended the run before its last step, if anything did.
    """

    training: list[float]
    validation: dict[int, float]
    interrupted: str | None = None

    def table(self) -> pd.DataFrame:
        """The mean loss of some steps at a time, and the validation at their end."""
        every = max(1, -(-len(self.training) // _POINTS))
        if self.validation:
            every = min(self.validation)
        first = range(0, len(self.training), every)
        table = pd.DataFrame(
            {
                "step": [min(start + every, len(self.training)) for start in first],
                "loss": [float(np.mean(self.training[start : start + every])) for start in first],
            }
        )
        if self.validation:
            table["validation"] = table["step"].map(self.validation)
        return table


@dataclass(frozen=True, eq=False)
class TrainingReport:
    """How a training went.

    Attributes
    ----------
    losses : DataFrame
        ``step``, ``loss`` (the mean over the steps since the row before) and, with ``val_size``,
        ``validation`` (the loss of the closed loop on the held-out tails). Of generators these are
        nats a symbol.
    errors : DataFrame
        A row per ``step`` after the cutoff: the mean absolute error with ``teacher_forced``
        inputs, that of the ``free_running`` closed loop, and their ``ratio``. In the units of
        each window, where 1 is the spread of its context (without ``window_norm``, those of the
        scaler); over 256 windows, or the held-out rows of up to 512 series. Of generators the
        shares of symbols that were wrong, after the first half of some windows.
    measured_on : str
        ``"training rows"`` or ``"held-out rows"``; of generators symbols.
    measure : str, default "absolute error"
        What errors are.

    Examples
    --------
    >>> import tsgen
    >>> model = tsgen.LSTMForecaster(max_steps=20, verbose=False)
    >>> report = model.fit(tsgen.load_dataset("sunspots")).report_
    >>> report.errors.columns.tolist()
    ['step', 'teacher_forced', 'free_running', 'ratio']
    >>> report.exposure_gap > 1
    True
    """

    losses: pd.DataFrame
    errors: pd.DataFrame
    measured_on: str
    measure: str = "absolute error"

    @property
    def exposure_gap(self) -> float:
        """How many times the teacher-forced error the free-running one is, over all steps [1]_.

        References
        ----------
        .. [1] Teutsch, Mäder: Flipped Classroom: Effective Teaching for Time Series Forecasting.
           TMLR, 2022.
        """
        return _ratio(*(float(self.errors[name].mean()) for name in _BOTH))

    def __repr__(self) -> str:
        gap = f"exposure gap {self.exposure_gap:.3g} on {self.measured_on}"
        if self.losses.empty:
            return f"TrainingReport(0 steps, {gap})"
        step, loss = self.losses[["step", "loss"]].iloc[-1]
        return f"TrainingReport({step:.0f} steps, loss {loss:.4g}, {gap})"


@torch.inference_mode()
def exposure(networks: Sequence[RecurrentNetwork], batch: WindowBatch) -> pd.DataFrame:
    """Teacher-forced and free-running errors at each step after the cutoffs of some windows.

    Parameters
    ----------
    networks : sequence of RecurrentNetwork
        The members of an ensemble, whose median is the forecast.
    batch : WindowBatch

    Returns
    -------
    DataFrame
        ``step``, ``teacher_forced``, ``free_running``, ``ratio``.
    """
    both = [_predictions(network, batch) for network in networks]
    forced, free = (median(torch.stack(paths)) for paths in zip(*both, strict=True))
    truth, known, _ = batch.rows(slice(batch.cutoff, None))

    def by_step(predictions: Tensor) -> list[float]:
        errors = ((predictions - truth).abs() * known).sum(dim=(0, 2))
        return (errors / known.sum(dim=(0, 2))).tolist()

    return _by_step(by_step(free), by_step(forced))


@torch.inference_mode()
def symbol_exposure(
    network: SymbolNetwork, state: RolloutState, batch: SymbolBatch | PairBatch
) -> pd.DataFrame:
    """As `exposure`, the shares of symbols that are wrong after the warm-up of some windows.

    Parameters
    ----------
    network : SymbolNetwork
    state : RolloutState
        Where the windows begin.
    batch : SymbolBatch or PairBatch
    """
    values, known = batch.values[:, 1:], batch.known[:, 1:]
    half = batch.warmup
    ahead = slice(half, half + _SYMBOLS_AHEAD)
    if half:
        _, state = network.read(state, values[:, :half], known[:, :half])
    truth, there = batch.targets[:, ahead], known[:, ahead, 0]
    scores, _ = network.read(state, values[:, ahead], known[:, ahead])
    free = generate(network, state, truth.shape[1], SymbolChoice())

    def by_step(codes: Tensor) -> list[float]:
        return (((codes != truth) * there).sum(dim=0) / there.sum(dim=0)).tolist()

    return _by_step(by_step(free), by_step(scores.argmax(dim=-1)))


def _by_step(free: list[float], forced: list[float]) -> pd.DataFrame:
    """The table of errors."""
    steps = range(1, len(free) + 1)
    table = pd.DataFrame({"step": steps, "teacher_forced": forced, "free_running": free})
    return table.assign(ratio=[_ratio(*both) for both in zip(free, forced, strict=True)])


def _ratio(free: float, forced: float) -> float:
    """How many times the one error the other is; both may be 0, where all is known by heart."""
    if free == forced:
        return 1.0
    return free / forced if forced else math.inf


def _predictions(network: RecurrentNetwork, batch: WindowBatch) -> tuple[Tensor, Tensor]:
    """Of the rows after the cutoff, (B, H, C): with teacher forcing, and in closed loop."""
    free, state = free_run(network, batch)
    forced, _ = read_over_holes(network, state, *batch.rows(slice(batch.cutoff, None)))
    return forced, free
