"""Errors of a forecast: pure functions on arrays.

Arrays end in the horizon: ``(H,)`` for one series, ``(N, H)`` for many; every function but `wql`
averages over the steps of a series and returns one number a series (shape ``(N,)``, or a scalar).

A true value that is NaN is a hole: its step is left out, and a series that has nothing else scores
NaN. A forecast that is NaN where the truth is known makes the score NaN. Where an error is divided
by a scale of zero, no error is 0 and any other ``inf``.
"""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real

import numpy as np
import numpy.typing as npt

from tsgen._messages import written
from tsgen._typing import FloatArray
from tsgen.errors import SettingError

__all__ = [
    "QUANTILES",
    "absolute_errors",
    "checked_quantiles",
    "coverage",
    "covered",
    "crps",
    "mae",
    "mase",
    "mean_known",
    "over_scale",
    "pinball_losses",
    "quantile_loss",
    "rmse",
    "rmsse",
    "seasonal_error",
    "smape",
    "squared_errors",
    "symmetric_errors",
    "wql",
]


QUANTILES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Those that `wql` is averaged over unless others are named."""


def mae(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> FloatArray:
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
    return mean_known(absolute_errors(true, pred), true)


def rmse(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> FloatArray:
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
    return np.asarray(np.sqrt(mean_known(squared_errors(true, pred), true)))


def smape(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> FloatArray:
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
    return mean_known(symmetric_errors(true, pred), true)


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

    Raises
    ------
    SettingError
        If ``season_length`` isn't a number of 1 or more.

    Examples
    --------
    >>> from tsgen.metrics import seasonal_error
    >>> seasonal_error([1.0, 2.0, 4.0], season_length=1)
    1.5
    """
    if season_length < 1:
        raise SettingError(f"season_length={written(season_length)}: expected 1 or more rows")
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
    error, unit = _one_series(mae(y_true, y_pred)), seasonal_error(y_train, season_length)
    return float(over_scale(error, unit))


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
    return float(over_scale(_one_series(rmse(y_true, y_pred)), unit))


def quantile_loss(y_true: npt.ArrayLike, y_pred: npt.ArrayLike, quantile: float) -> FloatArray:
    """Mean pinball loss of one quantile [1]_, in the units of the series.

    The mean of ``max(q (y - y_q), (q - 1) (y - y_q))``: at the median, half of `mae`.

    Parameters
    ----------
    y_true : array-like of shape (H,) or (N, H)
        Observed values.
    y_pred : array-like of the same shape
        Forecasts of the quantile.
    quantile : float
        q, above 0 and below 1.

    Returns
    -------
    ndarray of shape () or (N,)

    Raises
    ------
    SettingError
        If ``quantile`` isn't between 0 and 1.

    References
    ----------
    .. [1] Koenker, Bassett: Regression quantiles. Econometrica 46(1), 1978.

    Examples
    --------
    >>> from tsgen.metrics import quantile_loss
    >>> float(quantile_loss([10.0, 10.0], [8.0, 12.0], 0.75))
    1.0
    """
    true, pred = _pair(y_true, y_pred)
    return mean_known(pinball_losses(true, pred, _checked_quantile(quantile)), true)


