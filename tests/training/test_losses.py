"""The loss against sums worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tsgen import LSTMForecaster, load_dataset
from tsgen.training.losses import Loss, Objective

# Targets within ±1: their spread is below 1, so that errors count as they are.
TARGETS = torch.tensor([[0.0, 1.0, -1.0, 0.5], [0.0, 0.0, 1.0, 0.0]])
PREDICTIONS = torch.tensor([[0.5, 1.0, 1.0, 9.0], [9.0, 0.0, 4.0, 0.0]])
COUNTED = torch.tensor([[1.0, 1.0, 1.0, 0.0], [0.0, 1.0, 1.0, 1.0]])  # errors .5 0 2 | 0 3 0


def mean(objective: Objective, *arrays: torch.Tensor) -> torch.Tensor:
    """The mean error over all counted steps of a batch."""
    total, steps = objective.window_errors(*arrays)
    return total.sum() / steps.sum()


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        ("mse", (0.25 + 4 + 9) / 6),
        ("mae", (0.5 + 2 + 3) / 6),
        ("huber", (0.125 + 1.5 + 2.5) / 6),
    ],
)
def test_the_mean_over_counted_steps(loss: Loss, expected: float) -> None:
    assert mean(Objective(loss), PREDICTIONS, TARGETS, COUNTED).item() == pytest.approx(expected)


def test_the_warmup_does_not_count() -> None:
    # Left: errors of 2 in the first window, 3 and 0 in the second.
    loss = mean(Objective("mae", warmup=2), PREDICTIONS, TARGETS, COUNTED)
    assert loss.item() == pytest.approx(5 / 3)
    wild = torch.cat([PREDICTIONS[:, :2] + 1e6, PREDICTIONS[:, 2:]], dim=1)
    assert mean(Objective("mae", warmup=2), wild, TARGETS, COUNTED) == loss


def test_nothing_counted_is_no_error_of_no_step() -> None:
    errors = Objective().window_errors(PREDICTIONS, TARGETS, torch.zeros_like(COUNTED))
    assert (errors.total == 0).all()
    assert (errors.steps == 0).all()


@pytest.mark.parametrize("loss", ["mse", "mae", "huber"])
def test_a_window_with_huge_targets_does_not_own_the_loss(loss: Loss) -> None:
    """Half of the windows leave the range of their context, 1e6 times its spread."""
    targets = torch.randn(8, 20, generator=torch.Generator().manual_seed(0))
    targets[:4] *= 1e6
    predictions = torch.zeros_like(targets, requires_grad=True)
    objective = Objective(loss)
    total = mean(objective, predictions, targets, torch.ones_like(targets))
    of_the_usual = mean(objective, predictions[4:], targets[4:], torch.ones_like(targets[4:]))
    assert total < 2 * of_the_usual
    total.backward()
    assert predictions.grad[:4].norm() < predictions.grad[4:].norm()


# --------------------------------------------------------------------------- windows with a season

WHOLE = torch.ones(1, 6)
SEASONAL = torch.tensor([[9.0, -9.0, 9.0, -9.0, 9.0, -9.0]])  # a spread of 9


def unit(targets: torch.Tensor, counted: torch.Tensor = WHOLE, **settings: Any) -> float:
    return Objective("mae", **settings).unit(targets, counted).item()


def test_without_a_season_the_unit_is_the_spread() -> None:
    assert unit(SEASONAL) == pytest.approx(9.0)


def test_the_unit_is_between_the_spread_and_the_change_over_a_season() -> None:
    """Values that have risen by 4 over a season of 2: the square root of 4 times their spread."""
    rising = SEASONAL + torch.tensor([[0.0, 0.0, 4.0, 4.0, 8.0, 8.0]])
    spread = rising.std(correction=0).item()
    assert unit(rising, season=2) == pytest.approx((4.0 * spread) ** 0.5)


def test_a_window_that_repeats_itself_counts_more_but_does_not_own_the_loss() -> None:
    assert 0.04 * 9.0 < unit(SEASONAL, season=2) < 0.1 * 9.0


def test_a_share_of_1_is_the_change_over_a_season_alone() -> None:
    rising = SEASONAL + torch.tensor([[0.0, 0.0, 4.0, 4.0, 8.0, 8.0]])
    assert unit(rising, season=2, change_share=1.0) == pytest.approx(4.0)
    assert unit(rising, season=2, change_share=0.0) == pytest.approx(unit(rising))


def test_no_error_is_larger_than_the_limit() -> None:
    limited = Objective("mae", limit=2.5).window_errors(PREDICTIONS, TARGETS, COUNTED)
    assert limited.total.tolist() == [2.5, 2.5]  # of errors .5 0 2 | 0 3 0


@pytest.mark.parametrize("counted", [[1, 1, 0, 0, 0, 0], [1, 0, 0, 1, 0, 0]])
def test_without_a_pair_a_season_apart_the_unit_is_the_spread(counted: list[int]) -> None:
    some = torch.tensor([counted], dtype=torch.float32)
    assert unit(SEASONAL, some, season=2) == unit(SEASONAL, some) == pytest.approx(9.0)
    assert unit(SEASONAL, season=6) == unit(SEASONAL)  # no row to look back from


def test_rows_that_do_not_count_say_nothing_of_the_season() -> None:
    wild = torch.cat([torch.full((1, 1), 1e6), SEASONAL[:, 1:5], torch.full((1, 1), 1e6)], dim=1)
    known = torch.tensor([[1.0, 1.0, 1.0, 1.0, 1.0, 0.0]])
    assert unit(wild, known, season=2, warmup=1) == pytest.approx((0.02 * 9.0) ** 0.5)


@pytest.mark.parametrize(
    ("preset", "residual", "season"),
    [("accurate", "seasonal", 12), ("accurate", "last", None), ("accurate", None, None),
     ("balanced", "seasonal", None)],
)  # fmt: skip
def test_the_season_is_what_the_output_is_added_to(
    preset: str, residual: str | None, season: int | None
) -> None:
    model = LSTMForecaster(
        preset=preset, residual=residual, max_steps=1, n_models=1, verbose=False
    ).fit(load_dataset("air_passengers"))
    assert model.module_.objective.season == season


def test_the_unit_may_be_the_change_over_a_season_alone() -> None:
    targets = torch.tensor([0.0, 1.0, 4.0, 5.0]).view(1, 4, 1)
    counted = torch.ones_like(targets)
    of_change = Objective("mae", season=2, change_share=1.0).unit(targets, counted)
    assert of_change.item() == pytest.approx(4.0)
    spread = Objective("mae").unit(targets, counted).item()
    assert Objective("mae", season=2).unit(targets, counted).item() == pytest.approx(
        (4.0 * spread) ** 0.5
    )
    assert Objective("mae", season=1, change_share=1.0).unit(
        targets, counted
    ).item() == pytest.approx(5 / 3)


def test_without_pairs_of_rows_a_season_apart_the_unit_is_the_spread() -> None:
    targets = torch.tensor([0.0, 3.0, 4.0, 8.0]).view(1, 4, 1)
    counted = torch.tensor([0.0, 0.0, 1.0, 1.0]).view(1, 4, 1)
    both = (Objective("mae", season=s, change_share=1.0).unit(targets, counted) for s in (None, 3))
    assert next(both) == next(both)


def test_the_largest_error_of_a_step_is_limited() -> None:
    predictions, targets = torch.tensor([0.0, 0.0]).view(1, 2, 1), torch.tensor([1.0, 50.0])
    errors = Objective("mae", limit=12.0).window_errors(
        predictions, targets.view(1, 2, 1), torch.ones(1, 2, 1), torch.ones(1, 1, 1)
    )
    assert errors.total.item() == 13.0
