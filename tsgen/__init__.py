"""tsgen: learn a recurrent one-step model of your series and roll it out in closed loop."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tsgen.baselines import Naive, SeasonalNaive
    from tsgen.datasets import list_datasets, load_benchmark, load_dataset
    from tsgen.forecaster import GRUForecaster, LSTMForecaster, load
    from tsgen.frame import hold_out
    from tsgen.module import ForecastModule, WindowDataModule
    from tsgen.persistence import load_state, save_state
    from tsgen.plotting import plot_backtest, plot_errors, plot_forecast, plot_importance
    from tsgen.state import ForecastState

__version__ = "0.1.0"

_HOME = {
    "ForecastState": "state",
    "ForecastModule": "module",
    "GRUForecaster": "forecaster",
    "LSTMForecaster": "forecaster",
    "Naive": "baselines",
    "SeasonalNaive": "baselines",
    "WindowDataModule": "module",
    "hold_out": "frame",
    "list_datasets": "datasets",
    "load": "forecaster",
    "load_benchmark": "datasets",
    "load_dataset": "datasets",
    "load_state": "persistence",
    "plot_backtest": "plotting",
    "plot_errors": "plotting",
    "plot_forecast": "plotting",
    "plot_importance": "plotting",
    "save_state": "persistence",
}

__all__ = [
    "ForecastModule",
    "ForecastState",
    "GRUForecaster",
    "LSTMForecaster",
    "Naive",
    "SeasonalNaive",
    "WindowDataModule",
    "hold_out",
    "list_datasets",
    "load",
    "load_benchmark",
    "load_dataset",
    "load_state",
    "plot_backtest",
    "plot_errors",
    "plot_forecast",
    "plot_importance",
    "save_state",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: torch and pandas take seconds."""
    if name not in _HOME:
        raise AttributeError(f"module 'tsgen' has no attribute {name!r}")
    value = getattr(import_module(f"tsgen.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(globals() | dict.fromkeys(__all__))
