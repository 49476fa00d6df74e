"""Which inputs the network sees, made by the same code for training and for a rollout's step.

For the prediction of ``y_t`` the network reads ``y_{t-k}`` for every lag k, and beside each value
a flag that says whether it is known (1) or lies before the start of the series (0, the value too);
then whatever is known of t from outside: the covariates.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["input_size", "lag_inputs"]


def input_size(lags: Sequence[int], channels: int = 1, covariates: int = 0) -> int:
    """How many inputs there are: a value and a flag for each lag and channel, and covariates."""
    return 2 * len(lags) * channels + covariates


def lag_inputs(
    values: Tensor,
    known: Tensor,
    lags: Sequence[int],
    steps: int,
    covariates: Tensor | None = None,
) -> Tensor:
    """Inputs for predicting each of the ``steps`` rows after the first ``max(lags)``.

    Parameters
    ----------
    values : Tensor of shape (B, max(lags) - 1 + T, C)
        Consecutive rows in the normaliser's units. The last one is lag 1 of the last prediction.
    known : Tensor of shape (B, max(lags) - 1 + T, C)
        1 where a row is known, else 0.
    lags : sequence of int
        K lags in rows; the inputs come in their order.
    steps : int
        T.
    covariates : Tensor of shape (B, T, E), optional
        What else is known of the predicted rows.

    Returns
    -------
    Tensor of shape (B, T, 2KC + E)
        The K values, then the K flags, each of all channels; then the covariates.
    """
    # Lag k of the first prediction stands k rows before it, and it is the row after the last
    # but ``steps - 1``.
    first = values.shape[1] - steps + 1
    parts = [rows[:, first - lag : first - lag + steps] for rows in (values, known) for lag in lags]
    return torch.cat(parts if covariates is None else [*parts, covariates], dim=-1)
