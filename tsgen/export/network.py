"""A recurrent network in an ONNX graph: reading rows, holes among them, and the closed loop.

Rows are (rows, B, 2C) here: the C values in the normaliser's units, and their flags beside them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tsgen._typing import FloatArray
from tsgen.export.graph import BOOL, F32, Graph, Value
from tsgen.generation import HOLE_SLACK
from tsgen.nn import RecurrentNetwork

__all__ = ["Feedback", "NetworkGraph", "Read", "closed_loop", "read_context"]

_GATES = {"lstm": (0, 3, 1, 2), "gru": (1, 0, 2)}
"""Where torch has the gates of ONNX: i, o, f, c of i, f, g, o; z, r, h of r, z, n."""


@dataclass(frozen=True)
class Feedback:
    """What acts on a loop from outside, step by step, float32; as `tsgen.generation.Feedback`.

    Attributes
    ----------
    limits : str
        Of shape (H, B, C).
    covariates : str, optional
        Of shape (H, B, E), embedded.
    innovations : str, optional
        Of shape (H, B, C).
    given, known : str, optional
        Of shape (H, B, C): values that stand in for predictions, NaN where the loop is closed; and
        the flags of what is fed back.
    """

    limits: Value
    covariates: Value | None = None
    innovations: Value | None = None
    given: Value | None = None
    known: Value | None = None


class Read(NamedTuple):
    """What reading a context came to."""

    rows: Value
    """The last ones, (longest_lag, B, 2C), with what was put into their holes."""
    state: list[Value]
    """After all rows but the last."""
    predictions: Value
    """Of all rows after the first longest_lag, each from those before it."""


class NetworkGraph:
    """The layers and the head of a network, as nodes of a graph."""

    def __init__(self, network: RecurrentNetwork) -> None:
        self._made_of = network.architecture
        self.longest_lag, self.channels = network.longest_lag, network.channels
        self._layers = [
            self._converted(*(weight.detach().cpu().float().numpy() for weight in weights))
            for weights in network.recurrent.all_weights
        ]
        # The columns of the first layer are the values of all lags, then all flags, then the rest.
        sizes = 2, len(network.lags), self.channels
        lagged = np.arange(np.prod(sizes)).reshape(sizes).transpose(1, 0, 2).ravel()
        first = self._layers[0]["W"]
        first[:, :, : len(lagged)] = first[:, :, lagged]
        self._head, self._bias = (
            weight.detach().cpu().float().numpy() for weight in network.head.parameters()
        )

    def _converted(
        self, w_ih: FloatArray, w_hh: FloatArray, b_ih: FloatArray, b_hh: FloatArray
    ) -> dict[str, FloatArray]:
        """The weights of a layer in the order of ONNX, which has an axis of directions before."""
        order = list(_GATES[self._made_of.cell])

        def gates(weight: FloatArray) -> FloatArray:
            parts = weight.reshape(len(order), -1, *weight.shape[1:])
            return parts[order].reshape(weight.shape)

        bias = np.concatenate([gates(b_ih), gates(b_hh)])
        return {"W": gates(w_ih)[None], "R": gates(w_hh)[None], "B": bias[None]}

    def start(self, op: Graph, batch: Value) -> list[Value]:
        """Where the recurrence stands before anything was read: for a batch (1,), int64."""
        shape = op.Concat([1], batch, [self._made_of.hidden_size], axis=0)
        zeros = op.Expand(np.float32(0), shape)
        return [zeros] * len(self._layers) * (2 if self._made_of.cell == "lstm" else 1)

    def advance(
        self, op: Graph, rows: Value, steps: int, covariates: Value | None, state: list[Value]
    ) -> tuple[Value, list[Value]]:
        """Predict each of so many rows after the first ``longest_lag``, from those before it.

        Parameters
        ----------
        rows : str
            Of shape (longest_lag + steps - 1 or more, B, 2C).
        covariates : str, optional
            Of shape (steps, B, E).
        state : list of str

        Returns
        -------
        predictions : str
            Of shape (steps, B, C).
        state : list of str
        """
        lags = np.array(self._made_of.lags)
        seen = self.longest_lag + np.arange(steps)[:, None] - lags
        lagged = op.Transpose(op.Gather(rows, seen, axis=0), perm=[0, 2, 1, 3])
        inputs = op.Reshape(lagged, [steps, -1, 2 * len(lags) * self.channels])
        base = self._base(op, inputs)
        if covariates is not None:
            inputs = op.Concat(inputs, covariates, axis=2)
        hidden, after = inputs, list[Value]()
        each = len(state) // len(self._layers)
        for number, weights in enumerate(self._layers):
            here = state[number * each : (number + 1) * each]
            hidden, *last = self._layer(op, hidden, weights, here)
            after += last
        outputs = op.Add(op.MatMul(hidden, self._head.T), self._bias)
        return (outputs if base is None else op.Add(outputs, base)), after

    def _base(self, op: Graph, inputs: Value) -> Value | None:
        lag = self._made_of.residual_lag
        if lag is None:
            return None
        first = 2 * self.channels * self._made_of.lags.index(lag)
        return op.rows(inputs, first, first + self.channels, axis=2)

    def _layer(
        self, op: Graph, inputs: Value, weights: dict[str, FloatArray], state: list[Value]
    ) -> list[Value]:
        given = (inputs, weights["W"], weights["R"], weights["B"], "", *state)
        size = self._made_of.hidden_size
        if self._made_of.cell == "lstm":
            hidden, *last = op.LSTM(*given, outputs=3, hidden_size=size)
        else:
            hidden, *last = op.GRU(*given, outputs=2, hidden_size=size, linear_before_reset=1)
        return [op.Squeeze(hidden, [1]), *last]


def read_context(
    op: Graph,
    network: NetworkGraph,
    values: Value,
    known: Value,
    rows: int,
    covariates: Value | None,
) -> Read:
    """Read a context, with predictions in its holes.

    Parameters
    ----------
    values, known : str
        Of shape (rows, B, C), float32.
    rows : int
    covariates : str, optional
        Of shape (rows, B, E).
    """
    first = network.longest_lag
    state = network.start(op, op.rows(op.Shape(values), 1, 2))
    if rows == first:  # a context of one row, which is lag 1 of what is predicted
        return Read(op.Concat(values, known, axis=2), state, op.rows(values, first))
    later_covariates = None if covariates is None else op.rows(covariates, first)
    begun = op.Clip(op.CumSum(known, np.int64(0)), np.float32(0), np.float32(1))
    begun = op.rows(begun, first)
    holes = op.Greater(begun, op.rows(known, first))
    start = op.Concat(op.rows(values, 0, first), op.rows(known, 0, first), axis=2)

    def later(inner: Graph) -> Value:
        return inner.rows(values, first)

    def filled(inner: Graph) -> Value:
        largest = inner.ReduceMax(inner.Abs(values), axes=[0], keepdims=1)
        limit = inner.Mul(inner.Max(largest, np.float32(1)), np.float32(HOLE_SLACK))
        feedback = Feedback(
            limits=inner.Expand(limit, inner.Shape(holes)),
            covariates=later_covariates,
            given=inner.Where(holes, np.float32(np.nan), later(inner)),
            known=begun,
        )
        before = Read(start, state, start)
        return closed_loop(inner, network, before, np.int64(rows - first), feedback)

    has_holes = op.cast(op.ReduceMax(op.cast(holes, F32), keepdims=0), BOOL)
    whole = op.either(has_holes, filled, later)
    read = op.Concat(start, op.Concat(whole, begun, axis=2), axis=0)
    predictions, state = network.advance(op, read, rows - first, later_covariates, state)
    return Read(op.rows(read, -first), state, predictions)


def closed_loop(
    op: Graph,
    network: NetworkGraph,
    start: Read,
    steps: Value | np.int64,
    feedback: Feedback,
) -> Value:
    """Go on from what was read: the path (H, B, C); as `tsgen.rollout.rollout`."""

    def body(inner: Graph, step: Value, carried: list[Value]) -> tuple[list[Value], Value]:
        def here(value: Value) -> Value:
            now: Value = inner.Gather(value, step, axis=0)
            return now

        rows, *state = carried
        covariates = None if feedback.covariates is None else here(feedback.covariates)
        fed, state = network.advance(inner, rows, 1, covariates, state)
        if feedback.innovations is not None:
            fed = inner.Add(fed, here(feedback.innovations))
        limit = here(feedback.limits)
        fed = inner.Min(inner.Max(fed, inner.Neg(limit)), limit)
        if feedback.given is not None:
            given = here(feedback.given)
            fed = inner.Where(inner.IsNaN(given), fed, given)
        if feedback.known is None:
            known = inner.Expand(np.float32(1), inner.Shape(fed))
        else:
            known = here(feedback.known)
        newest = inner.Concat(fed, known, axis=2)
        return [inner.Concat(inner.rows(rows, 1), newest, axis=0), *state], fed

    _, path = op.loop(steps, [start.rows, *start.state], body)
    squeezed: Value = op.Squeeze(path, [1])
    return squeezed
