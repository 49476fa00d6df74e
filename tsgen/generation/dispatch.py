"""Which way a rollout is computed, in blocks of rows that stay in the machine's cache."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from tsgen._runtime import side_by_side, workers
from tsgen.generation.folded import folded_rollout, folds
from tsgen.generation.rollout import Feedback, Rollout, rollout
from tsgen.generation.sampling import SymbolChoice
from tsgen.generation.stepped import stepped_rollout, stepped_symbols
from tsgen.generation.stopping import Stopping
from tsgen.nn import (
    AutoregressiveNetwork,
    RecurrentNetwork,
    RolloutState,
    SymbolNetwork,
    TensorRecord,
)

__all__ = [
    "ROWS_AT_ONCE",
    "Run",
    "Way",
    "blocks_of_symbols",
    "closed_loop",
    "generate",
    "loops_together",
    "median",
    "run",
]

Way: TypeAlias = Literal["auto", "folded", "stepped", "plain"]

ROWS_AT_ONCE = 512
"""Loops that run together: enough to fill the machine, few enough to stay in its cache."""

_FEWEST_ROWS = 64
"""Loops that are worth a core of their own."""

_SCORES_AT_ONCE = 2**22
"""Scores of symbols that a block has at a step; one sequence may have more."""

_SHORTEST_BLOCK = 4
"""Steps that one fused call must make to be worth its preparation."""


@dataclass(frozen=True, eq=False)
class Run(TensorRecord):
    """A rollout of B loops, and where it left its limits."""

    path: Tensor
    """Of shape (B, H, C), in the normaliser's units."""
    state: RolloutState
    left: Tensor
    """Of shape (B, C): the first step whose value is at its limit; H where none is."""


@torch.inference_mode()
def run(
    network: AutoregressiveNetwork,
    state: RolloutState,
    horizon: int,
    feedback: Feedback | None = None,
    way: Way = "auto",
) -> Run:
    """Continue states in closed loop, the fastest way that applies; not differentiable.

    Parameters
    ----------
    network, state, horizon, feedback
        As in `tsgen.rollout.rollout`.
    way : {"auto", "folded", "stepped", "plain"}
        For tests: ``"plain"`` is `tsgen.rollout.rollout` itself, to which all others are equal.
    """
    feedback = Feedback() if feedback is None else feedback
    device = state.values.device
    together = loops_together(len(state), device)
    if together >= len(state):
        return _run_block(network, state, horizon, feedback, way)

    def block(loops: Tensor) -> Run:
        feedback_of_block = feedback.take(loops)
        return _run_block(network, state.take(loops), horizon, feedback_of_block, way)

    done = Run.cat(side_by_side([partial(block, loops) for loops in _blocks(state, together)]))
    return replace(done, state=done.state.with_shared(state))


@torch.inference_mode()
def generate(
    network: SymbolNetwork,
    state: RolloutState,
    horizon: int,
    choice: SymbolChoice,
    stopping: Stopping | None = None,
    way: Way = "auto",
) -> Tensor:
    """Continue states by symbols, as codes (B, H); what comes after an end is of no account.

    Parameters
    ----------
    network, state, horizon
        As in `tsgen.rollout.rollout`.
    choice : SymbolChoice
        How the next symbol is chosen.
    stopping : Stopping, optional
        Which symbols end a sequence.
    way : {"auto", "plain"}
        For tests: ``"plain"`` is `tsgen.rollout.rollout` itself.
    """
    ends = None if stopping is None else stopping.ends

    def block(loops: Tensor) -> Tensor:
        own, chosen = state.take(loops), choice.take(loops)
        if way == "plain":
            return rollout(network, own, horizon, chosen).path[:, :, 0].long()
        return stepped_symbols(network, own, horizon, chosen, ends)

    blocks = blocks_of_symbols(network, len(state))
    return torch.cat(side_by_side([partial(block, loops) for loops in blocks]))


