"""Which channels the network sees, made by the same code for training and for a rollout's step.

For the prediction of ``y_t`` the network reads ``y_{t-k}`` for every lag k, and beside each value
a flag that says whether it is known (1) or lies before the start of the series (0, the value too).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["input_size", "lag_inputs"]


def input_size(lags: Sequence[int]) -> int:
    """C: two channels for each lag, its value and whether it is known."""
    return 2 * len(lags)


def lag_inputs(values: Tensor, known: Tensor, lags: Sequence[int], steps: int) -> Tensor:
    """Inputs for predicting each of the ``steps`` rows after the first ``max(lags)``.

    Parameters
    ----------
    values : Tensor of shape (B, max(lags) - 1 + T)
        Consecutive rows in the normaliser's units. The last one is lag 1 of the last prediction.
    known : Tensor of shape (B, max(lags) - 1 + T)
        1 where a row is known, else 0.
    lags : sequence of int
        K lags in rows; the channels come in their order.
    steps : int
        T.

    Returns
    -------
    Tensor of shape (B, T, 2K)
        First the K values, then the K flags.
    """
    first = values.shape[1] - steps + 1
    return torch.stack(
        [rows[:, first - lag : first - lag + steps] for rows in (values, known) for lag in lags],
        dim=-1,
    )
