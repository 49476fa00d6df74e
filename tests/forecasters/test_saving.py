"""One safe file: what is saved comes back bit by bit, and whatever else a file holds is refused."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import io
import json
import os
import pickle
import re
import resource
import shutil
import stat
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
import safetensors.numpy
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal, assert_series_equal
from scipy import special
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    PowerTransformer,
    QuantileTransformer,
    StandardScaler,
)
from support.model_files import inside, model_of, packed, unpacked, zipped
from support.processes import output_of, python

import tsgen
from tsgen import GRUForecaster, LSTMForecaster
from tsgen.errors import FrameError, ModelFileError, NotFittedError, TsgenError
from tsgen.forecasters.recurrent import load
from tsgen.io.container import FORMAT
from tsgen.training.strategies import FreeRunning, NoisyInputs

Frame = pd.Series | pd.DataFrame

ROWS = 30
GOLDEN = Path(__file__).parents[1] / "golden"
MEMBERS = ["manifest.json", "weights.safetensors", "arrays.safetensors"]


def network(kind: type[Any] = LSTMForecaster, **arguments: Any) -> Any:
    return kind(
        **{"max_steps": 2, "hidden_size": 4, "context_length": 6, "lags": [1, 2]}
        | {"verbose": False}
        | arguments
    )


def assert_equal(left: Frame, right: Frame) -> None:
    """Bit by bit, with dtypes, names and the frequency of the index."""
    if isinstance(left, pd.Series):
        assert_series_equal(left, right, check_exact=True, check_freq=True)
    else:
        assert_frame_equal(left, right, check_exact=True, check_freq=True)
        assert type(left.columns) is type(right.columns)


def values(count: int = ROWS, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=count).cumsum() + 20


def days(rows: int = ROWS, **arguments: Any) -> pd.DatetimeIndex:
    return pd.date_range("2024-01-01", periods=rows, **({"freq": "D"} | arguments))


def long_frame(ids: Any = ("zoe", "adam"), times: Any = None) -> pd.DataFrame:
    times = days() if times is None else times
    parts = [
        pd.DataFrame(
            {"unique_id": pd.Series([name] * len(times)), "ds": times, "y": values(seed=i)}
        )
        for i, name in enumerate(ids)
    ]
    return pd.concat(parts, ignore_index=True)


def with_ids(dtype: Any, ids: Any = ("zoe", "adam")) -> pd.DataFrame:
    df = long_frame(ids)
    return df.assign(unique_id=df["unique_id"].astype(dtype))


def with_times(times: Any) -> pd.DataFrame:
    return long_frame(times=times)


def wide_frame(columns: Any = ("zoe", "adam"), index: Any = None) -> pd.DataFrame:
    index = days() if index is None else index
    data = np.stack([values(len(index), seed=i) for i in range(len(columns))], axis=1)
    return pd.DataFrame(data, index=index, columns=columns)


def ragged() -> pd.DataFrame:
    df = wide_frame(("a", "b", "c"))
    df.iloc[:5, 0] = np.nan
    df.iloc[-3:, 1] = np.nan
    return df


def arrow(name: str) -> Any:
    return pd.ArrowDtype(pytest.importorskip("pyarrow").type_for_alias(name))


LAYOUTS: dict[str, Callable[[], Frame]] = {
    "long": long_frame,
    "long, int ids": lambda: long_frame((7, -3)),
    "long, uint8 ids": lambda: with_ids("uint8", (7, 3)),
    "long, object ids": lambda: with_ids(object),
    "long, nullable int ids": lambda: with_ids("Int64", (7, 3)),
    "long, string ids": lambda: with_ids("string"),
    "long, python string ids": lambda: with_ids(pd.StringDtype("python")),
    "long, arrow string ids": lambda: with_ids(arrow("string")),
    "long, large arrow string ids": lambda: with_ids(arrow("large_string")),
    "long, arrow int ids": lambda: with_ids(arrow("int32"), (7, 3)),
    "long, categorical ids": lambda: with_ids(pd.CategoricalDtype(["x", "zoe", "adam"])),
    "long, ordered categorical ids": lambda: with_ids(
        pd.CategoricalDtype(["zoe", "x", "adam"], ordered=True)
    ),
    "long, categorical int ids": lambda: with_ids("category", (7, 3)),
    "long, bool ids": lambda: long_frame((True, False)),
    "long, float ids": lambda: long_frame((1.5, -0.25)),
    "long, Timestamp ids": lambda: long_frame(
        (pd.Timestamp("2024-01-02", tz="Asia/Tokyo"), pd.Timestamp("2023", tz="Asia/Tokyo"))
    ),
    "long, odd text ids": lambda: long_frame(("", "ä\0\n", "\U0001f600" * 3)),
    "long, no ids": lambda: long_frame(("only",)).drop(columns="unique_id"),
    "long, Float64": lambda: long_frame().astype({"y": "Float64"}),
    "long, float32": lambda: long_frame().astype({"y": "float32"}),
    "long, arrow double": lambda: long_frame().astype({"y": arrow("double")}),
    "long, arrow times": lambda: long_frame().astype({"ds": "timestamp[us][pyarrow]"}),
    "long, arrow times in a zone": lambda: with_times(days(tz="Europe/Berlin")).astype(
        {"ds": "timestamp[us, tz=Europe/Berlin][pyarrow]"}
    ),
    "long, shuffled": lambda: long_frame(("c", "a", "b")).sample(frac=1, random_state=0),
    "long, integer time": lambda: with_times(pd.Series(np.arange(0, 2 * ROWS, 2), dtype="int32")),
    "long, nullable integer time": lambda: with_times(pd.Series(range(ROWS), dtype="Int64")),
    "long, periods": lambda: with_times(pd.period_range("2020-01", periods=ROWS, freq="M")),
    "multiindex frame": lambda: long_frame().set_index(["unique_id", "ds"]),
    "multiindex series": lambda: long_frame().set_index(["unique_id", "ds"])["y"],
    "multiindex, time first": lambda: long_frame().set_index(["ds", "unique_id"]),
    "multiindex series without a name": lambda: (
        long_frame().set_index(["unique_id", "ds"])["y"].rename(None)
    ),
    "series": lambda: pd.Series(values(), index=days(), name="sales"),
    "series without a name": lambda: pd.Series(values(), index=days()),
    "series named by a number": lambda: pd.Series(values(), index=days(name="day"), name=3),
    "series named by a tuple": lambda: pd.Series(values(), index=days(), name=("a", 1)),
    "series without freq": lambda: pd.Series(values(), index=pd.DatetimeIndex(list(days()))),
    "series, integer index": lambda: pd.Series(values()),
    "series, float32": lambda: pd.Series(values().astype("float32"), index=days()),
    "wide": wide_frame,
    "wide, ragged": ragged,
    "wide, int columns": lambda: wide_frame((5, 3, 9)),
    "wide, range columns": lambda: wide_frame(range(3)),
    "wide, named columns": lambda: wide_frame(pd.Index(["b", "a"], name="shop")),
    "wide, categorical columns": lambda: wide_frame(pd.CategoricalIndex(["b", "a"])),
    "wide, date columns": lambda: wide_frame(days(2, unit="s")),
    "wide, mixed dtypes": lambda: wide_frame().astype({"zoe": "float32", "adam": "Float64"}),
    "wide, periods": lambda: wide_frame(
        index=pd.period_range("2020", periods=ROWS, freq="Q-MAR", name="q")
    ),
    "wide, named integer index": lambda: wide_frame(
        index=pd.RangeIndex(1990, 1990 + ROWS, name="t")
    ),
}

FREQUENCIES: dict[str, Callable[[], pd.Index]] = {
    **{
        name: lambda name=name: days(freq=name)
        for name in [
            "h",
            "15min",
            "7s",
            "D",
            "2D",
            "W",
            "W-WED",
            "MS",
            "ME",
            "QS",
            "QE-FEB",
            "YS",
            "YE",
            "B",
            "BMS",
            "SME",
            "3h",
            "2MS",
        ]
    },
    **{f"unit {unit}": lambda unit=unit: days(unit=unit) for unit in ("s", "ms", "us", "ns")},
    "UTC": lambda: days(tz="UTC"),
    "datetime.timezone": lambda: days(tz=datetime.timezone(datetime.timedelta(hours=5.5))),
    "zoneinfo over a clock change": lambda: pd.date_range(
        end="2024-03-31 01:00", periods=ROWS, freq="h", tz=ZoneInfo("Europe/Berlin"), unit="s"
    ),
    "pytz": lambda: days(tz=pytest.importorskip("pytz").timezone("America/New_York")),
    "far future": lambda: pd.DatetimeIndex(
        np.datetime64("2523-01-01", "s") + np.arange(ROWS).astype("timedelta64[D]")
    ),
    **{
        f"period {name}": lambda name=name: pd.period_range("2020", periods=ROWS, freq=name)
        for name in ["M", "W-SUN", "h", "2D", "Y-JUN"]
    },
}


def roundtrip(model: Any, folder: Path, **arguments: Any) -> Any:
    path = folder / "model.tsgen"
    model.save(path, overwrite=True)
    return type(model).load(path, **arguments)


def assert_same_forecasts(model: Any, loaded: Any, df: Frame, horizon: int = 4) -> None:
    assert_equal(loaded.predict(horizon), model.predict(horizon))
    shorter = df.iloc[: len(df) - 3] if isinstance(df, pd.Series) else df
    assert_equal(loaded.predict(horizon, df=shorter), model.predict(horizon, df=shorter))


# --------------------------------------------------------------------------------- what comes back


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.slow
def test_every_layout_comes_back(name: str, tmp_path: Path) -> None:
    df = LAYOUTS[name]()
    model = network().fit(df)
    assert_same_forecasts(model, roundtrip(model, tmp_path), df)


@pytest.mark.parametrize("name", FREQUENCIES)
@pytest.mark.slow
def test_every_frequency_comes_back(name: str, tmp_path: Path) -> None:
    series = pd.Series(values(), index=FREQUENCIES[name](), name="y")
    model = network().fit(series)
    loaded = roundtrip(model, tmp_path)
    assert loaded.panel_.frequency == model.panel_.frequency
    assert_same_forecasts(model, loaded, series)
    assert loaded.predict(2).index.dtype == series.index.dtype


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"num_layers": 2, "dropout": 0.1, "residual": None},
        {"lags": (1, np.int64(3))},
        {"lags": np.array([2, 3]), "hidden_size": np.int32(5)},
        {"lags": range(1, 4), "scaler": None, "window_norm": False},
        {"scaler": "robust", "loss": "mae", "gradient_clip_val": None, "random_state": 3},
        {"trainer_kwargs": {"accelerator": "cpu", "log_every_n_steps": 7}},
        {"trainer_kwargs": {}},
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", [LSTMForecaster, GRUForecaster])
def test_arguments_come_back(kind: type[Any], arguments: Any, tmp_path: Path) -> None:
    df = long_frame()
    model = network(kind, **arguments).fit(df)
    loaded = roundtrip(model, tmp_path)
    assert type(loaded) is kind
    assert loaded.settings_ == model.settings_
    before, after = model.get_params(), loaded.get_params()
    assert list(before) == list(after)
    for name, value in before.items():
        assert type(after[name]) is type(value), name
        assert np.array_equal(after[name], value), name
    assert_same_forecasts(model, loaded, df)


def test_series_not_seen_in_fit(tmp_path: Path) -> None:
    model = network().fit(long_frame())
    other = long_frame(("adam", "new"))
    assert_equal(roundtrip(model, tmp_path).predict(5, df=other), model.predict(5, df=other))


def test_a_loaded_model_is_saved_to_the_same_bytes(tmp_path: Path) -> None:
    first, second = tmp_path / "1.tsgen", tmp_path / "2.tsgen"
    network().fit(ragged()).save(first)
    LSTMForecaster.load(first).save(second)
    assert first.read_bytes() == second.read_bytes()


def test_a_loaded_model_can_be_fitted_again(tmp_path: Path) -> None:
    df = long_frame()
    model = network().fit(df)
    assert_equal(roundtrip(model, tmp_path).fit(df).predict(3), model.predict(3))


def test_loading_draws_no_random_numbers(tmp_path: Path) -> None:
    network().fit(long_frame()).save(tmp_path / "model.tsgen")
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002
    state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    LSTMForecaster.load(tmp_path / "model.tsgen")
    assert torch.equal(torch.get_rng_state(), state)
    assert np.array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002


def test_the_file_holds_no_pickle(tmp_path: Path) -> None:
    network(scaler=StandardScaler()).fit(long_frame()).save(tmp_path / "model.tsgen")
    with zipfile.ZipFile(tmp_path / "model.tsgen") as archive:
        assert archive.namelist() == [*MEMBERS, "scaler.skops"]
        manifest = json.loads(archive.read("manifest.json"))
        for name, entry in manifest["members"].items():
            data = archive.read(name)
            assert entry == {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    assert manifest["format"] == FORMAT
    assert manifest["tsgen"] == tsgen.__version__


def test_named_scalers_need_no_skops(tmp_path: Path) -> None:
    network().fit(long_frame()).save(tmp_path / "model.tsgen")
    with zipfile.ZipFile(tmp_path / "model.tsgen") as archive:
        assert archive.namelist() == MEMBERS


@pytest.mark.parametrize("path", [str, Path])
def test_path_types(path: Any, tmp_path: Path) -> None:
    target = path(tmp_path / "model.tsgen")
    network().fit(long_frame()).save(target)
    assert len(LSTMForecaster.load(target).predict(2)) == 4


def test_before_fit(tmp_path: Path) -> None:
    with pytest.raises(NotFittedError, match="fit"):
        network().save(tmp_path / "model.tsgen")
    assert not list(tmp_path.iterdir())


# -------------------------------------------------------------------------------- whose file is it


def test_the_wrong_class(fitted: bytes, tmp_path: Path) -> None:
    path = written(tmp_path, fitted)
    with pytest.raises(ModelFileError, match=r"a LSTMForecaster.*LSTMForecaster\.load"):
        GRUForecaster.load(path)


@pytest.mark.parametrize("kind", [LSTMForecaster, GRUForecaster])
def test_whichever_class(kind: type[Any], tmp_path: Path) -> None:
    network(kind).fit(long_frame()).save(tmp_path / "model.tsgen")
    assert type(load(tmp_path / "model.tsgen")) is kind


class Mine(LSTMForecaster):
    """A user's own forecaster."""


