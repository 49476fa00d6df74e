"""Errors of a forecast: pure functions on arrays.

Arrays end in the horizon: ``(H,)`` for one series, ``(N, H)`` for many; every function averages
over the steps of a series and returns one number a series (shape ``(N,)``, or a scalar).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["mae", "mase", "rmse", "rmsse", "seasonal_error", "smape"]

Array = npt.NDArray[np.float64]


def _pair(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> tuple[Array, Array]:
    true, pred = np.asarray(y_true, dtype=np.float64), np.asarray(y_pred, dtype=np.float64)
    if true.shape != pred.shape or true.ndim == 0:
        raise ValueError(
            f"y_true and y_pred need one shape that ends in the horizon, got {true.shape} and "
            f"{pred.shape}"
        )
    return true, pred


def mae(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
    """Mean absolute error, in the units of the series.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (H,) or (N, H)
        Observed and forecast values.

    Returns
    -------
    ndarray of shape () or (N,)

    Examples
    --------
    >>> from tsgen.metrics import mae
    >>> float(mae([1.0, 2.0], [2.0, 4.0]))
    1.5
    """
    true, pred = _pair(y_true, y_pred)
    return np.asarray(np.abs(true - pred).mean(axis=-1))


def rmse(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
    """Root of the mean squared error, in the units of the series.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (H,) or (N, H)
        Observed and forecast values.

    Returns
    -------
    ndarray of shape () or (N,)

    Examples
    --------
    >>> from tsgen.metrics import rmse
    >>> float(rmse([0.0, 0.0], [1.0, 7.0]))
    5.0
    """
    true, pred = _pair(y_true, y_pred)
    return np.asarray(np.sqrt(np.square(true - pred).mean(axis=-1)))


def smape(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
    """Symmetric mean absolute percentage error, 0 to 200, as in the M4 competition [1]_.

    A step where both values are zero counts as no error.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (H,) or (N, H)
        Observed and forecast values.

    Returns
    -------
    ndarray of shape () or (N,)

    References
    ----------
    .. [1] Makridakis, Spiliotis, Assimakopoulos: The M4 Competition: 100,000 time series and 61
       forecasting methods. International Journal of Forecasting 36(1), 2020.

    Examples
    --------
    >>> from tsgen.metrics import smape
    >>> float(smape([100.0, 100.0], [100.0, 300.0]))
    50.0
    """
    true, pred = _pair(y_true, y_pred)
    size = np.abs(true) + np.abs(pred)
    terms = np.divide(200.0 * np.abs(true - pred), size, out=np.zeros_like(size), where=size > 0)
    return np.asarray(terms.mean(axis=-1))


def seasonal_error(y_train: npt.ArrayLike, season_length: int = 1, *, power: int = 1) -> float:
    """Mean of ``|y_t - y_{t-m}| ** power`` over training rows: the unit of MASE and RMSSE.

    Parameters
    ----------
    y_train : array-like of shape (T,)
        The rows a model was fitted on; NaN are left out.
    season_length : int, default 1
        m, in rows. A series that has no more than m rows is measured with lag 1.
    power : int, default 1
        1 for MASE, 2 for RMSSE.

    Returns
    -------
    float
        NaN for a series of one row.

    Examples
    --------
    >>> from tsgen.metrics import seasonal_error
    >>> seasonal_error([1.0, 2.0, 4.0], season_length=1)
    1.5
    """
    train = np.asarray(y_train, dtype=np.float64)
    lag = season_length if len(train) > season_length else 1
    steps = np.abs(train[lag:] - train[:-lag]) ** power
    steps = steps[~np.isnan(steps)]
    return float(steps.mean()) if steps.size else float("nan")


def mase(
    y_true: npt.ArrayLike, y_pred: npt.ArrayLike, y_train: npt.ArrayLike, season_length: int = 1
) -> float:
    """Mean absolute scaled error of one series [1]_: 1 is the in-sample seasonal naive error.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (H,)
        Observed and forecast values.
    y_train : array-like of shape (T,)
        The rows the model was fitted on.
    season_length : int, default 1
        m, in rows: the unit is the mean of ``|y_t - y_{t-m}|`` over the training rows.

    Returns
    -------
    float
        ``inf`` where the training rows repeat exactly every season and the forecast errs.

    References
    ----------
    .. [1] Hyndman, Koehler: Another look at measures of forecast accuracy. International Journal
       of Forecasting 22(4), 2006.

    Examples
    --------
    >>> from tsgen.metrics import mase
    >>> mase([5.0, 6.0], [5.0, 8.0], y_train=[1.0, 2.0, 4.0])
    0.6666666666666666
    """
    return _scaled(_one_series(mae(y_true, y_pred)), seasonal_error(y_train, season_length))


def rmsse(
    y_true: npt.ArrayLike, y_pred: npt.ArrayLike, y_train: npt.ArrayLike, season_length: int = 1
) -> float:
    """Root mean squared scaled error of one series, as in the M5 competition [1]_.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (H,)
        Observed and forecast values.
    y_train : array-like of shape (T,)
        The rows the model was fitted on.
    season_length : int, default 1
        m, in rows: the unit is the root mean square of ``y_t - y_{t-m}`` over the training rows.

    Returns
    -------
    float

    References
    ----------
    .. [1] Makridakis, Spiliotis, Assimakopoulos: M5 accuracy competition. International Journal
       of Forecasting 38(4), 2022.

    Examples
    --------
    >>> from tsgen.metrics import rmsse
    >>> rmsse([5.0, 6.0], [5.0, 6.0], y_train=[1.0, 2.0, 4.0])
    0.0
    """
    unit = float(np.sqrt(seasonal_error(y_train, season_length, power=2)))
    return _scaled(_one_series(rmse(y_true, y_pred)), unit)


def _scaled(error: float, unit: float) -> float:
    if unit > 0 or np.isnan(unit) or np.isnan(error):
        return error / unit
    return 0.0 if error == 0 else float("inf")


def _one_series(error: Array) -> float:
    if error.ndim:
        raise ValueError(
            "a scaled error is of one series: expected y_true and y_pred of shape (H,)"
        )
    return float(error)
