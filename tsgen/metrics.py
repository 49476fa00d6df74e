"""Errors of a forecast against what came: the public names of `tsgen.evaluation.metrics`."""

from tsgen.evaluation.metrics import *  # noqa: F403
from tsgen.evaluation.metrics import __all__ as __all__
