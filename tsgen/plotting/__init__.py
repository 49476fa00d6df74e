"""Pictures, drawn without touching matplotlib's global state.

``forecasts`` draws forecasts and backtests, ``symbols`` sequences of symbols and attention,
``models`` what a training and an explanation found; ``style`` is what they share.

Examples
--------
>>> import tsgen
>>> df = tsgen.load_dataset("air_passengers")
>>> figure = tsgen.plot_forecast(df, tsgen.SeasonalNaive().fit(df).predict(12))
>>> len(figure.axes)
1
"""

from tsgen.plotting.forecasts import plot_backtest, plot_errors, plot_forecast
from tsgen.plotting.models import plot_importance, plot_prior, plot_training
from tsgen.plotting.style import FORECAST, HISTORY, MUTED, save_figure
from tsgen.plotting.symbols import plot_attention, plot_symbols

__all__ = [
    "FORECAST",
    "HISTORY",
    "MUTED",
    "plot_attention",
    "plot_backtest",
    "plot_errors",
    "plot_forecast",
    "plot_importance",
    "plot_prior",
    "plot_symbols",
    "plot_training",
    "save_figure",
]
