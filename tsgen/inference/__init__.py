"""What a fitted model can be asked; no Lightning.

``forecast`` has the `ClosedLoop`: networks, how they read series, and how far the loop may go;
``state`` is what reading came to; ``continuation`` what follows from there, in the user's units.
``intervals`` and ``calibration`` make paths and levels of it, ``rolling_origin`` forecasts from
many cutoffs, ``stability`` and ``importance`` say what the loop does and what it goes by.
"""

from tsgen.inference.calibration import calibrate_on_tail, tail_length
from tsgen.inference.continuation import Continuation, OnBlowup, Until
from tsgen.inference.forecast import ClosedLoop, checksum, scaled
from tsgen.inference.importance import input_groups, permutation_importance
from tsgen.inference.intervals import Calibration, Innovations, level_shares, quantile_shares
from tsgen.inference.rolling_origin import continuations
from tsgen.inference.stability import measure_stability
from tsgen.inference.state import Context, Encoding, ForecastState

__all__ = [
    "Calibration",
    "ClosedLoop",
    "Context",
    "Continuation",
    "Encoding",
    "ForecastState",
    "Innovations",
    "OnBlowup",
    "Until",
    "calibrate_on_tail",
    "checksum",
    "continuations",
    "input_groups",
    "level_shares",
    "measure_stability",
    "permutation_importance",
    "quantile_shares",
    "scaled",
    "tail_length",
]
