"""Reading rows with holes: the model's own prediction stands in for a value that is missing.

That is the closed loop over the hole, with all that was observed given to it. What comes before a
series' first value is no hole: the series hasn't begun.
"""

from __future__ import annotations

import torch
from torch import Tensor

from tsgen.generation.dispatch import ROWS_AT_ONCE, run
from tsgen.generation.rollout import Feedback
from tsgen.nn import AutoregressiveNetwork, RolloutState

__all__ = ["HOLE_SLACK", "encode_over_holes", "fill_holes", "read_over_holes"]

HOLE_SLACK = 10.0
"""How much larger than any known value a prediction over a hole may become."""


def encode_over_holes(
    network: AutoregressiveNetwork,
    values: Tensor,
    known: Tensor,
    covariates: Tensor | None = None,
) -> tuple[Tensor, RolloutState]:
    """`tsgen.rollout.encode` for a context that may have holes; not differentiable."""
    if network.masks_holes:
        return network.read_context(values, known, covariates)
    first = network.longest_lag
    rest = None if covariates is None else covariates[:, first:]
    start = network.start(values, known)
    return read_over_holes(network, start, values[:, first:], known[:, first:], rest)


def read_over_holes(
    network: AutoregressiveNetwork,
    state: RolloutState,
    values: Tensor,
    known: Tensor,
    covariates: Tensor | None = None,
) -> tuple[Tensor, RolloutState]:
    """``network.read`` for rows that may have holes; the holes are not differentiated.

    The state and the predictions are those of reading the rows with every hole filled.
    """
    values, begun = fill_holes(network, state, values, known, covariates)
    return network.read(state, values, begun, covariates)


@torch.no_grad()
def fill_holes(
    network: AutoregressiveNetwork,
    state: RolloutState,
    values: Tensor,
    known: Tensor,
    covariates: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Put the model's own predictions into the holes of rows.

    Parameters
    ----------
    network, state, values, known, covariates
        As in `tsgen.nn.AutoregressiveNetwork.read`.

    Returns
    -------
    values : Tensor of shape (B, T, C)
    begun : Tensor of shape (B, T, C)
        1 from the first known row of each series on.
    """
    if bool(known.all()):
        return values, known
    before = state.known.shape[1]
    # A series that began in the rows of the state has begun in all of these.
    begun = torch.cat([state.known, known], dim=1).cummax(dim=1).values[:, before:]
    # What has begun and isn't known is missing; only systems that lack something run the loop.
    holes = (begun > known).flatten(1).any(dim=1)
    loops = torch.nonzero(holes).squeeze(1)
    for some in loops.split(ROWS_AT_ONCE) if len(loops) else ():
        given = torch.where(begun[some] > known[some], torch.nan, values[some])
        largest = torch.cat([state.values[some], values[some]], dim=1).abs().amax(dim=1)
        feedback = Feedback(
            given=given,
            limits=HOLE_SLACK * largest.clamp(min=1.0)[:, None].expand_as(given),
            covariates=None if covariates is None else covariates[some],
            known=begun[some],
        )
        filled = run(network, state.take(some), given.shape[1], feedback).path
        values = values.index_copy(0, some, filled.clone())
    return values, begun
