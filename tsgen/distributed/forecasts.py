"""Forecasts of more series than one machine gets through: a task for each file of Parquet."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tsgen._messages import written
from tsgen._validation import checked_horizon, whole_number
from tsgen.data import ParquetSource, is_frame, listing, opened
from tsgen.distributed.cluster import connected, load_ray, run_tasks
from tsgen.errors import FrameError, SettingError
from tsgen.forecasters import Forecaster, PartsFolder, check_is_apart, frame_hash

if TYPE_CHECKING:
    from pyarrow.dataset import Dataset

__all__ = ["predict"]

_AS_FRAME = "read it with pd.read_parquet(path) and call model.predict"


def predict(
    model: Any,
    source: str | os.PathLike[str] | Dataset,
    out: str | os.PathLike[str],
    horizon: int,
    *,
    num_tasks: int | None = None,
    overwrite: bool = False,
    **arguments: Any,
) -> Dataset:
    """Forecast all series of some files of Parquet, file by file, on the cores of a Ray cluster.

    Each file is a task of one core and one thread. A task whose worker dies is run again, and a
    file that can't be read doesn't end the others. The same call after a crash goes on with what
    isn't there yet. A cluster that ``ray.init`` has connected to is used; otherwise one is started
    on this machine and ended with the call.

    Parameters
    ----------
    model : LSTMForecaster, GRUForecaster, EncoderDecoderForecaster, Naive or SeasonalNaive
        A fitted one. It is sent to each machine once.
    source : path or pyarrow.dataset.Dataset
        A folder, a file, a glob, or a dataset of Parquet, as ``df`` of `LSTMForecaster.predict`,
        with all rows of a series in one file. Every machine reads it at the same path.
    out : path
        A folder for the forecasts, which every machine writes to at the same path: a folder
        ``shard-00000000`` of parts for each file with rows. A part is there whole or not at all.
    horizon : int
        H, how many steps to generate.
    num_tasks : int, optional
        How many files are forecast at once; by default as many as the cluster has CPUs.
    overwrite : bool, default False
        Whether forecasts of another call in ``out`` may be replaced.
    **arguments
        Of the forecaster's ``predict``, such as ``level=``; ``future_df=`` is a frame.

    Returns
    -------
    pyarrow.dataset.Dataset
        All forecasts, in the order of the files and of the series in them.

    Raises
    ------
    FrameError
        For series with rows in several files, before anything is forecast; with all files that
        can't be forecast and why, after the others were.
    ForecastsExistError
        If ``out`` has forecasts of another call, or other files.
    MissingExtraError
        Without ray or pyarrow.

    Examples
    --------
    >>> from tsgen import LSTMForecaster, load_dataset
    >>> from tsgen.distributed import predict
    >>> model = LSTMForecaster(preset="zero_shot").fit(load_dataset("air_passengers"))
    >>> files = predict(model, "sales/", "forecasts/", 12)  # doctest: +SKIP
    >>> files.to_table().to_pandas()  # doctest: +SKIP
    """
    _check(model, arguments)
    horizon = checked_horizon(horizon)
    if num_tasks is not None:
        num_tasks = whole_number("num_tasks", num_tasks, "files that are forecast at once")
    files = ParquetSource.of(source, "source")
    check_is_apart(out, files)
    files.columns_of(model.panel_.columns, _AS_FRAME)
    shards = files.by_file()
    load_ray()
    folder = PartsFolder(os.path.abspath(out), _request(model, files, horizon, arguments))
    folder.check(overwrite=overwrite)
    with connected():
        found = run_tasks(
            _ids, model.panel_.columns.id, [(shard,) for shard in shards], num_tasks, "read"
        )
        _check_are_apart(shards, found, model.panel_.columns.id)
        failed = {i: ids for i, ids in enumerate(found) if isinstance(ids, str)}
        readable = [i for i, ids in enumerate(found) if i not in failed and len(ids)]
        if not readable and not failed:
            raise FrameError([f"{files.name} has 0 rows; a forecast needs history"])
        if readable:
            folder.begin()
        told = run_tasks(
            _forecast, (model, horizon, arguments),
            [(shards[i], folder.shard(i)) for i in readable], num_tasks, "predict",
            shown=getattr(model, "verbose", False),
        )  # fmt: skip
    failed |= {i: said for i, said in zip(readable, told, strict=True) if said}
    if failed:
        raise FrameError([failed[i] for i in sorted(failed)])
    return folder.dataset()


def _check(model: Any, arguments: dict[str, Any]) -> None:
    """Refuse what isn't forecast file by file."""
    if not isinstance(model, Forecaster):
        raise SettingError(
            f"model is a {type(model).__name__}: expected a fitted forecaster, such as "
            "tsgen.LSTMForecaster().fit(df)"
        )
    model._check_fitted("predict")
    for name in ("df", "state", "given", "until"):
        if name in arguments:
            raise SettingError(f"{name}= is for series in memory; leave it out")
    future = arguments.get("future_df")
    if future is not None and not is_frame(future):
        raise SettingError(
            f"future_df= is a {type(future).__name__}: expected a frame here, such as "
            "pd.read_parquet(path)"
        )