def blocks_of_symbols(network: SymbolNetwork, sequences: int, beams: int = 1) -> tuple[Tensor, ...]:
    """The positions of sequences by blocks, which bound the memory of states and of scores."""
    loops = loops_together(sequences * beams, network.device)
    loops = min(loops, _SCORES_AT_ONCE // network.architecture.symbols)
    rows = torch.arange(sequences, device=network.device)
    return tuple(rows.split(max(1, loops // beams)))


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
    network: AutoregressiveNetwork,
    state: RolloutState,
    horizon: int,
    covariates: Tensor | None = None,
) -> Tensor:
    """The path (B, H, C) of a rollout for training: differentiable, and folded where that applies.

    It goes as a forecast does, so that nothing is dropped out, in training either.

    Parameters
    ----------
    network, state, horizon
        As in `tsgen.rollout.rollout`.
    covariates : Tensor of shape (B, H, D), optional
    """
    feedback = Feedback(covariates=covariates)
    with network.without_dropout():
        if folds(network) and _choose(network, horizon, feedback) == "folded":
            return folded_rollout(network, state, horizon, covariates=covariates).path
        return rollout(network, state, horizon, feedback).path


def _blocks(state: RolloutState, together: int) -> list[Tensor]:
    """So many loops at a time, of whole groups or of one, which then share what they did."""
    loops, group = torch.arange(len(state), device=state.values.device), state.sharing
    if group <= together:
        return list(loops.split(together // group * group))
    return [block for one in loops.split(group) for block in one.split(together)]


def _run_block(
    network: AutoregressiveNetwork,
    state: RolloutState,
    horizon: int,
    feedback: Feedback,
    way: Way,
) -> Run:
    if way == "auto":
        way = _choose(network, horizon, feedback)
    if way == "plain":
        return _with_exits(rollout(network, state, horizon, feedback), feedback)
    assert isinstance(network, RecurrentNetwork)
    if way == "stepped":
        return _with_exits(stepped_rollout(network, state, horizon, feedback), feedback)
    path, end = folded_rollout(network, state, horizon, feedback.innovations, feedback.covariates)
    done = Run(path, end, torch.full((len(path), path.shape[2]), horizon, device=path.device))
    # Values that are clipped or given act on what follows, which the folded loop can't do.
    again = torch.zeros(len(path), dtype=torch.bool, device=path.device)
    if feedback.limits is not None:
        again |= ~(path.abs() < feedback.limits).flatten(1).all(dim=1)
    if feedback.given is not None:
        again |= ~feedback.given.isnan().flatten(1).all(dim=1)
    loops = torch.nonzero(again).squeeze(1)
    if not len(loops):
        return done
    feedback_of_block = feedback.take(loops)
    rolled = stepped_rollout(network, state.take(loops), horizon, feedback_of_block)
    return done.put(loops, _with_exits(rolled, feedback_of_block))


def _choose(network: AutoregressiveNetwork, horizon: int, feedback: Feedback) -> Way:
    """The one place where the way is chosen."""
    if not network.only_recurrent:
        return "plain"
    if not folds(network) or feedback.known is not None:
        return "stepped"
    given = feedback.given
    if given is not None and not given.isnan().flatten(1).all(dim=1).any():
        return "stepped"  # no loop is closed all the way
    block = min([horizon, *(lag for lag in network.lags if lag > 1)])
    return "folded" if block >= _SHORTEST_BLOCK else "stepped"


def _with_exits(rolled: Rollout, feedback: Feedback) -> Run:
    """Find the first step at the limit; given values are what they are."""
    batch, horizon, channels = rolled.path.shape
    device = rolled.path.device
    if feedback.limits is None:
        return Run(*rolled, torch.full((batch, channels), horizon, device=device))
    outside = ~(rolled.path.abs() < feedback.limits)
    if feedback.given is not None:
        outside &= feedback.given.isnan()
    steps = torch.arange(horizon, device=device)[:, None]
    return Run(*rolled, torch.where(outside, steps, horizon).amin(dim=1))
