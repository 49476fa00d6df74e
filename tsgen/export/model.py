"""A fitted model as one ONNX graph: from rows in the units of the data to a forecast in these."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import onnx
from onnx import helper

from tsgen._typing import BoolArray
from tsgen.data import Panel
from tsgen.export.covariates import covariate_inputs, embedded
from tsgen.export.graph import F32, Graph, Value
from tsgen.export.network import Feedback, NetworkGraph, closed_loop, read_context
from tsgen.export.signature import (
    CONTEXT,
    COVARIATES,
    FORECAST,
    HORIZON,
    SERIES,
    STATIC,
    Signature,
)
from tsgen.export.units import Normaliser, back, is_known, normaliser_of, scale_of, transform
from tsgen.inference import LIMIT_SLACK, FittedModel

__all__ = ["onnx_model"]

_OPSET, _IR_VERSION = 17, 8
_NAN = np.float64(np.nan)


def onnx_model(model: FittedModel, panel: Panel) -> onnx.ModelProto:
    """The graph of a model, checked.

    Parameters
    ----------
    model : FittedModel
        Of recurrent networks, with scalers that are affine.
    panel : Panel
        Series as the model reads them, for the names of what goes in and comes out.
    """
    signature, op = Signature(model, panel), Graph()
    forecast = op.named(_forecast(op, signature), FORECAST)
    made = helper.make_model(
        op.proto("forecast", signature.inputs, [signature.output(forecast)]),
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
        producer_name="tsgen",
    )
    helper.set_model_props(made, {"tsgen": json.dumps(signature.described)})
    onnx.checker.check_model(made, full_check=True)
    return made


def _forecast(op: Graph, signature: Signature) -> Value:
    """From the inputs to the forecast, (B, H, channels that are returned)."""
    model = signature.model
    scaler, bounds = model.units.scaler, model.units.scaler.target_transform
    series = SERIES if signature.names_series else None
    values = op.Transpose(CONTEXT, perm=[1, 0, 2])  # rows come first from here on
    known = is_known(op, values)
    begun = _begun(op, known)
    if bounds is not None:
        values = transform(op, bounds, _by_channel(model), values)
    if signature.scales_targets:
        scale = scale_of(op, scaler, model.channels, values, known, series)
        values = op.Div(op.Sub(values, scale.centre), scale.size)
    tail = _last_rows(op, op.Where(known, values, _NAN), model.rows_read)
    known = is_known(op, tail)
    values = op.Where(known, tail, np.float64(0))
    normaliser = normaliser_of(
        op, values, known, model.context_length, window_norm=model.window_norm
    )
    units, flags = normaliser.apply(op, values, known), op.cast(known, F32)
    covariates = _covariates(op, signature, begun, series)
    path = _path(op, model, normaliser, units, flags, covariates)
    forecast = normaliser.invert(op, path)
    if signature.scales_targets:
        forecast = op.Add(op.Mul(forecast, scale.size), scale.centre)
    if bounds is not None:
        forecast = back(op, bounds, _by_channel(model), forecast)
    returned: Value = op.Transpose(op.rows(forecast, 0, signature.returned, axis=2), perm=[1, 0, 2])
    return returned


def _by_channel(model: FittedModel) -> BoolArray:
    flags = np.array(model.units.scaler.transformed)
    return np.tile(flags, model.channels // len(flags))


def _begun(op: Graph, known: Value) -> Value:
    """1 from the first row of each system on in which anything is known, (rows, B, 1)."""
    some = op.ReduceMax(op.cast(known, F32), axes=[2], keepdims=1)
    return op.CumSum(some, np.int64(0))  # type: ignore[no-any-return]


def _last_rows(op: Graph, rows: Value, count: int) -> Value:
    """So many of them; NaN stands before those of which there are fewer."""
    shape = op.Concat([count], op.rows(op.Shape(rows), 1), axis=0)
    return op.rows(op.Concat(op.Expand(_NAN, shape), rows, axis=0), -count)


def _covariates(op: Graph, signature: Signature, begun: Value, series: Value | None) -> Value | None:
    """What the networks know of each row beside the values, (rows read + H, B, D)."""
    model = signature.model
    scaler = model.units.covariate_scaler
    if scaler is None:
        return None
    count, horizon = model.rows_read, op.Unsqueeze(HORIZON, [0])
    begun = op.Where(op.Greater(begun, np.float32(0)), np.float64(1), _NAN)
    ahead = op.Concat(horizon, op.rows(op.Shape(begun), 1), axis=0)
    there = op.Concat(_last_rows(op, begun, count), op.Expand(np.float64(1), ahead), axis=0)
    rows = None
    if signature.of_rows:
        given = op.Transpose(COVARIATES, perm=[1, 0, 2])
        context = op.Slice(given, [0], op.Neg(horizon), [0])
        later = op.Slice(given, op.Neg(horizon), [np.iinfo(np.int64).max], [0])
        rows = op.Concat(_last_rows(op, context, count), later, axis=0)
    static = STATIC if signature.of_series else None
    return covariate_inputs(op, scaler, rows, static, is_known(op, there), series)


def _path(
    op: Graph,
    model: FittedModel,
    normaliser: Normaliser,
    units: Value,
    flags: Value,
    covariates: Value | None,
) -> Value:
    """The median of the members' closed loops, (H, B, C), in the normaliser's units."""
    count, limits, paths = model.rows_read, None, list[Value]()
    for network in model.networks:
        member = NetworkGraph(network)
        before = ahead = None
        if covariates is not None:
            inputs = embedded(op, network.covariates, covariates)
            before, ahead = op.rows(inputs, 0, count), op.rows(inputs, count)
        rows, state = read_context(op, member, units, flags, count, before)
        if limits is None:  # which all members share
            limits = _limits(op, model, normaliser, op.rows(rows, 0, model.channels, axis=2))
        feedback = Feedback(limits, ahead)
        paths.append(closed_loop(op, member, rows, state, HORIZON, feedback))
    return _median(op, paths)


def _limits(op: Graph, model: FittedModel, normaliser: Normaliser, values: Value) -> Value:
    """The largest size of a value at each step, (H, B, C), as the model's own loop has it."""
    seen = op.ReduceMax(op.Abs(values), axes=[0], keepdims=1)
    seen = op.Max(seen, np.float32(max(model.units.value_range.size, 1.0)))
    seen = op.Where(normaliser.varies(op), seen, np.float32(np.inf))
    steps = op.cast(op.Range(np.int64(0), HORIZON, np.int64(1)), F32)
    growth = op.Add(op.Div(steps, np.float32(model.train_horizon)), np.float32(1))
    growth = op.Unsqueeze(growth, [1, 2])
    limits: Value = op.Mul(op.Mul(seen, np.float32(LIMIT_SLACK)), growth)
    return limits


def _median(op: Graph, paths: Sequence[Value]) -> Value:
    if len(paths) == 1:
        return paths[0]
    together = op.Concat(*(op.Unsqueeze(path, [0]) for path in paths), axis=0)
    ordered, _ = op.TopK(together, [len(paths)], outputs=2, axis=0)
    middle = (len(paths) - 1) // 2
    middle_ones = op.rows(ordered, middle, len(paths) - middle)
    median: Value = op.ReduceMean(middle_ones, axes=[0], keepdims=0)
    return median
