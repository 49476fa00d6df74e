"""Smooth curves: spread 1, the lengths of their waves, and systems that stay finite."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsgen._typing import FloatArray
from tsgen.simulation._draws import Draws
from tsgen.simulation.smooth import (
    _first_coordinate,
    _System,
    chaotic_system,
    cycle,
    gaussian_process,
)

properties = settings(max_examples=5, deadline=None, derandomize=True, database=None)


def draws(count: int = 200, length: int = 200, seed: int = 0) -> Draws:
    return Draws(np.random.default_rng(seed), count, length)


@properties
@given(season=st.integers(1, 400), length=st.integers(6, 100), seed=st.integers(0, 99))
def test_curves_are_finite_and_of_spread_1(season: int, length: int, seed: int) -> None:
    here = draws(6, length, seed)
    for values in (cycle(here), gaussian_process(here, season), chaotic_system(here)):
        assert values.shape == (6, length)
        np.testing.assert_allclose(values.mean(axis=1), 0.0, atol=1e-9)
        np.testing.assert_allclose(values.std(axis=1), 1.0)


@pytest.mark.parametrize(("shortest", "longest"), [(8.0, 10.0), (40.0, 50.0)])
def test_cycles_have_the_length_that_was_asked_for(shortest: float, longest: float) -> None:
    values = cycle(draws(300, 600), shortest, longest)
    power = (np.abs(np.fft.rfft(values, axis=1)) ** 2).mean(axis=0)
    period = 600 / power.argmax()
    assert 0.8 * shortest < period < 1.2 * longest


def roughness(values: FloatArray) -> FloatArray:
    """The size of a step in spreads, by series."""
    return np.abs(np.diff(values, axis=1)).mean(axis=1)


def test_curves_are_smoother_than_noise() -> None:
    assert np.median(roughness(gaussian_process(draws(), 1))) < 0.3
    assert np.median(roughness(chaotic_system(draws()))) < 0.3
    assert np.median(roughness(draws().normal())) > 1.0


def test_many_processes_have_the_season() -> None:
    def at_season(values: FloatArray) -> float:
        """The share of all power within a tenth of the season's frequency and its multiples."""
        power = np.abs(np.fft.rfft(values, axis=1)) ** 2
        at = np.arange(power.shape[1]) * 12 / 360
        near = (np.abs(at - at.round()) < 0.1) & (at.round() > 0)
        return float((power[:, near].sum(axis=1) / power.sum(axis=1) > 0.4).mean())

    assert at_season(gaussian_process(draws(400, 360), 12)) > 0.2
    assert at_season(gaussian_process(draws(400, 360), 1)) < 0.05


def test_the_lorenz_system_has_its_two_wings_and_stays_on_them() -> None:
    system = _System.of(np.ones(20, dtype=bool), change=draws(20).uniform(0.9, 1.2))
    start = np.random.default_rng(0).uniform(0, 2, (3, 20))
    x = _first_coordinate(system, start, np.full(20, 0.02), 1300)
    assert np.isfinite(x).all()
    assert 15 < np.abs(x).max() < 30
    changes = (np.diff(np.sign(x[:, 300:]), axis=1) != 0).sum(axis=1)
    assert (changes >= 2).all()


def test_slopes_are_those_of_lorenz_and_of_roessler() -> None:
    change = np.array([1.0, 1.1, 0.9, 1.2])
    system = _System.of(np.array([True, True, False, False]), change)
    state = np.random.default_rng(0).normal(size=(3, 4))
    (x, y, z), found = state, system(state)
    lorenz = np.stack([10 * (y - x), x * (28 * change - z) - y, x * y - 8 / 3 * z])
    roessler = np.stack([-(y + z), x + 0.2 * y, 0.2 + z * (x - 5.7 * change)])
    np.testing.assert_allclose(found[:, :2], lorenz[:, :2])
    np.testing.assert_allclose(found[:, 2:], roessler[:, 2:])


@pytest.mark.slow
def test_many_chaotic_systems_stay_finite() -> None:
    values = chaotic_system(draws(3000, 600))
    assert np.isfinite(values).all()
    assert np.abs(values).max() < 30
