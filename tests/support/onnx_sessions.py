"""Exported models beside the ones that they were made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from tsgen.data import Panel, read_future

Array = npt.NDArray[np.float64]


def session_of(path: Path) -> onnxruntime.InferenceSession:
    """On one core; a warning of the runtime is an error of ours."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options)


def context_of(panel: Panel) -> Array:
    """All rows of the systems of a panel, (B, rows, C), NaN before the start of shorter ones."""
    rows = np.full((len(panel), int(panel.lengths.max())), np.nan)
    for own, values in zip(rows, np.split(panel.values, panel.offsets[1:-1]), strict=True):
        own[len(own) - len(values) :] = values
    return rows.reshape(-1, panel.channels, rows.shape[1]).transpose(0, 2, 1)


def covariates_of(panel: Panel, future: Array) -> Array:
    """Their covariates, and those of the horizon after them, (B, rows + H, columns)."""
    assert panel.covariates is not None
    offsets = panel.offsets[:: panel.channels] // panel.channels
    parts = np.split(panel.covariates.rows, offsets[1:-1])
    rows = np.full((len(parts), max(map(len, parts)), future.shape[2]), np.nan)
    for own, values in zip(rows, parts, strict=True):
        own[len(own) - len(values) :] = values
    return np.concatenate([rows, future], axis=1)


def inputs_of(model: Any, panel: Panel, horizon: int, future_df: Any = None) -> dict[str, Any]:
    """What the graph of a model is given for the series of a panel."""
    inputs: dict[str, Any] = {"context": context_of(panel), "horizon": np.array(horizon)}
    if panel.covariates is not None:
        future = read_future(future_df, panel, horizon, model._calendar)
        assert future is not None
        if future.shape[2]:
            inputs["covariates"] = covariates_of(panel, future)
        if panel.covariates.static.shape[1]:
            inputs["static"] = panel.covariates.static
    inputs["series"] = model.panel_.keys.get_indexer(panel.keys)
    return inputs


def forecast_of(path: Path, model: Any, panel: Panel, horizon: int, future_df: Any = None) -> Array:
    """What the exported model says, (B, H, C)."""
    session = session_of(path)
    taken = {item.name for item in session.get_inputs()}
    inputs = inputs_of(model, panel, horizon, future_df)
    forecast: Array = session.run(["forecast"], {name: inputs[name] for name in taken})[0]
    return forecast


def assert_equals_predict(
    path: Path,
    model: Any,
    df: Any,
    horizons: tuple[int, ...] = (1, 7, 60),
    future_df: Any = None,
    scale: float | None = None,
) -> None:
    """The exported model forecasts series of a frame as the model itself does.

    To 1e-5 of their scale, which is the standard deviation of each unless another one is given.
    """
    model.export_onnx(path, overwrite=True)
    panel = model._read(df)
    own = np.nanstd(context_of(panel), axis=1, keepdims=True)
    tolerance = 1e-5 * (own if scale is None else np.full_like(own, scale))
    for horizon in horizons:
        continuation = model._continuation(
            model.model_, model.encode(df), horizon, None, future_df, "clip"
        )[1]
        wanted = continuation.point().values.reshape(-1, panel.channels, horizon)
        found = forecast_of(path, model, panel, horizon, future_df)
        wanted = wanted.transpose(0, 2, 1)[:, :, : found.shape[2]]
        assert np.isfinite(found).all()
        assert (np.abs(found - wanted) <= tolerance[:, :, : found.shape[2]]).all()
