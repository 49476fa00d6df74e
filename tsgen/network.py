"""The recurrent one-step model: an ``nn.Module`` without Lightning, pandas or scaling."""

from __future__ import annotations

from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn

__all__ = ["Cell", "RecurrentNetwork", "RecurrentState"]

Cell: TypeAlias = Literal["lstm", "gru"]
RecurrentState: TypeAlias = tuple[Tensor, ...]
"""``(h, c)`` of an LSTM, ``(h,)`` of a GRU, each of shape (layers, B, hidden)."""

_CELLS: dict[str, type[nn.LSTM] | type[nn.GRU]] = {"lstm": nn.LSTM, "gru": nn.GRU}


class RecurrentNetwork(nn.Module):
    """An LSTM or GRU with a linear head, whose output is added to one of the input channels.

    Parameters
    ----------
    input_size : int
        C, the number of input channels.
    cell : {"lstm", "gru"}, default "lstm"
    hidden_size : int, default 64
    num_layers : int, default 1
    dropout : float, default 0.0
        Between the layers and before the head, in training only.
    residual_channel : int, optional
        The input channel to which the head's output is added; ``None`` adds nothing.

    Examples
    --------
    >>> import torch
    >>> from tsgen.network import RecurrentNetwork
    >>> network = RecurrentNetwork(input_size=2, hidden_size=8)
    >>> outputs, state = network(torch.zeros(3, 10, 2))
    >>> outputs.shape, state[0].shape
    (torch.Size([3, 10]), torch.Size([1, 3, 8]))
    """

    def __init__(
        self,
        input_size: int,
        *,
        cell: Cell = "lstm",
        hidden_size: int = 64,
        num_layers: int = 1,
        dropout: float = 0.0,
        residual_channel: int | None = None,
    ) -> None:
        super().__init__()
        self.recurrent = _CELLS[cell](
            input_size,
            hidden_size,
            num_layers=num_layers,
            dropout=dropout if num_layers > 1 else 0.0,
            batch_first=True,
        )
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden_size, 1)
        self.residual_channel = residual_channel
        # Training starts from the residual base, that is from the (seasonal) naive forecast.
        nn.init.normal_(self.head.weight, std=0.01)
        nn.init.zeros_(self.head.bias)

    def initial_state(self, batch_size: int) -> RecurrentState:
        """Zeros of shape (layers, B, hidden), for each tensor of the cell's state."""
        shape = (self.recurrent.num_layers, batch_size, self.recurrent.hidden_size)
        count = 2 if isinstance(self.recurrent, nn.LSTM) else 1
        return tuple(torch.zeros(shape, dtype=self.dtype, device=self.device) for _ in range(count))

    @property
    def dtype(self) -> torch.dtype:
        """Of the weights."""
        return self.head.weight.dtype

    @property
    def device(self) -> torch.device:
        """Of the weights."""
        return self.head.weight.device

    def forward(
        self, inputs: Tensor, state: RecurrentState | None = None
    ) -> tuple[Tensor, RecurrentState]:
        """Run over T steps.

        Parameters
        ----------
        inputs : Tensor of shape (B, T, C)
        state : tuple of Tensor of shape (layers, B, hidden), optional
            Where the recurrence stood; zeros if not given.

        Returns
        -------
        outputs : Tensor of shape (B, T)
            The prediction after each step, in the units of the inputs.
        state : tuple of Tensor
            Where the recurrence stands after the last step.
        """
        if state is None:
            state = self.initial_state(inputs.shape[0])
        if isinstance(self.recurrent, nn.LSTM):
            hidden, state = self.recurrent(inputs, (state[0], state[1]))
        else:
            hidden, last = self.recurrent(inputs, state[0])
            state = (last,)
        outputs = self.head(self.dropout(hidden)).squeeze(-1)
        if self.residual_channel is not None:
            outputs = outputs + inputs[..., self.residual_channel]
        return outputs, state
