"""Nodes of an ONNX graph, written like calls of functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, TypeAlias

import numpy as np
from onnx import GraphProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

__all__ = ["BOOL", "F32", "F64", "I64", "Constant", "Graph", "Value", "value_info"]

F32, F64, I64 = TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.INT64
BOOL = TensorProto.BOOL

Value: TypeAlias = str
"""The name of what a node puts out; it may be used in the graph it is of, and in those within."""
Constant: TypeAlias = np.ndarray | np.generic | Sequence[int]

Body: TypeAlias = "Callable[[Graph, Value, list[Value]], tuple[list[Value], Value]]"


class Graph:
    """A graph that grows by the calls of its operators: ``op.Add(a, b)`` is the name of a sum.

    What isn't the name of a value is a constant: an array, or a list of whole numbers. All
    constants are in the outermost graph, each once.

    Examples
    --------
    >>> import numpy as np
    >>> from tsgen.export.graph import F32, Graph, value_info
    >>> op = Graph()
    >>> doubled = op.Mul("x", np.float32(2))
    >>> x = value_info("x", F32, ["batch"])
    >>> op.proto("twice", [x], [value_info(doubled, F32, ["batch"])]).node[0].op_type
    'Mul'
    """

    def __init__(self, outer: Graph | None = None) -> None:
        self._nodes: list[NodeProto] = []
        self._numbers: count[int] = count() if outer is None else outer._numbers
        self._constants: dict[Any, TensorProto] = {} if outer is None else outer._constants
        self._outer = outer

    def __getattr__(self, operator: str) -> Callable[..., Any]:
        if operator.startswith("_"):
            raise AttributeError(operator)

        def call(*inputs: Value | Constant, outputs: int = 1, **attributes: Any) -> Any:
            names = [item if isinstance(item, str) else self._constant(item) for item in inputs]
            made = [self.name(operator) for _ in range(outputs)]
            self._nodes.append(helper.make_node(operator, names, made, **attributes))
            return made[0] if outputs == 1 else made

        return call

    def name(self, stem: str) -> Value:
        """One that nothing else has."""
        return f"{stem}_{next(self._numbers)}"

    def name_output(self, value: Value, name: Value) -> None:
        """Put a value out under a name of one's own."""
        self._nodes.append(helper.make_node("Identity", [value], [name]))

    def rows(self, value: Value, first: int, stop: int | None = None, axis: int = 0) -> Value:
        """Some of what lies along an axis; negative numbers count from its end."""
        end = np.iinfo(np.int64).max if stop is None else stop
        sliced: Value = self.Slice(value, [first], [end], [axis])
        return sliced

    def cast(self, value: Value, to: int) -> Value:
        """The same in another type."""
        made: Value = self.Cast(value, to=to)
        return made

    def loop(
        self, steps: Value | Constant, carried: Sequence[Value], body: Body
    ) -> tuple[list[Value], Value]:
        """Run a body so many times.

        Parameters
        ----------
        steps : str
            int64, of no axes.
        carried : sequence of str
            float32; what the first step begins with.
        body : callable
            Gets the graph of the body, the number of the step as int64 of shape (1,), and what is
            carried; returns what is carried on, and what the step puts out.

        Returns
        -------
        carried : list of str
            After the last step.
        outputs : str
            Those of all steps along a new first axis.
        """
        inner = Graph(self)
        step, go_on = inner.name("step"), inner.name("go_on")
        names = [inner.name("carried") for _ in carried]
        after, output = body(inner, inner.Unsqueeze(step, [0]), names)
        results = [inner.Identity(go_on), *(inner.Identity(name) for name in after)]
        graph = inner.proto(
            "step",
            [value_info(step, I64, []), value_info(go_on, BOOL, []),
             *(value_info(name, F32) for name in names)],
            [value_info(results[0], BOOL, []),
             *(value_info(name, F32) for name in (*results[1:], output))],
        )  # fmt: skip
        *last, path = self.Loop(steps, "", *carried, outputs=len(names) + 1, body=graph)
        return last, path

    def either(
        self, condition: Value, one: Callable[[Graph], Value], other: Callable[[Graph], Value]
    ) -> Value:
        """What one of two branches makes, float32; the other one isn't run."""
        branches = []
        for branch in (one, other):
            inner = Graph(self)
            made = inner.Identity(branch(inner))
            branches.append(inner.proto("branch", [], [value_info(made, F32)]))
        chosen: Value = self.If(condition, then_branch=branches[0], else_branch=branches[1])
        return chosen

    def proto(
        self, name: str, inputs: Sequence[ValueInfoProto], outputs: Sequence[ValueInfoProto]
    ) -> GraphProto:
        """The graph as ONNX has it."""
        constants = [] if self._outer is not None else list(self._constants.values())
        return helper.make_graph(self._nodes, name, inputs, outputs, constants)

    def _constant(self, value: Constant) -> Value:
        array = np.asarray(value)
        key = array.dtype.str, array.shape, array.tobytes()
        if key not in self._constants:
            tensor = numpy_helper.from_array(np.ascontiguousarray(array), self.name("constant"))
            tensor.dims[:] = array.shape
            self._constants[key] = tensor
        return str(self._constants[key].name)


def value_info(name: Value, kind: int, shape: Sequence[str | int] | None = None) -> ValueInfoProto:
    """What is known of a value: its type, and its axes by size or name."""
    return helper.make_tensor_value_info(name, kind, shape)