def wql(
    y_true: npt.ArrayLike, y_pred: npt.ArrayLike, quantiles: Sequence[float] = QUANTILES
) -> float:
    """Weighted quantile loss of a whole panel [1]_, without units.

    For each quantile twice the sum of the pinball losses over all series and steps, divided by the
    sum of ``|y|``; then the mean over the quantiles. It is ``mean_weighted_sum_quantile_loss`` of
    GluonTS, which GIFT-Eval [2]_ reports. Series of large values weigh more, so that it is no mean
    of the series' own scores.

    Parameters
    ----------
    y_true : array-like of shape (H,) or (N, H)
        Observed values.
    y_pred : array-like of shape (Q, H) or (N, Q, H)
        Forecasts of each quantile.
    quantiles : sequence of Q floats, default 0.1, 0.2, …, 0.9
        Above 0 and below 1.

    Returns
    -------
    float

    Raises
    ------
    SettingError
        If ``quantiles`` is empty or leaves 0 to 1.

    References
    ----------
    .. [1] Park, Robinson, Aubet, Kan, Gasthaus, Wang: Learning quantile functions without quantile
       crossing for distribution-free time series forecasting. AISTATS 2022.
    .. [2] Aksu et al.: GIFT-Eval: A benchmark for general time series forecasting model
       evaluation. arXiv:2410.10393, 2024.

    Examples
    --------
    >>> from tsgen.metrics import wql
    >>> round(wql([10.0, 30.0], [[9.0, 27.0], [12.0, 33.0]], quantiles=[0.1, 0.9]), 3)
    0.022
    """
    true, pred = _stacked(y_true, y_pred, "y_pred", "Q")
    shares = checked_quantiles(quantiles)
    if pred.shape[-2] != len(shares):
        raise ValueError(
            f"y_pred holds {pred.shape[-2]} quantiles, but quantiles= names {len(shares)}"
        )
    known = ~np.isnan(true)
    if not known.any():
        return float("nan")
    losses = [
        pinball_losses(true, pred[..., i, :], share)[known].sum() for i, share in enumerate(shares)
    ]
    return float(over_scale(2 * np.mean(losses), np.abs(true[known]).sum()))


def crps(y_true: npt.ArrayLike, paths: npt.ArrayLike) -> FloatArray:
    """Continuous ranked probability score of sample paths [1]_, in the units of the series.

    Of the distribution that the S paths are at each step, ``mean |x_i - y| - mean |x_i - x_j| / 2``
    with the second mean over all S² pairs; then the mean over the steps. One path scores its
    `mae`. As a guess at the score of what the paths were drawn from it is too high by
    ``E |x - x'| / 2S`` (the estimator without this bias may be negative): compare models by the
    same number of paths.

    Parameters
    ----------
    y_true : array-like of shape (H,) or (N, H)
        Observed values.
    paths : array-like of shape (S, H) or (N, S, H)
        Generated continuations.

    Returns
    -------
    ndarray of shape () or (N,)

    References
    ----------
    .. [1] Gneiting, Raftery: Strictly proper scoring rules, prediction, and estimation. JASA
       102(477), 2007, section 4.2.

    Examples
    --------
    >>> from tsgen.metrics import crps
    >>> float(crps([0.0], [[-1.0], [1.0]]))
    0.5
    """
    true, drawn = _stacked(y_true, paths, "paths", "S")
    count = drawn.shape[-2]
    deviations = np.sort(drawn - true[..., None, :], axis=-2)
    # The same sum path by path: after sorting, each pair costs nothing and no term is negative.
    ranks = (np.arange(count) + 0.5)[:, None]
    terms = deviations * (np.where(deviations > 0, count, 0) - ranks)
    return mean_known(2 * terms.sum(axis=-2) / count**2, true)


def coverage(y_true: npt.ArrayLike, lower: npt.ArrayLike, upper: npt.ArrayLike) -> FloatArray:
    """Share of true values inside of intervals, in per cent like their level.

    The bounds belong to the interval. Intervals of level 80 should cover 80.

    Parameters
    ----------
    y_true, lower, upper : array-like of shape (H,) or (N, H)
        Observed values, and the bounds forecast for them.

    Returns
    -------
    ndarray of shape () or (N,)
        0 to 100.

    Examples
    --------
    >>> from tsgen.metrics import coverage
    >>> float(coverage([1.0, 2.0, 3.0, 9.0], lower=[0.0] * 4, upper=[3.0] * 4))
    75.0
    """
    true, low = _pair(y_true, lower, "lower")
    _, high = _pair(y_true, upper, "upper")
    return mean_known(covered(true, low, high), true)


