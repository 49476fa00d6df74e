"""Innovations, calibration factors and quantiles as units: no network is trained here."""

from __future__ import annotations

import re
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tsgen.errors import SettingError
from tsgen.inference.intervals import (
    FEWEST_ERRORS,
    LEVELS,
    Calibration,
    Innovations,
    level_shares,
    quantile_shares,
    quantiles_of,
    raw_half_widths,
)

properties = settings(max_examples=50, deadline=None, derandomize=True, database=None)
SHARES = [0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99]


def errors_of(series: int, rows: int = 40, seed: int = 0) -> torch.Tensor:
    """Distinct numbers, with NaN where a context begins; their means are far from 0."""
    errors = np.random.default_rng(seed).normal(3.0, 2.0, size=(series, rows))
    errors[:, :5] = np.nan
    return torch.from_numpy(errors)


def own_errors(row: torch.Tensor) -> torch.Tensor:
    known = row[~row.isnan()]
    return known - known.mean()


def innovations(**settings: Any) -> Innovations:
    pool = torch.from_numpy(np.random.default_rng(9).normal(-50.0, 1.0, size=(300, 1)))
    return Innovations(**({"pool": pool, "seed": 3} | settings))


def draw(
    source: Innovations, errors: torch.Tensor, names: list[Any], horizon: int, paths: int
) -> torch.Tensor:
    """Draws (N, S, H) for series of their own, whose errors are (N, T)."""
    return source.draw(errors[:, :, None], names, horizon, paths)[..., 0]


def assert_drawn_from(drawn: torch.Tensor, errors: torch.Tensor) -> None:
    distance = (drawn.reshape(-1, 1) - errors.flatten()).abs().amin(dim=1)
    assert float(distance.max()) < 1e-9


# ------------------------------------------------------------------------------------ innovations


def test_draws_are_the_centred_errors_of_the_series_itself() -> None:
    errors = errors_of(3)
    drawn = draw(innovations(), errors, ["a", "b", "c"], horizon=50, paths=70)
    assert drawn.shape == (3, 70, 50)
    assert drawn.dtype == errors.dtype
    for row, own in zip(drawn, errors, strict=True):
        assert_drawn_from(row, own_errors(own))


def test_every_error_is_drawn_about_as_often() -> None:
    errors = errors_of(1)
    drawn = draw(innovations(), errors, ["a"], horizon=100, paths=350).ravel()
    _, counts = np.unique(np.round(drawn.numpy(), 9), return_counts=True)
    assert len(counts) == 35
    # 1,000 expected of each, with a deviation of 31.
    assert np.abs(counts - 1000).max() < 5 * 31


def test_draws_have_mean_0_and_the_spread_of_the_errors() -> None:
    errors = errors_of(2)
    drawn = draw(innovations(), errors, ["a", "b"], horizon=100, paths=200)
    for row, own in zip(drawn, errors, strict=True):
        spread = float(own_errors(own).std(correction=0))
        assert abs(float(row.mean())) < 0.05 * spread  # seven standard errors
        assert float(row.std()) == pytest.approx(spread, rel=0.05)


def test_draws_of_steps_paths_and_series_have_nothing_to_do_with_each_other() -> None:
    errors = errors_of(1).repeat(2, 1)
    drawn = draw(innovations(), errors, ["a", "b"], horizon=60, paths=200).numpy()
    a, b = drawn
    for left, right in (
        (a[:, 1:], a[:, :-1]),
        (a[1:], a[:-1]),
        (a[64:128], a[:64]),  # wherever the generator starts anew
        (a[128:192], a[64:128]),
        (a, b),
    ):
        assert abs(np.corrcoef(left.ravel(), right.ravel())[0, 1]) < 0.06


def test_company_and_order_do_not_change_the_draws() -> None:
    errors = errors_of(4)
    names = ["a", "b", 3, ("d", 1)]
    together = draw(innovations(), errors, names, horizon=12, paths=70)
    order = [2, 0, 3]
    some = draw(innovations(), errors[order], [names[i] for i in order], horizon=12, paths=70)
    assert torch.equal(some, together[order])
    for row, name in enumerate(names):
        alone = draw(innovations(), errors[[row]], [name], horizon=12, paths=70)
        assert torch.equal(alone[0], together[row])


