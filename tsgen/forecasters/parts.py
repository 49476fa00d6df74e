"""A folder of forecasts: parts that are there whole or not at all, and what they are of."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import re
import time
from pathlib import Path
from typing import Any

import pandas as pd

from tsgen._messages import written
from tsgen._runtime import process_group
from tsgen.data import ParquetSource, listing
from tsgen.errors import ForecastsExistError, SettingError
from tsgen.io import whole_file

__all__ = ["PartsFolder", "check_is_apart", "frame_hash"]

_MANIFEST = "_tsgen.json"
"""Files whose names begin with an underscore are no data for those who read the folder."""
_OURS = re.compile(
    r"shard-\d{5,}|(shard-\d{5,}/)?(part-\d{5,}\.parquet|\.?_tsgen\.json.*|\.part-\d{5,}\.parquet\..*\.tmp)"
)
_FILES = ("df", "future_df")
_PATIENCE = 30.0
"""Seconds that processes wait for the first of them, which clears the folder."""


class PartsFolder:
    """Numbered files of Parquet, beside a manifest of what they were asked for.

    A part that is there is finished: it is written beside its place and moved there. Nothing that
    was there before is touched until the first part of another request is written.

    Parameters
    ----------
    out : path
    request : dict of str to plain values
        All that changes forecasts.
    """

    def __init__(self, out: Any, request: dict[str, Any]) -> None:
        self.path = Path(out)
        self._request = json.loads(json.dumps({"tsgen": _version(), **request}))
        self._before = self._manifest()
        self._goes_on = self._before.get("request") == self._request
        self._begins_anew = False

    def check(self, *, overwrite: bool) -> None:
        """Refuse a folder with anything else than parts of this request.

        With ``overwrite`` it begins anew whatever is there; processes that share the work go on.

        Raises
        ------
        ForecastsExistError
            For other files; for parts of another request, unless they may be replaced.
        """
        if self.path.exists() and not self.path.is_dir():
            raise ForecastsExistError(f"out={written(str(self.path))} is a file: pass a folder")
        if overwrite and process_group().size == 1:  # others would see what is to be replaced
            self._begins_anew, self._goes_on = True, False
        names = self._names()
        foreign = [name for name in names if not _OURS.fullmatch(name)]
        if foreign:
            raise ForecastsExistError(
                f"{self.path} has files that no forecast has written: {listing(foreign)}; pass "
                "another folder"
            )
        if (
            self._goes_on
            or overwrite
            or not any(name.startswith(("part-", "shard-")) for name in names)
        ):
            return
        differs = _differences(self._before.get("request", {}), self._request)
        raise ForecastsExistError(
            f"{self.path} has forecasts of another call: {'; '.join(differs)}; pass "
            "overwrite=True to replace them, or another folder"
        )

    @property
    def is_finished(self) -> bool:
        """Whether all parts are there."""
        return "parts" in self._before and all(map(self.has, range(self._before["parts"])))

    def has(self, number: int) -> bool:
        """Whether a part is finished."""
        return self._goes_on and self._part(number).exists()

    def write(self, number: int, forecast: pd.DataFrame) -> None:
        """One part, whole or not at all."""
        import pyarrow.parquet

        table = _table(forecast)
        self.begin()
        with whole_file(self._part(number), overwrite=True) as file:
            pyarrow.parquet.write_table(table, file)

    def finish(self, parts: int) -> None:
        """Note that there are no more parts."""
        self._write_manifest(parts=parts)

    def shard(self, number: int) -> Path:
        """A folder within this one, for the parts of a file of the source."""
        return self.path / f"shard-{number:08d}"

    def begin(self) -> None:
        """Take away what another request has left in the folder, and note this one."""
        self._goes_on = self._goes_on or (not self._begins_anew and self._is_of_request())
        if self._goes_on:
            return
        self.path.mkdir(parents=True, exist_ok=True)
        for name in reversed(self._names()):  # what is in a folder before the folder
            path = self.path / name
            path.rmdir() if path.is_dir() else path.unlink()
        self._write_manifest()
        self._goes_on = True

    def _is_of_request(self) -> bool:
        """Whether another process has begun with the same request meanwhile."""
        return bool(self._manifest().get("request") == self._request)

    def await_first(self) -> None:
        """Wait for the first of several processes to begin, and begin if it doesn't."""
        until = time.monotonic() + _PATIENCE
        while not self._is_of_request() and time.monotonic() < until:
            time.sleep(0.05)
        self.begin()

    def dataset(self) -> Any:
        """All that is there."""
        import pyarrow.dataset

        return pyarrow.dataset.dataset(str(self.path), format="parquet")

    def _part(self, number: int) -> Path:
        return self.path / f"part-{number:08d}.parquet"

    def _names(self) -> list[str]:
        return sorted(path.relative_to(self.path).as_posix() for path in self.path.rglob("*"))

    def _manifest(self) -> dict[str, Any]:
        try:
            found = json.loads((self.path / _MANIFEST).read_text("utf-8"))
        except (OSError, ValueError):  # there is none, or nobody knows what it says
            return {}
        return found if isinstance(found, dict) else {}

    def _write_manifest(self, **more: Any) -> None:
        content = json.dumps({"request": self._request, **more}, indent=1)
        with whole_file(self.path / _MANIFEST, overwrite=True) as file:
            file.write(content.encode())


