"""A forecaster of tsgen under sktime's interface."""

from __future__ import annotations

from inspect import signature
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import clone

from tsgen._typing import IntArray
from tsgen.data import Fill
from tsgen.errors import MissingExtraError
from tsgen.forecasters import LSTMForecaster, SeasonalNaive

try:
    from sktime.datatypes import update_data
    from sktime.forecasting.base import BaseForecaster, ForecastingHorizon
except ImportError as error:
    raise MissingExtraError(
        "tsgen.bridges.sktime needs sktime, which isn't installed: pip install 'tsgen[sktime]'"
    ) from error

__all__ = ["TsgenForecaster"]

_ID, _TIME = "unique_id", "ds"
_FRAMES = ["pd.DataFrame", "pd-multiindex", "pd_multiindex_hier"]


class TsgenForecaster(BaseForecaster):
    """A forecaster of tsgen as one of sktime.

    A panel or a hierarchy is learned by one network; the columns of a multivariate series are as
    many series of it, or with ``multivariate=True`` the channels of one system. ``X`` are future
    covariates, numbers or categories, which ``predict`` needs for each step up to the last one of
    its horizon. In-sample forecasts are one-step forecasts (``fitted``), NaN for rows with too few
    before them. ``update`` trains anew unless ``update_params=False``, which goes on from the new
    rows with the weights as they are.

    Parameters
    ----------
    forecaster : forecaster, optional
        What is fitted, of which this has a copy: any of tsgen for numbers; by default
        ``LSTMForecaster(verbose=False)``. Its parameters are ``forecaster__hidden_size`` and so on.
    fill : {"mask", "ffill", "interpolate"} or float, optional
        What to do about missing values, which are an error by default.

    Attributes
    ----------
    forecaster_ : forecaster
        Fitted.

    Raises
    ------
    MissingExtraError
        By the import of this module, if there is no sktime.

    Examples
    --------
    >>> import tsgen
    >>> from tsgen.bridges.sktime import TsgenForecaster
    >>> df = tsgen.load_dataset("air_passengers")
    >>> y = df.set_index("ds")["y"].asfreq("MS")
    >>> model = TsgenForecaster(tsgen.LSTMForecaster(max_steps=20, verbose=False)).fit(y)
    >>> model.predict(fh=[1, 2, 12]).index.strftime("%Y-%m").tolist()
    ['1961-01', '1961-02', '1961-12']
    """

    _tags = {  # noqa: RUF012 - so are all of sktime
        "authors": ["the tsgen authors"],
        "maintainers": ["the tsgen authors"],
        "python_dependencies": ["tsgen"],
        "y_inner_mtype": _FRAMES,
        "X_inner_mtype": _FRAMES,
        "requires-fh-in-fit": False,
        "capability:multivariate": True,
        "capability:exogenous": True,
        "capability:categorical_in_X": True,
        "capability:non_contiguous_X": False,
        "capability:missing_values": False,
        "capability:insample": True,
        "capability:pred_int": True,
        "capability:pred_int:insample": False,
        "capability:update": True,
    }

    def __init__(self, forecaster: Any = None, fill: Fill | None = None) -> None:
        self.forecaster = forecaster
        self.fill = fill
        super().__init__()
        network = "future_covariates" in signature(self._chosen.fit).parameters
        self.set_tags(
            **{
                "capability:exogenous": network,
                "capability:pred_int": network,
                "capability:missing_values": fill is not None,
            }
        )

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> list[dict[str, Any]]:
        """Settings for sktime's own checks, which take a moment each.

        Examples
        --------
        >>> from tsgen.bridges.sktime import TsgenForecaster
        >>> len(TsgenForecaster.get_test_params())
        2
        """
        network = LSTMForecaster(
            hidden_size=2,
            context_length=4,
            lags=1,
            residual="last",
            max_steps=1,
            batch_size=4,
            init="random",
            verbose=False,
        )
        return [
            {"forecaster": network, "fill": "mask"},
            {"forecaster": SeasonalNaive(season_length=3)},
        ]

    @property
    def _chosen(self) -> Any:
        return LSTMForecaster(verbose=False) if self.forecaster is None else self.forecaster

    def _fit(self, y: pd.DataFrame, X: pd.DataFrame | None, fh: Any) -> Self:
        covariates = {} if X is None else {"future_covariates": _covariates(X)}
        self.targets_ = [str(column) for column in y.columns]
        self.forecaster_ = clone(self._chosen).fit(
            _long(y, X),
            id_col=_ID,
            time_col=_TIME,
            target_col=self.targets_,
            freq=getattr(y.index, "freq", None),
            fill=self.fill,
            **covariates,
        )
        self._past, self._is_behind = (y, X), False
        return self

    def _update(
        self, y: pd.DataFrame, X: pd.DataFrame | None = None, update_params: bool = True
    ) -> Self:
        # Kept here, since whether sktime remembers rows is up to its settings.
        known, covariates = self._past
        past = update_data(known, y), covariates if X is None else update_data(covariates, X)
        if update_params:
            return self._fit(*past, self._fh)
        self._past, self._is_behind = past, True
        return self

    def _predict(self, fh: ForecastingHorizon, X: pd.DataFrame | None) -> pd.DataFrame:
        steps = self._steps(fh)
        made = []
        if steps.max() > 0:
            made.append(self._ahead(steps, X)[self.targets_])
        if steps.min() <= 0:
            fitted = self.forecaster_.fitted(_long(*self._past)).set_index([_ID, _TIME])
            made.append(fitted[[f"{target}_pred" for target in self.targets_]])
        rows = pd.concat([part.set_axis(self.targets_, axis=1) for part in made])
        return self._at(fh, rows, self._past[0].columns)

    def _predict_quantiles(
        self, fh: ForecastingHorizon, X: pd.DataFrame | None, alpha: list[float]
    ) -> pd.DataFrame:
        # 0.025000000000000022 is what 95 per cent come to.
        shares = [round(share, 12) for share in alpha]
        made = self._ahead(self._steps(fh), X, quantiles=sorted({*shares}))
        names = [f"{target}-q-{share:.12g}" for target in self.targets_ for share in shares]
        columns = pd.MultiIndex.from_product([self._get_varnames(), alpha])
        return self._at(fh, made[names], columns)

    def _steps(self, fh: ForecastingHorizon) -> IntArray:
        """Steps from the cutoff; sktime doesn't find the frequency of a panel's stamps."""
        if fh.freq is None and isinstance(self.cutoff, pd.DatetimeIndex):
            fh.freq = self.forecaster_.panel_.frequency.name
        steps: IntArray = fh.to_relative(self.cutoff).to_numpy().astype(np.int64)
        return steps

    def _ahead(self, steps: IntArray, X: pd.DataFrame | None, **asked: Any) -> pd.DataFrame:
        """Forecasts up to the last step by series and time."""
        past = _long(*self._past)
        ends = past.groupby(_ID)[_TIME].max()
        # Where series end at different times, steps are those after the last of them.
        horizon = int(steps.max()) + past.loc[past[_TIME] > ends.min(), _TIME].nunique()
        if X is not None:
            asked["future_df"] = _long(None, X)
        if self._is_behind:
            asked["df"] = past
        made: pd.DataFrame = self.forecaster_.predict(horizon, **asked).set_index([_ID, _TIME])
        return made

    def _at(self, fh: ForecastingHorizon, rows: pd.DataFrame, columns: pd.Index) -> pd.DataFrame:
        """Rows at the times of a horizon, as sktime indexes them; NaN where there are none."""
        index = fh.get_expected_pred_idx(y=self._past[0], cutoff=self.cutoff)
        at = pd.MultiIndex.from_arrays([_names(index), index.get_level_values(-1)])
        return pd.DataFrame(rows.reindex(at).to_numpy(), index=index, columns=columns)


def _long(y: pd.DataFrame | None, X: pd.DataFrame | None) -> pd.DataFrame:
    """A row per series and time; the name of a series is that of its levels."""
    parts = [] if y is None else [y.set_axis([str(column) for column in y.columns], axis=1)]
    if X is not None:
        covariates = X.set_axis(_covariates(X), axis=1)
        parts.append(covariates if y is None else covariates.reindex(y.index))
    rows = pd.concat(parts, axis=1)
    times = rows.index.get_level_values(-1)
    names = _names(rows.index)
    rows = rows.reset_index(drop=True)
    rows.insert(0, _ID, names)
    rows.insert(1, _TIME, times)
    return rows


def _names(index: pd.Index) -> list[str]:
    """Whose each row is."""
    if not isinstance(index, pd.MultiIndex):
        return ["y"] * len(index)
    return [str(name) for name in index.droplevel(-1)]


def _covariates(X: pd.DataFrame) -> list[str]:
    """Names that targets don't have."""
    return [f"X[{column}]" for column in X.columns]
