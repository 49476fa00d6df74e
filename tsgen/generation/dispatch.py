"""Which way a rollout is computed, in blocks of rows that stay in the machine's cache."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Literal, NamedTuple, TypeAlias

import torch
from torch import Tensor

from tsgen._runtime import side_by_side, workers
from tsgen.generation.folded import folded_rollout, folds
from tsgen.generation.rollout import Feedback, Rollout, RolloutState, rollout
from tsgen.generation.stepped import stepped_rollout
from tsgen.nn import RecurrentNetwork, rows_of

__all__ = ["ROWS_AT_ONCE", "Run", "Way", "closed_loop", "loops_together", "median", "run"]

Way: TypeAlias = Literal["auto", "folded", "stepped", "plain"]

ROWS_AT_ONCE = 512
"""Loops that run together: enough to fill the machine, few enough to stay in its cache."""

_FEWEST_ROWS = 64
"""Loops that are worth a core of their own."""

_SHORTEST_BLOCK = 4
"""Steps that one fused call must make to be worth its preparation."""


class Run(NamedTuple):
    """A rollout of B loops, and where it left its limits."""

    path: Tensor
    """Of shape (B·C, H), in the normaliser's units."""
    state: RolloutState
    left: Tensor
    """Of shape (B·C,): the first step whose value is at its limit; H where none is."""


@torch.inference_mode()
def run(
    network: RecurrentNetwork,
    lags: Sequence[int],
    state: RolloutState,
    horizon: int,
    feedback: Feedback | None = None,
    way: Way = "auto",
) -> Run:
    """Continue states in closed loop, the fastest way that applies; not differentiable.

    Parameters
    ----------
    network, lags, state, horizon, feedback
        As in `tsgen.rollout.rollout`.
    way : {"auto", "folded", "stepped", "plain"}
        For tests: ``"plain"`` is `tsgen.rollout.rollout` itself, to which all others are equal.
    """
    feedback = feedback or Feedback()
    device = state.values.device
    together = loops_together(len(state), device)
    if together >= len(state):
        return _run_block(network, lags, state, horizon, feedback, way)

    def block(loops: Tensor) -> Run:
        feedback_of_block = feedback.loops(loops, network.channels)
        return _run_block(network, lags, state.take(loops), horizon, feedback_of_block, way)

    blocks = torch.arange(len(state), device=device).split(together)
    parts = side_by_side([partial(block, loops) for loops in blocks])
    return Run(
        torch.cat([part.path for part in parts]),
        RolloutState.join(part.state for part in parts),
        torch.cat([part.left for part in parts]),
    )


def loops_together(count: int, device: torch.device) -> int:
    """How many of some loops make one block; on a CPU there is one for each core, if they pay."""
    if device.type != "cpu":
        return ROWS_AT_ONCE
    share = -(-count // workers())
    return min(max(share, _FEWEST_ROWS), ROWS_AT_ONCE)


def median(paths: Tensor) -> Tensor:
    """The median over the members of an ensemble, which come first: (M, ...) to (...)."""
    if len(paths) <= 2:
        return paths.mean(dim=0) if len(paths) == 2 else paths[0]
    ordered = paths.sort(dim=0).values
    middle = (len(paths) - 1) // 2
    return ordered[middle : len(paths) - middle].mean(dim=0)


def closed_loop(
    network: RecurrentNetwork,
    lags: Sequence[int],
    state: RolloutState,
    horizon: int,
    covariates: Tensor | None = None,
) -> Tensor:
    """The path (B·C, H) of a rollout for training: differentiable, and folded where that applies.

    It goes as a forecast does, so that nothing is dropped out, in training either.

    Parameters
    ----------
    network, lags, state, horizon
        As in `tsgen.rollout.rollout`.
    covariates : Tensor of shape (B, H, D), optional
    """
    feedback = Feedback(covariates=covariates)
    with network.without_dropout():
        if _choose(network, lags, horizon, feedback) == "folded":
            return folded_rollout(network, lags, state, horizon, covariates=covariates).path
        return rollout(network, lags, state, horizon, feedback).path


def _run_block(
    network: RecurrentNetwork,
    lags: Sequence[int],
    state: RolloutState,
    horizon: int,
    feedback: Feedback,
    way: Way,
) -> Run:
    if way == "auto":
        way = _choose(network, lags, horizon, feedback)
    if way == "plain":
        return _with_exits(rollout(network, lags, state, horizon, feedback), feedback)
    if way == "stepped":
        return _with_exits(stepped_rollout(network, lags, state, horizon, feedback), feedback)
    path, end = folded_rollout(
        network, lags, state, horizon, feedback.innovations, feedback.covariates
    )
    done = Run(path, end, torch.full((len(path),), horizon, device=path.device))
    # Values that are clipped or given act on what follows, which the folded loop can't do.
    again = torch.zeros(len(path), dtype=torch.bool, device=path.device)
    if feedback.limits is not None:
        again |= ~(path.abs() < feedback.limits).all(dim=1)
    if feedback.given is not None:
        again |= ~feedback.given.isnan().all(dim=1)
    loops = torch.nonzero(again.view(len(state), -1).any(dim=1)).squeeze(1)
    if not len(loops):
        return done
    feedback_of_block = feedback.loops(loops, network.channels)
    rolled = stepped_rollout(network, lags, state.take(loops), horizon, feedback_of_block)
    stepped = _with_exits(rolled, feedback_of_block)
    rows = rows_of(loops, network.channels)
    return Run(
        done.path.index_copy(0, rows, stepped.path),
        done.state.put(loops, stepped.state),
        done.left.index_copy(0, rows, stepped.left),
    )


def _choose(
    network: RecurrentNetwork, lags: Sequence[int], horizon: int, feedback: Feedback
) -> Literal["folded", "stepped"]:
    """The one place where the way is chosen."""
    if not folds(network, lags) or feedback.known is not None:
        return "stepped"
    if feedback.given is not None and not feedback.given.isnan().all(dim=1).any():
        return "stepped"  # no loop is closed all the way
    block = min([horizon, *(lag for lag in lags if lag > 1)])
    return "folded" if block >= _SHORTEST_BLOCK else "stepped"


def _with_exits(rolled: Rollout, feedback: Feedback) -> Run:
    """Find the first step at the limit; given values are what they are."""
    horizon = rolled.path.shape[1]
    if feedback.limits is None:
        return Run(*rolled, torch.full((len(rolled.path),), horizon, device=rolled.path.device))
    outside = ~(rolled.path.abs() < feedback.limits)
    if feedback.given is not None:
        outside &= feedback.given.isnan()
    steps = torch.arange(horizon, device=outside.device)
    return Run(*rolled, torch.where(outside, steps, horizon).amin(dim=1))