def check_is_apart(out: Any, source: ParquetSource) -> None:
    """Refuse forecasts among the files that are read."""
    place = os.path.realpath(out)
    read = [os.path.realpath(file) for file in source.dataset.files]
    folder = os.path.realpath(source.name)
    within = os.path.isdir(folder) and _is_within(place, folder)
    if within or any(_is_within(file, place) for file in read):
        raise SettingError(
            f"out={written(os.fspath(out))} and the files of {source.name} lie in one another, so "
            "that forecasts would be read as history: pass another folder"
        )


def _is_within(path: str, folder: str) -> bool:
    return os.path.join(path, "").startswith(os.path.join(folder, ""))


def frame_hash(frame: pd.DataFrame) -> str:
    """What tells a frame from another one."""
    rows = pd.util.hash_pandas_object(frame).to_numpy()
    return hashlib.sha256(repr(list(frame.columns)).encode() + rows.tobytes()).hexdigest()


def _table(forecast: pd.DataFrame) -> Any:
    """For Arrow; categories have numbers of one size, whatever their count in a part."""
    import pyarrow as pa

    table = pa.Table.from_pandas(forecast, preserve_index=False)
    for place, item in enumerate(table.schema):
        if pa.types.is_dictionary(item.type):
            kind = pa.dictionary(pa.int32(), item.type.value_type, item.type.ordered)
            table = table.set_column(place, item.name, table[item.name].cast(kind))
    return table


def _differences(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What differs between two requests, in words."""
    if not before:
        return ["nothing says of which"]
    found = []
    for name in [*before, *(name for name in now if name not in before)]:
        old, new = before.get(name), now.get(name)
        if old == new:
            continue
        if name == "model":
            found.append("the model was another one")
        elif name in _FILES and isinstance(old, list) and isinstance(new, list):
            found.append(f"{name}= was of other files ({_changed(old, new)})")
        elif name in _FILES:
            found.append(f"{name}= was another one")
        else:
            found.append(f"{name} was {written(old)}, and is {written(new)}")
    return found


def _changed(old: list[Any], new: list[Any]) -> str:
    """Which files came, went or changed."""
    before, now = ({path: rest for path, *rest in files} for files in (old, new))
    names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    return listing(names or ["in another order"])


def _version() -> str:
    # By name, since import-linter takes an import of the package for one of all that it exports.
    return str(importlib.import_module("tsgen").__version__)
