"""A fitted forecaster as a model of MLflow: saved, logged, loaded and served.

What MLflow keeps is the ``.tsgen`` file and the name of this module, which reads it: nothing is
pickled.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pandas as pd

from tsgen.data import Columns
from tsgen.errors import MissingExtraError, SettingError
from tsgen.forecasters import NeuralForecaster, load

__all__ = ["log_model", "save_model"]

_FILE = "model.tsgen"


def save_model(
    model: Any,
    path: str | PathLike[str],
    *,
    example: pd.DataFrame | None = None,
    horizon: int = 1,
    **settings: Any,
) -> None:
    """Write a fitted forecaster into a folder as a model of MLflow.

    ``mlflow.pyfunc.load_model(path).predict(df, params={"horizon": 12, "level": [80]})`` continues
    the series of a long frame, as does ``mlflow models serve``. Parameters are ``horizon``,
    ``level`` and ``quantiles``. If the model has future covariates, the rows of the horizon are
    those at the end of each series whose targets are missing.

    Parameters
    ----------
    model : LSTMForecaster, GRUForecaster or EncoderDecoderForecaster
        Fitted. For levels and quantiles it must be calibrated: ``model.calibrate()``.
    path : path
        A folder that isn't there yet.
    example : DataFrame, optional
        Rows as they will be continued, in a long frame: their columns and types become the
        signature, which a server needs to read time stamps.
    horizon : int, default 1
        How many steps are generated where a call doesn't say.
    **settings
        More arguments of ``mlflow.pyfunc.save_model``.

    Raises
    ------
    MissingExtraError
        If there is no MLflow.
    NotFittedError
        Before ``fit``.

    Examples
    --------
    >>> import mlflow  # doctest: +SKIP
    >>> import tsgen
    >>> from tsgen.bridges.mlflow import save_model
    >>> df = tsgen.load_dataset("air_passengers")
    >>> model = tsgen.LSTMForecaster(max_steps=20, verbose=False).fit(df)
    >>> save_model(model, "air", example=df)  # doctest: +SKIP
    >>> mlflow.pyfunc.load_model("air").predict(df, params={"horizon": 12})  # doctest: +SKIP
    """
    mlflow = _mlflow()
    with TemporaryDirectory() as folder:
        described = _described(model, Path(folder), example, horizon)
        mlflow.pyfunc.save_model(path, **described, **settings)


def log_model(
    model: Any,
    name: str,
    *,
    example: pd.DataFrame | None = None,
    horizon: int = 1,
    **settings: Any,
) -> Any:
    """Log a fitted forecaster in the current run of MLflow, which may register it, too.

    Parameters
    ----------
    model, example, horizon
        As in `save_model`.
    name : str
    **settings
        More arguments of ``mlflow.pyfunc.log_model``, such as ``registered_model_name``.

    Returns
    -------
    mlflow.models.model.ModelInfo
        Its ``model_uri`` is what ``mlflow.pyfunc.load_model`` takes.

    Raises
    ------
    MissingExtraError
        If there is no MLflow.
    NotFittedError
        Before ``fit``.

    Examples
    --------
    >>> import tsgen
    >>> from tsgen.bridges.mlflow import log_model
    >>> df = tsgen.load_dataset("air_passengers")
    >>> model = tsgen.LSTMForecaster(max_steps=20, verbose=False).fit(df)
    >>> info = log_model(model, "air", example=df, horizon=12)  # doctest: +SKIP
    """
    mlflow = _mlflow()
    with TemporaryDirectory() as folder:
        described = _described(model, Path(folder), example, horizon)
        return mlflow.pyfunc.log_model(name=name, **described, **settings)


def _mlflow() -> Any:
    try:
        import mlflow.pyfunc
    except ImportError as error:
        raise MissingExtraError(
            "tsgen.bridges.mlflow needs the package mlflow: pip install 'tsgen[mlflow]'"
        ) from error
    return mlflow


def _version() -> str:
    # By name, since import-linter takes an import of the package for one of all that it exports.
    return str(importlib.import_module("tsgen").__version__)


def _described(
    model: Any, folder: Path, example: pd.DataFrame | None, horizon: int
) -> dict[str, Any]:
    """What MLflow is told of a model, whose file lies in a folder until it is copied."""
    from mlflow.models import ModelSignature, infer_signature
    from mlflow.types import ParamSchema, ParamSpec

    if not isinstance(model, NeuralForecaster):
        raise SettingError(
            f"model is a {type(model).__name__}, which has no file: expected a fitted forecaster "
            "with a network, such as tsgen.LSTMForecaster().fit(df)"
        )
    model.save(folder / _FILE)
    params = ParamSchema(
        [
            ParamSpec("horizon", "long", horizon),
            ParamSpec("level", "double", [], shape=(-1,)),
            ParamSpec("quantiles", "double", [], shape=(-1,)),
        ]
    )
    inputs = None if example is None else infer_signature(example).inputs
    return {
        "loader_module": __name__,
        "data_path": str(folder / _FILE),
        "signature": ModelSignature(inputs=inputs, params=params),
        "pip_requirements": [f"tsgen=={_version()}"],
    }


class _Served(NamedTuple):
    """What MLflow asks of a model that it has loaded."""

    model: Any

    def predict(self, df: pd.DataFrame, params: Mapping[str, Any]) -> pd.DataFrame:
        asked: dict[str, Any] = {
            name: [*params[name]] for name in ("level", "quantiles") if len(params[name])
        }
        columns = self.model.panel_.columns
        if columns.future:
            df, ahead = _past_and_ahead(df, columns)
            roles = columns.id, columns.time, *columns.future
            asked["future_df"] = ahead[[name for name in roles if name in ahead]]
        forecast: pd.DataFrame = self.model.predict(params["horizon"], df=df, **asked)
        return forecast

    def get_raw_model(self) -> Any:
        return self.model


def _past_and_ahead(df: pd.DataFrame, columns: Columns) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of each series up to its last one with a target, and those after it."""
    df = df.reset_index(drop=True)
    backwards = df.sort_values(columns.time, ascending=False)
    known = backwards[[*columns.targets]].notna().any(axis=1)
    ids = backwards[columns.id] if columns.id in df else pd.Series(0, backwards.index)
    is_past = (known.groupby(ids, sort=False).cumsum() > 0).sort_index()
    return df[is_past], df[~is_past]


def _load_pyfunc(path: str) -> _Served:
    """Read the file of a model; MLflow calls it by its name."""
    return _Served(load(path))
