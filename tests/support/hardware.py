"""What the machine can do, on which no test depends."""

from __future__ import annotations

import torch

from tsgen.errors import SettingError
from tsgen.training.precision import check_precision


def has_bfloat16() -> bool:
    """Whether the processor has an LSTM in bfloat16; those with AVX2 alone have none."""
    try:
        check_precision("bf16-mixed", torch.device("cpu"), torch.nn.LSTM(2, 4))
    except SettingError:
        return False
    return True
