"""The data sets that ship are clean, and a benchmark is either the published one or not there."""

import hashlib
import io
import os
import re
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from benchmarks.sequences import dates
from benchmarks.sequences.baselines import repeated
from tsgen import datasets
from tsgen.datasets import list_datasets, load_benchmark, load_dataset
from tsgen.errors import DownloadError, SettingError

CHECKOUT = Path(__file__).parents[1]
SHARED_RAW = CHECKOUT.parent / "shared" / "raw"
SHARED_DATA = CHECKOUT.parent / "shared" / "data"

FREQUENCIES = {
    "air_passengers": "MS",
    "australian_beer": "QS-JAN",
    "beijing_air": "D",
    "bike_rentals": "D",
    "chicago_trains": "D",
    "england_wales_demand": "30min",
    "interstate_traffic": "h",
    "mauna_loa_co2": "W-SAT",
    "seattle_temperatures": "D",
    "sunspots": "YS-JAN",
    "texas_housing": "MS",
    "us_jobless_claims": "W-SUN",
}
SYMBOLS = {"chorales": 33}
"""How many there are."""
COVARIATES = {
    "beijing_air": ["temp", "dew", "pressure", "wind", "speed", "rain", "snow"],
    "chicago_trains": ["holiday"],
}

# ------------------------------------------------------------------------ data sets that ship


def test_list_datasets_is_the_folder() -> None:
    assert list_datasets() == sorted([*FREQUENCIES, *SYMBOLS, "dates"])


def test_list_datasets_by_kind() -> None:
    assert list_datasets("numbers") == sorted(FREQUENCIES)
    assert list_datasets("symbols") == sorted(SYMBOLS)
    assert list_datasets("pairs") == ["dates"]
    with pytest.raises(SettingError, match="no kind of data set 'symbol'; did you mean 'symbols'"):
        list_datasets("symbol")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", FREQUENCIES)
def test_dataset_is_a_clean_long_frame(name: str) -> None:
    df = load_dataset(name)

    assert list(df.columns) == ["unique_id", "ds", "y", *COVARIATES.get(name, [])]
    assert pd.api.types.is_string_dtype(df["unique_id"])
    assert pd.api.types.is_datetime64_any_dtype(df["ds"])
    assert df["y"].dtype == "float64"
    assert not df.isna().any(axis=None)
    assert not df.duplicated(["unique_id", "ds"]).any()
    assert_frame_equal(df, df.sort_values(["unique_id", "ds"], ignore_index=True))


@pytest.mark.parametrize(("name", "freq"), FREQUENCIES.items())
def test_dataset_has_no_gap(name: str, freq: str) -> None:
    for _, series in load_dataset(name).groupby("unique_id"):
        stamps = pd.DatetimeIndex(series["ds"])
        assert stamps.equals(pd.date_range(stamps[0], stamps[-1], freq=freq, unit=stamps.unit))


@pytest.mark.parametrize("name", SYMBOLS)
def test_dataset_of_symbols_counts_steps(name: str) -> None:
    df = load_dataset(name)

    assert list(df.columns) == ["unique_id", "ds", "y"]
    assert pd.api.types.is_string_dtype(df["unique_id"])
    assert pd.api.types.is_string_dtype(df["y"])
    assert not df.isna().any(axis=None)
    assert df["y"].nunique() == SYMBOLS[name]
    assert_frame_equal(df, df.sort_values(["unique_id", "ds"], ignore_index=True))
    counted = df.groupby("unique_id").cumcount().rename("ds")
    pd.testing.assert_series_equal(df["ds"], counted)


@pytest.mark.parametrize("name", [*FREQUENCIES, *SYMBOLS])
def test_readme_describes_the_dataset(name: str) -> None:
    df = load_dataset(name)
    readme = (CHECKOUT / "datasets" / "README.md").read_text(encoding="utf-8")

    table = readme.split("## Covariates")[0]
    (row,) = (line for line in table.splitlines() if line.startswith(f"| `{name}.csv` |"))
    n_series, n_rows = (int(cell.replace(",", "")) for cell in row.split("|")[3:5])
    assert n_series == df["unique_id"].nunique()
    assert n_rows == len(df)
    assert f"- `{name}`:" in readme, "how it was made is missing"


