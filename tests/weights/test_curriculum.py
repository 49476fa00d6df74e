"""What is learned, and how much is read of series of any season."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsgen.nn import Season
from tsgen.weights import CURRICULUM, usual_context


def test_every_season_once_and_all_steps_have_a_task() -> None:
    assert len({(task.season, task.context_length) for task in CURRICULUM}) == len(CURRICULUM)
    assert all(task.share > 0 and task.horizon < task.context_length for task in CURRICULUM)


@pytest.mark.parametrize(
    ("season", "length", "rows"),
    [(1, 48, 24), (1, 49, 96), (12, 30, 72), (4, 30, 40), (24, 999, 168), (168, 999, 336)],
)
def test_as_much_is_read_as_was_in_training(season: int, length: int, rows: int) -> None:
    assert usual_context(Season(season), length) == rows


@settings(max_examples=100, derandomize=True, deadline=None)
@given(season=st.integers(2, 2_000), length=st.integers(1, 10_000))
def test_two_seasons_are_read_of_any_at_least_but_the_longest_learned(
    season: int, length: int
) -> None:
    rows = usual_context(Season(season), length)
    assert rows >= 2 * season
    assert rows <= max(10 * season, 72)
