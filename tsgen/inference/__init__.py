"""What a fitted model can be asked; no Lightning.

``fitted`` has the `FittedModel`: networks, the units of their numbers, how they read series and
how far a loop may go; ``state`` is what reading came to, and ``continuation`` what follows from
there. ``forecast`` makes outputs of it in the user's units, with paths and levels by
``intervals`` and ``calibration``; ``rolling_origin`` forecasts from many cutoffs; ``stability``
and ``importance`` say what the loop does and what it goes by. ``saving`` makes a file of a state,
and ``integrity`` checks what is read of one.

``generator`` has the same for symbols: the `FittedGenerator` and its `SymbolState`;
``symbol_backtest`` and ``symbol_importance`` are what ``rolling_origin`` and ``importance`` are.
``seq2seq`` encodes sources before it, whose targets are generated.
"""

from tsgen.inference.calibration import calibrate_on_tail, calibrate_spread, tail_length
from tsgen.inference.continuation import Continuation, OnBlowup, Until
from tsgen.inference.fitted import LIMIT_SLACK, FittedModel, checksum
from tsgen.inference.forecast import SAMPLES, Spread, forecast_outputs, sample_paths
from tsgen.inference.generator import FittedGenerator, Sampling, SymbolState
from tsgen.inference.importance import (
    importance_table,
    input_groups,
    permutation_importance,
)
from tsgen.inference.integrity import (
    ROWS_LIMIT,
    check_panel,
    check_scalers,
    check_sequences,
    check_target_transform,
    need,
)
from tsgen.inference.intervals import Calibration, Innovations, level_shares, quantile_shares
from tsgen.inference.rolling_origin import continuations
from tsgen.inference.saving import PARTS, load_state, save_state
from tsgen.inference.seq2seq import FittedSeq2Seq
from tsgen.inference.spread import ERRORS_OF_POOL
from tsgen.inference.spread_calibration import SpreadCalibration
from tsgen.inference.stability import measure_stability
from tsgen.inference.state import Context, Encoding, ForecastState
from tsgen.inference.symbol_backtest import Cut, forecasts_at, last_cuts
from tsgen.inference.symbol_importance import lag_importance

__all__ = [
    "ERRORS_OF_POOL",
    "LIMIT_SLACK",
    "PARTS",
    "ROWS_LIMIT",
    "SAMPLES",
    "Calibration",
    "Context",
    "Continuation",
    "Cut",
    "Encoding",
    "FittedGenerator",
    "FittedModel",
    "FittedSeq2Seq",
    "ForecastState",
    "Innovations",
    "OnBlowup",
    "Sampling",
    "Spread",
    "SpreadCalibration",
    "SymbolState",
    "Until",
    "calibrate_on_tail",
    "calibrate_spread",
    "check_panel",
    "check_scalers",
    "check_sequences",
    "check_target_transform",
    "checksum",
    "continuations",
    "forecast_outputs",
    "forecasts_at",
    "importance_table",
    "input_groups",
    "lag_importance",
    "last_cuts",
    "level_shares",
    "load_state",
    "measure_stability",
    "need",
    "permutation_importance",
    "quantile_shares",
    "sample_paths",
    "save_state",
    "tail_length",
]