@pytest.mark.parametrize("block_length", [1, 5])
def test_shorter_horizons_and_fewer_paths_are_the_first_of_more(block_length: int) -> None:
    errors = errors_of(2)
    source = innovations(block_length=block_length)
    longest = draw(source, errors, ["a", "b"], horizon=33, paths=150)
    for horizon, paths in ((1, 150), (7, 150), (33, 1), (33, 64), (33, 65), (12, 130)):
        shorter = draw(source, errors, ["a", "b"], horizon, paths)
        assert torch.equal(shorter, longest[:, :paths, :horizon])


def test_the_same_seed_and_id_give_the_same_and_others_give_others() -> None:
    errors = errors_of(1)
    first, again, seed, name = (
        draw(innovations(seed=seed), errors, [name], horizon=10, paths=5)
        for seed, name in ((3, "a"), (3, "a"), (4, "a"), (3, "b"))
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, seed)
    assert not torch.equal(first, name)


@pytest.mark.parametrize("seed", [0, 2**32 - 1, 2**40])
def test_any_seed_will_do(seed: int) -> None:
    drawn = draw(innovations(seed=seed), errors_of(1), ["a"], horizon=10, paths=5)
    assert_drawn_from(drawn, own_errors(errors_of(1)[0]))


def test_nothing_global_is_drawn_from() -> None:
    before = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    draw(innovations(), errors_of(1), ["a"], horizon=10, paths=5)
    assert torch.equal(torch.random.get_rng_state(), before[0])
    assert (np.random.get_state()[1] == before[1]).all()  # noqa: NPY002


@pytest.mark.parametrize("known", [0, 1, FEWEST_ERRORS - 1])
def test_a_series_with_few_errors_draws_from_the_pool(known: int) -> None:
    errors = errors_of(2)
    errors[0, known:] = torch.nan
    errors[0, :known] = 1e6
    source = innovations()
    drawn = draw(source, errors, ["short", "long"], horizon=30, paths=20)
    assert_drawn_from(drawn[0], source.pool - source.pool.mean())
    assert_drawn_from(drawn[1], own_errors(errors[1]))
    assert abs(float(drawn[0].mean())) < 0.3


def test_just_enough_errors_of_its_own_are_enough() -> None:
    errors = errors_of(1, rows=5 + FEWEST_ERRORS)
    drawn = draw(innovations(), errors, ["a"], horizon=30, paths=20)
    assert_drawn_from(drawn, own_errors(errors[0]))


def test_where_there_are_no_errors_at_all_there_are_no_innovations() -> None:
    source = innovations(pool=torch.empty(0, 1, dtype=torch.float64))
    drawn = draw(source, torch.full((1, 30), torch.nan), ["a"], horizon=4, paths=3)
    assert torch.equal(drawn, torch.zeros(1, 3, 4))


@pytest.mark.parametrize("temperature", [0.0, 0.3, 2.5])
def test_temperature_is_a_factor(temperature: float) -> None:
    errors = errors_of(2)
    errors[1] = torch.nan  # the pool too
    plain = draw(innovations(), errors, ["a", "b"], horizon=9, paths=7)
    scaled = draw(innovations(temperature=temperature), errors, ["a", "b"], horizon=9, paths=7)
    torch.testing.assert_close(scaled, temperature * plain)
    assert temperature > 0 or not scaled.any()


@pytest.mark.parametrize(("block_length", "horizon"), [(2, 12), (5, 12), (7, 7), (50, 120)])
def test_blocks_are_consecutive_errors_in_a_circle(block_length: int, horizon: int) -> None:
    errors = errors_of(1)
    own = own_errors(errors[0])
    drawn = draw(innovations(block_length=block_length), errors, ["a"], horizon, paths=100)
    which = (drawn[0][..., None] - own).abs().argmin(dim=-1).numpy()
    for first in range(0, horizon, block_length):
        block = which[:, first : first + block_length]
        np.testing.assert_array_equal(np.diff(block, axis=1) % len(own), 1)
        # Blocks start anywhere, so that some go round the circle.
        assert len(np.unique(block[:, 0])) > 25


def test_blocks_keep_errors_that_hang_together_together() -> None:
    walk = np.random.default_rng(1).normal(size=400).cumsum()
    errors = torch.from_numpy(walk[None])
    single, blocks = (
        draw(innovations(block_length=length), errors, ["a"], horizon=20, paths=200)[0].numpy()
        for length in (1, 20)
    )
    together = [np.corrcoef(d[:, 1:].ravel(), d[:, :-1].ravel())[0, 1] for d in (single, blocks)]
    assert abs(together[0]) < 0.1
    assert together[1] > 0.9


