"""A fitted model as one ONNX graph: from rows in the units of the data to a forecast in these."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import numpy as np
import onnx
from onnx import helper

from tsgen._typing import BoolArray
from tsgen.data import Panel
from tsgen.export.covariates import covariate_inputs
from tsgen.export.graph import F32, Graph, Value
from tsgen.export.levels import predicted_spread, quantile
from tsgen.export.loops import Context, read_by_members
from tsgen.export.signature import CONTEXT, COVARIATES, HORIZON, SERIES, STATIC, Signature
from tsgen.export.units import (
    affine,
    any_row,
    back,
    is_known,
    normaliser_of,
    outside,
    scale_of,
    transform,
)
from tsgen.inference import FittedModel, SpreadCalibration

__all__ = ["onnx_model"]

_OPSET, _IR_VERSION = 17, 8
_NAN = np.float64(np.nan)


def onnx_model(model: FittedModel, panel: Panel, shares: Mapping[str, float]) -> onnx.ModelProto:
    """The graph of a model, checked.

    Parameters
    ----------
    model : FittedModel
        Of recurrent networks, with scalers that are affine.
    panel : Panel
        Series as the model reads them, for the names of what goes in and comes out.
    shares : mapping of str to float
        By the suffix of its name, the share of what may come that is below a quantile; with some,
        the model has a `SpreadCalibration`.
    """
    signature, op = Signature(model, panel, tuple(shares)), Graph()
    for value, output in zip(_outputs(op, signature, shares), signature.outputs, strict=True):
        op.name_output(value, output.name)
    made = helper.make_model(
        op.proto("forecast", signature.inputs, signature.outputs),
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
        producer_name="tsgen",
    )
    helper.set_model_props(made, {"tsgen": json.dumps(signature.described)})
    onnx.checker.check_model(made, full_check=True)
    return made


def _outputs(op: Graph, signature: Signature, shares: Mapping[str, float]) -> list[Value]:
    """The forecast and the quantiles around it, (B, H, channels that are returned)."""
    model = signature.model
    context, in_user_units = _context(op, signature)
    loops = read_by_members(op, model, context, HORIZON)
    path = loops.path(op)
    found = [in_user_units(path)]
    calibration = model.calibration
    if not shares:
        return found
    assert isinstance(calibration, SpreadCalibration)
    spread = predicted_spread(op, loops, context, model.warmup, path)
    for share in shares.values():
        bound = in_user_units(quantile(op, calibration, share, path, spread))
        if model.units.scaler.counts:  # outward
            bound = op.Floor(bound) if share < 0.5 else op.Ceil(bound)
        found.append(bound)
    return found


def _context(op: Graph, signature: Signature) -> tuple[Context, Callable[[Value], Value]]:
    """What the networks read, and what brings a path (H, B, C) of theirs to the data's units."""
    model = signature.model
    scaler, bounds = model.units.scaler, model.units.scaler.target_transform
    affine(scaler.scalers, "scaler")  # also where a window's own mean and spread undo it
    series = SERIES if signature.names_series else None
    values = op.Transpose(CONTEXT, perm=[1, 0, 2])  # rows come first from here on
    known = is_known(op, values)
    covariates = _covariates(op, signature, known, series)
    lost = None
    if bounds is not None:
        lost = any_row(op, outside(op, bounds, _transformed(model), values))
        values = transform(op, bounds, _transformed(model), values)
    if signature.scales_targets:
        scale = scale_of(op, scaler, model.channels, values, known, series)
        values = op.Div(op.Sub(values, scale.centre), scale.size)
    tail = _last_rows(op, op.Where(known, values, _NAN), model.rows_read)
    known = is_known(op, tail)
    values = op.Where(known, tail, np.float64(0))
    normaliser = normaliser_of(
        op, values, known, model.context_length, window_norm=model.window_norm
    )

    if model.window_norm:  # by nothing that is known, there are no units
        unknown = op.Not(any_row(op, op.rows(known, -model.context_length)))
        lost = unknown if lost is None else op.Or(lost, unknown)

    def in_user_units(path: Value) -> Value:
        restored = normaliser.invert(op, path)
        if signature.scales_targets:
            restored = op.Add(op.Mul(restored, scale.size), scale.centre)
        if bounds is not None:
            restored = back(op, bounds, _transformed(model), restored)
        if lost is not None:
            restored = op.Where(lost, _NAN, restored)
        returned = op.rows(restored, 0, signature.returned, axis=2)
        by_system: Value = op.Transpose(returned, perm=[1, 0, 2])
        return by_system

    units = normaliser.apply(op, values, known)
    return Context(units, op.cast(known, F32), normaliser, covariates), in_user_units


def _transformed(model: FittedModel) -> BoolArray:
    """To which channels the target transform applies, (C,)."""
    flags = np.array(model.units.scaler.transformed)
    return np.tile(flags, model.channels // len(flags))


def _last_rows(op: Graph, rows: Value, count: int) -> Value:
    """So many of them; NaN stands before those of which there are fewer."""
    shape = op.Concat([count], op.rows(op.Shape(rows), 1), axis=0)
    return op.rows(op.Concat(op.Expand(_NAN, shape), rows, axis=0), -count)


def _covariates(
    op: Graph, signature: Signature, known: Value, series: Value | None
) -> Value | None:
    """What the networks know of each row beside the values, (rows read + H, B, D)."""
    scaler, count = signature.model.units.covariate_scaler, signature.model.rows_read
    if scaler is None:
        return None
    horizon = op.Unsqueeze(HORIZON, [0])
    # A system has begun with the first row in which anything is known.
    some = op.ReduceMax(op.cast(known, F32), axes=[2], keepdims=1)
    begun = op.Greater(op.CumSum(some, np.int64(0)), np.float32(0))
    begun = _last_rows(op, op.Where(begun, np.float64(1), _NAN), count)
    ahead = op.Concat(horizon, op.rows(op.Shape(begun), 1), axis=0)
    begun = is_known(op, op.Concat(begun, op.Expand(np.float64(1), ahead), axis=0))
    rows = None
    if signature.of_rows:
        given = op.Transpose(COVARIATES, perm=[1, 0, 2])
        context = op.Slice(given, [0], op.Neg(horizon), [0])
        later = op.Slice(given, op.Neg(horizon), [np.iinfo(np.int64).max], [0])
        rows = op.Concat(_last_rows(op, context, count), later, axis=0)
    static = STATIC if signature.of_series else None
    return covariate_inputs(op, scaler, rows, static, begun, series)
