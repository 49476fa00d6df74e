"""The estimators: ``fit`` on a frame, ``predict`` in its layout, as scikit-learn has it.

``base`` is the contract of all of them, ``naive`` the two that need no network; ``forecaster``
has `LSTMForecaster` and `GRUForecaster`, ``recurrent`` and ``stateful`` what they share;
``settings`` and ``presets`` choose what is left to ``"auto"``; ``saving`` and ``snapshot`` make a
file of a fitted one.

This door loads what is asked for alone: a naive forecast needs no torch.
"""

from typing import TYPE_CHECKING

from tsgen._lazy import lazily

if TYPE_CHECKING:
    from tsgen.forecasters.forecaster import GRUForecaster, LSTMForecaster, load
    from tsgen.forecasters.naive import Naive, SeasonalNaive
    from tsgen.forecasters.recurrent import RecurrentForecaster
    from tsgen.forecasters.saving import load_state, save_state
    from tsgen.forecasters.settings import Settings

__all__ = [
    "GRUForecaster",
    "LSTMForecaster",
    "Naive",
    "RecurrentForecaster",
    "SeasonalNaive",
    "Settings",
    "load",
    "load_state",
    "save_state",
]

__getattr__ = lazily(
    __name__,
    {
        "GRUForecaster": "forecaster",
        "LSTMForecaster": "forecaster",
        "Naive": "naive",
        "RecurrentForecaster": "recurrent",
        "SeasonalNaive": "naive",
        "Settings": "settings",
        "load": "forecaster",
        "load_state": "saving",
        "save_state": "saving",
    },
)
