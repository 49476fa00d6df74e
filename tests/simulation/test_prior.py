"""Which parts series are composed of, and how often."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsgen._typing import FloatArray
from tsgen.errors import SettingError
from tsgen.simulation import Prior

properties = settings(max_examples=20, deadline=None, derandomize=True, database=None)
SHARES = [field.name for field in fields(Prior)]
NONE = dict.fromkeys(SHARES, 0.0)


def values(prior: Prior, seed: int = 0, *, length: int = 120, season: int = 12) -> FloatArray:
    return prior.values(np.random.default_rng(seed), 400, length, season)


def of(**shares: float) -> FloatArray:
    """Series that have some parts alone."""
    return values(Prior(**{**NONE, **shares}))


@pytest.mark.slow
@properties
@given(
    season=st.integers(1, 400),
    length=st.integers(6, 600),
    ratio=st.sampled_from([None, 2, 7]),
    seed=st.integers(0, 999),
)
def test_series_of_all_seasons_and_lengths_are_finite(
    season: int, length: int, ratio: int | None, seed: int
) -> None:
    longer = None if ratio is None else ratio * season
    made = Prior().values(np.random.default_rng(seed), 24, length, season, longer)
    assert made.shape == (24, length)
    assert np.isfinite(made).all()


def test_few_series_of_few_rows_are_series_too() -> None:
    for count, length, season in ((1, 50, 4), (2, 6, 400), (3, 1, 1), (100, 6, 12)):
        made = Prior().values(np.random.default_rng(0), count, length, season)
        assert made.shape == (count, length)
        assert np.isfinite(made).all()


def test_the_seed_is_all_that_series_depend_on() -> None:
    before = repr(np.random.get_state())  # noqa: NPY002
    first, again, other = values(Prior()), values(Prior()), values(Prior(), 1)
    assert np.array_equal(first, again)
    assert not np.isclose(first, other).any(axis=1).all()
    assert repr(np.random.get_state()) == before  # noqa: NPY002


def test_what_is_drawn_is_what_was_drawn() -> None:
    """Weights are learned again from the same seed: these numbers may not change unnoticed."""
    made = Prior().values(np.random.default_rng(0), 200, 60, 12)
    expected = [123.0, 1.48994186, 71.0, 0.98957052]
    np.testing.assert_allclose(made[::50, -1], expected, rtol=1e-6)


def test_growth_in_all_or_none() -> None:
    assert (of(growth=1.0) > 0).all()
    assert (of() < 0).any(axis=1).mean() > 0.9


def test_counts_in_all_or_none() -> None:
    counts = of(counts=1.0)
    np.testing.assert_array_equal(counts, counts.round())
    assert (counts >= 0).all()
    assert not (of() == of().round()).all(axis=1).any()


def test_intermittent_in_all_or_none() -> None:
    assert ((of(intermittent=1.0) == 0).mean(axis=1) > 0.15).all()
    assert not (of() == 0).any()


def test_bounded_in_all_or_none() -> None:
    made = of(bounded=1.0)
    assert (made > 0).all()
    assert (made < 1).all()
    assert (np.abs(of()) > 1).any()


def test_half_of_each() -> None:
    made = of(counts=0.5, bounded=0.5)
    whole = (made == made.round()).all(axis=1)
    within = ((made > 0) & (made < 1)).all(axis=1)
    assert (whole ^ within).all()
    assert whole.mean() == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("share", ["cycles", "saturation", "regimes", "outliers"])
def test_a_part_in_all_changes_nearly_all(share: str) -> None:
    """Parts that are added leave what was drawn before them as it is."""
    same = (of(**{share: 1.0}) == of()).all(axis=1).mean()
    assert same < (0.15 if share == "outliers" else 0.02)  # in 120 rows there may be no outlier


@pytest.mark.parametrize("share", ["gaussian_process", "chaos"])
def test_smooth_curves_in_all(share: str) -> None:
    made = of(**{share: 1.0})
    np.testing.assert_allclose(made.std(axis=1), 1.0, atol=0.1)


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), "much", None, True])
def test_a_share_is_a_number_from_0_to_1(share: str, value: object) -> None:
    with pytest.raises(SettingError, match=f"^{share}=.*expected a number from 0 to 1"):
        Prior(**{share: value})  # type: ignore[arg-type]


def test_shares_that_exclude_each_other_add_up_to_1_at_most() -> None:
    with pytest.raises(SettingError, match=r"growth=0.4, counts=1, .*at most 1; lower some"):
        Prior(counts=1.0)
    Prior(growth=0.1, counts=0.7, intermittent=0.1, bounded=0.1)  # 1 but for rounding
