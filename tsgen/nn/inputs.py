"""Which inputs the network sees, made by the same code for training and for a rollout's step.

For the prediction of ``y_t`` the network reads ``y_{t-k}`` for every lag k, and beside each value
a flag that says whether it is known (1) or lies before the start of the series (0, the value too);
then whatever is known of t from outside: the covariates.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["filled_from_lag", "input_size", "lag_inputs"]


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


def filled_from_lag(values: Tensor, known: Tensor, lag: int) -> tuple[Tensor, Tensor]:
    """Put the last known row some multiple of a lag before into the holes of rows (B, T, C).

    Where there is none, the last known row is put there.

    Returns
    -------
    values : Tensor of shape (B, T, C)
    begun : Tensor of shape (B, T, C)
        1 from the first known row on.

    Examples
    --------
    >>> import torch
    >>> from tsgen.nn import filled_from_lag
    >>> rows = torch.tensor([0.0, 1, 2, 3, 0, 0]).view(1, -1, 1)
    >>> known = torch.tensor([0.0, 1, 1, 1, 0, 0]).view(1, -1, 1)
    >>> filled_from_lag(rows, known, 2)[0].flatten()
    tensor([0., 1., 2., 3., 2., 3.])
    """
    if bool(known.all()):
        return values, known
    batch, steps, channels = values.shape
    if lag > 1:
        before = -steps % lag
        # Rows of one phase side by side: (B, T / lag, lag * C).
        values, known = (
            functional.pad(part, (0, 0, before, 0)).reshape(batch, -1, lag * channels)
            for part in (values, known)
        )
        values, known = (
            part.reshape(batch, -1, channels)[:, before:]
            for part in filled_from_lag(values, known, 1)
        )
    numbers = torch.arange(values.shape[1], device=values.device)[:, None].expand_as(values)
    last = torch.where(known > 0, numbers, -1).cummax(dim=1).values
    return values.gather(1, last.clamp(min=0)), (last >= 0).to(known.dtype)
