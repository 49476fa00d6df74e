"""Where sequences end: with a symbol that they have, or before one that they haven't."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from tsgen.generation import Stopping

STOPPING = Stopping(torch.tensor([False, True, False, False]), stop=3)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=8))
def test_lengths_are_those_counted_by_hand(path: list[int]) -> None:
    length = len(path)
    for step, code in enumerate(path):
        if code in (1, 3):
            length = step + (code == 1)
            break
    found = STOPPING.ending(torch.tensor([path, path]))
    assert found.lengths.tolist() == [length] * 2
    assert found.ended.tolist() == [any(code in (1, 3) for code in path)] * 2


def test_without_a_stop_symbol_the_last_ones_alone_end() -> None:
    stopping = Stopping(torch.tensor([True, False]))
    assert stopping.ends.tolist() == [True, False]
    assert stopping.ending(torch.tensor([[[1, 0], [1, 1]]])).lengths.tolist() == [[2, 2]]
