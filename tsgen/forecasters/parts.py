"""A folder of forecasts: parts that are there whole or not at all, and what they are of."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from tsgen._messages import written
from tsgen.data import ParquetSource, listing
from tsgen.errors import ForecastsExistError, SettingError
from tsgen.io import whole_file

__all__ = ["PartsFolder", "frame_hash"]

_MANIFEST = "_tsgen.json"
"""Files whose names begin with an underscore are no data for those who read the folder."""
_OURS = re.compile(r"part-\d{5,}\.parquet|\.?_tsgen\.json.*|\.part-\d{5,}\.parquet\..*\.tmp")
_FILES = ("df", "future_df")


@dataclass(frozen=True)
class PartsFolder:
    """Numbered files of Parquet, beside a manifest of what they were asked for.

    A part that is there is finished: it is written beside its place and moved there.
    """

    path: Path

    @classmethod
    def of(cls, out: Any, source: ParquetSource) -> PartsFolder:
        """Where forecasts are to be written, beside or apart from the files that are read."""
        path = Path(out)
        if path.exists() and not path.is_dir():
            raise ForecastsExistError(f"out={written(str(path))} is a file: pass a folder")
        place = os.path.realpath(path)
        read = [os.path.realpath(file) for file, *_ in source.files]
        folder = os.path.realpath(source.name)
        within = os.path.isdir(folder) and _is_within(place, folder)
        if within or any(_is_within(file, place) for file in read):
            raise SettingError(
                f"out={written(str(path))} and the files of {source.name} lie in one another, so "
                "that forecasts would be read as history: pass another folder"
            )
        return cls(path)

    def begin(self, request: dict[str, Any], *, overwrite: bool) -> bool:
        """Make the folder for a request; false where all of its parts are there already.

        Raises
        ------
        ForecastsExistError
            If it has anything else than parts of the same request, unless those of another one
            may be replaced.
        """
        request = json.loads(json.dumps({"tsgen": _version(), **request}))
        self.path.mkdir(parents=True, exist_ok=True)
        names = sorted(entry.name for entry in self.path.iterdir())
        foreign = [name for name in names if not _OURS.fullmatch(name)]
        if foreign:
            raise ForecastsExistError(
                f"{self.path} has files that are no forecasts of predict(out=): "
                f"{listing(foreign)}; pass another folder"
            )
        parts = [name for name in names if name.startswith("part-")]
        before = self._manifest() if _MANIFEST in names else {}
        same = before.get("request") == request
        if parts and not same and not overwrite:
            differs = _differences(before.get("request", {}), request)
            raise ForecastsExistError(
                f"{self.path} has forecasts of another call: {'; '.join(differs)}; pass "
                "overwrite=True to replace them, or another folder"
            )
        if same and not overwrite:
            if "parts" not in before:
                return True
            if all(self.has(number) for number in range(before["parts"])):
                return False
        if overwrite or not same:
            for name in names:
                (self.path / name).unlink()
        self._write_manifest({"request": request})
        return True

    def has(self, number: int) -> bool:
        """Whether a part is finished."""
        return self._part(number).exists()

    def write(self, number: int, forecast: pd.DataFrame) -> None:
        """One part, whole or not at all."""
        import pyarrow.parquet

        table = _table(forecast)
        with whole_file(self._part(number), overwrite=True) as file:
            pyarrow.parquet.write_table(table, file)

    def finish(self, parts: int) -> None:
        """Note that there are no more parts."""
        self._write_manifest({**self._manifest(), "parts": parts})

    def dataset(self) -> Any:
        """All that is there."""
        import pyarrow.dataset

        return pyarrow.dataset.dataset(str(self.path), format="parquet")

    def _part(self, number: int) -> Path:
        return self.path / f"part-{number:05d}.parquet"

    def _manifest(self) -> dict[str, Any]:
        try:
            found = json.loads((self.path / _MANIFEST).read_text("utf-8"))
        except ValueError:  # altered by others: nothing is known of the parts
            return {}
        return found if isinstance(found, dict) else {}

    def _write_manifest(self, content: dict[str, Any]) -> None:
        with whole_file(self.path / _MANIFEST, overwrite=True) as file:
            file.write(json.dumps(content, indent=1).encode())


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
    before, now = ({str(path): rest for path, *rest in files} for files in (old, new))
    names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    return listing(names or ["in another order"])


def _version() -> str:
    # By name, since import-linter takes an import of the package for one of all that it exports.
    return str(importlib.import_module("tsgen").__version__)
