"""The exceptions of tsgen: one tree, each also the built-in that a caller would expect."""

from __future__ import annotations

import sys
import warnings
from types import FrameType

from sklearn.exceptions import NotFittedError as SklearnNotFittedError

__all__ = [
    "ClosedLoopWarning",
    "DivergenceError",
    "DownloadError",
    "FailedGroupsWarning",
    "ForecastsExistError",
    "FrameError",
    "MemoryWarning",
    "MissingExtraError",
    "ModelExistsError",
    "ModelFileError",
    "NotFittedError",
    "OutOfMemoryError",
    "ScalerError",
    "SettingError",
    "StateError",
    "StoreExistsError",
    "TrainingInterrupted",
    "TrainingRowsWarning",
    "TsgenError",
    "UnsortedFilesWarning",
    "warn_user",
]


_ON_THE_WAY = (
    "tsgen", "functools", "contextlib", "concurrent", "threading", "torch", "pytorch_lightning",
    "lightning_fabric",
)  # fmt: skip
"""Packages between a caller's line and ours."""


class TsgenError(Exception):
    """Base of every error that tsgen raises on purpose.

    Examples
    --------
    >>> from tsgen import SeasonalNaive
    >>> from tsgen.errors import TsgenError
    >>> try:
    ...     SeasonalNaive().predict(12)
    ... except TsgenError as error:
    ...     print(type(error).__name__)
    NotFittedError
    """


class FrameError(TsgenError, ValueError):
    """A frame can't be read: the message lists every problem found, with series, time and row.

    Attributes
    ----------
    problems : tuple of str
        One entry a problem, as in the message.
    """

    def __init__(self, problems: list[str] | tuple[str, ...]) -> None:
        self.problems = tuple(problems)
        if len(self.problems) == 1:
            message = self.problems[0]
        else:
            lines = "".join(f"\n- {problem}" for problem in self.problems)
            message = f"the frame has {len(self.problems)} problems:{lines}"
        super().__init__(message)

    def __reduce__(self) -> tuple[type[FrameError], tuple[tuple[str, ...]]]:
        return type(self), (self.problems,)


class SettingError(TsgenError, ValueError):
    """An argument has a value that can't be used: the message shows it and what is accepted."""


class ScalerError(TsgenError, ValueError):
    """A scaler can't be fitted, or its inverse doesn't give back what went in."""


class NotFittedError(TsgenError, SklearnNotFittedError):
    """A forecaster was asked for a forecast before ``fit``."""


class StateError(TsgenError, ValueError):
    """A state doesn't belong to the model that is asked to go on from it."""


class DivergenceError(TsgenError, RuntimeError):
    """The loss or the closed loop left the finite numbers: the message says where."""


class OutOfMemoryError(TsgenError, MemoryError):
    """Training needs more memory than there is: the message says what takes it."""


class ModelFileError(TsgenError, ValueError):
    """A model file is truncated, altered, foreign, unsafe or of another format."""


class ModelExistsError(TsgenError, FileExistsError):
    """There is a file where a model shall be saved, and ``overwrite=True`` wasn't given."""


class ForecastsExistError(TsgenError, FileExistsError):
    """A folder for forecasts has those of another call, or other files: the message says which."""


class StoreExistsError(TsgenError, FileExistsError):
    """There is something where the rows of files that are fitted to shall be stored."""


class MissingExtraError(TsgenError, ImportError):
    """An optional dependency isn't installed: the message names the extra that brings it."""


class DownloadError(TsgenError, OSError):
    """A raw benchmark file can't be fetched, or isn't the published one. Nothing was stored."""


class ClosedLoopWarning(UserWarning):
    """A closed loop left its limits and was held there: the message says where."""


class TrainingRowsWarning(UserWarning):
    """A backtest forecasts rows that the model was trained on: the message says which."""


class MemoryWarning(UserWarning):
    """A batch doesn't fit into the memory and is learned from in parts."""


class FailedGroupsWarning(UserWarning):
    """Some groups couldn't be fitted or forecast, and are left out: the message says why."""


class UnsortedFilesWarning(UserWarning):
    """Rows of a series stand apart in files, and are sorted first: the message says where."""


class TrainingInterrupted(UserWarning):
    """Training was ended by a signal: the model has the best weights so far."""


def warn_user(message: str, category: type[Warning]) -> None:
    """Warn about the line of the caller's own that called into tsgen, however deep we are."""
    frame, depth = sys._getframe(1), 2
    while frame.f_back is not None and _package(frame) in _ON_THE_WAY:
        frame, depth = frame.f_back, depth + 1
    try:
        warnings.warn(message, category, stacklevel=depth)
    except ValueError:
        # A program without a terminal may have closed its standard error.
        if not getattr(sys.stderr, "closed", False):
            raise


def _package(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]
