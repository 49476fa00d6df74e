"""Intervals around a forecast, from the spread that a model predicts of its own errors.

As ``tsgen.inference`` has it: how far a surprise in the first step moves all later ones is one
more closed loop, and how many of these spreads an interval reaches was counted before.
"""

from __future__ import annotations

import numpy as np

from tsgen.export.graph import Graph, Value
from tsgen.export.loops import Context, Loops, numbers_of_steps
from tsgen.inference import ERRORS_OF_POOL, SpreadCalibration

__all__ = ["predicted_spread", "quantile"]


def predicted_spread(op: Graph, loops: Loops, context: Context, warmup: int, path: Value) -> Value:
    """The spread of a closed loop's errors at each step, (H, B, C), in the normaliser's units."""
    network = loops.networks[0]
    one_step = _one_step_spread(op, loops, context, warmup)
    is_first = op.Unsqueeze(op.Equal(numbers_of_steps(op, loops.horizon), [0]), [1, 2])
    variance = None
    for channel in np.eye(network.channels, dtype=np.float32):
        surprise = op.Where(is_first, op.Mul(one_step, channel), np.float32(0))
        moved = op.Sub(loops.path(op, surprise), path)
        squares = op.CumSum(op.Mul(moved, moved), np.int64(0))
        variance = squares if variance is None else op.Add(variance, squares)
    spread: Value = op.Sqrt(variance)
    return spread


def _one_step_spread(op: Graph, loops: Loops, context: Context, warmup: int) -> Value:
    """That of the errors inside of the context, (1, B, C); few are drawn to those of the batch."""
    first = loops.networks[0].longest_lag
    # An error says something where the value and the one before it, which was read, are known.
    known = op.Mul(op.rows(context.known, first), op.rows(context.known, first - 1, -1))
    errors = op.Sub(op.rows(context.values, first), loops.predictions(op))
    skipped = max(warmup - 1, 0)
    known, errors = op.rows(known, skipped), op.rows(errors, skipped)
    squares = op.ReduceSum(op.Mul(known, op.Mul(errors, errors)), [0], keepdims=1)
    count = op.ReduceSum(known, [0], keepdims=1)
    everything = op.Max(op.ReduceSum(count, [1], keepdims=1), np.float32(1))
    of_all = op.Div(op.ReduceSum(squares, [1], keepdims=1), everything)
    pool = np.float32(ERRORS_OF_POOL)
    variance = op.Div(op.Add(squares, op.Mul(of_all, pool)), op.Add(count, pool))
    spread: Value = op.Sqrt(variance)
    return spread


def quantile(
    op: Graph, calibration: SpreadCalibration, share: float, path: Value, spread: Value
) -> Value:
    """A quantile around a path (H, B, C), with this share of what may come below it."""
    counted = calibration.factors.shape[2]
    multiples = calibration.multiples([share], counted)[0].astype(np.float32)
    steps = numbers_of_steps(op, op.Squeeze(op.rows(op.Shape(path), 0, 1)))
    by_step = op.Gather(multiples, op.Min(steps, np.int64(counted - 1)), axis=0)
    bound: Value = op.Add(path, op.Mul(spread, op.Unsqueeze(by_step, [1, 2])))
    return bound
