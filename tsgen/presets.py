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

    def of(self, name: str, *, rows: int) -> Any:
        """What it says of an argument, for a panel of so many rows."""
        value = getattr(self, name)
        small = rows < self.most_rows_of_small
        return value[0 if small else 1] if isinstance(value, tuple) else value


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
    ),
}
