"""How graphs are written: constants once, loops, branches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from tsgen.export.graph import BOOL, F32, I64, Graph, Value, value_info

onnxruntime = pytest.importorskip("onnxruntime")


def run(op: Graph, made: Value, shape: Sequence[int], inputs: dict[str, Any]) -> Any:
    kinds = {"float32": F32, "int64": I64, "bool": BOOL}
    given = [value_info(name, kinds[str(x.dtype)], x.shape) for name, x in inputs.items()]
    graph = op.proto("test", given, [value_info(made, F32, shape)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return onnxruntime.InferenceSession(model.SerializeToString()).run(None, inputs)[0]


def test_a_constant_is_there_once_also_if_a_loop_uses_it() -> None:
    op = Graph()
    twice = op.Mul("x", np.float32(2))

    def body(inner: Graph, step: Value, carried: list[Value]) -> tuple[list[Value], Value]:
        return [inner.Mul(carried[0], np.float32(2))], inner.Cast(step, to=F32)

    op.loop("steps", [twice], body)
    values = op.proto("test", [], []).initializer
    assert sorted(onnx.numpy_helper.to_array(value).item() for value in values) == [0.0, 2.0]


@pytest.mark.parametrize("steps", [1, 5])
def test_a_loop_carries_on_and_puts_out_each_step(steps: int) -> None:
    op = Graph()

    def body(inner: Graph, step: Value, carried: list[Value]) -> tuple[list[Value], Value]:
        doubled = inner.Mul(carried[0], np.float32(2))
        return [doubled], inner.Add(doubled, inner.Cast(step, to=F32))

    (last,), outputs = op.loop("steps", ["x"], body)
    together = op.Concat(outputs, op.Unsqueeze(last, [0]), axis=0)
    inputs = {"x": np.array([3.0], np.float32), "steps": np.array(steps)}
    wanted = [3.0 * 2 ** (step + 1) + step for step in range(steps)]
    found = run(op, together, [steps + 1, 1], inputs)
    assert found.ravel().tolist() == [*wanted, 3.0 * 2**steps]


@pytest.mark.parametrize(("condition", "value"), [(True, 2.0), (False, -1.0)])
def test_one_of_two_branches(condition: bool, value: float) -> None:
    op = Graph()
    made = op.either(
        "which", lambda g: g.Add("x", np.float32(1)), lambda g: g.Neg("x")
    )  # fmt: skip
    inputs = {"which": np.array(condition), "x": np.array([1.0], np.float32)}
    assert run(op, made, [1], inputs).tolist() == [value]