def test_a_subclass_loads_its_own(tmp_path: Path) -> None:
    Mine(max_steps=2, hidden_size=4, verbose=False).fit(long_frame()).save(tmp_path / "m.tsgen")
    assert type(Mine.load(tmp_path / "m.tsgen")) is Mine
    with pytest.raises(ModelFileError, match=r"holds a Mine"):
        load(tmp_path / "m.tsgen")


# -------------------------------------------------------------------- trainer_kwargs, transformers


def test_what_is_left_out_is_said(tmp_path: Path) -> None:
    from pytorch_lightning.callbacks import Callback

    kwargs = {"callbacks": [Callback()], "log_every_n_steps": 5}
    model = network(trainer_kwargs=kwargs).fit(long_frame())
    with pytest.warns(UserWarning, match=r"trainer_kwargs.*'callbacks'.*set_params") as caught:
        model.save(tmp_path / "model.tsgen")
    assert caught[0].filename == __file__
    assert model.trainer_kwargs is kwargs
    loaded = LSTMForecaster.load(tmp_path / "model.tsgen")
    assert loaded.trainer_kwargs == {"log_every_n_steps": 5}
    assert_equal(loaded.predict(3), model.predict(3))


@pytest.mark.parametrize(
    "scaler",
    [
        StandardScaler(),
        MinMaxScaler((-1, 1)),
        PowerTransformer(),
        QuantileTransformer(n_quantiles=10),
        FunctionTransformer(np.log1p, inverse_func=np.expm1),
        make_pipeline(
            MinMaxScaler((0.1, 0.9)), FunctionTransformer(special.logit, inverse_func=special.expit)
        ),
        make_pipeline(FunctionTransformer(np.log, inverse_func=np.exp), StandardScaler()),
    ],
    ids=lambda scaler: type(scaler).__name__,
)
def test_scikit_learn_transformers_need_no_trust(scaler: Any, tmp_path: Path) -> None:
    df = long_frame()
    model = network(scaler=scaler).fit(df)
    loaded = roundtrip(model, tmp_path)
    assert_same_forecasts(model, loaded, df)
    other = long_frame(("new", "adam"))
    assert_equal(loaded.predict(3, df=other), model.predict(3, df=other))
    assert loaded.scaler is loaded.scaler_.template
    assert repr(loaded.scaler) == repr(scaler)


