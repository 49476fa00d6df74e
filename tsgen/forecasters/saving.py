"""One safe file for a fitted model.

Nothing in the file is ever run: there is no pickle, `tsgen.io` checks sizes and hashes before
anything is parsed, and the types of a transformer before one is built; and
`tsgen.forecasters.snapshot` that what was read makes sense as a model before a network is.
"""

from __future__ import annotations

import hashlib
import json
import os
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

import numpy as np
import pandas as pd
from torch import Tensor

from tsgen import training
from tsgen._messages import written
from tsgen._runtime import isolated
from tsgen.errors import ModelFileError, warn_user
from tsgen.forecasters.base import Estimator, of_one_moment
from tsgen.forecasters.continuing import Origin
from tsgen.forecasters.encoder_decoder_settings import EncoderDecoderSettings
from tsgen.forecasters.settings import Settings
from tsgen.forecasters.snapshot import Snapshot, check_snapshot
from tsgen.forecasters.summary import FitRecord
from tsgen.forecasters.symbol_snapshot import (
    SYMBOL_PARTS,
    Seq2SeqSnapshot,
    SymbolSnapshot,
    check_seq2seq_snapshot,
    check_symbol_snapshot,
)
from tsgen.inference import PARTS, Calibration, SpreadCalibration
from tsgen.io import Codec, CodecError, Container, PathLike, about, check_target, type_names
from tsgen.preprocessing import CovariateScaler, PanelScaler, ValueRange
from tsgen.training import STRATEGIES, TeacherForcing

__all__ = ["SavableEstimator", "load_model", "model_hash", "save_model", "warn_unless_savable"]

_PARTS = (
    *PARTS, *SYMBOL_PARTS, Settings, EncoderDecoderSettings, Origin, FitRecord, PanelScaler,
    CovariateScaler, ValueRange, Calibration, SpreadCalibration, *STRATEGIES.values(),
)  # fmt: skip


_CHECKS: Mapping[type[Any], Callable[[Any], None]] = {
    Snapshot: check_snapshot,
    SymbolSnapshot: check_symbol_snapshot,
    Seq2SeqSnapshot: check_seq2seq_snapshot,
}
"""What must hold of each kind of snapshot."""


class SavableEstimator(Estimator):
    """An estimator that can be saved: subclasses say what they are made of, and back."""

    _snapshot_type: ClassVar[type[Any]]

    @abstractmethod
    def _snapshot(self) -> Any:
        """All of it but the weights, a `_snapshot_type`."""

    @abstractmethod
    def _weights(self) -> dict[str, Tensor]:
        """By name."""

    @classmethod
    @abstractmethod
    def _restored(cls, snapshot: Any, weights: Mapping[str, Tensor]) -> Self:
        """The fitted estimator of both."""

    @of_one_moment
    def save(self, path: PathLike, *, overwrite: bool = False) -> None:
        """Write the fitted model to one file, which holds no pickle; under DDP on rank zero alone.

        Parameters
        ----------
        path : path
            Such as ``"model.tsgen"``. The file appears there whole or not at all.
        overwrite : bool, default False
            Whether a file that exists is replaced.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        FileExistsError
            If the file exists and ``overwrite`` is false.
        OSError
            If it can't be written; what was there before is untouched.

        Warns
        -----
        UserWarning
            If arguments of ``trainer_kwargs``, such as callbacks, are left out.

        Examples
        --------
        >>> import tempfile
        >>> import tsgen
        >>> model = tsgen.LSTMForecaster(max_steps=5).fit(tsgen.load_dataset("sunspots"))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.save(f"{folder}/model.tsgen")
        ...     loaded = tsgen.LSTMForecaster.load(f"{folder}/model.tsgen")
        >>> loaded.predict(11).equals(model.predict(11))
        True
        """
        self._check_fitted("save")
        if training.is_rank_zero():  # under DDP every process comes here
            save_model(self, path, overwrite=overwrite)

    @classmethod
    def load(cls, path: PathLike, *, trusted: Iterable[Any] = ()) -> Self:
        """Read a saved model; nothing in the file is run.

        Parameters
        ----------
        path : path
        trusted : list of str or type
            Types of your own that a transformer given as ``scaler`` is made of. Name those alone
            whose code you trust. Models of symbols have none.

        Returns
        -------
        estimator
            Fitted: it forecasts or generates what the saved one did, bit by bit.

        Raises
        ------
        ModelFileError
            If the file is truncated, altered, unsafe, of another format than this version of tsgen
            has, no model, or one of another class; the message says which.
        """
        return load_model(path, [cls], trusted=trusted)

    def __copy__(self) -> Self:
        copied = type(self).__new__(type(self))
        copied.__dict__ = dict(self.__dict__)
        return copied


S = TypeVar("S", bound=SavableEstimator)


def save_model(model: SavableEstimator, path: PathLike, *, overwrite: bool = False) -> None:
    """Write a fitted forecaster to one file, whole or not at all; as ``model.save`` says."""
    target = check_target(path, overwrite=overwrite)
    snapshot, left_out = _without_left_out(model._snapshot())
    for message in left_out:
        warn_user(message, UserWarning)
    _packed(type(model).__name__, snapshot, model._weights()).write(target, overwrite=overwrite)


