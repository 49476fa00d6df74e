"""Tensors in, tensors and a state out: networks, in torch alone.

A network reads rows and predicts each from those before it; it knows nothing of frames, scaling,
training or closed loops. ``inputs`` says what it sees (lagged values, flags, covariates), and
``network`` is the recurrent one.

Examples
--------
>>> import torch
>>> from tsgen.nn import RecurrentNetwork, input_size
>>> network = RecurrentNetwork(input_size(lags=(1, 12)), hidden_size=8)
>>> outputs, state = network(torch.zeros(3, 10, 4))
>>> outputs.shape
torch.Size([3, 10])
"""

from tsgen.nn.inputs import input_size, lag_inputs, rows_of
from tsgen.nn.network import (
    Architecture,
    Cell,
    CovariateEmbedding,
    RecurrentNetwork,
    RecurrentState,
    in_one_piece,
)

__all__ = [
    "Architecture",
    "Cell",
    "CovariateEmbedding",
    "RecurrentNetwork",
    "RecurrentState",
    "in_one_piece",
    "input_size",
    "lag_inputs",
    "rows_of",
]
