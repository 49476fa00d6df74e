"""Tensors in, tensors and a state out: networks, in torch alone.

A network reads rows and predicts each from those before it; it knows nothing of frames, scaling,
training or closed loops. ``base`` is the interface, `AutoregressiveNetwork`, and ``state`` the
value that says where one stands; ``inputs`` is what a network of numbers sees (lagged values,
flags, covariates), and ``recurrent`` is the one of LSTM and GRU cells, with its parts ``embedding``
and ``dropout``; ``seasons`` is one of them that serves every season. ``symbolic`` has the same
cells between vectors of symbols and their scores; ``encoder_decoder`` begins them with an encoded
source, to which ``attention`` goes back, and ``context_decoder`` is that for numbers.

Examples
--------
>>> import torch
>>> from tsgen.nn import Architecture
>>> network = Architecture(lags=(1, 12), hidden_size=8).network()
>>> rows, known = torch.zeros(3, 30, 1), torch.ones(3, 30, 1)
>>> outputs, state = network.read(network.start(rows, known), rows[:, 12:], known[:, 12:])
>>> outputs.shape
torch.Size([3, 18, 1])
"""

from tsgen.nn.attention import ATTENTIONS, AttentionKind, Memory
from tsgen.nn.base import AutoregressiveNetwork
from tsgen.nn.context_decoder import EncoderDecoderArchitecture, EncoderDecoderNetwork
from tsgen.nn.embedding import CovariateEmbedding
from tsgen.nn.encoder_decoder import (
    ENCODER_ARGUMENTS,
    DecoderState,
    Seq2SeqArchitecture,
    Seq2SeqNetwork,
)
from tsgen.nn.inputs import filled_from_lag, input_size, lag_inputs
from tsgen.nn.recurrent import Architecture, Cell, Recurrence, RecurrentNetwork, in_one_piece
from tsgen.nn.seasons import Season, at_season, seasonal_architecture, sharing_weights
from tsgen.nn.state import RecurrentState, RolloutState, TensorRecord
from tsgen.nn.symbolic import SymbolArchitecture, SymbolNetwork
from tsgen.nn.widening import widened, with_categories, with_more_pairs, with_more_symbols

__all__ = [
    "ATTENTIONS",
    "ENCODER_ARGUMENTS",
    "Architecture",
    "AttentionKind",
    "AutoregressiveNetwork",
    "Cell",
    "CovariateEmbedding",
    "DecoderState",
    "EncoderDecoderArchitecture",
    "EncoderDecoderNetwork",
    "Memory",
    "Recurrence",
    "RecurrentNetwork",
    "RecurrentState",
    "RolloutState",
    "Season",
    "Seq2SeqArchitecture",
    "Seq2SeqNetwork",
    "SymbolArchitecture",
    "SymbolNetwork",
    "TensorRecord",
    "at_season",
    "filled_from_lag",
    "in_one_piece",
    "input_size",
    "lag_inputs",
    "seasonal_architecture",
    "sharing_weights",
    "widened",
    "with_categories",
    "with_more_pairs",
    "with_more_symbols",
]