def model_hash(model: SavableEstimator, *, levels: bool) -> str:
    """What tells a model from others that forecast something else, with levels or without."""
    snapshot, _ = _without_left_out(model._snapshot())
    snapshot = replace(
        snapshot,
        params={"calendar": snapshot.params.get("calendar")},
        calibration=snapshot.calibration if levels else None,
        record=None,
    )
    with about("this model", "can't be told from others"):
        container = Container.pack(type(model).__name__, snapshot, model._weights(), _PARTS)
    found = hashlib.sha256(json.dumps([container.kind, container.model], sort_keys=True).encode())
    for name, data in sorted(container.members.items()):
        found.update(name.encode() + data)
    return found.hexdigest()


def warn_unless_savable(model: SavableEstimator) -> None:
    """Say before a training what `save_model` would say after it, and what stands in the way."""
    snapshot, _ = _without_left_out(model._snapshot())
    try:
        few = _of_few_rows(snapshot) if isinstance(snapshot, Snapshot) else snapshot
        _packed(type(model).__name__, few, {})
    except ModelFileError as error:
        warn_user(f"{error}. It is trained and forecasts all the same", UserWarning)


@isolated()
def load_model(path: PathLike, classes: Sequence[type[S]], *, trusted: Iterable[Any] = ()) -> S:
    """Read a forecaster of one of some classes from a file; as ``LSTMForecaster.load`` says.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import tsgen
    >>> from tsgen.forecasters.saving import load_model
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "notes.txt")
    ...     _ = path.write_text("buy milk")
    ...     load_model(path, [tsgen.LSTMForecaster])
    Traceback (most recent call last):
    ...
    tsgen.errors.ModelFileError: ...notes.txt is no tsgen model: ...
    """
    trusted = type_names(trusted)
    with about(path, "can't be loaded"):
        container = Container.read(Path(path))
        kind = _choose(container.kind, classes)
        snapshot, weights = container.unpack(kind._snapshot_type, _PARTS, trusted)
        _CHECKS[kind._snapshot_type](snapshot)
        unknown = sorted(snapshot.params.keys() - kind._get_param_names())
        if unknown:
            raise CodecError(f"{kind.__name__} has no argument {written(unknown[0])}")
        return kind._restored(snapshot, weights)


def _choose(name: str, classes: Sequence[type[S]]) -> type[S]:
    for kind in classes:
        if kind.__name__ == name:
            return kind
    accepted = " or ".join(kind.__name__ for kind in classes)
    how = "tsgen.load_state(path)" if name.endswith("State") else f"{name}.load(path)"
    raise ModelFileError(f"holds a {name}, not a {accepted}: load it with {how}")


def _packed(kind: str, snapshot: Any, weights: Mapping[str, Tensor]) -> Container:
    """The container of a snapshot, from which it was read again as a file would be."""
    with about("this model", "can't be saved"):
        container = Container.pack(kind, snapshot, weights, _PARTS)
        # A file that can't be read again is worse than an error now.
        _CHECKS[type(snapshot)](container.unpack(type(snapshot), _PARTS, trusted=None)[0])
    return container


# --- what a file doesn't take --------------------------------------------------------------------


def _without_left_out(snapshot: Any) -> tuple[Any, list[str]]:
    """The snapshot without what a file can't name, and what to say of that."""
    params, settings = dict(snapshot.params), snapshot.settings
    messages = []
    for name, value in snapshot.params.items():
        if name == "calendar" and not _is_plain(value):
            params[name] = None
            messages.append(
                "calendar= is saved without its functions; after loading, pass it again with "
                "set_params(calendar=...)"
            )
        elif isinstance(value, pd.DataFrame):  # vectors, which are among the weights
            params[name] = None
        elif isinstance(value, os.PathLike):
            params[name] = os.fspath(value)
        elif isinstance(value, Mapping):
            params[name] = {key: item for key, item in value.items() if _is_plain(item)}
            left_out = [written(key) for key in value if key not in params[name]]
            if left_out:
                messages.append(
                    f"{name} is saved without {', '.join(left_out)}, since only plain values can "
                    "be saved (numbers, text, lists, dicts); after loading, pass it again with "
                    f"set_params({name}=...)"
                )
    if not _is_plain(settings.training_strategy):
        # Teacher forcing stands in for it.
        params["training_strategy"] = "auto"
        messages.append(
            f"training_strategy={written(settings.training_strategy)} is of a class of your own "
            "and isn't saved; after loading, pass it again with set_params(training_strategy=...) "
            "before you fit anew"
        )
        settings = replace(settings, training_strategy=TeacherForcing())
    if not isinstance(snapshot, Snapshot):
        return replace(snapshot, params=params, settings=settings), messages
    origin = snapshot.origin
    if origin is not None and not _is_plain(origin.settings.training_strategy):
        # Nothing asks for it any more.
        before = replace(origin.settings, training_strategy=TeacherForcing())
        origin = replace(origin, settings=before)
    return replace(snapshot, params=params, settings=settings, origin=origin), messages


def _is_plain(value: Any) -> bool:
    try:
        Codec(_PARTS).encode(value)
    except (CodecError, RecursionError):
        return False
    return True


def _of_few_rows(snapshot: Snapshot) -> Snapshot:
    """The same with a row of each series, and the scaler of one of them, as the others are."""
    scaler, known = snapshot.scaler, snapshot.covariate_scaler
    if not scaler.shared:
        first = scaler.scalers.take(np.array([0]))
        scaler = replace(scaler, ids=scaler.ids[:1], scalers=first)
    if known is not None:
        # Of one series, and of those that aren't known.
        kept = np.array([0, len(known.ids)]) if len(known.ids) else np.array([0])
        few = tuple(part and part.take(kept) for part in known.scalers)
        known = replace(known, ids=known.ids[:1], scalers=few)
    return replace(snapshot, panel=snapshot.panel.tail(1), scaler=scaler, covariate_scaler=known)
