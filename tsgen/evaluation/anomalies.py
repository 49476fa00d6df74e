"""Rows that are far from their one-step forecasts."""

from __future__ import annotations

from collections.abc import Sequence
from math import pi, sqrt

import numpy as np
import pandas as pd

from tsgen.data import output_name

__all__ = ["anomalies"]

_NO_ERROR = 1e-9
"""Of the largest value: errors that are smaller come from rounding."""


def anomalies(
    rows: pd.DataFrame, id_col: str | None, targets: Sequence[str], threshold: float
) -> pd.DataFrame:
    """The rows whose errors are large for their series, with how large they are.

    Parameters
    ----------
    rows : DataFrame
        One-step forecasts ``y_pred`` beside the values ``y`` of each target.
    id_col : str or None
        The column that says whose they are; ``None`` where all are of one series.
    targets : sequence of str
    threshold : float
        How many standard deviations count.

    Returns
    -------
    DataFrame
        Those that exceed it in some target, with a column ``y_score`` for each.

    Examples
    --------
    >>> import pandas as pd
    >>> from tsgen.evaluation.anomalies import anomalies
    >>> rows = pd.DataFrame({"y": [1.0, 2.0, 1.0, 2.0] * 5 + [40.0], "y_pred": 1.5})
    >>> anomalies(rows, None, ["y"], 5.0)
           y  y_pred    y_score
    20  40.0     1.5  13.300818
    """
    scores = {output_name(target, "_score"): _scores(rows, id_col, target) for target in targets}
    scored = rows.assign(**scores)
    return scored[(scored[[*scores]] > threshold).any(axis=1)]


def _scores(rows: pd.DataFrame, id_col: str | None, target: str) -> pd.Series:
    """Errors in standard deviations, as those of normal errors with their mean size would be.

    E|e| = σ √(2/π) of these; the mean size is less moved by a few large errors than squares are.
    """
    error = (rows[target] - rows[output_name(target, "_pred")]).astype(float).abs()
    series = rows[id_col] if id_col is not None else pd.Series(0, index=rows.index)
    spread = sqrt(pi / 2) * error.groupby(series, observed=True).transform("mean")
    rounding = _NO_ERROR * float(rows[target].astype(float).abs().max())
    scores: pd.Series = (error / spread.where(spread > rounding)).fillna(0.0)
    return scores.where(error.notna(), np.nan)
