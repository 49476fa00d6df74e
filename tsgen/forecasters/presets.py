"""Whole recipes by name: what a forecaster's arguments are where they are left to ``"auto"``."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tsgen.training import FreeRunning, Loss, TeacherForcing, TrainingStrategy

__all__ = ["PRESETS", "Preset"]


@dataclass(frozen=True)
class Preset:
    """A recipe for training.

    A tuple has the values for panels of growing size: a large network or a long training overfits
    a small one, and few windows teach little of what lies far back.

    Attributes
    ----------
    sizes : tuple of int
        The rows from which a panel is of the next size; one less than there are values in tuples.
    far_lags : bool
        Whether panels of a long season have lags that reach back twice as far, and to the row
        before that of a season ago, and half of the context: in the time of one long window, two
        short ones teach more.
    seasonal_below : float
        The season is the residual base as long as naive forecasts by it err less than so many
        times as much as those by the last value.
    change_share : float
        How much the change over a season counts in the unit of a window's errors, beside its
        spread.
    error_limit : float, optional
        The largest error of a step, in that unit.
    start_share : float
        How much of the weights that training began with is in those that it ends with: between
        the two lie weights that are better than either on rows that come later [1]_.
    init : str
        What networks begin with, ``"random"`` or ``"pretrained"``.
    from_scratch : Preset, optional
        The recipe in place of this one where pretrained weights don't fit what is asked for.
    with_covariates : mapping of str to values
        What is other than in this recipe where there are covariates. With ``from_scratch`` and
        without this, they are learned from scratch.
    max_steps, hidden_size, n_models, batch_size, learning_rate, dropout, loss, training_strategy
        As the forecaster's arguments of that name.

    References
    ----------
    .. [1] Wortsman et al.: Robust fine-tuning of zero-shot models. CVPR 2022.
    """

    max_steps: int | tuple[int, ...]
    hidden_size: int | tuple[int, ...]
    sizes: tuple[int, ...] = (20_000,)
    n_models: int | tuple[int, ...] = 1
    batch_size: int = 32
    learning_rate: float | tuple[float, ...] = (2e-3, 4e-3)
    dropout: float | tuple[float, ...] = 0.0
    loss: Loss = "mse"
    training_strategy: TrainingStrategy = field(default_factory=TeacherForcing)
    far_lags: bool | tuple[bool, ...] = (False, True)
    seasonal_below: float | tuple[float, ...] = (1.0, 1.15)
    change_share: float | tuple[float, ...] = (0.0, 0.5)
    error_limit: float | None = None
    start_share: float | tuple[float, ...] = 0.0
    init: str = "random"
    from_scratch: Preset | None = None
    with_covariates: Mapping[str, Any] = field(default_factory=dict)

    def of(self, name: str, *, rows: int) -> Any:
        """What it says of an argument, for a panel of so many rows."""
        value = getattr(self, name)
        return value[bisect_right(self.sizes, rows)] if isinstance(value, tuple) else value


_FINE_TUNED = Preset(
    max_steps=(100, 300, 600, 1000),
    hidden_size=128,
    sizes=(20_000, 100_000, 200_000),
    n_models=(4, 4, 2, 1),
    learning_rate=(5e-4, 5e-4, 5e-4, 2e-3),
    start_share=(0.4, 0.4, 0.4, 0.0),
    far_lags=False,
    loss="mae",
    training_strategy=FreeRunning(share=0.7),
    seasonal_below=1.15,
    change_share=1.0,
    error_limit=12.0,
    init="pretrained",
    # What weights know nothing of takes more to learn, and a pull to the start would undo it. Nor
    # are errors limited: those that a covariate explains look like outliers, a holiday's for one.
    with_covariates={
        "max_steps": (300, 300, 600, 1000),
        "learning_rate": (2e-3, 1e-3, 1e-3, 2e-3),
        "start_share": 0.0,
        "error_limit": None,
    },
)

PRESETS = {
    "fast": Preset(max_steps=(150, 300), hidden_size=32),
    "balanced": replace(
        _FINE_TUNED,
        n_models=1,
        loss="mse",
        from_scratch=Preset(max_steps=(400, 1500), hidden_size=(32, 64)),
    ),
    "accurate": replace(
        _FINE_TUNED,
        n_models=(8, 8, 6, 4),
        with_covariates={},
        from_scratch=Preset(
            max_steps=(1500, 3000, 6000),
            hidden_size=64,
            sizes=(50_000, 200_000),
            n_models=(8, 6, 4),
            batch_size=16,
            learning_rate=4e-3,
            dropout=0.2,
            loss="mae",
            training_strategy=FreeRunning(),
            far_lags=(False, True, True),
            seasonal_below=1.15,
            change_share=0.5,
        ),
    ),
    "zero_shot": Preset(
        max_steps=0,
        hidden_size=128,
        far_lags=False,
        loss="mae",
        seasonal_below=1.15,
        change_share=1.0,
        error_limit=12.0,
        init="pretrained",
    ),
    "fine_tuned": _FINE_TUNED,
}