def test_dates_are_those_that_the_script_writes() -> None:
    df = load_dataset("dates")
    assert_frame_equal(df, dates.pairs(2000, seed=0), check_dtype=False)
    assert (df["notation"].value_counts() == 100).all()
    assert pd.api.types.is_string_dtype(df["written"])
    assert pd.to_datetime(df["iso"], format="%Y-%m-%d").dt.year.between(1950, 2049).all()


def test_datasets_stay_small() -> None:
    sizes = [path.stat().st_size for path in (CHECKOUT / "datasets").glob("*.csv")]
    assert max(sizes) < 400_000
    assert sum(sizes) < 2_000_000


def test_air_passengers_are_the_known_numbers() -> None:
    df = load_dataset("air_passengers")
    assert df["y"].head(3).tolist() == [112.0, 118.0, 132.0]
    assert df["y"].sum() == 40_363


def test_beijing_air_is_the_known_numbers() -> None:
    df = load_dataset("beijing_air")
    assert len(df) == 733
    assert df["y"].sum() == pytest.approx(72_945.5)

    day = df.set_index("ds").loc["2014-02-26"]  # the last day of a week of smog
    assert day["y"] == 407.7
    assert list(day[COVARIATES["beijing_air"]]) == [4.7, -1.2, 1022.8, "nw", 2.01, 4, 0]


def test_beijing_weather_is_in_range() -> None:
    df = load_dataset("beijing_air")
    assert sorted(df["wind"].unique()) == ["calm", "ne", "nw", "se"]
    assert df["temp"].between(-20, 45).all()
    assert (df["dew"] <= df["temp"]).all()
    assert df["pressure"].between(980, 1060).all()
    assert df["speed"].between(0, 30).all()
    for hours in ("rain", "snow"):
        assert pd.api.types.is_integer_dtype(df[hours])
        assert df[hours].between(0, 24).all()
        assert df[hours].any()


def test_chicago_trains_are_the_known_numbers() -> None:
    df = load_dataset("chicago_trains")
    assert df.groupby("unique_id").size().to_dict() == dict.fromkeys(
        ["Clark_Lake", "Jefferson_Park", "Oak_Park", "Polk"], 1_461
    )
    assert df["y"].sum() == pytest.approx(37_293.872)

    days = df[df["unique_id"] == "Clark_Lake"].set_index("ds")
    assert list(days.loc["2015-11-26", ["y", "holiday"]]) == [3.433, "Thanksgiving Day"]
    assert list(days.loc["2015-12-31", ["y", "holiday"]]) == [11.846, "no"]
    # The fourth of July 2015 was a Saturday: Friday was off work.
    observed = days.loc["2015-07-02":"2015-07-05", "holiday"]
    assert observed.tolist() == ["no", "Independence Day", "Independence Day", "no"]


def test_chicago_holidays_are_quiet_and_the_same_at_each_station() -> None:
    df = load_dataset("chicago_trains")
    assert (df.groupby("ds")["holiday"].nunique() == 1).all()

    weekdays = df[df["ds"].dt.day_of_week < 5]
    means = weekdays.groupby(["unique_id", weekdays["holiday"] != "no"])["y"].mean().unstack()
    assert (means[True] < 0.75 * means[False]).all()


def test_chorales_are_the_known_notes() -> None:
    df = load_dataset("chorales")
    lines = df.groupby("unique_id")["y"].agg(" ".join)
    assert lines["001"].startswith("E5 E5 C5 D5 E5 ")
    assert (lines.index[0], lines.index[-1], len(lines)) == ("001", "382", 382)
    assert df["y"].iloc[[0, -1]].tolist() == ["E5", "C5"]
    assert df["y"].value_counts()[["C5", "rest"]].tolist() == [4011, 64]
    assert all(re.fullmatch(r"rest|(?:[A-G]|[CF]#|[EAB]b)[3-6]", note) for note in df["y"].unique())


def test_covariates_are_text_or_numbers() -> None:
    for name, columns in COVARIATES.items():
        df = load_dataset(name)
        for column in columns:
            is_text = pd.api.types.is_string_dtype(df[column])
            assert is_text == (column in {"wind", "holiday"})
            assert is_text or pd.api.types.is_numeric_dtype(df[column])


