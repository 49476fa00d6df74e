"""Noise belongs to a seed, a name and a step."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tsgen.generation import uniform_numbers


@settings(deadline=None)
@given(st.integers(1, 150), st.integers(1, 30))
def test_neither_paths_nor_horizon_change_it(paths: int, horizon: int) -> None:
    whole = uniform_numbers(3, "a", 150, 30)
    assert np.array_equal(uniform_numbers(3, "a", paths, horizon), whole[:paths, :horizon])


def test_it_is_uniform_and_its_own_for_each_name_and_seed() -> None:
    drawn = uniform_numbers(0, "a", 64, 500)
    assert drawn.min() >= 0
    assert drawn.max() < 1
    assert abs(drawn.mean() - 0.5) < 0.01
    for other in (uniform_numbers(0, "b", 64, 500), uniform_numbers(1, "a", 64, 500)):
        assert abs(np.corrcoef(drawn.ravel(), other.ravel())[0, 1]) < 0.03
