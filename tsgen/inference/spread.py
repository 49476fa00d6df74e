"""How uncertain a closed loop is step by step, from the model itself: no paths, no second fit.

What surprises in one row moves the forecasts of all rows after it. How far is found by one more
rollout, whose first step has a surprise added (an impulse response, ψ): with one-step errors of
spread σ, those of step h then have σ·√(1 + ψ₁² + … + ψ₍h₋₁₎²), as in Box and Jenkins [1]_. Real
errors are larger, and not normal: by how many times, for each step and level, was counted before
(`SpreadCalibration`), in the closed loop, of rows that the network had not seen.

References
----------
.. [1] Box, Jenkins: Time Series Analysis: Forecasting and Control, 1970.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from tsgen.generation import Feedback
from tsgen.inference.fitted import FittedModel
from tsgen.inference.state import Encoding

__all__ = ["ERRORS_OF_POOL", "predicted_spread"]

ERRORS_OF_POOL = 5.0
"""As many errors of its own as a series needs to count as much as all others."""


def predicted_spread(
    model: FittedModel, encoding: Encoding, path: Tensor, feedback: Feedback
) -> Tensor:
    """The spread of a closed loop's errors at each step, (B, H, C), in the normaliser's units.

    Parameters
    ----------
    model : FittedModel
    encoding : Encoding
        Of B systems.
    path : Tensor of shape (B, H, C)
        The loop without surprises.
    feedback : Feedback
        What acted on it: given values, covariates.
    """
    one_step = _one_step_spread(encoding.errors)
    variance = torch.zeros_like(path)
    for channel in range(path.shape[2]):  # what surprises in one channel moves the others, too
        surprise = torch.zeros_like(path)
        surprise[:, 0, channel] = one_step[:, channel]
        moved = model.run(encoding, path.shape[1], replace(feedback, innovations=surprise)).path
        # The surprise of step j moves step h by ψ(h − j), so that variances add up over steps.
        variance += (moved - path).square().cumsum(dim=1)
    return variance.sqrt()


def _one_step_spread(errors: Tensor) -> Tensor:
    """That of the one-step errors of B systems, (B, C), drawn to that of all where they are few."""
    known = ~errors.isnan()
    squares = torch.where(known, errors, 0.0).square().sum(dim=1)
    count = known.sum(dim=1)
    of_all = squares.sum(dim=0) / count.sum(dim=0).clamp(min=1)
    return ((squares + ERRORS_OF_POOL * of_all) / (count + ERRORS_OF_POOL)).sqrt()
