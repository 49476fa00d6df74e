"""The estimators: ``fit`` on a frame, ``predict`` in its layout, as scikit-learn has it.

``base`` is the contract of all of them, ``naive`` the two that need no network; ``recurrent`` has
`LSTMForecaster` and `GRUForecaster`; ``neural`` is how these are fitted, ``fitted`` what a fitted
one is asked, and ``fitting`` makes a model of a recipe and a panel; ``settings`` and ``presets``
choose what is left to ``"auto"``; ``saving`` and ``snapshot`` make a file of a fitted one. ``bulk``
forecasts from files to files, block by block, and ``parts`` is the folder of what comes out.

``encoder_decoder`` has `EncoderDecoderForecaster`, which attends to its context, and
``encoder_decoder_settings`` its settings.

``symbolic`` has `LSTMGenerator` and `GRUGenerator`, for sequences of symbols, and
``fitted_symbolic`` what fitted ones are asked; ``symbol_settings`` and ``symbol_fitting`` are what
``settings`` and ``fitting`` are for numbers. ``seq2seq`` has `LSTMSeq2Seq` and `GRUSeq2Seq`, for
pairs of sequences; ``symbol_estimator`` is what both share.

``grouped`` fits one forecaster for each group of series.

This door loads what is asked for alone.
"""

from typing import TYPE_CHECKING

from tsgen._lazy import lazily

if TYPE_CHECKING:
    from tsgen.forecasters.base import Forecaster
    from tsgen.forecasters.encoder_decoder import EncoderDecoderForecaster
    from tsgen.forecasters.grouped import GroupedForecaster
    from tsgen.forecasters.naive import Naive, SeasonalNaive
    from tsgen.forecasters.neural import NeuralForecaster
    from tsgen.forecasters.parts import PartsFolder, check_is_apart, frame_hash
    from tsgen.forecasters.recurrent import GRUForecaster, LSTMForecaster, load
    from tsgen.forecasters.seq2seq import GRUSeq2Seq, LSTMSeq2Seq, Seq2Seq
    from tsgen.forecasters.settings import Settings, check_is_repeatable
    from tsgen.forecasters.symbolic import GRUGenerator, LSTMGenerator, SymbolGenerator

__all__ = [
    "EncoderDecoderForecaster",
    "Forecaster",
    "GRUForecaster",
    "GRUGenerator",
    "GRUSeq2Seq",
    "GroupedForecaster",
    "LSTMForecaster",
    "LSTMGenerator",
    "LSTMSeq2Seq",
    "Naive",
    "NeuralForecaster",
    "PartsFolder",
    "SeasonalNaive",
    "Seq2Seq",
    "Settings",
    "SymbolGenerator",
    "check_is_apart",
    "check_is_repeatable",
    "frame_hash",
    "load",
]

__getattr__ = lazily(
    __name__,
    {
        "EncoderDecoderForecaster": "encoder_decoder",
        "Forecaster": "base",
        "GRUForecaster": "recurrent",
        "GRUGenerator": "symbolic",
        "GRUSeq2Seq": "seq2seq",
        "GroupedForecaster": "grouped",
        "LSTMForecaster": "recurrent",
        "LSTMGenerator": "symbolic",
        "LSTMSeq2Seq": "seq2seq",
        "Naive": "naive",
        "NeuralForecaster": "neural",
        "PartsFolder": "parts",
        "SeasonalNaive": "naive",
        "Seq2Seq": "seq2seq",
        "Settings": "settings",
        "SymbolGenerator": "symbolic",
        "check_is_apart": "parts",
        "check_is_repeatable": "settings",
        "frame_hash": "parts",
        "load": "recurrent",
    },
)
