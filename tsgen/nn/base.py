"""What a closed loop runs on: a network that predicts each row from those before it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import ClassVar

import torch
from torch import Tensor, nn

from tsgen.nn.state import RecurrentState, RolloutState

__all__ = ["AutoregressiveNetwork"]


class AutoregressiveNetwork(nn.Module, ABC):
    """A one-step model of sequences: it starts, reads rows, and predicts the next one.

    A subclass says what it sees of the rows (`inputs`), what it makes of that (`forward`) and where
    it begins (`initial_state`).
    Whatever reads or generates goes through `start`, `read` and `step`.

    Attributes
    ----------
    lags : tuple of int
        Lags in rows; the first is 1.
    channels : int
        C, the series of a system, which are predicted together.
    """

    lags: tuple[int, ...]
    channels: int
    masks_holes: ClassVar[bool] = False
    """Whether a context is read with its holes, instead of with predictions in their place."""
    only_recurrent: ClassVar[bool] = False
    """Whether a step is one of a `RecurrentNetwork`'s cells and head, and of nothing else."""

    @abstractmethod
    def initial_state(self, batch_size: int) -> RecurrentState:
        """Where the recurrence of B loops stands before anything was read."""

    @abstractmethod
    def inputs(
        self, values: Tensor, known: Tensor, steps: int, covariates: Tensor | None = None
    ) -> Tensor:
        """What is seen when each of the ``steps`` rows after the first ``max(lags)`` is predicted.

        Parameters
        ----------
        values, known : Tensor of shape (B, max(lags) - 1 + T, C)
            Consecutive rows, of which the last is lag 1 of the last prediction.
        steps : int
            T.
        covariates : Tensor of shape (B, T, D), optional
            Of the predicted rows.

        Returns
        -------
        Tensor of shape (B, T, inputs)
        """

    @abstractmethod
    def forward(
        self, inputs: Tensor, state: RecurrentState | None = None
    ) -> tuple[Tensor, RecurrentState]:
        """Outputs (B, T, C) of inputs (B, T, inputs), and where the recurrence stands then."""

    @contextmanager
    def without_dropout(self) -> Iterator[None]:
        """As in evaluation for a while, in training too; nothing to change, unless it is said."""
        yield

    @property
    def longest_lag(self) -> int:
        """The rows that a state holds."""
        return max(self.lags)

    def start(self, values: Tensor, known: Tensor) -> RolloutState:
        """Before anything of a context was read: its first rows, which lags need.

        Parameters
        ----------
        values, known : Tensor of shape (B, max(lags) or more, C)
            In the normaliser's units, and 1 where they are known.
        """
        rows = self.longest_lag
        return RolloutState(self.initial_state(len(values)), values[:, :rows], known[:, :rows])

    def read_context(
        self, values: Tensor, known: Tensor, covariates: Tensor | None = None
    ) -> tuple[Tensor, RolloutState]:
        """Read a whole context: `start`, and what comes after it.

        Parameters
        ----------
        values, known : Tensor of shape (B, max(lags) - 1 + T, C)
        covariates : Tensor of shape (B, max(lags) - 1 + T, D), optional

        Returns
        -------
        outputs : Tensor of shape (B, T - 1, C)
            The predictions of all rows but the first; NaN of those that aren't predicted.
        state : RolloutState
        """
        first = self.longest_lag
        rest = None if covariates is None else covariates[:, first:]
        return self.read(self.start(values, known), values[:, first:], known[:, first:], rest)

    def read(
        self, state: RolloutState, values: Tensor, known: Tensor, covariates: Tensor | None = None
    ) -> tuple[Tensor, RolloutState]:
        """Read observed rows from where a loop stands.

        Parameters
        ----------
        state : RolloutState
        values, known : Tensor of shape (B, T, C)
            The rows after those of the state.
        covariates : Tensor of shape (B, T, D), optional
            Of these rows.

        Returns
        -------
        outputs : Tensor of shape (B, T, C)
            The predictions of these rows, each from the rows before it.
        state : RolloutState
            After them.
        """
        steps = values.shape[1]
        if steps == 0:
            return values, state
        rows = torch.cat([state.values, values], dim=1)
        flags = torch.cat([state.known, known], dim=1)
        # Row t is seen as lag 1 of row t + 1: the last one isn't read yet.
        inputs = self.inputs(rows[:, :-1], flags[:, :-1], steps, covariates)
        outputs, state = self._advanced(inputs, state)
        kept = self.longest_lag
        return outputs, replace(state, values=rows[:, -kept:], known=flags[:, -kept:])

    def step(
        self, state: RolloutState, covariates: Tensor | None = None
    ) -> tuple[Tensor, RolloutState]:
        """Predict the next row; ``state.fed(row)`` then says which one came.

        Parameters
        ----------
        state : RolloutState
        covariates : Tensor of shape (B, 1, D), optional
            Of the predicted row.

        Returns
        -------
        outputs : Tensor of shape (B, 1, C)
        state : RolloutState
        """
        return self._advanced(self.inputs(state.values, state.known, 1, covariates), state)

    def _advanced(self, inputs: Tensor, state: RolloutState) -> tuple[Tensor, RolloutState]:
        """Outputs of inputs (B, T, inputs), and the state with the recurrence after them."""
        outputs, recurrent = self(inputs, state.recurrent)
        return outputs, replace(state, recurrent=recurrent)
