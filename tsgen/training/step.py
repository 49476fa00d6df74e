"""What a network learns from in one step: windows, and how the context of each is read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from tsgen.generation import Feedback, encode_over_holes, fill_holes, read_over_holes, run
from tsgen.nn import EncoderDecoderNetwork, RecurrentNetwork, RolloutState
from tsgen.preprocessing import WindowBatch
from tsgen.training.losses import Objective, WindowErrors

__all__ = ["LossTerm", "TrainingExamples", "free_run"]


class LossTerm(NamedTuple):
    """A part of the loss: its weight, and the errors whose mean it is."""

    weight: float
    errors: WindowErrors


@dataclass(frozen=True)
class TrainingExamples:
    """What a network learns from in one step.

    Attributes
    ----------
    network : RecurrentNetwork
    objective : Objective
    batch : WindowBatch
    progress : float
        The share of the training that is done, 0 to 1.
    fed : Tensor of shape (B, W, C), optional
        The values that are fed in, if they aren't those of the batch.
    generator : torch.Generator, optional
        What a random strategy draws from; on the device of the batch.
    """

    network: RecurrentNetwork
    objective: Objective
    batch: WindowBatch
    progress: float = 1.0
    fed: Tensor | None = None
    generator: torch.Generator | None = None

    @property
    def horizon(self) -> int:
        """The number of rows after the cutoff."""
        return self.batch.horizon

    @property
    def inputs(self) -> Tensor:
        """The values that are fed in, (B, W, C)."""
        return self.batch.values if self.fed is None else self.fed

    @property
    def cutoff(self) -> int:
        """The number of rows before the cutoff."""
        return self.batch.cutoff

    @cached_property
    def unit(self) -> Tensor:
        """What the errors of each window are measured in, (B, 1, C)."""
        longest = self.network.longest_lag
        known = self.batch.known
        begun = known.cummax(dim=1).values[:, longest - 1 : -1]
        return self.objective.unit(self.batch.values[:, longest:], known[:, longest:] * begun)

    def covariates(self, rows: slice) -> Tensor | None:
        """Those of some rows, (B, rows, D)."""
        return None if self.batch.covariates is None else self.batch.covariates[:, rows]

    def read(self, stop: int) -> tuple[RolloutState, WindowErrors]:
        """Read the first rows up to one, with teacher forcing, and count the errors.

        Over a hole the prediction before is fed in, as when a context is read; it doesn't count.
        Of an encoder–decoder the errors are those after the cutoff alone.
        """
        if isinstance(self.network, EncoderDecoderNetwork):
            return self._read_after_cutoff(self.network, stop)
        longest = self.network.longest_lag
        rows = slice(longest, stop)
        known, exogenous = self.batch.known, self.covariates(rows)
        start = self.network.start(self.inputs, known)
        fed, begun = self.inputs[:, rows], known[:, rows]
        if _have_holes(known):  # also one that goes on after the last row to read
            fed, begun = fill_holes(self.network, start, fed, begun, exogenous)
        predictions, state = self.network.read(start, fed, begun, exogenous)
        before = torch.cat([known[:, longest - 1 : longest], begun], dim=1)[:, :-1]
        counted = known[:, rows] * before
        return state, self.objective.window_errors(
            predictions, self.batch.values[:, rows], counted, self.unit
        )

    def _read_after_cutoff(
        self, network: EncoderDecoderNetwork, stop: int
    ) -> tuple[RolloutState, WindowErrors]:
        """Encode the context, and let the decoder read the rows after it up to one."""
        before, after = slice(None, self.cutoff), slice(self.cutoff, stop)
        known, inputs = self.batch.known, self.inputs
        context = inputs[:, before], known[:, before], self.covariates(before)
        state: RolloutState = network.encode_context(*context)
        predictions, state = read_over_holes(
            network, state, inputs[:, after], known[:, after], self.covariates(after)
        )
        return state, self.errors(predictions)

    def errors(self, predictions: Tensor, first: int = 0) -> WindowErrors:
        """The errors of predictions (B, steps, C) of rows after the cutoff, from one step on."""
        rows = slice(self.cutoff + first, self.cutoff + first + predictions.shape[1])
        return replace(self.objective, warmup=0).window_errors(
            predictions, self.batch.values[:, rows], self.batch.known[:, rows], self.unit
        )


def _have_holes(known: Tensor) -> bool:
    """Whether any window has known rows on both sides of missing ones."""
    stretches = known[:, 0] + (known[:, 1:] > known[:, :-1]).sum(dim=1)
    return bool((stretches > 1).any())


def free_run(network: RecurrentNetwork, batch: WindowBatch) -> tuple[Tensor, RolloutState]:
    """Windows as a forecast goes: the context is read, and the loop closed after it.

    Returns
    -------
    path : Tensor of shape (B, H, C)
        Not differentiable.
    state : RolloutState
        After the context.
    """
    ahead = Feedback(covariates=batch.rows(slice(batch.cutoff, None))[2])
    _, state = encode_over_holes(network, *batch.rows(slice(None, batch.cutoff)))
    return run(network, state, batch.horizon, ahead).path, state