class Halves(TransformerMixin, BaseEstimator):
    """A user's own transformer."""

    def fit(self, X: Any, y: Any = None) -> Halves:
        self.built_ = True
        return self

    def transform(self, X: Any) -> Any:
        return X / 2

    def inverse_transform(self, X: Any) -> Any:
        return X * 2


HALVES = f"{Halves.__module__}.Halves"


@pytest.mark.parametrize("trusted", [[HALVES], [Halves], (HALVES,), {Halves}], ids=str)
def test_trusted_transformer(trusted: Any, tmp_path: Path) -> None:
    df = long_frame()
    model = network(scaler=make_pipeline(Halves(), StandardScaler())).fit(df)
    assert_same_forecasts(model, roundtrip(model, tmp_path, trusted=trusted), df)
    assert len(load(tmp_path / "model.tsgen", trusted=trusted).predict(2)) == 4


def test_a_transformer_that_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network(scaler=Halves()).fit(long_frame()).save(tmp_path / "model.tsgen")

    def built(*_: Any) -> Any:
        raise AssertionError("an untrusted type was built")

    monkeypatch.setattr(Halves, "__setstate__", built)
    monkeypatch.setattr(Halves, "__new__", built)
    for trusted in ((), ["other.Type"]):
        with pytest.raises(ModelFileError, match=rf"trusted.*{re.escape(HALVES)}"):
            LSTMForecaster.load(tmp_path / "model.tsgen", trusted=trusted)


@pytest.mark.parametrize("trusted", [HALVES, True])
def test_trusted_is_a_list(trusted: Any, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="a list of types"):
        LSTMForecaster.load(tmp_path / "model.tsgen", trusted=trusted)


def test_a_transformer_that_cannot_be_found_again(tmp_path: Path) -> None:
    scaler = FunctionTransformer(lambda x: x + 1, inverse_func=lambda x: x - 1)
    with pytest.warns(UserWarning, match=r"can't be saved.*scaler"):
        model = network(scaler=scaler).fit(long_frame())
    with pytest.raises(ModelFileError, match=r"can't be saved.*scaler"):
        model.save(tmp_path / "model.tsgen")
    assert not list(tmp_path.iterdir())


class Odd:
    """An id of a type that has no plain form."""

    def __lt__(self, other: Odd) -> bool:
        return id(self) < id(other)


