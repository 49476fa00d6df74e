"""Scalers against scikit-learn's own, and the window's normaliser against numpy."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    RobustScaler,
    StandardScaler,
)
from sklearn.utils.validation import check_is_fitted

from tsgen.errors import ScalerError, SettingError
from tsgen.preprocessing.scalers import AffineScalers, PanelScaler, WindowNormaliser, fit_scaler

SKLEARN = {"standard": StandardScaler(), "minmax": MinMaxScaler(), "robust": RobustScaler()}
NAMES = list(SKLEARN)

RANDOM = np.random.default_rng(0)
ROWS = [RANDOM.normal(5, 2, 40), RANDOM.lognormal(3, 1, 7), RANDOM.normal(-50, 0.1, 100)]


def flat(series: list[np.ndarray]) -> tuple[pd.Index, np.ndarray, np.ndarray]:
    ids = pd.Index([f"s{i}" for i in range(len(series))])
    return ids, np.concatenate(series), np.cumsum([0] + [len(rows) for rows in series])


def fitted(template: Any, series: list[np.ndarray] | None = None) -> PanelScaler:
    return fit_scaler(template, *flat(ROWS if series is None else series))


def scaled(template: Any, series: list[np.ndarray]) -> np.ndarray:
    _, values, offsets = flat(series)
    return fitted(template, series).scalers.transform(values, offsets)


# ----------------------------------------------------------------------------------- named scalers


@pytest.mark.parametrize("name", NAMES)
def test_named_scalers_are_scikit_learns(name: str) -> None:
    expected = [SKLEARN[name].fit_transform(rows[:, None]).ravel() for rows in ROWS]
    np.testing.assert_allclose(scaled(name, ROWS), np.concatenate(expected), atol=1e-12)


@pytest.mark.parametrize("template", [*NAMES, None, StandardScaler()])
def test_inverse_gives_back_what_went_in(template: Any) -> None:
    same_length = [rows[:7] for rows in ROWS]
    restored = fitted(template, same_length).scalers.inverse_transform(
        scaled(template, same_length).reshape(3, 7)
    )
    np.testing.assert_allclose(restored, same_length, rtol=1e-12)


def test_no_scaler_leaves_values_as_they_are() -> None:
    np.testing.assert_array_equal(scaled(None, ROWS), np.concatenate(ROWS))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [0.0, 0.1, -3e20, 1e-300])
def test_constant_series_become_zero_and_come_back_exactly(name: str, value: float) -> None:
    rows = np.full(11, value)
    assert (scaled(name, [rows, ROWS[0]])[:11] == 0).all()
    back = fitted(name, [rows]).scalers.inverse_transform(np.zeros((1, 3)))
    assert (back == value).all()


def test_robust_scaler_of_a_mostly_constant_series_keeps_the_outlier_finite() -> None:
    """Its quartiles are equal, and scikit-learn would divide by 1, whatever the units."""
    rows = np.array([2e9] * 9 + [3e9])
    assert np.abs(scaled("robust", [rows])).max() < 100


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("factor", [1e40, 1e-30, 1e200, 1e-200])
def test_the_unit_does_not_matter(name: str, factor: float) -> None:
    expected = scaled(name, ROWS)
    np.testing.assert_allclose(scaled(name, [y * factor for y in ROWS]), expected, rtol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_the_level_does_not_matter(name: str) -> None:
    high = [ROWS[0] + 1e9]
    # What float64 can hold of the rows at that level, so that only our own rounding is measured.
    expected = scaled(name, [high[0] - 1e9])
    np.testing.assert_allclose(scaled(name, high), expected, atol=1e-6)


def test_a_named_scaler_makes_no_object_per_series() -> None:
    count = 100_000
    values = np.random.default_rng(0).normal(size=3 * count)
    ids, offsets = pd.RangeIndex(count), np.arange(0, 3 * count + 1, 3)
    for name in NAMES:
        before = sys.getallocatedblocks()
        scalers = fit_scaler(name, ids, values, offsets).scalers
        assert sys.getallocatedblocks() - before < 10_000
        assert isinstance(scalers, AffineScalers)
        assert scalers.centre.shape == scalers.scale.shape == (count,)
        assert np.isfinite(scalers.transform(values, offsets)).all()


# --------------------------------------------------------------------- transformers of scikit-learn


def test_a_pipeline_is_fitted_to_each_series_and_inverted() -> None:
    template = make_pipeline(
        FunctionTransformer(np.log1p, np.expm1, check_inverse=False), StandardScaler()
    )
    series = [np.exp(ROWS[0][:7]), ROWS[1] * 1e3]
    result = scaled(template, series).reshape(2, 7)
    np.testing.assert_allclose(result.mean(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(result.std(axis=1), 1, atol=1e-12)
    restored = fitted(template, series).scalers.inverse_transform(result)
    np.testing.assert_allclose(restored, series, rtol=1e-9)


def test_the_users_template_is_not_fitted() -> None:
    template = StandardScaler()
    fitted(template)
    with pytest.raises(NotFittedError):
        check_is_fitted(template)


@pytest.mark.parametrize("template", ["standard", StandardScaler()])
def test_series_not_seen_in_fit_get_their_own_statistics(template: Any) -> None:
    known = fitted(template)
    ids = pd.Index(["s2", "new", "s0"])
    new = np.array([100.0, 300.0])
    values, offsets = np.concatenate([[-50.0], new, [5.0]]), np.array([0, 1, 3, 4])
    scalers = known.for_series(ids, values, offsets)
    expected = [(-50.0 - ROWS[2].mean()) / ROWS[2].std(), -1, 1]
    expected.append((5.0 - ROWS[0].mean()) / ROWS[0].std())
    np.testing.assert_allclose(scalers.transform(values, offsets), expected, atol=1e-9)
    assert len(known.scalers) == 3  # nothing was learned


def test_series_seen_in_fit_keep_the_statistics_of_fit_in_any_order() -> None:
    scalers = fitted("standard").for_series(
        pd.Index(["s1", "s0"]), np.array([0.0, 0.0]), np.array([0, 1, 2])
    )
    back = scalers.inverse_transform(np.zeros((2, 1))).ravel()
    np.testing.assert_allclose(back, [ROWS[1].mean(), ROWS[0].mean()])


class Forgetful(TransformerMixin, BaseEstimator):
    """Its inverse gives back the mean, whatever it is asked."""

    def fit(self, column: np.ndarray, y: Any = None) -> Forgetful:
        self.mean_ = column.mean()
        return self

    def transform(self, column: np.ndarray) -> np.ndarray:
        return column - self.mean_

    def inverse_transform(self, column: np.ndarray) -> np.ndarray:
        return np.full_like(column, self.mean_)


@pytest.mark.parametrize("level", [0.0, 1e7])
def test_a_wrong_inverse_is_refused(level: float) -> None:
    with pytest.raises(ScalerError, match=r"doesn't invert: for series 's0'"):
        fitted(Forgetful(), [ROWS[0] + level])


@pytest.mark.parametrize(
    ("template", "series", "message"),
    [
        (FunctionTransformer(np.log, np.exp), [ROWS[1], np.arange(3.0)], r"'s1'.*row 0 \(0\)"),
        (FunctionTransformer(np.log, np.exp), [-ROWS[1]], "'s0'"),
        (StandardScaler(copy="no"), [ROWS[0]], "failed on series 's0'"),
        (OneHotEncoder(), [ROWS[0]], "'s0'"),
        (OneHotEncoder(sparse_output=False), [ROWS[0]], "'s0'.*one column"),
    ],
    ids=["log of 0", "log of negatives", "can't be fitted", "sparse", "many columns"],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_transformer_that_does_not_fit_names_the_series(
    template: Any, series: list[np.ndarray], message: str
) -> None:
    with pytest.raises(ScalerError, match=message):
        fitted(template, series)


@pytest.mark.parametrize("template", [StandardScaler, "robuts", 5, object(), np.log])
def test_what_is_no_scaler_is_refused(template: Any) -> None:
    with pytest.raises(SettingError, match=r"^scaler=.*'standard'.*instance"):
        fitted(template)


# ----------------------------------------------------------------------------- the window's units


def normaliser(
    values: Any, known: Any = None, context: int = 4, window_norm: bool = True
) -> tuple[WindowNormaliser, torch.Tensor, torch.Tensor]:
    rows = torch.tensor(np.atleast_2d(values), dtype=torch.float64)
    mask = torch.ones_like(rows, dtype=torch.bool) if known is None else torch.tensor(known)
    return WindowNormaliser.of(rows, mask, context, window_norm), rows, mask


def test_mean_and_spread_are_those_of_the_context() -> None:
    rows = np.random.default_rng(0).normal(3, 2, (5, 9))
    units, values, known = normaliser(rows)
    context = rows[:, -4:]
    expected = (rows - context.mean(axis=1, keepdims=True)) / context.std(axis=1, keepdims=True)
    result = units.apply(values, known)
    assert result.dtype == torch.float32
    np.testing.assert_allclose(result, expected, rtol=1e-5)
    np.testing.assert_allclose(units.invert(result), rows, rtol=1e-5)
    assert units.invert(result).dtype == torch.float64


@pytest.mark.parametrize("window_norm", [True, False])
def test_constant_rows_forecast_the_constant(window_norm: bool) -> None:
    units, values, known = normaliser([[0.1] * 6, [1.0] * 5 + [2.0]], window_norm=window_norm)
    assert (units.apply(values, known)[0] == 0).all()
    assert (units.invert(torch.tensor([[5.0], [5.0]]))[0] == 0.1).all()
    assert (units.apply(values, known)[1] != 0).any()


@pytest.mark.parametrize("level", [0.0, 1e9])
def test_the_floor_is_a_share_of_the_own_spread_never_of_the_level(level: float) -> None:
    """A flat context after rows that move: these must not be blown up without bound."""
    units, values, known = normaliser(level + np.array([-1.0, 1.0, -1.0, 1.0, 0.0, 0.0, 0.0, 0.0]))
    own_spread = np.sqrt(0.5)
    assert 0 < float(units.spread) <= 0.1 * own_spread
    assert units.apply(values, known).abs().max() < 1000
    small, *_ = normaliser(level + np.array([0.0, 0.5, 0.0, 0.5]))
    np.testing.assert_allclose(small.spread, 0.25)


def test_masked_rows_do_not_count() -> None:
    seen = [[False, False, False, True, True, True]]
    units, values, known = normaliser([[0.0, 0.0, 0.0, 10.0, 20.0, 30.0]], seen)
    np.testing.assert_allclose([units.mean.item(), units.spread.item()], [20.0, np.sqrt(200 / 3)])
    np.testing.assert_allclose(
        units.apply(values, known), [[0, 0, 0, -(1.5**0.5), 0, 1.5**0.5]], atol=1e-6
    )


def test_a_window_without_any_known_row_is_finite() -> None:
    units, values, known = normaliser([[0.0] * 6], [[False] * 6])
    assert (units.apply(values, known) == 0).all()
    assert torch.isfinite(units.invert(torch.ones(1, 2))).all()


def test_without_window_norm_values_keep_the_scalers_units() -> None:
    rows = [[1.0, 2.0, 3.0, 4.0, 5.0, 9.0]]
    units, values, known = normaliser(rows, window_norm=False)
    assert units.apply(values, known).tolist() == rows
    assert units.invert(torch.tensor(rows)).tolist() == rows


def test_small_movements_at_a_high_level_survive() -> None:
    rows = 1e9 + np.array([0.0, 1.0, 0.0, 1.0])
    units, values, known = normaliser(rows)
    assert units.apply(values, known).tolist() == [[-1.0, 1.0, -1.0, 1.0]]