@pytest.mark.parametrize("name", COVARIATES)
def test_readme_describes_every_covariate(name: str) -> None:
    readme = (CHECKOUT / "datasets" / "README.md").read_text(encoding="utf-8")
    rows = readme.split("## Covariates")[1].split("\n## ")[0].splitlines()
    (start,) = (place for place, row in enumerate(rows) if row.startswith(f"| `{name}.csv` |"))
    cells = [row.split("|")[2].strip() for row in rows[start : start + len(COVARIATES[name])]]
    assert cells == [f"`{column}`" for column in COVARIATES[name]]


def test_panel_has_many_series() -> None:
    assert load_dataset("texas_housing")["unique_id"].nunique() >= 20


def test_load_dataset_returns_a_new_frame() -> None:
    first = load_dataset("air_passengers")
    first["y"] = 0.0
    assert load_dataset("air_passengers")["y"].min() > 0


@pytest.mark.parametrize("name", ["air_passenger", "AirPassengers", "", "../datasets/sunspots"])
def test_unknown_dataset_lists_the_names(name: str) -> None:
    with pytest.raises(ValueError, match=r"there is no data set .* there are: air_passengers, "):
        load_dataset(name)


def test_unknown_dataset_names_the_closest() -> None:
    with pytest.raises(ValueError, match="did you mean 'air_passengers'"):
        load_dataset("air_passenger")


