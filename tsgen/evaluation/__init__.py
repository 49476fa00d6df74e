"""How good forecasts are: errors of one forecast, of many cutoffs, and their table.

``metrics`` are formulas for two arrays; ``backtest`` makes forecasts from many cutoffs, for any
forecaster; ``scored_windows`` and ``scoring`` sum its rows up. No torch.

Examples
--------
>>> import numpy as np
>>> from tsgen.evaluation.metrics import mae
>>> float(mae(np.array([1.0, 2.0]), np.array([1.0, 4.0])))
1.0
"""

from tsgen.evaluation.backtest import Cutoffs, Past, Plan, backtest
from tsgen.evaluation.metrics import (
    QUANTILES,
    absolute_errors,
    checked_quantiles,
    coverage,
    covered,
    crps,
    mae,
    mase,
    over_scale,
    pinball_losses,
    quantile_loss,
    rmse,
    rmsse,
    seasonal_error,
    smape,
    squared_errors,
    symmetric_errors,
    wql,
)
from tsgen.evaluation.scoring import score

__all__ = [
    "QUANTILES",
    "Cutoffs",
    "Past",
    "Plan",
    "absolute_errors",
    "backtest",
    "checked_quantiles",
    "coverage",
    "covered",
    "crps",
    "mae",
    "mase",
    "over_scale",
    "pinball_losses",
    "quantile_loss",
    "rmse",
    "rmsse",
    "score",
    "seasonal_error",
    "smape",
    "squared_errors",
    "symmetric_errors",
    "wql",
]
