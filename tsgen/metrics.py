"""Scores of what was forecast against what came: the public names of two modules.

`tsgen.evaluation.metrics` is for numbers, `tsgen.evaluation.sequence_metrics` for symbols.
"""

from tsgen.evaluation.metrics import *  # noqa: F403
from tsgen.evaluation.metrics import __all__ as _of_numbers
from tsgen.evaluation.sequence_metrics import *  # noqa: F403
from tsgen.evaluation.sequence_metrics import __all__ as _of_symbols

__all__ = _of_numbers + _of_symbols