# ---------------------------------------------------------------------------- benchmark data


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves a folder, and notes the paths asked for instead of printing them."""

    def __init__(self, *args: Any, requests: list[str], **kwargs: Any) -> None:
        self.requests = requests
        super().__init__(*args, **kwargs)

    def do_GET(self) -> None:
        self.requests.append(self.path)
        super().do_GET()

    def log_message(self, format: str, *args: Any) -> None:
        pass


class CutHandler(BaseHTTPRequestHandler):
    """Promises more bytes than it sends, like a connection that breaks."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"date,HUFL")

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def serving(handler: Callable[..., BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve on the loopback, in a thread, and give the address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


@dataclass(frozen=True)
class Mirror:
    """A raw-file server: its folder, and the paths that it was asked for."""

    folder: Path
    requests: list[str]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.delenv("TSGEN_DATA", raising=False)
    monkeypatch.delenv("TSGEN_RAW", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: folder / name)
    return folder


@pytest.fixture
def mirror(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    if not SHARED_RAW.is_dir():
        pytest.skip("needs ../shared/raw")
    served = Mirror(tmp_path / "mirror", [])
    served.folder.mkdir()
    for path in SHARED_RAW.iterdir():
        (served.folder / path.name).symlink_to(path)
    handler = partial(QuietHandler, directory=str(served.folder), requests=served.requests)
    with serving(handler) as address:
        monkeypatch.setenv("TSGEN_RAW", address)
        yield served


def files_below(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def replace(path: Path, content: bytes) -> None:
    path.unlink()
    path.write_bytes(content)


def assert_same_table(actual: pd.DataFrame, name: str) -> None:
    expected = pd.read_parquet(SHARED_DATA / f"{name}.parquet")
    if name == "etth1":
        # That file was read by pandas 2, whose parser is off by some units in the last place.
        assert_frame_equal(actual, expected, rtol=1e-14, atol=1e-14)
    else:
        assert_frame_equal(actual, expected, check_exact=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["etth1", "m4_weekly", "m4_hourly"])
def test_benchmark_is_downloaded_once_and_equals_the_reference(
    name: str, mirror: Mirror, cache: Path
) -> None:
    first = load_benchmark(name)
    asked = list(mirror.requests)
    second = load_benchmark(name)

    assert_same_table(first, name)
    assert_frame_equal(first, second, check_exact=True)
    assert len(asked) == (1 if name == "etth1" else 2)
    assert mirror.requests == asked, "the second call touched the network"
    assert files_below(cache) == [f"{name}.parquet"]


@pytest.mark.slow
def test_m3_equals_the_reference(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    """All periods are in one file, whose parsing takes seconds."""
    rdata = pytest.importorskip("rdata")
    read, parsed = rdata.read_rda, {}

    def read_once(path: Path, **arguments: object) -> object:
        if path not in parsed:
            parsed[path] = read(path, **arguments)
        return parsed[path]

    monkeypatch.setattr(rdata, "read_rda", read_once)
    for name in ("m3_monthly", "m3_quarterly", "m3_yearly"):
        assert_same_table(load_benchmark(name), name)


@pytest.fixture
def raw(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Raw files in a local folder, and an empty cache."""
    if not SHARED_RAW.is_dir():
        pytest.skip("needs ../shared/raw")
    monkeypatch.setenv("TSGEN_RAW", str(SHARED_RAW))
    return cache


def test_tiny_shakespeare_is_the_published_text(raw: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)  # which no text needs
    text = load_benchmark("tiny_shakespeare")

    published = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"
    assert hashlib.sha256(text.encode()).hexdigest() == published
    assert text.startswith("First Citizen:\nBefore we proceed")
    assert (len(text), len(set(text))) == (1_115_394, 65)
    assert files_below(raw) == ["tiny_shakespeare.txt"]
    monkeypatch.delenv("TSGEN_RAW")
    assert load_benchmark("tiny_shakespeare") == text


def test_tsgen_data_may_hold_a_text_with_line_ends_of_its_own(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tiny_shakespeare.txt").write_bytes("Où\r\nêtes-vous?\n".encode())
    monkeypatch.setenv("TSGEN_DATA", str(tmp_path))
    assert load_benchmark("tiny_shakespeare") == "Où\r\nêtes-vous?\n"
    assert files_below(cache) == []


@pytest.mark.slow
def test_chorales_are_the_published_ones(raw: Path) -> None:
    df = load_benchmark("jsb_chorales")

    assert list(df.columns) == ["unique_id", "ds", "y", "keys", "split"]
    assert df.groupby("split", observed=True)["unique_id"].nunique().to_dict() == {
        "train": 229, "validation": 76, "test": 77,
    }  # fmt: skip
    assert df.groupby("split", observed=True).size().tolist() == [13_807, 4_602, 4_725]
    assert df.iloc[0].tolist() == ["train_001", 0, 88, "60 72 79 88", "train"]
    assert df["unique_id"].iloc[-1] == "test_077"
    highest = df["keys"].map(lambda keys: max(map(int, keys.split()), default=0))
    assert df["y"].tolist() == highest.tolist()
    assert (df["y"] == 0).sum() == 64
    assert df["y"].max() == 96
    assert_frame_equal(df, load_benchmark("jsb_chorales"), check_exact=True)
    assert files_below(raw) == ["jsb_chorales.parquet"]


def test_readme_says_which_chorales_repeat_melodies_of_training() -> None:
    lines = load_dataset("chorales").groupby("unique_id")["y"].agg(list)
    parts = lines[:"229"], lines["230":"305"], lines["306":]
    training = {" ".join(line) for line in parts[0]}
    whole = [sum(" ".join(line) in training for line in part) for part in parts]
    runs = [sum(repeated(part, parts[0])) for part in parts[1:]]
    assert (whole, runs) == ([229, 8, 8], [31, 37])


@pytest.mark.slow
def test_chorales_that_ship_are_those_of_the_benchmark(raw: Path) -> None:
    keys, notes = load_benchmark("jsb_chorales"), load_dataset("chorales")

    names = ["C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"]
    sung = keys["y"] - 12
    assert notes["ds"].tolist() == keys["ds"].tolist()
    assert notes["y"].tolist() == [
        f"{names[key % 12]}{key // 12 - 1}" if key > 0 else "rest" for key in sung
    ]


@pytest.mark.slow
def test_cmudict_is_the_published_dictionary(raw: Path) -> None:
    df = load_benchmark("cmudict")

    assert df.dtypes["variant"] == np.int64
    assert len(df) == 135_166
    assert df["variant"].value_counts().to_dict() == {1: 126_052, 2: 8_447, 3: 513, 4: 154}
    assert not df.isna().any(axis=None)
    of = df.set_index(["word", "variant"])["pronunciation"]
    assert of["aalborg"].tolist() == ["AO1 L B AO0 R G", "AA1 L B AO0 R G"]  # "# place, danish"
    assert of["null", 1] == "N AH1 L"
    assert of.iloc[-1] == "Z IH0 W IH1 K IY0"
    assert len({phoneme for line in of for phoneme in line.split()}) == 69
    assert files_below(raw) == ["cmudict.parquet"]


def test_entries_of_cmudict(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = b"a. EY1\na(2) EY1\ncan't(12) K AE1 N T # old, odd (2)\n"
    monkeypatch.setattr(datasets, "_download", lambda file: io.BytesIO(lines))
    assert datasets._cmudict().to_numpy().tolist() == [
        ["a.", 1, "EY1"], ["a", 2, "EY1"], ["can't", 12, "K AE1 N T"],
    ]  # fmt: skip


def test_raw_files_may_lie_in_a_local_folder(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not SHARED_RAW.is_dir():
        pytest.skip("needs ../shared/raw")
    monkeypatch.setenv("TSGEN_RAW", os.path.relpath(SHARED_RAW))
    assert_same_table(load_benchmark("etth1"), "etth1")


def test_tsgen_data_is_read_first(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = pd.DataFrame({"date": pd.to_datetime(["2016-07-01"]), "OT": [1.0]})
    own.to_parquet(tmp_path / "etth1.parquet")
    monkeypatch.setenv("TSGEN_DATA", str(tmp_path))

    assert_frame_equal(load_benchmark("etth1"), own)
    assert files_below(cache) == []


def test_tsgen_data_without_the_file_falls_through(
    mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TSGEN_DATA", str(tmp_path / "nothing here"))
    assert len(load_benchmark("etth1")) == 17_420
    assert mirror.requests == ["/ETTh1.csv"]


def test_truncated_file_is_refused(mirror: Mirror, cache: Path) -> None:
    whole = (SHARED_RAW / "ETTh1.csv").read_bytes()
    replace(mirror.folder / "ETTh1.csv", whole[: len(whole) // 2])

    with pytest.raises(DownloadError, match=r"ETTh1\.csv from http://127.*isn't the published"):
        load_benchmark("etth1")
    assert files_below(cache) == []


@pytest.mark.slow
def test_altered_file_is_refused_with_both_hashes(mirror: Mirror, cache: Path) -> None:
    content = (SHARED_RAW / "Weekly-test.csv").read_bytes()
    replace(mirror.folder / "Weekly-test.csv", content.replace(b"35397.16", b"35397.17"))

    with pytest.raises(DownloadError, match=r"expected sha256 3b2bc4be8e.*received [0-9a-f]{64} "):
        load_benchmark("m4_weekly")
    assert files_below(cache) == []


def test_missing_file_names_the_address_and_a_remedy(mirror: Mirror, cache: Path) -> None:
    (mirror.folder / "ETTh1.csv").unlink()

    with pytest.raises(DownloadError, match=r"http://.*/ETTh1\.csv: HTTP Error 404.*TSGEN_DATA"):
        load_benchmark("etth1")
    assert files_below(cache) == []


@pytest.mark.parametrize("base", ["http://127.0.0.1:1", "/nowhere", "gopher://x", "http://[x"])
def test_unreachable_home_is_a_download_error(
    base: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TSGEN_RAW", base)
    with pytest.raises(DownloadError, match=r"can't fetch ETTh1\.csv from "):
        load_benchmark("etth1")
    assert files_below(cache) == []


def test_broken_connection_is_a_download_error(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(CutHandler) as address:
        monkeypatch.setenv("TSGEN_RAW", address)
        with pytest.raises(DownloadError, match=r"ETTh1\.csv"):
            load_benchmark("etth1")
    assert files_below(cache) == []


def test_failed_download_can_be_repeated(mirror: Mirror) -> None:
    raw = mirror.folder / "ETTh1.csv"
    replace(raw, b"busy")
    with pytest.raises(DownloadError):
        load_benchmark("etth1")
    raw.unlink()
    shutil.copy(SHARED_RAW / "ETTh1.csv", raw)
    assert_same_table(load_benchmark("etth1"), "etth1")


def test_failed_write_leaves_nothing(
    mirror: Mirror, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def disk_full(self: pd.DataFrame, file: Any, **options: Any) -> None:
        file.write(b"half of ")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", disk_full)
    with pytest.raises(OSError, match="No space left"):
        load_benchmark("etth1")
    assert files_below(cache) == []


@pytest.mark.parametrize(
    ("name", "module", "extra"),
    [("etth1", "pyarrow", "parquet"), ("m3_yearly", "rdata", "benchmarks")],
)
def test_missing_package_names_the_extra_before_any_download(
    name: str, module: str, extra: str, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=rf"needs {module}.*tsgen\[{extra}\]"):
        load_benchmark(name)
    assert mirror.requests == []


def test_unknown_benchmark_lists_the_names(cache: Path) -> None:
    with pytest.raises(ValueError, match=r"did you mean 'm4_hourly'.*m4_weekly, m3_monthly"):
        load_benchmark("m4_hourl")
