"""The closed loop: the context is read once, then each prediction is the next input.

`rollout` is the definition, step by step and differentiable. `tsgen.generation.folded` and
`tsgen.generation.stepped` compute the same faster, and `tsgen.generation.dispatch` chooses
among the three.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import NamedTuple

import torch
from torch import Tensor

from tsgen.nn import AutoregressiveNetwork, RolloutState, TensorRecord

__all__ = ["Feedback", "Rollout", "encode", "rollout"]


@dataclass(frozen=True, eq=False)
class Feedback(TensorRecord):
    """What acts on a loop from outside, step by step; all in the normaliser's units.

    Attributes
    ----------
    innovations : Tensor of shape (B, H, C), optional
        Added to the predictions, before they are fed back.
    given : Tensor of shape (B, H, C), optional
        Values that stand in for the predictions; NaN where the loop is closed.
    limits : Tensor of shape (B, H, C), optional
        The largest size that a prediction may have; larger ones are clipped.
    covariates : Tensor of shape (B, H, D), optional
        What else is known of each step.
    known : Tensor of shape (B, H, C), optional
        The flags of what is fed back; 1 if not said.
    """

    innovations: Tensor | None = None
    given: Tensor | None = None
    limits: Tensor | None = None
    covariates: Tensor | None = None
    known: Tensor | None = None

    def steps(self, steps: slice) -> Feedback:
        """For some of the H steps."""
        parts = (getattr(self, item.name) for item in fields(Feedback))
        return Feedback(*(None if part is None else part[:, steps] for part in parts))

    def __call__(self, prediction: Tensor, step: int) -> Tensor:
        """What is fed back for the predictions (B, 1, C) of a step."""
        if self.innovations is not None:
            prediction = prediction + self.innovations[:, step, None]
        if self.limits is not None:
            limit = self.limits[:, step, None]
            prediction = prediction.clamp(-limit, limit)
        if self.given is not None:
            given = self.given[:, step, None]
            prediction = torch.where(given.isnan(), prediction, given)
        return prediction


class Rollout(NamedTuple):
    """What a loop generated, and where it stands then."""

    path: Tensor
    """Of shape (B, H, C), in the normaliser's units."""
    state: RolloutState


def encode(
    network: AutoregressiveNetwork, values: Tensor, known: Tensor, covariates: Tensor | None = None
) -> tuple[Tensor, RolloutState]:
    """Read a context.

    Parameters
    ----------
    network : AutoregressiveNetwork
    values, known : Tensor of shape (B, max(lags) - 1 + T, C)
        The T rows of the context and the rows before them that its lags need, in the
        normaliser's units; 1 where they are known.
    covariates : Tensor of shape (B, max(lags) - 1 + T, D), optional
        Of the same rows.

    Returns
    -------
    outputs : Tensor of shape (B, T - 1, C)
        The predictions of every row of the context but the first, each from the rows before it.
    state : RolloutState
    """
    return network.read_context(values, known, covariates)


def rollout(
    network: AutoregressiveNetwork,
    state: RolloutState,
    horizon: int,
    feedback: Feedback | None = None,
) -> Rollout:
    """Continue a state in closed loop.

    Parameters
    ----------
    network : AutoregressiveNetwork
    state : RolloutState
        Where to start; it isn't changed.
    horizon : int
        H, any number of steps.
    feedback : Feedback, optional
        Innovations, given values, limits and covariates. A subclass may turn predictions into
        what is fed back in a way of its own.

    Returns
    -------
    Rollout
        Its path is differentiable with respect to the state, the feedback and the weights.

    Examples
    --------
    Which of the last 14 days moves the forecast of next week's last day most?

    >>> import tsgen
    >>> from tsgen.rollout import encode, rollout
    >>> df = tsgen.load_dataset("bike_rentals")
    >>> model = tsgen.LSTMForecaster(max_steps=20, verbose=False).fit(df)
    >>> context = model.context(df)  # in the normaliser's units
    >>> values = context.values.requires_grad_()
    >>> network = model.module_.network
    >>> _, state = encode(network, values, context.known)
    >>> rollout(network, state, 7).path[:, -1].sum().backward()
    >>> influence = values.grad[:, -14:, 0].abs()
    >>> influence.argmax(dim=1) - 14  # rows before the forecast, for each series
    tensor([-1, -1])
    """
    feedback = Feedback() if feedback is None else feedback
    covariates, known = feedback.covariates, feedback.known
    path = []
    for step in range(horizon):
        here = slice(step, step + 1)
        prediction, state = network.step(state, None if covariates is None else covariates[:, here])
        path.append(feedback(prediction, step))
        state = state.fed(path[-1], None if known is None else known[:, here])
    return Rollout(torch.cat(path, dim=1), state)