def test_ids_that_have_no_plain_form(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Odd has no plain form"):
        model = network().fit(wide_frame((Odd(), Odd())))
    with pytest.raises(ModelFileError, match="Odd has no plain form"):
        model.save(tmp_path / "model.tsgen")
    assert not list(tmp_path.iterdir())


# ----------------------------------------------------------------------------- files to be refused


@pytest.fixture(scope="module")
def model() -> Any:
    return network().fit(long_frame())


@pytest.fixture(scope="module")
def fitted(model: Any, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("model") / "model.tsgen"
    model.save(path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def with_transformer(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("model") / "model.tsgen"
    network(scaler=StandardScaler()).fit(long_frame()).save(path)
    return path.read_bytes()


def written(folder: Path, data: bytes) -> Path:
    path = folder / "file.tsgen"
    path.write_bytes(data)
    return path


def with_member(data: bytes, info: zipfile.ZipInfo | str, content: bytes = b"x") -> bytes:
    """A model with one member more, which its manifest names too."""
    info = zipfile.ZipInfo(info) if isinstance(info, str) else info
    members = unpacked(data)
    manifest = json.loads(members["manifest.json"])
    manifest["members"][info.filename] = {
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    members["manifest.json"] = json.dumps(manifest).encode()
    return zipped(
        [(zipfile.ZipInfo(name), part) for name, part in members.items()] + [(info, content)]
    )


def refused(folder: Path, data: bytes, *needles: str, **arguments: Any) -> str:
    """The file is refused with one error that holds the needles; nothing is written."""
    path = written(folder, data)
    before = sorted(folder.rglob("*"))
    with pytest.raises(ModelFileError) as caught:
        LSTMForecaster.load(path, **arguments)
    message = str(caught.value)
    assert str(path) in message
    for needle in needles:
        assert re.search(needle, message), f"{needle!r} not in {message}"
    assert len(message) < 1000
    assert sorted(folder.rglob("*")) == before
    assert path.read_bytes() == data
    return message


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no file .*nothing\.tsgen"):
        LSTMForecaster.load(tmp_path / "nothing.tsgen")


def test_a_folder_and_a_device(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", "/dev/zero"):
        with pytest.raises(ModelFileError, match="folder or a device"):
            LSTMForecaster.load(path)


class Payload:
    def __reduce__(self) -> Any:
        return os.system, ("touch executed",)


def torch_checkpoint() -> bytes:
    buffer = io.BytesIO()
    torch.save({"weights": torch.zeros(2)}, buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "needle"),
    [
        (b"", "empty"),
        (b"unique_id,ds,y\n", "no tsgen model"),
        (b"P", "cut short"),
        (b"PK\x03\x04", "cut short"),
        (pickle.dumps(Payload()), "pickle"),
        (pickle.dumps(Payload(), protocol=0), "no tsgen model"),
        (torch_checkpoint(), "pickle"),
        (zipped([(zipfile.ZipInfo("a.txt"), b"x")]), "start with a tsgen manifest"),
        (zipped([(zipfile.ZipInfo("manifest.json"), b"{}")]), "names no format"),
        (zipped([(zipfile.ZipInfo("manifest.json"), b"[]")]), "names no format"),
        (safetensors.numpy.save({"a": np.zeros(2)}), "no tsgen model"),
        (bytes(1000), "no tsgen model"),
    ],
    ids=range(12),
)
def test_foreign_files(
    data: bytes, needle: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    refused(tmp_path, data, needle)
    assert not (tmp_path / "executed").exists()


def test_newer_format(fitted: bytes, tmp_path: Path) -> None:
    data = packed(unpacked(fitted), format=FORMAT + 1, tsgen="9.8.7")
    refused(
        tmp_path, data, r"9\.8\.7", f"format {FORMAT + 1}", re.escape(tsgen.__version__), "upgrade"
    )


def test_newer_format_with_other_members(fitted: bytes, tmp_path: Path) -> None:
    data = packed(unpacked(fitted) | {"new.bin": b"x"}, format=FORMAT + 1, tsgen="9.8.7")
    refused(tmp_path, data, f"format {FORMAT + 1}")


@pytest.mark.parametrize("field", ["settings", "params", "panel", "scaler"])
def test_a_newer_field_of_the_same_format(field: str, fitted: bytes, tmp_path: Path) -> None:
    fields = model_of(fitted)
    inside(fields[field])["invented"] = 1
    refused(tmp_path, packed(unpacked(fitted), model=fields), "invented")


def test_missing_arguments_get_their_defaults(model: Any, fitted: bytes, tmp_path: Path) -> None:
    fields = model_of(fitted)
    del inside(fields["params"])["batch_size"]
    path = written(tmp_path, packed(unpacked(fitted), model=fields))
    assert LSTMForecaster.load(path).batch_size == LSTMForecaster().batch_size


@pytest.mark.parametrize("name", MEMBERS)
def test_a_missing_member(name: str, fitted: bytes, tmp_path: Path) -> None:
    members = {key: data for key, data in unpacked(fitted).items() if key != name}
    data = zipped([(zipfile.ZipInfo(key), data) for key, data in members.items()])
    refused(tmp_path, data, "manifest" if name == "manifest.json" else f"lacks.*{name}")


@pytest.mark.parametrize("name", MEMBERS[1:])
def test_an_altered_member(name: str, fitted: bytes, tmp_path: Path) -> None:
    members = unpacked(fitted)
    members[name] = members[name][:-1] + bytes([members[name][-1] ^ 1])
    refused(tmp_path, packed(members, seal=False), "altered", name, "sha256")


@pytest.mark.parametrize(
    "name", ["../evil.txt", "/tmp/evil.txt", "a/b.txt", "..", "C:evil", "a\\b", "weights/../x"]
)
def test_paths_as_members(name: str, fitted: bytes, tmp_path: Path) -> None:
    refused(tmp_path, with_member(fitted, name), "path|folder|member", "don't use this file")
    assert not Path("/tmp/evil.txt").exists()


def test_a_member_that_no_model_has(fitted: bytes, tmp_path: Path) -> None:
    refused(tmp_path, with_member(fitted, "extra.pkl"), "extra.pkl", "too many")


def test_a_member_not_in_the_manifest(fitted: bytes, tmp_path: Path) -> None:
    members = [(zipfile.ZipInfo(key), data) for key, data in unpacked(fitted).items()]
    refused(tmp_path, zipped([*members, (zipfile.ZipInfo("scaler.skops"), b"x")]), "scaler.skops")


def test_a_symbolic_link(fitted: bytes, tmp_path: Path) -> None:
    info = zipfile.ZipInfo("scaler.skops")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    refused(tmp_path, with_member(fitted, info, b"/etc/passwd"), "symbolic link")


@pytest.mark.parametrize("name", MEMBERS)
def test_members_twice(name: str, fitted: bytes, tmp_path: Path) -> None:
    members = [(zipfile.ZipInfo(key), data) for key, data in unpacked(fitted).items()]
    refused(tmp_path, zipped([*members, (zipfile.ZipInfo(name), b"x")]), f"{name}' twice")


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_bomb_by_compression(compression: int, fitted: bytes, tmp_path: Path) -> None:
    info = zipfile.ZipInfo("scaler.skops")
    info.compress_type = compression
    refused(tmp_path, with_member(fitted, info, bytes(10**7)), "compressed.*bomb")


def declared(data: bytes, size: int, both: bool) -> bytes:
    """The sizes of the last member, rewritten in the directory."""
    entry = data.rindex(b"PK\x01\x02")
    where = entry + 20
    stored = data[where : where + 4] if not both else size.to_bytes(4, "little")
    return data[:where] + stored + size.to_bytes(4, "little") + data[where + 8 :]


@pytest.mark.parametrize("both", [True, False])
def test_a_zip_bomb_by_declaration(both: bool, fitted: bytes, tmp_path: Path) -> None:
    refused(tmp_path, declared(fitted, 2**32 - 2, both), "zip bomb")


def test_members_that_overlap(fitted: bytes, tmp_path: Path) -> None:
    """A directory that names the same bytes over and over."""
    first = fitted.index(b"PK\x01\x02")
    end = fitted.rindex(b"PK\x05\x06")
    entry = fitted[first : fitted.index(b"PK\x01\x02", first + 1)]
    copies = b"".join(entry.replace(b"manifest.json", b"m%08d.json" % i) for i in range(60))
    directory = fitted[first:end] + copies
    tail = bytearray(fitted[end:])
    tail[8:12] = (63).to_bytes(2, "little") * 2
    tail[12:16] = len(directory).to_bytes(4, "little")
    refused(tmp_path, fitted[:first] + directory + bytes(tail), "zip bomb|damaged")


def test_a_directory_of_absurd_length(fitted: bytes, tmp_path: Path) -> None:
    members = [(zipfile.ZipInfo(name), data) for name, data in unpacked(fitted).items()]
    members += [(zipfile.ZipInfo(f"{i}"), b"") for i in range(2000)]
    refused(tmp_path, zipped(members), "list of members")


def test_bytes_before_and_behind(fitted: bytes, tmp_path: Path) -> None:
    refused(tmp_path, fitted + b"\0", "cut short|behind")
    refused(tmp_path, fitted + fitted[-22:-2] + b"\1\0x", "cut short|behind")
    refused(tmp_path, b"#!/bin/sh\n" + fitted, "no tsgen model")


DEEP = b"[" * 10**6 + b"]" * 10**6


@pytest.mark.parametrize(
    ("text", "needle"),
    [
        (DEEP, "deep"),
        (b'{"format":' + DEEP + b"}", "deep"),
        (b'{"a":' * 10**5, "deep"),
        (b'{"format": 1, "format": 1}', "twice"),
        (b'{"format": NaN}', "NaN"),
        (b'{"format": ' + b"9" * 10**5 + b"}", "damaged|format"),
        (b'{"format": true}', "names no format"),
        (b'{"format": 1.0}', "names no format"),
        (b'{"format": -1}', "names no format"),
        (b'{"format": 7}', "class"),
        (b'{"format": 7, "class": "a b\\u001b[31m"}', "class"),
        (b'{"format": 7, "class": "LSTMForecaster"}', "members"),
        (b"\xff\xfe", "damaged"),
        (b"", "damaged"),
        (b'{"format": 7, "class": "LSTMForecaster", "members": {}, "model": {}}', "lacks"),
        (b'{"format": 7, "class": "LSTMForecaster", "members": [], "model": {}}', "names and"),
    ],
    ids=range(16),
)
def test_an_absurd_manifest(text: bytes, needle: str, tmp_path: Path) -> None:
    refused(tmp_path, zipped([(zipfile.ZipInfo("manifest.json"), text)]), needle)


def test_a_huge_manifest(tmp_path: Path) -> None:
    text = b'"' + bytes(65 * 2**20) + b'"'
    refused(tmp_path, zipped([(zipfile.ZipInfo("manifest.json"), text)]), "manifest.json", "bytes")


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("settings", "hidden_size"), 10**12),
        (("settings", "hidden_size"), 5),
        (("settings", "hidden_size"), True),
        (("settings", "hidden_size"), "4"),
        (("settings", "num_layers"), 10**9),
        (("settings", "num_layers"), 2),
        (("settings", "context_length"), 0),
        (("settings", "context_length"), 2**40),
        (("settings", "context_length"), 6.0),
        (("settings", "lags"), {"tuple": []}),
        (("settings", "lags"), {"tuple": [1, -2]}),
        (("settings", "lags"), {"tuple": [1, 2, 3]}),
        (("settings", "lags"), [1, 2]),
        (("settings", "lags"), {"tuple": [1, {"tuple": []}]}),
        (("settings", "residual_lag"), 99),
        (("settings", "dropout"), 1.5),
        (("settings", "dropout"), {"float": "nan"}),
        (("settings", "loss"), "evil"),
        (("settings", "loss"), None),
        (("settings", "window_norm"), 1),
        (("settings", "frequency"), "h"),
        (("settings", "learning_rate"), -1.0),
        (("settings",), {"dict": []}),
        (("settings",), 3),
        (("settings",), {"Columns": {}}),
        (("settings",), {"os.system": {}}),
        (("settings",), {"Settings": "evil"}),
        (("settings",), {"evil": 1}),
        (("settings",), {"object": 0}),
        (("panel", "values"), {"array": "99"}),
        (("panel", "values"), [1.0]),
        (("panel", "ids"), {"index": {"names": [None], "range": [0, 10**15, 1]}}),
        (("panel", "ids"), {"index": {"names": [None], "range": [0, 1, 0]}}),
        (("panel", "ids"), {"index": {"names": [[]], "range": [0, 2, 1]}}),
        (("panel", "ids"), {"index": {"names": [], "range": [0, 2, 1]}}),
        (("panel", "ids"), {"index": {}}),
        (("panel", "ends"), {"index": {"names": [None], "range": [0, 2, 1]}}),
        *((("panel", "ends"), {"index": {"names": [None], "dtype": {"dtype": dtype}, "freq": None,
                                         "values": {"array": "panel.ends"}}})
          for dtype in (["zoned", "ns", "Europe"], ["named", "datetime64[ns, Europe]"],
                        ["arrow", {"bytes": "00" * 50}], ["category", None, True])),
        (("panel", "frequency"), {"IntegerFrequency": {"step": "1"}}),
        (("panel", "layout"), None),
        (("panel", "columns"), {"Columns": {"id": [], "time": "ds", "target": "y"}}),
        (("scaler", "template"), "evil"),
        (("scaler", "template"), {"object": 0}),
        (("scaler", "scalers"), {"TransformerScalers": {"transformers": [1, 2]}}),
        (("scaler", "scalers"),
         {"TransformerScalers": {"transformers": {"tuple": [1, 2]}}}),
        (("params",), [1]),
        (("params", "scaler"), {"dict": 3}),
        (("params", "self"), 3),
        (("params", "__class__"), 3),
    ],
    ids=str,
)  # fmt: skip
def test_a_crafted_manifest(place: Any, value: Any, fitted: bytes, tmp_path: Path) -> None:
    """Whatever stands in the manifest, with all hashes right, the error is one of the file."""
    fields = model_of(fitted)
    field, *rest = place
    if not rest:
        fields[field] = value
    else:
        inside(fields[field])[rest[0]] = value
    refused(tmp_path, packed(unpacked(fitted), model=fields))


def test_numbers_that_json_makes_infinite(fitted: bytes, tmp_path: Path) -> None:
    members = unpacked(fitted)
    text = members["manifest.json"].decode()
    assert '"dropout": 0.0' in text
    members["manifest.json"] = text.replace('"dropout": 0.0', '"dropout": 1e999').encode()
    refused(tmp_path, zipped([(zipfile.ZipInfo(k), v) for k, v in members.items()]), "dropout")


@pytest.mark.parametrize("change", ["missing", "added", "shape", "dtype", "none"])
def test_other_weights(change: str, fitted: bytes, tmp_path: Path) -> None:
    members = unpacked(fitted)
    weights = dict(safetensors.numpy.load(members["weights.safetensors"]))
    name = "network.head.weight"
    if change == "missing":
        del weights[name]
    elif change == "added":
        weights["network.evil"] = weights[name]
    elif change == "shape":
        weights[name] = weights[name][:, :2].copy()
    elif change == "dtype":
        weights[name] = weights[name].astype(np.float64)
    else:
        weights = {}
    members["weights.safetensors"] = safetensors.numpy.save(weights)
    refused(tmp_path, packed(members), "weights")


@pytest.mark.parametrize("name", MEMBERS[1:])
@pytest.mark.parametrize(
    "data", [b"", b"\xff" * 100, b"\xff\xff\xff\xff\xff\xff\xff\x7f{}", b"\2\0\0\0\0\0\0\0{}"]
)
def test_false_safetensors(name: str, data: bytes, fitted: bytes, tmp_path: Path) -> None:
    refused(tmp_path, packed(unpacked(fitted) | {name: data}))


@given(seed=st.integers(0, 2**32), data=st.data())
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_arrays_of_another_kind(seed: int, data: Any, fitted: bytes, tmp_path: Path) -> None:
    """Shuffled, cut and retyped arrays under right hashes: refused, or a forecast comes out.

    A frequency of a million years is one, whose next stamp no calendar has.
    """
    members = unpacked(fitted)
    arrays = dict(safetensors.numpy.load(members["arrays.safetensors"]))
    name = data.draw(st.sampled_from(sorted(arrays)))
    dtype = data.draw(st.sampled_from(["<f8", "<i8", "<u1", "<i4", "?"]))
    size = data.draw(st.integers(0, 5))
    rng = np.random.default_rng(seed)
    arrays[name] = rng.integers(-(2**62), 2**62, size).astype(dtype)
    members["arrays.safetensors"] = safetensors.numpy.save(arrays)
    path = written(tmp_path, packed(members))
    with contextlib.suppress(ModelFileError, FrameError):
        assert len(LSTMForecaster.load(path).predict(2)) == 4


# ------------------------------------------------------------------------------ false transformers


def with_scaler(data: bytes, change: Callable[[dict[str, bytes]], dict[str, bytes]]) -> bytes:
    members = unpacked(data)
    inner = change(unpacked(members["scaler.skops"]))
    members["scaler.skops"] = zipped([(zipfile.ZipInfo(k), v) for k, v in inner.items()])
    return packed(members)


def with_schema(data: bytes, old: str, new: str) -> bytes:
    def change(inner: dict[str, bytes]) -> dict[str, bytes]:
        text = inner["schema.json"].decode()
        assert old in text
        return inner | {"schema.json": text.replace(old, new).encode()}

    return with_scaler(data, change)


def test_an_unknown_scaler_type(with_transformer: bytes, tmp_path: Path) -> None:
    data = with_schema(with_transformer, '"sklearn.preprocessing._data"', '"antigravity"')
    refused(tmp_path, data, "trusted", r"antigravity\.StandardScaler", "nothing was run")
    assert "antigravity" not in sys.modules


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("builtins", "eval"),
        ("sklearn.linear_model", "Ridge"),
        ("pickle", "loads"),
    ],
)
@pytest.mark.parametrize(
    "loader", ["ObjectNode", "FunctionNode", "TypeNode", "ConstructorFromReduceNode", "JsonNode"]
)
def test_dangerous_types(
    module: str, name: str, loader: str, with_transformer: bytes, tmp_path: Path
) -> None:
    evil = {"__class__": name, "__module__": module, "__loader__": loader, "content": "true"}

    def change(inner: dict[str, bytes]) -> dict[str, bytes]:
        schema = json.loads(inner["schema.json"])
        schema["content"].append(evil)
        return inner | {"schema.json": json.dumps(schema).encode()}

    refused(tmp_path, with_scaler(with_transformer, change), rf"{module}\.{name}")


def test_a_scaler_nested_absurdly(with_transformer: bytes, tmp_path: Path) -> None:
    refused(tmp_path, with_scaler(with_transformer, lambda _: {"schema.json": DEEP}), "deep")


@pytest.mark.parametrize("depth", [50, 300, 900])
def test_a_scaler_nested_deeply(depth: int, with_transformer: bytes, tmp_path: Path) -> None:
    node: Any = {"__class__": "str", "__module__": "builtins", "__loader__": "JsonNode"}
    node |= {"content": '"x"', "is_json": True}
    for _ in range(depth):
        node = {"__class__": "list", "__module__": "builtins", "__loader__": "ListNode",
                "content": [node]}  # fmt: skip

    def change(inner: dict[str, bytes]) -> dict[str, bytes]:
        schema = json.loads(inner["schema.json"])
        text = json.dumps(schema | {"content": [schema["content"][0], "HERE"]})
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(20_000)
        try:
            deep = json.dumps(node)
        finally:
            sys.setrecursionlimit(limit)
        return inner | {"schema.json": text.replace('"HERE"', deep).encode()}

    data = with_scaler(with_transformer, change)
    path = written(tmp_path, data)
    try:
        LSTMForecaster.load(path)
    except ModelFileError:
        return
    assert depth == 50


def test_pickled_arrays_in_a_scaler(
    with_transformer: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    buffer = io.BytesIO()
    np.save(buffer, np.array([Payload()], dtype=object), allow_pickle=True)

    def change(inner: dict[str, bytes]) -> dict[str, bytes]:
        return {
            name: buffer.getvalue() if name.endswith(".npy") else data
            for name, data in inner.items()
        }

    refused(tmp_path, with_scaler(with_transformer, change), "false array")
    assert not (tmp_path / "executed").exists()


def test_an_array_of_absurd_size_in_a_scaler(with_transformer: bytes, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    header = {"descr": "<f8", "fortran_order": False, "shape": (10**15,)}
    np.lib.format.write_array_header_1_0(buffer, header)

    def change(inner: dict[str, bytes]) -> dict[str, bytes]:
        return {
            name: buffer.getvalue() if name.endswith(".npy") else data
            for name, data in inner.items()
        }

    refused(tmp_path, with_scaler(with_transformer, change), "false array")


@pytest.mark.parametrize("name", ["../1.npy", "1.npz", "evil.pkl", "schema.json/x"])
def test_false_members_in_a_scaler(name: str, with_transformer: bytes, tmp_path: Path) -> None:
    data = with_scaler(with_transformer, lambda inner: inner | {name: b"x"})
    refused(tmp_path, data, "don't use this file")


def test_a_compressed_scaler(with_transformer: bytes, tmp_path: Path) -> None:
    members = unpacked(with_transformer)
    inner = [(zipfile.ZipInfo(k), v) for k, v in unpacked(members["scaler.skops"]).items()]
    for info, _ in inner:
        info.compress_type = zipfile.ZIP_DEFLATED
    members["scaler.skops"] = zipped(inner)
    refused(tmp_path, packed(members), "bomb")


@pytest.mark.parametrize(
    "data", [b"", b"PK\x05\x06" + bytes(18), b"x" * 50, pickle.dumps(Payload())]
)
def test_no_skops_file(data: bytes, with_transformer: bytes, tmp_path: Path) -> None:
    refused(tmp_path, packed(unpacked(with_transformer) | {"scaler.skops": data}), "scaler")


# ------------------------------------------------------------------------------------------ damage


def refused_or_equal(path: Path, data: bytes, expected: Frame) -> None:
    path.write_bytes(data)
    with contextlib.suppress(ModelFileError):
        assert_equal(LSTMForecaster.load(path).predict(3), expected)


@given(length=st.integers(0, 10**9))
@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_truncation(length: int, fitted: bytes, tmp_path: Path) -> None:
    refused(tmp_path, fitted[: length % len(fitted)])


FLIPS = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@given(
    flips=st.lists(st.tuples(st.integers(0, 10**9), st.integers(1, 255)), min_size=1, max_size=3)
)
@FLIPS
def test_changed_bytes(flips: Any, model: Any, fitted: bytes, tmp_path: Path) -> None:
    data = bytearray(fitted)
    for position, mask in flips:
        data[position % len(data)] ^= mask
    refused_or_equal(tmp_path / "file.tsgen", bytes(data), model.predict(3))


@given(position=st.integers(0, 10**9), mask=st.integers(1, 255), end=st.integers(0, 300))
@FLIPS
def test_changed_directory(
    position: int, mask: int, end: int, model: Any, fitted: bytes, tmp_path: Path
) -> None:
    """The directory and the headers of the zip: where a reader can be led astray."""
    heads = [match.start() for match in re.finditer(rb"PK\x03\x04", fitted)]
    places = [head + i for head in heads for i in range(45)]
    places += range(fitted.index(b"PK\x01\x02"), len(fitted))
    data = bytearray(fitted)
    data[places[position % len(places)]] ^= mask
    refused_or_equal(tmp_path / "file.tsgen", bytes(data), model.predict(3))


@given(
    start=st.integers(0, 10**9), length=st.integers(1, 200), fill=st.binary(min_size=0, max_size=50)
)
@FLIPS
def test_replaced_stretches(
    start: int, length: int, fill: bytes, model: Any, fitted: bytes, tmp_path: Path
) -> None:
    start %= len(fitted)
    data = fitted[:start] + fill + fitted[start + length :]
    refused_or_equal(tmp_path / "file.tsgen", data, model.predict(3))


# -------------------------------------------------------------------------------- faults of a save


def test_an_existing_file(model: Any, tmp_path: Path) -> None:
    path = tmp_path / "model.tsgen"
    path.write_bytes(b"precious")
    with pytest.raises(FileExistsError, match=r"exists.*overwrite=True") as caught:
        model.save(path)
    assert isinstance(caught.value, TsgenError)
    assert path.read_bytes() == b"precious"
    model.save(path, overwrite=True)
    assert len(LSTMForecaster.load(path).predict(2)) == 4
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_appears_meanwhile(
    model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.tsgen"
    real = os.fsync

    def other_process(descriptor: int) -> None:
        real(descriptor)
        path.write_bytes(b"precious")

    monkeypatch.setattr(os, "fsync", other_process)
    with pytest.raises(FileExistsError, match="overwrite=True"):
        model.save(path)
    assert path.read_bytes() == b"precious"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("exists", [True, False])
def test_a_file_system_without_links_or_locks(
    exists: bool, model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    def fails(*_: Any) -> None:
        raise OSError("not supported here")

    monkeypatch.setattr(os, "link", fails)
    monkeypatch.setattr(fcntl, "flock", fails)
    path = tmp_path / "model.tsgen"
    leftover = tmp_path / f".model.tsgen.{'0' * 16}.tmp"
    leftover.touch()
    model.save(path)
    assert len(LSTMForecaster.load(path).predict(2)) == 4
    assert sorted(tmp_path.iterdir()) == sorted([path, leftover])
    with pytest.raises(FileExistsError):
        model.save(path)


def test_bad_targets(model: Any, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no folder .*missing.*create it"):
        model.save(tmp_path / "missing" / "model.tsgen")
    with pytest.raises(IsADirectoryError, match="is a folder"):
        model.save(tmp_path, overwrite=True)
    pipe, circle = tmp_path / "pipe", tmp_path / "circle"
    os.mkfifo(pipe)
    circle.symlink_to(circle)
    for path in (pipe, circle):
        with pytest.raises(OSError, match="a device, a pipe or a link to itself"):
            model.save(path, overwrite=True)
    assert pipe.is_fifo()
    assert circle.is_symlink()


def test_a_link_is_followed(model: Any, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere" / "model.tsgen"
    target.parent.mkdir()
    (tmp_path / "link.tsgen").symlink_to(target)
    for _ in range(2):
        model.save(tmp_path / "link.tsgen", overwrite=True)
    assert (tmp_path / "link.tsgen").is_symlink()
    assert list(target.parent.iterdir()) == [target]


def test_the_mode_follows_the_umask(model: Any, tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        model.save(tmp_path / "model.tsgen")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "model.tsgen").stat().st_mode) == 0o640


@pytest.mark.parametrize("fault", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_save_that_fails(
    fault: BaseException, step: str, model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.tsgen"
    path.write_bytes(b"precious")

    def fails(*_: Any) -> None:
        raise fault

    monkeypatch.setattr(os, step, fails)
    with pytest.raises(type(fault)) as caught:
        model.save(path, overwrite=True)
    if isinstance(fault, OSError):
        assert "No space left" in str(caught.value)
        assert "untouched" in str(caught.value)
        assert "model.tsgen" in str(caught.value)
    assert path.read_bytes() == b"precious"
    assert list(tmp_path.iterdir()) == [path]


def test_leftovers_are_swept_and_nothing_else(model: Any, tmp_path: Path) -> None:
    import fcntl

    token = "0123456789abcdef"
    swept = tmp_path / f".model.tsgen.{token}.tmp"
    kept = [
        tmp_path / f".other.tsgen.{token}.tmp",
        tmp_path / f"model.tsgen.{token}.tmp",
        tmp_path / ".model.tsgen.tmp",
        tmp_path / f".modelxtsgen.{token}.tmp",
    ]
    living = tmp_path / f".model.tsgen.{token[::-1]}.tmp"
    for path in (swept, *kept, living):
        path.touch()
    with living.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        model.save(tmp_path / "model.tsgen")
        assert sorted(tmp_path.iterdir()) == sorted([*kept, living, tmp_path / "model.tsgen"])
    model.save(tmp_path / "model.tsgen", overwrite=True)
    assert not living.exists()


@pytest.mark.slow
def test_a_kill_during_a_save(model: Any, fitted: bytes, tmp_path: Path) -> None:
    """In the middle of the file, before it is on the disk, and before it takes its place."""
    places = ["zipfile.ZipFile.writestr", "os.fsync", "os.replace"]
    folders = [tmp_path / place for place in places]
    for folder in folders:
        folder.mkdir()
    paths = [written(folder, fitted) for folder in folders]
    output = output_of(
        """
        import os, signal, sys, zipfile
        from tsgen import LSTMForecaster
        from tsgen.training import is_rank_zero  # once, not in each child as it saves
        _, *paths = sys.argv
        model = LSTMForecaster.load(paths[0])

        def save_and_die(path, place):
            where, name = place.rsplit(".", 1)
            real = getattr(eval(where), name)
            def killed(*arguments):
                if name == "writestr":
                    real(*arguments)
                    arguments[0].fp.flush()
                    if arguments[1].filename == "manifest.json":
                        return
                os.kill(os.getpid(), signal.SIGKILL)
            setattr(eval(where), name, killed)
            model.save(path, overwrite=True)

        for path in paths:
            child = os.fork()
            if child == 0:
                save_and_die(path, os.path.basename(os.path.dirname(path)))
                os._exit(0)
            print(os.WTERMSIG(os.waitpid(child, 0)[1]))
        """,
        *paths,
    )
    assert output.split() == ["9", "9", "9"]
    for folder, path in zip(folders, paths, strict=True):
        assert path.read_bytes() == fitted
        assert len(list(folder.iterdir())) == 2
        assert_equal(LSTMForecaster.load(path).predict(3), model.predict(3))
        model.save(path, overwrite=True)
        assert list(folder.iterdir()) == [path]


def test_a_full_disk(model: Any, fitted: bytes, tmp_path: Path) -> None:
    """Where there was a file it is as it was, and where there was none there is none."""
    folders = tmp_path / "with", tmp_path / "without"
    for folder in folders:
        folder.mkdir()
    before = folders[0] / "model.tsgen"
    before.write_bytes(fitted)
    for folder in folders:
        with (
            files_of_at_most(len(fitted) // 2),
            pytest.raises(OSError, match=r"can't save the model.*untouched.*model\.tsgen"),
        ):
            model.save(folder / "model.tsgen", overwrite=True)
    assert [list(folder.iterdir()) for folder in folders] == [[before], []]
    assert before.read_bytes() == fitted


@contextlib.contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """As a disk that is full then, for this process."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.slow
def test_two_processes_save_while_another_reads(tmp_path: Path) -> None:
    path = tmp_path / "model.tsgen"
    expected = []
    for seed in (1, 2):
        source = network(random_state=seed, hidden_size=32 * seed).fit(long_frame())
        source.save(tmp_path / f"{seed}.tsgen")
        expected.append(source.predict(3)["y"].tolist())
    shutil.copy(tmp_path / "1.tsgen", path)
    writers = python(
        """
        import os, sys, time
        from tsgen import LSTMForecaster
        from tsgen.training import is_rank_zero  # once, not in each child as it saves
        _, path, *sources = sys.argv

        def save_again_and_again(model):
            until = time.monotonic() + 2
            count = 0
            while time.monotonic() < until or count < 10:
                model.save(path, overwrite=True)
                count += 1

        models = [LSTMForecaster.load(source) for source in sources]
        print("loaded", flush=True)
        children = []
        for model in models:
            children.append(os.fork())
            if children[-1] == 0:
                save_again_and_again(model)
                os._exit(0)
        print(*(os.waitpid(child, 0)[1] for child in children))
        """,
        path,
        *(tmp_path / f"{seed}.tsgen" for seed in (1, 2)),
    )
    with writers:
        assert writers.stdout is not None
        assert writers.stdout.readline() == "loaded\n"
        seen = set()
        while writers.poll() is None:
            forecast = LSTMForecaster.load(path).predict(3)["y"].tolist()
            assert forecast in expected
            seen.add(expected.index(forecast))
            time.sleep(0.01)
        output, errors = writers.communicate()
    assert output == "0 0\n", errors
    assert seen == {0, 1}
    assert {item.name for item in tmp_path.iterdir()} == {"model.tsgen", "1.tsgen", "2.tsgen"}


# ---------------------------------------------------------------------------------------- versions


@pytest.mark.parametrize("version", range(1, FORMAT))
def test_an_older_format(version: int, fitted: bytes, tmp_path: Path) -> None:
    data = packed(unpacked(fitted), format=version)
    refused(tmp_path, data, rf"older tsgen \(format {version}\): fit and save anew")


def test_golden_file() -> None:
    """A model of this format loads in every version that has it; the forecast is that of then.

    To 1e-5, since other processors round otherwise.
    """
    loaded = LSTMForecaster.load(GOLDEN / "model-7.tsgen")
    expected = pd.read_csv(GOLDEN / "model-7-forecast.csv", parse_dates=["ds"])
    forecast = expected.merge(
        loaded.predict(7, future_df=expected, level=80),
        on=["unique_id", "ds"],
        suffixes=("", "_now"),
    )
    assert len(forecast) == len(expected) == 14
    for column in ("y", "z", "y-lo-80", "z-hi-80"):
        np.testing.assert_allclose(forecast[f"{column}_now"], forecast[column], rtol=1e-5)
    assert loaded.settings_.n_models == 3
    assert loaded.settings_.init == "fitted"
    assert loaded.training_strategy == NoisyInputs(0.02, FreeRunning(steps=5, grow=0.5))
