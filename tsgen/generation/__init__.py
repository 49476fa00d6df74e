"""The closed loop: a network's output is its next input.

``rollout`` is the definition, step by step and differentiable. ``folded`` and ``stepped`` compute
the same faster, and ``dispatch`` chooses among the three, in blocks of rows that stay in the
machine's cache. ``imputation`` fills the holes of a context (where ``fill="mask"`` leaves them)
with the network's own predictions, which is the loop over each hole.

Of a network of symbols, ``sampling`` makes the next input of its scores, ``stopping`` says where
sequences end, and ``beam_search`` looks for the best ones. ``noise`` is what paths are drawn with.

Examples
--------
>>> import torch
>>> from tsgen.generation import rollout
>>> from tsgen.nn import Architecture
>>> network = Architecture(residual_lag=1).network()
>>> state = network.start(torch.ones(5, 1, 1), torch.ones(5, 1, 1))
>>> rollout(network, state, horizon=7).path.shape
torch.Size([5, 7, 1])
"""

from tsgen.generation.beam_search import Beams, BeamSearch, beam_search
from tsgen.generation.dispatch import (
    ROWS_AT_ONCE,
    closed_loop,
    generate,
    loops_together,
    median,
    run,
)
from tsgen.generation.imputation import (
    HOLE_SLACK,
    encode_over_holes,
    fill_holes,
    read_over_holes,
)
from tsgen.generation.noise import uniform_blocks, uniform_numbers
from tsgen.generation.rollout import Feedback, Rollout, encode, rollout
from tsgen.generation.sampling import SymbolChoice
from tsgen.generation.stepped import SymbolSteps, last_on_the_way, read_through
from tsgen.generation.stopping import Ending, Stopping

__all__ = [
    "HOLE_SLACK",
    "ROWS_AT_ONCE",
    "BeamSearch",
    "Beams",
    "Ending",
    "Feedback",
    "Rollout",
    "Stopping",
    "SymbolChoice",
    "SymbolSteps",
    "beam_search",
    "closed_loop",
    "encode",
    "encode_over_holes",
    "fill_holes",
    "generate",
    "last_on_the_way",
    "loops_together",
    "median",
    "read_over_holes",
    "read_through",
    "rollout",
    "run",
    "uniform_blocks",
    "uniform_numbers",
]
