"""Covariates as a network sees them, from their own units, in an ONNX graph.

Rows are (rows, B, columns) here, of a context and the horizon after it; numbers that aren't known
are NaN, categories are numbered from 1, and 0 is one that training hasn't seen.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tsgen._typing import FloatArray
from tsgen.export.graph import F32, F64, I64, Graph, Value
from tsgen.export.units import affine, is_known
from tsgen.nn import CovariateEmbedding
from tsgen.preprocessing import LARGEST_COVARIATE, CovariateScaler

__all__ = ["covariate_inputs", "embedded"]


def covariate_inputs(
    op: Graph,
    scaler: CovariateScaler,
    rows: Value | None,
    static: Value | None,
    begun: Value,
    series: Value | None,
) -> Value:
    """As `tsgen.preprocessing.CovariateScaler` brings them to a network, (rows, B, D).

    Parameters
    ----------
    rows : str, optional
        float64, of the context that is read and of the horizon.
    static : str, optional
        float64, of shape (B, static columns).
    begun : str
        bool, of shape (rows, B, 1): whether there is such a row of the series.
    series : str, optional
        The number of each system's scalers; where there are no others, all have the last ones.
    """
    parts = []
    if rows is not None:
        parts = [_scaled(op, scaler, rows, begun, series)]
    if static is not None:
        scaled = op.Div(op.Sub(static, scaler.centre), scaler.scale)
        shape = op.Concat(op.rows(op.Shape(begun), 0, 2), [len(scaler.centre)], axis=0)
        parts.append(op.Expand(op.cast(scaled, F32), shape))
    inputs: Value = op.Concat(*parts, axis=2)
    return inputs


def _scaled(
    op: Graph, scaler: CovariateScaler, rows: Value, begun: Value, series: Value | None
) -> Value:
    schema = [item for item in scaler.schema if item.role != "static"]
    centre, size = (np.stack(columns, axis=1) for columns in _tables(scaler))
    if series is None:
        scales: list[Value | FloatArray] = [centre[-1], size[-1]]
    else:  # -1 is that of all systems, which comes last
        scales = [op.Gather(table, series, axis=0) for table in (centre, size)]
    missing = np.float64(np.nan)
    columns = op.Div(op.Sub(op.Where(begun, rows, missing), scales[0]), scales[1])
    past = [item.role == "past" for item in schema]
    flags = []
    if any(past):
        # A row's prediction sees them of the row before, of which the first has none.
        before = op.Concat(
            op.Expand(missing, op.Shape(op.rows(columns, 0, 1))), op.rows(columns, 0, -1), axis=0
        )
        columns = op.Where(np.array(past), before, columns)
        known = is_known(op, columns)
        categories = [item.categories is not None for item in schema]
        seen = op.Or(np.logical_not(categories), op.Greater(columns, np.float64(0)))
        which = np.flatnonzero(past)
        flags = [op.Gather(op.cast(op.And(known, seen), F64), which, axis=2)]
    columns = op.Where(op.And(begun, is_known(op, columns)), columns, np.float64(0))
    limit = np.float64(LARGEST_COVARIATE)
    columns = op.Max(op.Min(columns, limit), -limit)
    return op.cast(op.Concat(columns, *flags, axis=2), F32)


def _tables(scaler: CovariateScaler) -> tuple[Sequence[FloatArray], Sequence[FloatArray]]:
    """Centres and sizes of each column, by system; the last ones are those of all systems."""
    count = len(scaler.ids) + 1
    plain = np.zeros(count), np.ones(count)
    tables = []
    for scalers in scaler.scalers:
        if scalers is None:
            tables.append(plain)
        else:
            fitted = affine(scalers, "covariate_scaler")
            tables.append((fitted.centre, fitted.scale))
    centres, sizes = zip(*tables, strict=True)
    return centres, sizes


def embedded(op: Graph, embedding: CovariateEmbedding, covariates: Value) -> Value:
    """Columns (rows, B, D) as a network reads them: numbers as they are, categories as vectors."""
    if not embedding.categories:
        return covariates
    parts = [op.Gather(covariates, embedding.numbers, axis=2)] if embedding.numbers else []
    for column in embedding.categories:
        vectors = embedding.vectors[str(column)].detach().cpu().float().numpy()
        table = np.concatenate([vectors.mean(axis=0, keepdims=True), vectors])
        codes = op.cast(op.Gather(covariates, np.int64(column), axis=2), I64)
        parts.append(op.Gather(table, codes, axis=0))
    inputs: Value = op.Concat(*parts, axis=2)
    return inputs
