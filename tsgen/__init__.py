"""tsgen: learn a recurrent one-step model of your series and roll it out in closed loop."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tsgen._lazy import lazily

if TYPE_CHECKING:
    from tsgen.data import hold_out
    from tsgen.datasets import list_datasets, load_benchmark, load_dataset
    from tsgen.evaluation import score
    from tsgen.forecasters import (
        EncoderDecoderForecaster,
        GroupedForecaster,
        GRUForecaster,
        GRUGenerator,
        GRUSeq2Seq,
        LSTMForecaster,
        LSTMGenerator,
        LSTMSeq2Seq,
        Naive,
        SeasonalNaive,
        load,
    )
    from tsgen.inference import ForecastState, SymbolState, load_state, save_state
    from tsgen.plotting import (
        plot_attention,
        plot_backtest,
        plot_errors,
        plot_forecast,
        plot_importance,
        plot_prior,
        plot_symbols,
        plot_training,
    )
    from tsgen.simulation import simulate
    from tsgen.training import (
        ForecastModule,
        FreeRunning,
        LossTerm,
        NoisyInputs,
        PushForward,
        ScheduledSampling,
        TeacherForcing,
        TrainingExamples,
        TrainingReport,
        TrainingStrategy,
        WindowDataModule,
        pretrain,
    )
    from tsgen.tuning import Tuned, tune

__version__ = "0.1.0"

_HOME = {
    "EncoderDecoderForecaster": "forecasters",
    "ForecastModule": "training",
    "ForecastState": "inference",
    "FreeRunning": "training",
    "GRUForecaster": "forecasters",
    "GRUGenerator": "forecasters",
    "GRUSeq2Seq": "forecasters",
    "GroupedForecaster": "forecasters",
    "LSTMForecaster": "forecasters",
    "LSTMGenerator": "forecasters",
    "LSTMSeq2Seq": "forecasters",
    "TrainingExamples": "training",
    "Naive": "forecasters",
    "NoisyInputs": "training",
    "PushForward": "training",
    "ScheduledSampling": "training",
    "SeasonalNaive": "forecasters",
    "SymbolState": "inference",
    "TeacherForcing": "training",
    "LossTerm": "training",
    "TrainingReport": "training",
    "TrainingStrategy": "training",
    "Tuned": "tuning",
    "WindowDataModule": "training",
    "hold_out": "data",
    "list_datasets": "datasets",
    "load": "forecasters",
    "load_benchmark": "datasets",
    "load_dataset": "datasets",
    "load_state": "inference",
    "plot_attention": "plotting",
    "plot_backtest": "plotting",
    "plot_errors": "plotting",
    "plot_forecast": "plotting",
    "plot_importance": "plotting",
    "plot_prior": "plotting",
    "plot_symbols": "plotting",
    "plot_training": "plotting",
    "pretrain": "training",
    "save_state": "inference",
    "score": "evaluation",
    "simulate": "simulation",
    "tune": "tuning",
}

_MODULES = ("errors", "metrics", "rollout", "simulation", "testing")
"""What may be used as ``tsgen.metrics`` without an import of its own."""

__all__ = [
    "EncoderDecoderForecaster",
    "ForecastModule",
    "ForecastState",
    "FreeRunning",
    "GRUForecaster",
    "GRUGenerator",
    "GRUSeq2Seq",
    "GroupedForecaster",
    "LSTMForecaster",
    "LSTMGenerator",
    "LSTMSeq2Seq",
    "LossTerm",
    "Naive",
    "NoisyInputs",
    "PushForward",
    "ScheduledSampling",
    "SeasonalNaive",
    "SymbolState",
    "TeacherForcing",
    "TrainingExamples",
    "TrainingReport",
    "TrainingStrategy",
    "Tuned",
    "WindowDataModule",
    "hold_out",
    "list_datasets",
    "load",
    "load_benchmark",
    "load_dataset",
    "load_state",
    "plot_attention",
    "plot_backtest",
    "plot_errors",
    "plot_forecast",
    "plot_importance",
    "plot_prior",
    "plot_symbols",
    "plot_training",
    "pretrain",
    "save_state",
    "score",
    "simulate",
    "tune",
]


_public = lazily(__name__, _HOME)


def __getattr__(name: str) -> Any:
    """Import a public name or module when it is first used."""
    return import_module(f"tsgen.{name}") if name in _MODULES else _public(name)


def __dir__() -> list[str]:
    """The public names alone."""
    return sorted([*__all__, *_MODULES])
