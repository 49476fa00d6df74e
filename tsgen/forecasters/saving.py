"""One safe file for a fitted model, or for a state.

Nothing in the file is ever run: there is no pickle, `tsgen.io.archive` checks sizes and hashes
before anything is parsed, `tsgen.io.skops_objects` the types of a transformer before one is
built, and this module that what was read makes sense as a model before a network is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

import numpy as np
from torch import Tensor

from tsgen._messages import written
from tsgen._runtime import isolated
from tsgen.data import (
    CalendarFrequency,
    Columns,
    Covariate,
    Covariates,
    FixedFrequency,
    IntegerFrequency,
    LongLayout,
    Panel,
    PeriodFrequency,
    WideLayout,
)
from tsgen.errors import ModelFileError, warn_user
from tsgen.forecasters.settings import MOST_MEMBERS, Settings
from tsgen.forecasters.snapshot import NO_RANGE, Snapshot, check_snapshot, check_state
from tsgen.generation import RolloutState
from tsgen.inference import Calibration, Encoding, ForecastState
from tsgen.io import CodecError, Container, Encoder, PathLike, about, check_target, mapping
from tsgen.preprocessing import (
    AffineScalers,
    CovariateScaler,
    PanelScaler,
    SeriesScalers,
    TargetTransform,
    TransformedScalers,
    TransformerScalers,
    ValueRange,
    WindowNormaliser,
)
from tsgen.training import STRATEGIES, TeacherForcing, TrainingStrategy

__all__ = [
    "load_model",
    "load_state",
    "save_model",
    "save_state",
    "warn_unless_savable",
]

_RECORDS = (
    Settings, Columns, Panel, LongLayout, WideLayout, PanelScaler, AffineScalers,
    TransformerScalers, IntegerFrequency, PeriodFrequency, FixedFrequency, CalendarFrequency,
    ValueRange, Calibration, TargetTransform, TransformedScalers, Covariate, Covariates,
    CovariateScaler,
    *STRATEGIES.values(),
)  # fmt: skip

_STATE = "ForecastState"


class Savable(Protocol):
    """A forecaster that can be saved: its constructor, and the two ways to a snapshot."""

    @classmethod
    def _get_param_names(cls) -> list[str]: ...

    def _snapshot(self) -> Snapshot: ...

    @classmethod
    def _restored(cls, snapshot: Snapshot) -> Self: ...


S = TypeVar("S", bound=Savable)


def save_model(model: Savable, path: PathLike, *, overwrite: bool = False) -> None:
    """Write a fitted forecaster to one file; ``model.save`` is the way to call it.

    Parameters
    ----------
    model : forecaster
    path : path
        Such as ``"model.tsgen"``. Whatever happens while it is written, an older file there stays
        whole until the new one has taken its place.
    overwrite : bool, default False
        Whether a file that exists is replaced.

    Raises
    ------
    ModelExistsError
        If the file exists and ``overwrite`` is false. It is also a ``FileExistsError``.
    ModelFileError
        If a transformer or an id of the model has a type that can't be stored.
    OSError
        If the file can't be written, for instance because the disk is full.

    Warns
    -----
    UserWarning
        If arguments of ``trainer_kwargs``, such as callbacks, are left out.

    Examples
    --------
    >>> import tempfile
    >>> import tsgen
    >>> from tsgen.forecasters.saving import load_model, save_model
    >>> df = tsgen.load_dataset("air_passengers")
    >>> model = tsgen.GRUForecaster(max_steps=5).fit(df)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_model(model, f"{folder}/model.tsgen")
    ...     loaded = load_model(f"{folder}/model.tsgen", [tsgen.GRUForecaster])
    >>> loaded.predict(12).equals(model.predict(12))
    True
    """
    target = check_target(path, overwrite=overwrite)
    snapshot, left_out = _without_left_out(model._snapshot())
    for message in left_out:
        warn_user(message, UserWarning)
    _checked(snapshot).write(target, overwrite=overwrite)


def warn_unless_savable(model: Savable) -> None:
    """Say before a training what `save_model` would say after it.

    Parameters
    ----------
    model : forecaster
        With all that it learns from a frame, but without trained weights.

    Warns
    -----
    UserWarning
        If it can't be saved, with what stands in the way.
    """
    snapshot, _ = _without_left_out(model._snapshot())
    try:
        _checked(_of_few_scalers(replace(snapshot, weights={})))
    except ModelFileError as error:
        warn_user(f"{error}. It is trained and forecasts all the same", UserWarning)


@isolated()
def load_model(path: PathLike, classes: Sequence[type[S]], *, trusted: Iterable[Any] = ()) -> S:
    """Read a forecaster from a file; ``LSTMForecaster.load`` is the way to call it.

    Parameters
    ----------
    path : path
    classes : sequence of forecaster classes
        Those that are accepted.
    trusted : iterable of str or type
        Types of your own that a transformer in the file may be built from. Name those alone that
        you know: building them runs their code.

    Raises
    ------
    ModelFileError
        If the file is truncated, altered, unsafe, newer, no model or one of another class: the
        message says which. Nothing in the file was run.
    FileNotFoundError
        If there is none.

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
    trusted = _type_names(trusted)
    with about(path, "can't be loaded"):
        container = Container.read(Path(path))
        kind = _choose(container.kind, classes)
        snapshot = _unpacked(container, trusted)
        check_snapshot(snapshot)
        unknown = sorted(set(snapshot.params) - set(kind._get_param_names()))
        if unknown:
            raise CodecError(f"{kind.__name__} has no argument {written(unknown[0])}")
        return kind._restored(snapshot)


