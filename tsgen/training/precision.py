"""In which precision a network can learn on a device."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import nn

from tsgen._messages import written
from tsgen.errors import SettingError

__all__ = ["check_precision"]

_MIXED = {"16-mixed": torch.float16, "bf16-mixed": torch.bfloat16}


def check_precision(precision: str, device: torch.device, recurrent: nn.LSTM | nn.GRU) -> None:
    """Refuse a precision that weights don't have, or in which the device can't run the network.

    Processors without AVX-512, for one, have no LSTM in bfloat16.

    Parameters
    ----------
    precision : str
        As Lightning's ``Trainer`` calls it: ``"32-true"``, ``"bf16-mixed"`` or ``"16-mixed"``.
    device : torch.device
    recurrent : nn.LSTM or nn.GRU
        What is to run there; it isn't changed.

    Raises
    ------
    SettingError
        That says what can be used.

    Examples
    --------
    >>> import torch
    >>> from tsgen.training.precision import check_precision
    >>> check_precision("32-true", torch.device("cpu"), torch.nn.LSTM(2, 4))
    """
    if precision == "32-true":
        return
    if precision not in _MIXED:
        raise SettingError(
            f"precision={written(precision)}: expected '32-true', or 'bf16-mixed' or '16-mixed' "
            "where the device has them; weights are float32 always"
        )
    tried = deepcopy(recurrent).to(device)
    inputs = torch.zeros(2, 3, tried.input_size, dtype=torch.float32, device=device)
    try:
        with torch.autocast(device.type, _MIXED[precision]):
            outputs, _ = tried(inputs)
        outputs.float().sum().backward()
    except RuntimeError as error:
        raise SettingError(
            f"precision={_as_given(precision, device)}: this {device.type} can't run an "
            f"{type(recurrent).__name__} in {_MIXED[precision]}; leave precision= out, or pass "
            "'32-true'"
        ) from error


def _as_given(precision: str, device: torch.device) -> str:
    """As it was passed, perhaps: on a CPU Lightning takes one for another."""
    if precision == "bf16-mixed" and device.type == "cpu":
        return "'bf16-mixed' (as which '16-mixed' counts on a CPU)"
    return written(precision)
