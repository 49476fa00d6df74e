"""The closed loops of all members of a model from one context, in an ONNX graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tsgen.export.covariates import embedded
from tsgen.export.graph import F32, Graph, Value
from tsgen.export.network import Feedback, NetworkGraph, Read, closed_loop, read_context
from tsgen.export.units import Normaliser
from tsgen.inference import LIMIT_SLACK, FittedModel

__all__ = ["Context", "Loops", "numbers_of_steps", "read_by_members"]


@dataclass(frozen=True)
class Context:
    """What is read before anything is predicted.

    Attributes
    ----------
    values, known : str
        float32, of shape (rows, B, C), in the normaliser's units.
    normaliser : Normaliser
    covariates : str, optional
        Of shape (rows + H, B, D).
    """

    values: Value
    known: Value
    normaliser: Normaliser
    covariates: Value | None


@dataclass(frozen=True)
class Loops:
    """Where the members of a model stand, and what they are held to.

    Attributes
    ----------
    networks : tuple of NetworkGraph
    read : tuple of Read
        What each has read.
    ahead : tuple of str or None
        What each knows of the horizon beside the values.
    horizon, limits : str
    """

    networks: tuple[NetworkGraph, ...]
    read: tuple[Read, ...]
    ahead: tuple[Value | None, ...]
    horizon: Value
    limits: Value

    def path(self, op: Graph, innovations: Value | None = None) -> Value:
        """The median of the members' loops, (H, B, C), in the normaliser's units."""
        paths = [
            closed_loop(op, network, read, self.horizon, Feedback(self.limits, ahead, innovations))
            for network, read, ahead in zip(self.networks, self.read, self.ahead, strict=True)
        ]
        return _median(op, paths)

    def predictions(self, op: Graph) -> Value:
        """The median of what they predicted of the rows that were read."""
        return _median(op, [read.predictions for read in self.read])


def read_by_members(op: Graph, model: FittedModel, context: Context, horizon: Value) -> Loops:
    """Read a context by each member."""
    networks, read, ahead = [], [], []
    rows = model.rows_read
    for network in model.networks:
        before = later = None
        if context.covariates is not None:
            inputs = embedded(op, network.covariates, context.covariates)
            before, later = op.rows(inputs, 0, rows), op.rows(inputs, rows)
        networks.append(NetworkGraph(network))
        read.append(read_context(op, networks[-1], context.values, context.known, rows, before))
        ahead.append(later)
    limits = _limits(op, model, context.normaliser, read[0].rows, horizon)
    return Loops(tuple(networks), tuple(read), tuple(ahead), horizon, limits)


def numbers_of_steps(op: Graph, horizon: Value) -> Value:
    """0 to H - 1, int64."""
    steps: Value = op.Range(np.int64(0), horizon, np.int64(1))
    return steps


def _limits(
    op: Graph, model: FittedModel, normaliser: Normaliser, rows: Value, horizon: Value
) -> Value:
    """The largest size of a value at each step, (H, B, C), as the model's own loop has it."""
    values = op.rows(rows, 0, model.channels, axis=2)
    seen = op.ReduceMax(op.Abs(values), axes=[0], keepdims=1)
    seen = op.Max(seen, np.float32(max(model.units.value_range.size, 1.0)))
    seen = op.Where(normaliser.varies(op), seen, np.float32(np.inf))
    steps = op.cast(numbers_of_steps(op, horizon), F32)
    growth = op.Add(op.Div(steps, np.float32(model.train_horizon)), np.float32(1))
    limits: Value = op.Mul(op.Mul(seen, np.float32(LIMIT_SLACK)), op.Unsqueeze(growth, [1, 2]))
    return limits


def _median(op: Graph, parts: Sequence[Value]) -> Value:
    """As `tsgen.generation.median`, of values of one shape."""
    if len(parts) == 1:
        return parts[0]
    together = op.Concat(*(op.Unsqueeze(part, [0]) for part in parts), axis=0)
    ordered, _ = op.TopK(together, [len(parts)], outputs=2, axis=0)
    middle = (len(parts) - 1) // 2
    middle_ones = op.rows(ordered, middle, len(parts) - middle)
    median: Value = op.ReduceMean(middle_ones, axes=[0], keepdims=0)
    return median
