"""How good forecasts are: errors of one forecast, of many cutoffs, and their table.

``metrics`` are formulas for two arrays, ``sequence_metrics`` for texts and lists of symbols;
``backtest`` makes forecasts from many cutoffs, for any forecaster; ``scored_windows`` and
``scoring`` sum its rows up, and ``anomalies`` finds the odd ones. No torch.

Examples
--------
>>> import numpy as np
>>> from tsgen.evaluation.metrics import mae
>>> float(mae(np.array([1.0, 2.0]), np.array([1.0, 4.0])))
1.0
"""

from tsgen.evaluation.anomalies import anomalies
from tsgen.evaluation.backtest import Cutoffs, Past, Plan, backtest, one_step_forecasts
from tsgen.evaluation.metrics import mase, seasonal_error
from tsgen.evaluation.scoring import score

__all__ = [
    "Cutoffs",
    "Past",
    "Plan",
    "anomalies",
    "backtest",
    "mase",
    "one_step_forecasts",
    "score",
    "seasonal_error",
]
