"""FrameSpec rows with holes: the model's own prediction stands in for a value that is missing.

That is the closed loop over the hole, with all that was observed given to it. What comes before a
series' first value is no hole: the series hasn't begun.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from tsgen.generation.dispatch import ROWS_AT_ONCE, run
from tsgen.generation.rollout import Feedback, RolloutState, read, start_of
from tsgen.nn import RecurrentNetwork, rows_of

__all__ = ["encode_over_holes", "fill_holes", "read_over_holes"]

_SLACK = 10.0
"""How much larger than any known value a prediction over a hole may become."""


def encode_over_holes(
    network: RecurrentNetwork,
    lags: Sequence[int],
    values: Tensor,
    known: Tensor,
    covariates: Tensor | None = None,
) -> tuple[RolloutState, Tensor]:
    """`tsgen.rollout.encode` for a context that may have holes; not differentiable."""
    longest = max(lags)
    start = start_of(network, lags, values, known)
    rest = None if covariates is None else covariates[:, longest:]
    return read_over_holes(network, lags, start, values[:, longest:], known[:, longest:], rest)


def read_over_holes(
    network: RecurrentNetwork,
    lags: Sequence[int],
    state: RolloutState,
    values: Tensor,
    known: Tensor,
    covariates: Tensor | None = None,
) -> tuple[RolloutState, Tensor]:
    """`tsgen.rollout.read` for rows that may have holes; the holes are not differentiated.

    The state and the predictions are those of reading the rows with every hole filled.
    """
    values, begun = fill_holes(network, lags, state, values, known, covariates)
    return read(network, lags, state, values, begun, covariates)


@torch.no_grad()
def fill_holes(
    network: RecurrentNetwork,
    lags: Sequence[int],
    state: RolloutState,
    values: Tensor,
    known: Tensor,
    covariates: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Put the model's own predictions into the holes of rows.

    Parameters
    ----------
    network, lags, state, values, known, covariates
        As in `tsgen.rollout.read`.

    Returns
    -------
    values : Tensor of shape (B·C, T)
    begun : Tensor of shape (B·C, T)
        1 from the first known row of each series on.
    """
    if bool(known.all()):
        return values, known
    before = state.known.shape[1]
    begun = torch.cat([state.known, known], dim=1).cummax(dim=1).values[:, before:]
    holes = (begun > known).any(dim=1)
    loops = torch.nonzero(holes.view(-1, network.channels).any(dim=1)).squeeze(1)
    for some in loops.split(ROWS_AT_ONCE) if len(loops) else ():
        rows = rows_of(some, network.channels)
        given = torch.where(begun[rows] > known[rows], torch.nan, values[rows])
        largest = torch.cat([state.values[rows], values[rows]], dim=1).abs().amax(dim=1)
        feedback = Feedback(
            given=given,
            limits=_SLACK * largest.clamp(min=1.0)[:, None].expand_as(given),
            covariates=None if covariates is None else covariates[some],
            known=begun[rows],
        )
        filled = run(network, lags, state.take(some), given.shape[1], feedback).path
        values = values.index_copy(0, rows, filled.clone())
    return values, begun