def _of_few_scalers(snapshot: Snapshot) -> Snapshot:
    """The same with the scaler of one series instead of all, which are made of the same types."""
    scaler, known = snapshot.scaler, snapshot.covariate_scaler
    if not scaler.shared:
        first = scaler.scalers.take(np.array([0]))
        scaler = replace(scaler, ids=scaler.ids[:1], scalers=first)
    if known is not None:
        # Of one series, and of those that aren't known.
        kept = np.array([0, len(known.ids)]) if len(known.ids) else np.array([0])
        few = tuple(part and part.take(kept) for part in known.scalers)
        known = replace(known, ids=known.ids[:1], scalers=few)
    return replace(snapshot, scaler=scaler, covariate_scaler=known)


def save_state(state: ForecastState, path: PathLike, *, overwrite: bool = False) -> None:
    """Write a state to one file, from which forecasts and updates go on later.

    Parameters
    ----------
    state : ForecastState
        From ``model.encode`` or ``model.update``; the model is saved apart.
    path : path
        Such as ``"monday.state"``.
    overwrite : bool, default False
        Whether a file that exists is replaced.

    Raises
    ------
    ModelExistsError
        If the file exists and ``overwrite`` is false. It is also a ``FileExistsError``.
    OSError
        If the file can't be written; what was there before is untouched.

    Examples
    --------
    >>> import tempfile
    >>> import tsgen
    >>> df = tsgen.load_dataset("sunspots")
    >>> model = tsgen.LSTMForecaster(max_steps=5, verbose=False).fit(df)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     tsgen.save_state(model.encode(df), f"{folder}/monday.state")
    ...     state = tsgen.load_state(f"{folder}/monday.state")
    >>> model.predict(11, state=state).equals(model.predict(11, df=df))
    True
    """
    target = check_target(path, overwrite=overwrite)
    encoding = state.encoding
    tensors = {
        "mean": encoding.normaliser.mean,
        "spread": encoding.normaliser.spread,
        "residuals": encoding.residuals,
    }
    for member, loop in enumerate(encoding.loops):
        prefix = _of_member(member)
        tensors |= {f"{prefix}values": loop.values, f"{prefix}known": loop.known}
        tensors |= {f"{prefix}recurrent.{i}": part for i, part in enumerate(loop.recurrent)}

    def encode(encoder: Encoder) -> dict[str, Any]:
        learned = {item.name: getattr(state, item.name) for item in fields(_StateFields)}
        return {name: encoder.encode(value) for name, value in learned.items()}

    with about("this state", "can't be saved"):
        container = Container.pack(_STATE, encode, tensors)
    container.write(target, overwrite=overwrite)


@isolated()
def load_state(path: PathLike, *, trusted: Iterable[Any] = ()) -> ForecastState:
    """Read a saved state; nothing in the file is run.

    Parameters
    ----------
    path : path
    trusted : list of str or type
        Types of your own that a transformer given as ``scaler`` is made of.

    Raises
    ------
    ModelFileError
        If the file is truncated, altered, unsafe, newer than this version of tsgen, or no state.
    """
    with about(path, "can't be loaded"):
        container = Container.read(Path(path))
        if container.kind != _STATE:
            raise ModelFileError(f"holds a {container.kind}, not a state: load it with tsgen.load")
        decoder = container.decoder(
            _RECORDS, (Columns, Covariate, LongLayout), _type_names(trusted)
        )
        values = decoder.fields(_StateFields, container.fields)
        tensors = container.load_tensors()
        normaliser = WindowNormaliser(tensors["mean"], tensors["spread"])
        encoding = Encoding(normaliser, tuple(_loops(tensors)), tensors["residuals"])
        state = ForecastState(encoding=encoding, **values)
        check_state(state)
        return state


def _of_member(member: int) -> str:
    """What stands before the names of a member's tensors; nothing for the first."""
    return f"member.{member}." if member else ""


