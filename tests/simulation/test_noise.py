"""Noise: independent rows of spread 1, heavy tails, a variance that wanders, single wrong rows."""

from __future__ import annotations

import numpy as np
import pytest

from tsgen.simulation._draws import Draws
from tsgen.simulation.noise import changing_noise, outliers, white_noise


def draws(count: int = 500, length: int = 300, seed: int = 0) -> Draws:
    return Draws(np.random.default_rng(seed), count, length)


def test_white_noise_has_mean_0_and_spread_1() -> None:
    noise = white_noise(draws())
    assert noise.mean() == pytest.approx(0.0, abs=0.02)
    assert np.median(noise.std(axis=1)) == pytest.approx(1.0, abs=0.02)


def test_white_noise_is_independent_from_row_to_row() -> None:
    noise = white_noise(draws())
    assert (noise[:, 1:] * noise[:, :-1]).mean() == pytest.approx(0.0, abs=0.02)


def test_some_noise_has_heavy_tails() -> None:
    largest = np.abs(white_noise(draws())).max(axis=1)
    assert (largest > 5).mean() == pytest.approx(0.3, abs=0.12)  # of normal noise hardly any
    assert (np.abs(draws().normal()).max(axis=1) > 5).mean() < 0.01


def test_a_variance_that_wanders_goes_on_from_row_to_row() -> None:
    size = np.log(np.abs(changing_noise(draws(500, 400))))
    size -= size.mean(axis=1, keepdims=True)
    for apart, least in ((1, 0.05), (10, 0.04)):
        assert (size[:, apart:] * size[:, :-apart]).mean() > least * size.var()
    calm = np.log(np.abs(draws(500, 400).normal()))
    calm -= calm.mean(axis=1, keepdims=True)
    assert abs((calm[:, 1:] * calm[:, :-1]).mean()) < 0.01 * calm.var()


def test_outliers_are_two_in_a_hundred_rows_and_large() -> None:
    wrong = outliers(draws())
    assert (wrong != 0).mean() == pytest.approx(0.02, abs=0.002)
    assert wrong[wrong != 0].std() == pytest.approx(4.0, abs=0.2)
