"""Whole recipes by name: what a forecaster's arguments are where they are left to ``"auto"``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tsgen.objective import Loss
from tsgen.strategies import FreeRunning, TeacherForcing, TrainingStrategy

__all__ = ["PRESETS", "Preset"]


@dataclass(frozen=True)
class Preset:
    """A recipe for training.

    Attributes
    ----------
    max_steps, hidden_size, n_models : tuple of two int
        For a small panel, which a larger network or a longer training overfits, and for others.
    most_rows_of_small : int
        Rows of a panel from which it isn't small any more.
    seasonal_below : float
        The season is the residual base as long as naive forecasts by it err less than so many
        times as much as those by the last value.
    seasonal_unit : bool
        Whether the errors of a window count by its change over a season, too.
    lag_before_season : bool
        Whether the row before that of a season ago is among the lags of a large panel.
    batch_size, learning_rate, dropout, loss, training_strategy
        As the forecaster's arguments of that name.
    """

    max_steps: tuple[int, int]
    hidden_size: tuple[int, int]
    batch_size: int = 32
    learning_rate: float = 2e-3
    dropout: float = 0.0
    loss: Loss = "mse"
    training_strategy: TrainingStrategy = field(default_factory=TeacherForcing)
    n_models: tuple[int, int] = (1, 1)
    most_rows_of_small: int = 20_000
    seasonal_below: float = 1.0
    seasonal_unit: bool = False
    lag_before_season: bool = False

    def of(self, name: str, *, rows: int) -> Any:
        """What it says of an argument, for a panel of so many rows."""
        value = getattr(self, name)
        return value[0 if self.is_small(rows) else 1] if isinstance(value, tuple) else value

    def is_small(self, rows: int) -> bool:
        """Whether a panel of so many rows is a small one."""
        return rows < self.most_rows_of_small


PRESETS = {
    "fast": Preset(max_steps=(150, 300), hidden_size=(32, 32)),
    "balanced": Preset(max_steps=(400, 1500), hidden_size=(32, 64)),
    "accurate": Preset(
        max_steps=(1500, 3000),
        hidden_size=(64, 64),
        batch_size=16,
        learning_rate=4e-3,
        dropout=0.2,
        loss="mae",
        training_strategy=FreeRunning(),
        n_models=(5, 3),
        most_rows_of_small=50_000,
        seasonal_below=1.15,
        seasonal_unit=True,
        lag_before_season=True,
    ),
}
