"""Records of tensors: whatever is done to a batch is done to all of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
import torch
from torch import Tensor

from tsgen.nn import RolloutState, TensorRecord


@dataclass(frozen=True, eq=False)
class Nested(TensorRecord):
    """Of each kind of field one."""

    states: tuple[RolloutState, ...]
    values: Tensor
    nothing: Tensor | None = None
    shared: int = 7


def state_of(numbers: list[float], channels: int = 2) -> RolloutState:
    """Every tensor of a loop is filled with its number."""
    loops = torch.tensor(numbers)
    rows = loops[:, None, None].expand(-1, 3, channels)
    return RolloutState((loops[None, :, None].expand(2, -1, 4),), rows, rows)


def nested_of(numbers: list[float]) -> Nested:
    return Nested((state_of(numbers), state_of(numbers)), torch.tensor(numbers))


def assert_holds(record: Nested, numbers: list[float]) -> None:
    assert len(record) == len(numbers)
    assert record.values.tolist() == numbers
    for state in record.states:
        assert len(state) == len(numbers)
        assert state.recurrent[0].shape == (2, len(numbers), 4)
        for tensor in (state.recurrent[0][1, :, 3], state.values[:, 2, 1], state.known[:, 0, 0]):
            assert tensor.tolist() == numbers
    assert record.nothing is None
    assert record.shared == 7


def test_take_names_a_position_as_often_as_it_likes() -> None:
    record = nested_of([1, 2, 3])
    assert_holds(record.take(torch.tensor([2, 0, 2, 2])), [3, 1, 3, 3])
    assert_holds(record.take(torch.tensor([], dtype=torch.int64)), [])
    assert_holds(record, [1, 2, 3])


@dataclass(frozen=True, eq=False)
class Grouped(TensorRecord):
    """Loops of which each group shares a tensor."""

    values: Tensor
    memory: Tensor | None = field(default=None, metadata={"shared by beams": True})


def test_what_a_group_shares_is_taken_once_for_runs_of_one_length() -> None:
    record = Grouped(torch.arange(6.0), torch.tensor([10.0, 20.0]))
    assert record.sharing == 3
    for positions, memory in (
        ([0, 1], [10]), ([1, 2, 3, 4], [10, 20]), ([3, 4, 5, 0, 1, 2], [20, 10]),
        ([0, 1, 3], [10, 10, 20]), ([], []),
    ):  # fmt: skip
        taken = record.take(torch.tensor(positions, dtype=torch.int64))
        assert taken.values.tolist() == positions
        assert taken.memory is not None
        assert taken.memory.tolist() == memory
    assert Grouped(torch.arange(6.0)).sharing == 1
    assert record.take(torch.tensor([0])).with_shared(record).memory is record.memory


def test_put_replaces_some_and_leaves_the_record_alone() -> None:
    record = nested_of([1, 2, 3])
    assert_holds(record.put(torch.tensor([2, 0]), nested_of([8, 9])), [9, 2, 8])
    assert_holds(record, [1, 2, 3])


def test_cat_is_one_batch_after_the_other() -> None:
    parts = [nested_of([1]), nested_of([2, 3]), nested_of([])]
    assert_holds(Nested.cat(iter(parts)), [1, 2, 3])
    assert Nested.cat(parts[:1]) is parts[0]


def test_to_and_map_reach_every_tensor() -> None:
    double = nested_of([1, 2]).to(torch.float64)
    assert {double.values.dtype, *(state.known.dtype for state in double.states)} == {torch.float64}
    assert_holds(nested_of([1, 2]).map(lambda tensor, axis: tensor.narrow(axis, 1, 1)), [2])
    assert_holds(nested_of([1, 2]).map(lambda tensor, _: tensor + 1), [2, 3])


def test_records_of_other_shapes_do_not_fit_together() -> None:
    with pytest.raises(RuntimeError, match="size"):
        RolloutState.cat([state_of([1.0]), state_of([2.0], channels=3)])


def test_a_state_holds_the_last_rows_that_it_was_fed() -> None:
    state = state_of([1.0, 2.0])
    fed = state.fed(torch.full((2, 2, 2), 9.0))
    assert fed.values[0, :, 0].tolist() == [1.0, 9.0, 9.0]
    assert fed.known[1, :, 1].tolist() == [2.0, 1.0, 1.0]
    assert fed.fed(torch.zeros(2, 1, 2), torch.zeros(2, 1, 2)).known[0, :, 0].tolist() == [1, 1, 0]
    assert fed.recurrent is state.recurrent
    assert fed.channels == 2


@dataclass(frozen=True, eq=False)
class Beaming(TensorRecord):
    """Of loops in groups, all of which have something in common."""

    own: Tensor
    common: Nested | None = field(default=None, metadata={"shared by beams": True})


def test_beams_leave_what_they_share() -> None:
    record = Beaming(torch.tensor([1.0, 2.0]), nested_of([1, 2]))
    wide = record.beams(3)
    assert wide.own.tolist() == [1, 1, 1, 2, 2, 2]
    assert_holds(wide.common, [1, 2])
    wide = Beaming(torch.arange(6), wide.common).take_beams(torch.tensor([2, 0, 0, 3, 5, 5]))
    assert wide.own.tolist() == [2, 0, 0, 3, 5, 5]
    assert_holds(wide.common, [1, 2])


def test_some_of_all_beams_have_what_they_share_for_themselves() -> None:
    wide = Beaming(torch.arange(6), nested_of([1, 2]))
    some = wide.take(torch.tensor([5, 0, 2]))
    assert some.own.tolist() == [5, 0, 2]
    assert_holds(some.common, [2, 1, 1])
    assert len(Beaming(None)) == 0  # type: ignore[arg-type]