def _request(
    model: Forecaster, files: ParquetSource, horizon: int, arguments: dict[str, Any]
) -> dict[str, Any]:
    """All that changes forecasts."""
    asked = {name: repr(value) for name, value in arguments.items() if name != "future_df"}
    levels = any(arguments.get(name) is not None for name in ("level", "quantiles"))
    future = arguments.get("future_df")
    return {
        "model": model._identity(levels=levels),
        "df": files.identity,
        "future_df": None if future is None else frame_hash(opened(future).frame),
        "horizon": horizon,
        **asked,
    }


def _ids(id_col: str, shard: ParquetSource) -> Any:
    """A hash of each id of a file, of shape (N,), or what is wrong with it."""
    try:
        return pd.util.hash_pandas_object(_series_of(shard, id_col), index=False).to_numpy()
    except FrameError as error:
        return str(error)


def _series_of(shard: ParquetSource, id_col: str) -> pd.Series[Any]:
    """The ids of a file, each once."""
    batches = (batch.column(id_col).unique().to_pandas() for batch in shard.batches([id_col]))
    found = [ids.astype(object) for ids in batches]
    ids: pd.Series[Any] = pd.concat([pd.Series([], dtype=object), *found], ignore_index=True)
    return ids.drop_duplicates()


def _forecast(everywhere: tuple[Any, int, dict[str, Any]], shard: ParquetSource, out: Any) -> str:
    """Forecast a file, or say what is wrong with it."""
    import torch

    torch.set_num_threads(1)  # the process is Ray's, and has one core
    model, horizon, arguments = everywhere
    try:
        model.predict(horizon, df=shard.dataset, out=out, **arguments)
    except FrameError as error:
        return str(error) if shard.name in str(error) else f"{shard.name}: {error}"
    return ""


def _check_are_apart(shards: Sequence[ParquetSource], found: list[Any], id_col: str) -> None:
    """Refuse series with rows in several files."""
    numbers = [i for i, ids in enumerate(found) if not isinstance(ids, str)]
    hashes = np.concatenate([np.zeros(0, np.uint64), *(found[i] for i in numbers)])
    owners = np.repeat(numbers, [len(found[i]) for i in numbers]).astype(int)
    order = np.argsort(hashes, kind="stable")
    again = np.flatnonzero(hashes[order][1:] == hashes[order][:-1])
    if not len(again):
        return
    firsts = np.cumsum([0, *(len(found[i]) for i in numbers)])
    where = []
    for place in again[:5]:
        one, other = order[place], order[place + 1]
        ids = _series_of(shards[owners[one]], id_col)
        name = ids.iloc[one - firsts[numbers.index(owners[one])]]
        where.append(
            f"series {written(name)} ({shards[owners[one]].name} and {shards[owners[other]].name})"
        )
    raise FrameError(
        [f"series with rows in several files: {listing(where, total=len(again))}; write all rows "
         "of a series to one file, or forecast in one process by model.predict(horizon, df=source, "
         "out=out)"]
    )  # fmt: skip