def test_the_pool_holds_the_known_errors_of_all_series_and_has_a_limit() -> None:
    errors = errors_of(3)
    assert torch.equal(Innovations.pooled(errors[:, :, None])[:, 0], errors[~errors.isnan()])
    many = torch.randn(300, 1000, generator=torch.Generator().manual_seed(0))
    pool = Innovations.pooled(many[:, :, None])
    assert len(pool) < many.numel() / 10
    assert float(pool.std()) == pytest.approx(1.0, rel=0.05)


# -------------------------------------------------------------------------------------- quantiles


@pytest.mark.parametrize("count", [1, 2, 7, 200])
def test_quantiles_are_those_of_numpy(count: int) -> None:
    paths = np.random.default_rng(0).normal(size=(3, count, 5))
    shares = [0.9, 0.0, 0.025, 0.5, 1.0, 1 / 3]
    got = quantiles_of(torch.from_numpy(paths), shares)
    np.testing.assert_allclose(got, np.quantile(paths, shares, axis=1), rtol=0, atol=1e-12)


def test_quantiles_of_float32_stay_float32() -> None:
    paths = np.random.default_rng(0).normal(size=(3, 50, 5)).astype(np.float32)
    got = quantiles_of(torch.from_numpy(paths), SHARES)
    assert got.dtype == torch.float32
    np.testing.assert_allclose(got, np.quantile(paths, SHARES, axis=1), rtol=0, atol=1e-6)