def _loops(tensors: Mapping[str, Tensor]) -> Iterator[RolloutState]:
    """Where each member stands."""
    for member in range(MOST_MEMBERS):
        prefix = _of_member(member)
        if member and f"{prefix}values" not in tensors:
            return
        names = sorted(name for name in tensors if name.startswith(f"{prefix}recurrent."))
        recurrent = tuple(tensors[name] for name in names)
        yield RolloutState(recurrent, tensors[f"{prefix}values"], tensors[f"{prefix}known"])


def _choose(name: str, classes: Sequence[type[S]]) -> type[S]:
    for kind in classes:
        if kind.__name__ == name:
            return kind
    accepted = " or ".join(kind.__name__ for kind in classes)
    how = "tsgen.load_state(path)" if name == _STATE else f"{name}.load(path)"
    raise ModelFileError(f"holds a {name}, not a {accepted}: load it with {how}")


def _type_names(trusted: Iterable[Any]) -> tuple[str, ...]:
    if isinstance(trusted, str | bool):
        raise TypeError(
            f"trusted={written(trusted)}: expected a list of types, or of their full names"
        )
    return tuple(
        item if isinstance(item, str) else f"{item.__module__}.{item.__qualname__}"
        for item in trusted
    )


# --- a model as a container ----------------------------------------------------------------------


def _checked(snapshot: Snapshot) -> Container:
    """The container of a snapshot, from which it was read again as a file would be."""
    container = _packed(snapshot)
    with about("this model", "can't be saved"):
        # A file that can't be read again is worse than an error now.
        check_snapshot(_unpacked(container, trusted=None))
    return container


def _packed(snapshot: Snapshot) -> Container:
    def encode(encoder: Encoder) -> dict[str, Any]:
        learned = {item.name: getattr(snapshot, item.name) for item in fields(_Learned)}
        return {
            "params": {name: encoder.encode(value) for name, value in snapshot.params.items()},
            **{name: encoder.encode(value) for name, value in learned.items()},
        }

    with about("this model", "can't be saved"):
        return Container.pack(snapshot.kind, encode, snapshot.weights)


def _without_left_out(snapshot: Snapshot) -> tuple[Snapshot, list[str]]:
    """The snapshot without what a file can't name, and what to say of that."""
    params, messages = _savable(snapshot.params)
    snapshot = replace(snapshot, params=params)
    strategy = snapshot.settings.training_strategy
    if _is_known(strategy):
        return snapshot, messages
    messages.append(
        f"training_strategy={written(strategy)} is of a class of your own and isn't saved; after "
        "loading, pass it again with set_params(training_strategy=...) before you fit anew"
    )
    # Teacher forcing stands in for it.
    params = snapshot.params | {"training_strategy": "auto"}
    settings = replace(snapshot.settings, training_strategy=TeacherForcing())
    return replace(snapshot, params=params, settings=settings), messages


def _is_known(strategy: TrainingStrategy) -> bool:
    inner = [part for part in vars(strategy).values() if isinstance(part, TrainingStrategy)]
    return type(strategy) in STRATEGIES.values() and all(map(_is_known, inner))


def _unpacked(container: Container, trusted: Sequence[str] | None) -> Snapshot:
    """The snapshot, built with nothing in it trusted; ``None`` trusts the transformers."""
    decoder = container.decoder(_RECORDS, (Columns, Covariate, LongLayout), trusted)
    plain = dict(container.fields)
    params = mapping(plain.pop("params"))
    return Snapshot(
        kind=container.kind,
        params={name: decoder.decode(value) for name, value in params.items()},
        weights=container.load_tensors(),
        **decoder.fields(_Learned, plain),
    )


@dataclass(frozen=True)
class _Learned:
    """The fields of a `Snapshot` that the codec reads."""

    settings: Settings
    panel: Panel
    scaler: PanelScaler
    value_range: ValueRange = NO_RANGE
    calibration: Calibration | None = None
    covariate_scaler: CovariateScaler | None = None


@dataclass(frozen=True)
class _StateFields:
    """The fields of a `ForecastState` that the codec reads."""

    panel: Panel
    scalers: SeriesScalers
    weights: int


def _savable(params: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The arguments without those entries of mappings that aren't plain values."""
    savable: dict[str, Any] = {}
    messages: list[str] = []
    for name, value in params.items():
        if name == "calendar" and not _is_plain(value):
            savable[name] = None
            messages.append(
                "calendar= is saved without its functions; after loading, pass it again with "
                "set_params(calendar=...)"
            )
            continue
        if not isinstance(value, Mapping):
            savable[name] = value
            continue
        savable[name] = {key: item for key, item in value.items() if _is_plain(item)}
        left_out = [written(key) for key in value if key not in savable[name]]
        if left_out:
            messages.append(
                f"{name} is saved without {', '.join(left_out)}, since only plain values can be "
                f"saved (numbers, text, lists, dicts); after loading, pass it again with "
                f"set_params({name}=...)"
            )
    return savable, messages


def _is_plain(value: Any) -> bool:
    try:
        Encoder().encode(value)
    except (CodecError, RecursionError):
        return False
    return True
