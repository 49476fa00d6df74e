"""Exported models beside the ones that they were made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from support.problems import wavy
from tsgen import GRUForecaster, LSTMForecaster
from tsgen.data import Panel, read_future

onnxruntime = pytest.importorskip("onnxruntime")

Array = npt.NDArray[np.float64]

MODELS = [LSTMForecaster, GRUForecaster]
TINY = {"hidden_size": 8, "context_length": 16, "init": "random", "max_steps": 10, "verbose": False}


def tiny(model: type = LSTMForecaster, **settings: Any) -> Any:
    return model(**(TINY | settings))


def ragged(rows: tuple[int, ...] = (90, 20, 5, 60), freq: str = "D") -> pd.DataFrame:
    """Series of several lengths and scales that end together."""
    return pd.concat(
        [
            pd.DataFrame(
                {"unique_id": f"s{i}",
                 "ds": pd.date_range(end="2024-06-30", periods=count, freq=freq),
                 "y": 10.0**i * (3 + wavy(count, seed=i).to_numpy())}
            )
            for i, count in enumerate(rows)
        ],
        ignore_index=True,
    )  # fmt: skip


def with_covariates(rows: tuple[int, ...] = (90, 40, 30), seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    df = ragged(rows)
    kind = random.choice(["a", "b", "c"], len(df))
    return df.assign(
        price=random.normal(5, 2, len(df)),
        promotion=random.choice(["none", "some"], len(df)),
        weather=random.normal(size=len(df)).cumsum(),
        sky=random.choice(["blue", "grey"], len(df)),
        size=df["unique_id"].str[1:].astype(float),
        region=df["unique_id"].map({"s0": "north", "s1": "south", "s2": "north"}),
        kind=kind,
    )


def ahead_of(df: pd.DataFrame, horizon: int) -> pd.DataFrame:
    """What is known of the horizon, with a category that nothing was learned of."""
    random = np.random.default_rng(1)
    times = pd.date_range(df["ds"].max(), periods=horizon + 1)[1:]
    ids = df["unique_id"].unique()
    count = len(ids) * horizon
    promotion = random.choice(["none", "some", "new"], count)
    return pd.DataFrame(
        {"unique_id": np.repeat(ids, horizon), "ds": np.tile(times, len(ids)),
         "price": random.normal(5, 2, count), "promotion": promotion}
    )  # fmt: skip


ROLES: dict[str, dict[str, Any]] = {
    "future": {"future_covariates": ["price", "promotion"]},
    "past": {"past_covariates": ["weather", "sky"]},
    "static": {"static_covariates": ["size", "region"]},
    "all": {"future_covariates": ["price", "promotion"], "past_covariates": ["weather", "sky"],
            "static_covariates": ["size", "region"]},
    "rolled": {"past_covariates": ["weather"], "roll_past": True},
}  # fmt: skip


def session_of(path: Path) -> Any:
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


def outputs_of(
    path: Path, model: Any, panel: Panel, horizon: int, future_df: Any = None
) -> dict[str, Array]:
    """What the exported model says, (B, H, C) each."""
    session = session_of(path)
    taken = {item.name for item in session.get_inputs()}
    inputs = inputs_of(model, panel, horizon, future_df)
    names = [item.name for item in session.get_outputs()]
    outputs = session.run(names, {name: inputs[name] for name in taken})
    return dict(zip(names, outputs, strict=True))


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
        found = outputs_of(path, model, panel, horizon, future_df)["forecast"]
        wanted = wanted.transpose(0, 2, 1)[:, :, : found.shape[2]]
        assert np.isfinite(found).all()
        assert (np.abs(found - wanted) <= tolerance[:, :, : found.shape[2]]).all()


def assert_levels_equal(path: Path, model: Any, df: Any) -> None:
    """The same of intervals; those of whole numbers may differ by one where a bound is one."""
    model.export_onnx(path, level=[80, 95], overwrite=True)
    panel = model._read(df)
    whole = model.scaler_.counts
    for horizon in (1, 40):
        wanted = model.predict(horizon, df=df, level=[80, 95])
        names = panel.columns.targets
        for name, found in outputs_of(path, model, panel, horizon).items():
            columns = [f"{target}{name.removeprefix('forecast')}" for target in names]
            expected = wanted[columns].to_numpy().reshape(found.shape)
            scale = np.nanstd(context_of(panel), axis=1, keepdims=True)
            assert (np.abs(found - expected) <= 1e-5 * scale + whole).all(), name
            assert not whole or name == "forecast" or (found == expected).mean() > 0.98