# --- step by step


def absolute_errors(true: FloatArray, pred: FloatArray) -> FloatArray:
    """What `mae` is the mean of."""
    return np.abs(true - pred)


def squared_errors(true: FloatArray, pred: FloatArray) -> FloatArray:
    """What `rmse` is the root of the mean of."""
    return np.square(true - pred)


def symmetric_errors(true: FloatArray, pred: FloatArray) -> FloatArray:
    """What `smape` is the mean of, 0 to 200."""
    size = np.abs(true) + np.abs(pred)
    shares: FloatArray = np.divide(
        np.abs(true - pred), size, out=np.zeros_like(size), where=size != 0
    )
    return 200.0 * shares


def pinball_losses(true: FloatArray, pred: FloatArray, quantile: float) -> FloatArray:
    """What `quantile_loss` is the mean of."""
    above = true - pred
    return np.asarray(np.maximum(quantile * above, (quantile - 1) * above))


def covered(true: FloatArray, lower: FloatArray, upper: FloatArray) -> FloatArray:
    """100 inside of an interval and 0 outside; NaN where a bound is."""
    inside = np.where((lower <= true) & (true <= upper), 100.0, 0.0)
    return np.where(np.isnan(lower) | np.isnan(upper), np.nan, inside)


def over_scale(errors: npt.ArrayLike, scale: npt.ArrayLike) -> FloatArray:
    """Errors of 0 or more, divided by a scale: 0 of nothing is 0, all else of nothing ``inf``."""
    above, below = np.asarray(errors, dtype=np.float64), np.asarray(scale, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((above == 0) & (below == 0), 0.0, above / below)


def checked_quantiles(quantiles: Sequence[float]) -> list[float]:
    """One or more numbers between 0 and 1."""
    shares = [_checked_quantile(share) for share in quantiles]
    if not shares:
        raise SettingError("quantiles=[]: expected one or more, as in quantiles=[0.1, 0.5, 0.9]")
    return shares


def _checked_quantile(quantile: float) -> float:
    is_number = isinstance(quantile, Real) and not isinstance(quantile, bool)
    if not is_number or not 0 < quantile < 1:
        raise SettingError(f"quantile {written(quantile)}: expected a number above 0 and below 1")
    return float(quantile)


def _pair(
    y_true: npt.ArrayLike, y_pred: npt.ArrayLike, name: str = "y_pred"
) -> tuple[FloatArray, FloatArray]:
    true, pred = np.asarray(y_true, dtype=np.float64), np.asarray(y_pred, dtype=np.float64)
    if true.shape != pred.shape or true.ndim == 0:
        raise ValueError(
            f"y_true and {name} need one shape that ends in the horizon, got {true.shape} and "
            f"{pred.shape}"
        )
    return true, pred


def _stacked(
    y_true: npt.ArrayLike, stack: npt.ArrayLike, name: str, letter: str
) -> tuple[FloatArray, FloatArray]:
    """Truth (…, H) and what there is several of for each value of it."""
    true, several = np.asarray(y_true, dtype=np.float64), np.asarray(stack, dtype=np.float64)
    shape = several.shape
    if true.ndim == 0 or len(shape) < 2 or (*shape[:-2], shape[-1]) != true.shape or not shape[-2]:
        raise ValueError(
            f"y_true (…, H) needs {name} of shape (…, {letter}, H), got {true.shape} and {shape}"
        )
    return true, several


def mean_known(terms: FloatArray, true: FloatArray) -> FloatArray:
    """The mean over the steps whose truth is known."""
    known = ~np.isnan(true)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known, terms, 0.0).sum(axis=-1) / known.sum(axis=-1))


def _one_series(error: FloatArray) -> float:
    if error.ndim:
        raise ValueError(
            "a scaled error is of one series: expected y_true and y_pred of shape (H,)"
        )
    return float(error)