@properties
@given(
    paths=arrays(np.float64, (2, 6, 3), elements=st.floats(-1e6, 1e6)),
    shares=st.lists(st.floats(0, 1), min_size=1, max_size=4),
)
def test_quantiles_of_anything_are_those_of_numpy(paths: np.ndarray, shares: list[float]) -> None:
    before = paths.copy()
    got = quantiles_of(torch.from_numpy(paths), shares)
    np.testing.assert_allclose(got, np.quantile(paths, shares, axis=1), rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(paths, before)


# ------------------------------------------------------------------------------- fitting factors


def normal_half_widths(windows: int, horizon: int, down: float = 1.0, up: float = 1.0) -> Any:
    """From the median to the bounds of a normal of deviation 1, or of two halves of others."""
    reach = [NormalDist().inv_cdf(0.5 + level / 200) for level in LEVELS]
    one_side = np.broadcast_to(np.array(reach)[:, None, None], (len(LEVELS), windows, horizon))
    return np.stack([down * one_side, up * one_side])


def normal_errors(windows: int, horizon: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=(windows, horizon))


def test_intervals_half_as_wide_as_they_should_be_get_a_factor_of_two() -> None:
    errors = 2 * normal_errors(20_000, 3)
    fitted = Calibration.fit(errors, normal_half_widths(20_000, 3))
    assert fitted.factors.shape == (len(LEVELS), 3)
    assert tuple(fitted.levels) == LEVELS
    np.testing.assert_allclose(fitted.factors, 2.0, rtol=0.1)


def test_each_step_has_its_own_factor() -> None:
    by_step = np.array([0.5, 1.0, 3.0])
    errors = by_step * normal_errors(20_000, 3)
    fitted = Calibration.fit(errors, normal_half_widths(20_000, 3))
    np.testing.assert_allclose(fitted.factors, np.broadcast_to(by_step, (12, 3)), rtol=0.1)


def test_each_level_has_its_own_factor() -> None:
    """Laplace errors are nearer to 0 in the middle than normal ones, and farther out in the end."""
    errors = np.random.default_rng(0).laplace(size=(20_000, 1))
    factors = Calibration.fit(errors, normal_half_widths(20_000, 1)).factors[:, 0]
    at = dict(zip(LEVELS, factors, strict=True))
    for level in (10.0, 80.0, 99.0):
        exact = -np.log(1 - level / 100) / NormalDist().inv_cdf(0.5 + level / 200)
        assert at[level] == pytest.approx(exact, rel=0.1)


def test_an_error_is_measured_against_the_side_it_is_on() -> None:
    errors = normal_errors(20_000, 1)
    errors = np.where(errors < 0, errors, 5 * errors)
    fitted = Calibration.fit(errors, normal_half_widths(20_000, 1, down=1.0, up=5.0))
    np.testing.assert_allclose(fitted.factors, 1.0, rtol=0.1)


def test_factors_cover_new_errors_as_often_as_they_say() -> None:
    random = np.random.default_rng(0)
    errors, new = random.standard_t(3, size=(2, 2000, 2)) * [1.0, 4.0]
    widths = normal_half_widths(2000, 2)
    fitted = Calibration.fit(errors, widths)
    covered = np.abs(new) <= fitted.factors[:, None] * widths[0]
    np.testing.assert_allclose(100 * covered.mean(axis=(1, 2)), LEVELS, atol=3)


def test_nan_errors_are_ignored() -> None:
    errors = normal_errors(600, 4)
    widths = normal_half_widths(600, 4)
    alone = Calibration.fit(errors, widths).factors
    rows = np.full((300, 4), np.nan)
    more = Calibration.fit(np.vstack([rows, errors]), normal_half_widths(900, 4)).factors
    np.testing.assert_array_equal(more, alone)
    errors[::2, 3] = np.nan  # steps beyond the end of some series
    partly = Calibration.fit(errors, widths).factors
    np.testing.assert_array_equal(partly[:, :3], alone[:, :3])
    other = Calibration.fit(errors[1::2], widths[:, :, 1::2]).factors
    np.testing.assert_array_equal(partly[:, 3], other[:, 3])


@pytest.mark.parametrize("known", [0, 1, 5])
def test_hardly_any_errors_still_give_finite_factors(known: int) -> None:
    errors = np.full((5, 3), np.nan)
    errors[:known, 0] = normal_errors(known, 1)[:, 0]
    factors = Calibration.fit(errors, normal_half_widths(5, 3)).factors
    assert factors.shape == (len(LEVELS), 3)
    assert np.isfinite(factors).all()
    assert (factors >= 0).all()


def test_intervals_without_width_do_not_give_infinite_factors() -> None:
    """Constant series have none: whatever comes is infinitely far outside, or is just there."""
    errors = 2 * normal_errors(2000, 2)
    widths = normal_half_widths(2000, 2).copy()
    widths[:, :, :10] = 0.0
    errors[:5] = 0.0
    with np.errstate(all="raise"):
        fitted = Calibration.fit(errors, widths)
    assert np.isfinite(fitted.factors).all()
    np.testing.assert_allclose(fitted.factors[:9], 2.0, rtol=0.25)
    none = Calibration.fit(errors, np.zeros_like(widths)).factors
    assert np.isfinite(none).all()


def test_raw_half_widths_reach_from_the_median_to_the_bounds() -> None:
    paths = np.random.default_rng(0).exponential(size=(3, 201, 4))
    widths = raw_half_widths(torch.from_numpy(paths))
    assert widths.shape == (2, len(LEVELS), 3, 4)
    middle, low, high = np.quantile(paths, [0.5, 0.1, 0.9], axis=1)
    at_80 = LEVELS.index(80.0)
    np.testing.assert_allclose(widths[:, at_80], [middle - low, high - middle], atol=1e-12)
    assert (widths >= 0).all()


# ----------------------------------------------------------------------------------- stretching


def some_paths(series: int = 2, count: int = 200, horizon: int = 4, seed: int = 0) -> torch.Tensor:
    random = np.random.default_rng(seed)
    return torch.from_numpy(random.normal(size=(series, count, horizon)) + 10.0)


def median(paths: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(np.quantile(paths.numpy(), 0.5, axis=1))


def test_stretched_quantiles_are_those_of_the_errors() -> None:
    """Raw paths have deviation 1 and what came has 2."""
    fitted = Calibration.fit(2 * normal_errors(20_000, 4), normal_half_widths(20_000, 4))
    centre = torch.full((2, 4), -7.0, dtype=torch.float64)
    stretched = fitted.stretch(some_paths(count=4000), centre)
    got = np.quantile(stretched.numpy(), SHARES, axis=1)
    exact = [-7 + NormalDist(0, 2).inv_cdf(share) for share in SHARES]
    np.testing.assert_allclose(got, np.array(exact)[:, None, None] + np.zeros((2, 4)), atol=0.4)


def test_levels_of_stretched_paths_are_the_raw_ones_times_the_factor() -> None:
    factors = np.linspace(0.8, 2.5, len(LEVELS))
    fitted = Calibration(np.array(LEVELS), np.repeat(factors[:, None], 4, axis=1))
    paths = some_paths(count=2001)
    centre = median(paths) + 3.0
    stretched = fitted.stretch(paths, centre)
    raw, got = raw_half_widths(paths), raw_half_widths(stretched)
    np.testing.assert_allclose(got, factors[:, None, None] * raw, rtol=0.03, atol=0.02)


@pytest.mark.parametrize("count", [1, 2, 3, 200, 201])
def test_the_centre_becomes_the_median(count: int) -> None:
    fitted = Calibration(np.array(LEVELS), np.linspace(0.5, 3, 12)[:, None])
    paths = some_paths(count=count) ** 3
    centre = torch.from_numpy(np.random.default_rng(5).normal(size=(2, 4)))
    stretched = fitted.stretch(paths, centre)
    np.testing.assert_allclose(median(stretched), centre, atol=1e-9)


def test_paths_keep_their_place_among_the_others() -> None:
    fitted = Calibration(np.array(LEVELS), np.linspace(0.5, 3, 12)[:, None])
    paths = some_paths()
    stretched = fitted.stretch(paths, median(paths))
    assert torch.equal(stretched.argsort(dim=1), paths.argsort(dim=1))


@pytest.mark.slow
@properties
@given(
    paths=arrays(np.float64, (2, 9, 3), elements=st.floats(-1e3, 1e3)),
    factors=arrays(np.float64, (len(LEVELS), 2), elements=st.floats(0, 1e3)),
    centre=arrays(np.float64, (2, 3), elements=st.floats(-1e3, 1e3)),
)
def test_quantiles_never_cross(paths: Any, factors: Any, centre: Any) -> None:
    """Whatever the factors: a wide level may need a smaller one than a narrow level."""
    raw = torch.from_numpy(paths)
    stretched = Calibration(np.array(LEVELS), factors).stretch(raw, torch.from_numpy(centre))
    assert stretched.isfinite().all()
    quantiles = np.quantile(stretched.numpy(), np.linspace(0, 1, 21), axis=1)
    assert (np.diff(quantiles, axis=0) >= -1e-9 * (1 + np.abs(quantiles[1:]))).all()
    tolerance = 1e-9 * (1 + np.abs(stretched.numpy()).max())
    np.testing.assert_allclose(median(stretched), centre, atol=tolerance)
    # And the paths themselves don't change places.
    in_order = np.take_along_axis(stretched.numpy(), paths.argsort(axis=1, kind="stable"), axis=1)
    assert (np.diff(in_order, axis=1) >= -tolerance).all()


def test_the_last_steps_factors_are_used_for_all_later_steps() -> None:
    one = np.repeat(np.array([[1.0, 4.0]]), len(LEVELS), axis=0)
    paths = some_paths(horizon=6)
    stretched = Calibration(np.array(LEVELS), one).stretch(paths, median(paths))
    spread = (stretched.std(dim=1) / paths.std(dim=1)).numpy()
    np.testing.assert_allclose(spread, np.array([[1, 4, 4, 4, 4, 4]] * 2), rtol=1e-6)


def test_a_shorter_horizon_is_stretched_as_the_beginning_of_a_longer_one() -> None:
    factors = np.random.default_rng(0).uniform(0.5, 2, size=(len(LEVELS), 5))
    fitted = Calibration(np.array(LEVELS), factors)
    paths = some_paths(horizon=8)
    long = fitted.stretch(paths, median(paths))
    short = fitted.stretch(paths[..., :3], median(paths)[:, :3])
    assert torch.equal(short, long[..., :3])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_no_calibration_leaves_the_paths(dtype: torch.dtype) -> None:
    paths = some_paths().to(dtype)
    before = paths.clone()
    stretched = Calibration.none().stretch(paths, median(paths).to(dtype))
    assert stretched.dtype == dtype
    torch.testing.assert_close(stretched, before, rtol=0, atol=1e-5)
    assert torch.equal(paths, before)


@pytest.mark.parametrize("count", [2, 200])
def test_identical_paths_stay_identical(count: int) -> None:
    fitted = Calibration(np.array(LEVELS), np.linspace(0.5, 1e6, 12)[:, None])
    paths = torch.full((1, count, 3), 0.1)
    centre = torch.tensor([[0.1, 0.3, -7.0]])
    stretched = fitted.stretch(paths, centre)
    assert torch.equal(stretched, centre[:, None].expand(1, count, 3))


# ------------------------------------------------------------------------ what can be asked for


def test_levels_are_two_columns_each() -> None:
    shares = level_shares([80, 97.5])
    assert list(shares) == ["-lo-80", "-hi-80", "-lo-97.5", "-hi-97.5"]
    assert list(shares.values()) == pytest.approx([0.1, 0.9, 0.0125, 0.9875])


def test_quantiles_are_a_column_each() -> None:
    shares = quantile_shares([0.1, 0.975])
    assert list(shares) == ["-q-0.1", "-q-0.975"]
    assert list(shares.values()) == [0.1, 0.975]


@pytest.mark.parametrize("level", [80, 80.0, np.int64(80), np.float32(80), (80,), np.array([80])])
def test_one_level_needs_no_list(level: Any) -> None:
    assert level_shares(level) == pytest.approx({"-lo-80": 0.1, "-hi-80": 0.9})


@pytest.mark.parametrize("quantiles", [0.5, np.float64(0.5), (0.5,), np.array([0.5])])
def test_one_quantile_needs_no_list(quantiles: Any) -> None:
    assert quantile_shares(quantiles) == {"-q-0.5": 0.5}


def test_nothing_asked_for_is_no_column() -> None:
    assert level_shares(None) == quantile_shares(None) == {}
    assert level_shares([]) == quantile_shares([]) == {}


BAD = ["80", True, np.bool_(True), float("nan"), float("inf"), -1, 1j, {}.keys]


@pytest.mark.parametrize("bad", [0, 0.0, 100, 101, *BAD])
def test_levels_of_no_use_are_refused(bad: Any) -> None:
    for given_level in (bad, [80, bad]):
        with pytest.raises(SettingError, match="level="):
            level_shares(given_level)


@pytest.mark.parametrize("bad", [0, 1, 1.5, 10, *BAD])
def test_quantiles_of_no_use_are_refused(bad: Any) -> None:
    for given_quantiles in (bad, [0.5, bad]):
        with pytest.raises(SettingError, match="quantiles="):
            quantile_shares(given_quantiles)


@pytest.mark.parametrize("asked", [[None], [[80]]])
def test_lists_of_no_numbers_are_refused(asked: Any) -> None:
    with pytest.raises(SettingError, match="level="):
        level_shares(asked)


@pytest.mark.parametrize(
    ("asked", "question"),
    [
        ({"level": 0.8}, "level=0.8: .*did you mean level=80?"),
        ({"level": [0.8, 0.95]}, "did you mean level=[80, 95]?"),
        ({"level": [80, 0.9]}, "did you mean level=[80, 90]?"),
        ({"level": np.float64(0.8)}, "level=0.8: .*did you mean level=80?"),
        ({"quantiles": 80}, "quantiles=80: .*did you mean quantiles=0.8?"),
        ({"quantiles": [10, 90]}, "did you mean quantiles=[0.1, 0.9]?"),
        ({"quantiles": [0.1, 90]}, "did you mean quantiles=[0.1, 0.9]?"),
    ],
    ids=str,
)
def test_shares_and_per_cents_are_told_apart(asked: dict[str, Any], question: str) -> None:
    read = level_shares if "level" in asked else quantile_shares
    pattern = re.escape(question).replace(r"\.\*", ".*")
    with pytest.raises(SettingError, match=pattern):
        read(*asked.values())


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (level_shares, 100), (level_shares, 0), (level_shares, "80"), (level_shares, True),
        (level_shares, 0.001), (quantile_shares, 0), (quantile_shares, 1), (quantile_shares, 100),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)  # fmt: skip
def test_what_is_neither_is_refused_without_a_question(read: Any, value: Any) -> None:
    with pytest.raises(SettingError, match=r"expected (per cents|numbers)") as caught:
        read(value)
    assert "did you mean" not in str(caught.value)


def test_one_per_cent_is_a_level() -> None:
    assert level_shares(1) == {"-lo-1": 0.495, "-hi-1": 0.505}
    assert quantile_shares(0.005) == {"-q-0.005": 0.005}
