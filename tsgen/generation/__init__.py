"""The closed loop: a network's output is its next input.

``rollout`` is the definition, step by step and differentiable. ``folded`` and ``stepped`` compute
the same faster, and ``dispatch`` chooses among the three, in blocks of rows that stay in the
machine's cache. ``imputation`` runs the loop over the holes of a context.

Examples
--------
>>> import torch
>>> from tsgen.generation import rollout, start_of
>>> from tsgen.nn import RecurrentNetwork
>>> network = RecurrentNetwork(input_size=2, residual_channel=0)  # lag 1 and its flag
>>> state = start_of(network, (1,), torch.ones(5, 1), torch.ones(5, 1))
>>> rollout(network, (1,), state, horizon=7).path.shape
torch.Size([5, 7])
"""

from tsgen.generation.dispatch import ROWS_AT_ONCE, closed_loop, loops_together, median, run
from tsgen.generation.imputation import encode_over_holes, fill_holes, read_over_holes
from tsgen.generation.rollout import (
    Feedback,
    Rollout,
    RolloutState,
    encode,
    read,
    rollout,
    start_of,
)
from tsgen.generation.stepped import last_on_the_way, read_through

__all__ = [
    "ROWS_AT_ONCE",
    "Feedback",
    "Rollout",
    "RolloutState",
    "closed_loop",
    "encode",
    "encode_over_holes",
    "fill_holes",
    "last_on_the_way",
    "loops_together",
    "median",
    "read",
    "read_over_holes",
    "read_through",
    "rollout",
    "run",
    "start_of",
]
