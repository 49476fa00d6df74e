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
    max_steps, hidden_size : tuple of two int
        For a small panel, which a larger network or a longer training overfits, and for others.
    batch_size, loss, training_strategy, n_models
        As the forecaster's arguments of that name.
    """

    max_steps: tuple[int, int]
    hidden_size: tuple[int, int]
    batch_size: int = 32
    loss: Loss = "mse"
    training_strategy: TrainingStrategy = field(default_factory=TeacherForcing)
    n_models: int = 1

    def of(self, name: str, *, small: bool) -> Any:
        """What it says of an argument, for a small panel or another one."""
        value = getattr(self, name)
        return value[0 if small else 1] if isinstance(value, tuple) else value


PRESETS = {
    "fast": Preset(max_steps=(150, 300), hidden_size=(32, 32)),
    "balanced": Preset(max_steps=(400, 1500), hidden_size=(32, 64)),
    "accurate": Preset(
        max_steps=(400, 1500),
        hidden_size=(32, 64),
        batch_size=64,
        loss="mae",
        training_strategy=FreeRunning(),
        n_models=3,
    ),
}
