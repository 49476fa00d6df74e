"""Every part by itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsgen.errors import SettingError
from tsgen.simulation import samples_of_parts

properties = settings(max_examples=3, deadline=None, derandomize=True, database=None)
SEASONS = ("harmonics", "spikes")


@properties
@given(season=st.integers(2, 100), length=st.integers(6, 60), seed=st.integers(0, 99))
def test_every_part_is_finite(season: int, length: int, seed: int) -> None:
    samples = samples_of_parts(3, length, season, random_state=seed)
    assert {values.shape for values in samples.values()} == {(3, length)}
    assert all(np.isfinite(values).all() for values in samples.values())


def test_parts_are_what_they_are_called() -> None:
    samples = samples_of_parts(30, 140, 7, random_state=0)
    for name in SEASONS:
        np.testing.assert_allclose(samples[name][:, 7:], samples[name][:, :-7])
    week = samples["day and week"]
    np.testing.assert_allclose(week[:, 49:], week[:, :-49])
    assert not np.allclose(week[:, 7:], week[:, :-7])
    assert (samples["growth"] > 0).all()
    assert (samples["counts"] % 1 == 0).all()
    assert (samples["intermittent"] == 0).any(axis=1).all()
    assert ((samples["bounded"] > 0) & (samples["bounded"] < 1)).all()
    assert (np.diff(samples["level shifts"], axis=1) == 0).mean() > 0.9


def test_the_same_seed_gives_the_same_samples() -> None:
    first, again, other = (samples_of_parts(2, 30, random_state=seed) for seed in (0, 0, 1))
    for name in first:
        np.testing.assert_array_equal(first[name], again[name])
    assert not np.array_equal(first["cycles"], other["cycles"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((0, 30), "n_series=0"), ((2, 0), "length=0"), ((2, 30, 1), "season_length=1: .* 2 or more")],
)
def test_what_is_refused(arguments: tuple[int, ...], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        samples_of_parts(*arguments)
