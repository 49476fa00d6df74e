"""How a network learns; the only home of Lightning.

``data_module`` draws windows; of these a strategy (``strategies``: what is fed in) makes terms of
a loss, from `TrainingExamples` (``step``) and by an `Objective` (``losses``: errors of each step);
``ensemble`` sums their gradients over members and parts of a batch. ``lightning_module`` is that
under any ``Trainer``. ``trainer`` is ours, with ``callbacks`` and ``precision``; ``report`` says
how it went. ``pretraining`` makes a network for every season of simulated series. Symbols have
windows (``symbol_data``) and a module (``symbol_module``) of their own, pairs of sequences theirs
(``pair_module``), and the same trainer.

This door loads what is asked for alone: a strategy can be named without Lightning.
"""

from typing import TYPE_CHECKING

from tsgen._lazy import lazily

if TYPE_CHECKING:
    from tsgen.training.data_module import WindowDataModule
    from tsgen.training.lightning_module import ForecastModule
    from tsgen.training.losses import LOSSES, Loss, Objective
    from tsgen.training.pair_module import PairModule, SymbolPairs
    from tsgen.training.pretraining import pretrain, steps_within
    from tsgen.training.report import Losses, TrainingReport, exposure, symbol_exposure
    from tsgen.training.step import LossTerm, TrainingExamples
    from tsgen.training.strategies import (
        STRATEGIES,
        FreeRunning,
        NoisyInputs,
        PushForward,
        ScheduledSampling,
        TeacherForcing,
        TrainingStrategy,
    )
    from tsgen.training.symbol_data import SymbolWindows
    from tsgen.training.symbol_module import SymbolModule
    from tsgen.training.trainer import Schedule, is_rank_zero, train, without_outputs

__all__ = [
    "LOSSES",
    "STRATEGIES",
    "ForecastModule",
    "FreeRunning",
    "Loss",
    "LossTerm",
    "Losses",
    "NoisyInputs",
    "Objective",
    "PairModule",
    "PushForward",
    "Schedule",
    "ScheduledSampling",
    "SymbolModule",
    "SymbolPairs",
    "SymbolWindows",
    "TeacherForcing",
    "TrainingExamples",
    "TrainingReport",
    "TrainingStrategy",
    "WindowDataModule",
    "exposure",
    "is_rank_zero",
    "pretrain",
    "steps_within",
    "symbol_exposure",
    "train",
    "without_outputs",
]

__getattr__ = lazily(
    __name__,
    {
        "ForecastModule": "lightning_module",
        "FreeRunning": "strategies",
        "TrainingExamples": "step",
        "LOSSES": "losses",
        "Loss": "losses",
        "Losses": "report",
        "NoisyInputs": "strategies",
        "Objective": "losses",
        "PairModule": "pair_module",
        "PushForward": "strategies",
        "STRATEGIES": "strategies",
        "Schedule": "trainer",
        "ScheduledSampling": "strategies",
        "SymbolModule": "symbol_module",
        "SymbolPairs": "pair_module",
        "SymbolWindows": "symbol_data",
        "TeacherForcing": "strategies",
        "LossTerm": "step",
        "TrainingReport": "report",
        "TrainingStrategy": "strategies",
        "WindowDataModule": "data_module",
        "exposure": "report",
        "is_rank_zero": "trainer",
        "pretrain": "pretraining",
        "steps_within": "pretraining",
        "symbol_exposure": "report",
        "train": "trainer",
        "without_outputs": "trainer",
    },
)
