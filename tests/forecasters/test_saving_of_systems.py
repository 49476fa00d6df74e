"""Files of models with covariates, calendars, systems, transforms and holes: whole, or refused."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import safetensors.numpy
import torch
from pandas.testing import assert_frame_equal
from support.model_files import inside, packed, unpacked

import tsgen
from tsgen import GRUForecaster, LSTMForecaster
from tsgen.errors import ModelFileError, SettingError

pytestmark = pytest.mark.slow

SMALL = {"hidden_size": 8, "max_steps": 5, "context_length": 12, "lags": [3], "verbose": False}
ROWS, HORIZON = 45, 4
MEMBERS = ["manifest.json", "weights.safetensors", "arrays.safetensors"]


def days(rows: int, first: int = 0) -> pd.DatetimeIndex:
    return pd.date_range("2024-01-01", periods=first + rows)[first:]


def rows_of(name: str, rows: int, first: int = 0) -> pd.DataFrame:
    """Rows from a number on; the same however many there are."""
    random = np.random.default_rng(ord(name))
    table = random.normal(size=(100, 4))[first : first + rows]
    day = np.arange(first, first + rows)
    return pd.DataFrame(
        {
            "unique_id": name,
            "ds": days(rows, first),
            "y": np.rint(np.exp(1 + np.sin(day / 3) + 0.2 * table[:, 0])),
            "z": 0.5 + 0.4 * np.sin(day / 5),
            "price": 10 + table[:, 1],
            "promo": table[:, 2] > 0.5,
            "grade": pd.Categorical(day % 3 * 10, categories=[20, 10, 0]),
            "stock": table[:, 3],
            "weather": np.where(table[:, 2] > 0, "wet", "dry"),
            "size": float(ord(name)),
            "kind": "shop" if name == "a" else "kiosk",
        }
    )


def long_frame(rows: int = ROWS, first: int = 0, ids: tuple[str, ...] = ("b", "a")) -> pd.DataFrame:
    frame = pd.concat([rows_of(name, rows, first) for name in ids], ignore_index=True)
    return frame.astype({"grade": pd.CategoricalDtype([20, 10, 0])})


def with_holes(df: pd.DataFrame) -> pd.DataFrame:
    df = df.drop(index=[8, 9])
    df.loc[[20, 21, 70], "y"] = np.nan
    return df


def wide_frame(rows: int = ROWS, first: int = 0) -> pd.DataFrame:
    parts = {name: rows_of(name, rows, first).set_index("ds") for name in "ba"}
    wide = pd.DataFrame({name: part["z"] for name, part in parts.items()})
    if first == 0:
        wide.iloc[:4, 0] = np.nan
        wide.iloc[15:17, 1] = np.nan
    return wide.join(parts["a"][["price", "grade", "weather"]])


class Kind:
    """How one model is made, and the rows that come after its own."""

    def __init__(
        self,
        frame: Callable[..., pd.DataFrame],
        fit: dict[str, Any],
        future: list[str],
        forecaster: Any = LSTMForecaster,
        spoil: Callable[[pd.DataFrame], pd.DataFrame] = lambda df: df,
        **arguments: Any,
    ) -> None:
        self.frame, self.spoil, self.how, self.names = frame, spoil, fit, future
        self.forecaster, self.arguments = forecaster, arguments

    def fitted(self) -> Any:
        model = self.forecaster(**{**SMALL, **self.arguments})
        return model.fit(self.history, **self.how)

    @property
    def history(self) -> pd.DataFrame:
        return self.spoil(self.frame())

    def future(self, first: int = ROWS) -> dict[str, Any]:
        if not self.names:
            return {}
        df = self.frame(HORIZON, first)
        keys = [name for name in ("unique_id", "ds") if name in df.columns]
        return {"future_df": df[[*keys, *self.names]]}


KINDS = {
    "every role": Kind(
        long_frame,
        {
            "future_covariates": ["price", "promo", "grade"],
            "past_covariates": ["stock", "weather"],
            "static_covariates": ["size", "kind"],
            "fill": "mask",
        },
        ["price", "promo", "grade"],
        spoil=lambda df: with_holes(df).fillna({"grade": 10}),
        calendar=["day_of_week", "month_of_year"],
        target_transform="count",
    ),
    "rolled system": Kind(
        long_frame,
        {"target_col": ["y", "z"], "past_covariates": ["stock"], "roll_past": True},
        [],
        forecaster=GRUForecaster,
        calendar="auto",
        multivariate=True,
        scaler_scope="panel",
        target_transform="log1p",
        covariate_scaler=None,
    ),
    "wide system": Kind(
        wide_frame,
        {
            "future_covariates": ["price", "grade"],
            "past_covariates": ["weather"],
            "fill": "interpolate",
        },
        ["price", "grade"],
        multivariate=True,
        target_transform=("logit", -0.5, 1.5),
        covariate_scaler="robust",
    ),
    "static table": Kind(
        long_frame,
        {
            "target_col": ["z", "y"],
            "static_covariates": pd.DataFrame({"open": [True, False]}, index=["a", "b"]),
            "fill": 0.0,
        },
        [],
        spoil=with_holes,
        num_layers=2,
        covariate_scaler="minmax",
    ),
}
every_kind = pytest.mark.parametrize("name", list(KINDS))


@pytest.fixture(scope="module")
def models() -> Callable[[str], Any]:
    """Each fitted and calibrated once; never to be fitted again."""
    made: dict[str, Any] = {}

    def get(name: str) -> Any:
        if name not in made:
            made[name] = KINDS[name].fitted().calibrate()
        return made[name]

    return get


@pytest.fixture(scope="module")
def files(models: Callable[[str], Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The bytes of each model's file, and of its state's."""
    folder = tmp_path_factory.mktemp("files")
    made: dict[tuple[str, str], bytes] = {}

    def get(name: str, what: str = "model") -> bytes:
        if (name, what) not in made:
            path, model = folder / f"{name}.{what}", models(name)
            if what == "model":
                model.save(path)
            else:
                tsgen.save_state(model.encode(KINDS[name].history), path)
            made[name, what] = path.read_bytes()
        return made[name, what]

    return get


def written(folder: Path, data: bytes) -> Path:
    path = folder / "file.tsgen"
    path.write_bytes(data)
    return path


def assert_equal(got: pd.DataFrame, expected: pd.DataFrame) -> None:
    assert_frame_equal(got, expected, check_exact=True, check_freq=True)


# --------------------------------------------------------------------------------- what comes back


@every_kind
def test_a_loaded_model_forecasts_bit_by_bit_what_the_saved_one_did(
    name: str, models: Callable[[str], Any], files: Any, tmp_path: Path
) -> None:
    kind, model = KINDS[name], models(name)
    loaded = type(model).load(written(tmp_path, files(name)))
    future = kind.future()
    assert_equal(loaded.predict(HORIZON, **future), model.predict(HORIZON, **future))
    levels = {"level": [50, 90], "quantiles": 0.3} | future
    assert_equal(loaded.predict(HORIZON, **levels), model.predict(HORIZON, **levels))
    paths = {"num_samples": 5, "random_state": 2} | future
    assert_equal(loaded.sample(HORIZON, **paths), model.sample(HORIZON, **paths))
    earlier = kind.spoil(kind.frame(ROWS)).iloc[: -1 if name == "wide system" else None]
    first = ROWS - 1 if name == "wide system" else ROWS
    again = {"df": earlier} | kind.future(first)
    assert_equal(loaded.predict(HORIZON, **again), model.predict(HORIZON, **again))


@every_kind
def test_what_was_learned_comes_back(
    name: str, models: Callable[[str], Any], files: Any, tmp_path: Path
) -> None:
    model = models(name)
    loaded = type(model).load(written(tmp_path, files(name)))
    assert loaded.settings_ == model.settings_
    for attribute in ("channels", "rolled", "fill", "columns"):
        assert getattr(loaded.panel_, attribute) == getattr(model.panel_, attribute)
    assert (loaded.covariate_scaler_ is None) == (model.covariate_scaler_ is None)
    ours, theirs = (each.panel_.covariates for each in (loaded, model))
    assert [(item.name, item.role) for item in ours.schema] == [
        (item.name, item.role) for item in theirs.schema
    ]
    for got, expected in zip(ours.schema, theirs.schema, strict=True):
        if expected.categories is None:
            assert got.categories is None
        else:
            pd.testing.assert_index_equal(got.categories, expected.categories, exact=True)
    np.testing.assert_array_equal(ours.rows, theirs.rows)
    np.testing.assert_array_equal(ours.static, theirs.static)
    before, after = model.get_params(), loaded.get_params()
    assert {key: repr(value) for key, value in after.items()} == {
        key: repr(value) for key, value in before.items()
    }


@every_kind
def test_a_loaded_model_is_saved_to_the_same_bytes(
    name: str, models: Callable[[str], Any], files: Any, tmp_path: Path
) -> None:
    loaded = type(models(name)).load(written(tmp_path, files(name)))
    loaded.save(tmp_path / "again.tsgen")
    assert (tmp_path / "again.tsgen").read_bytes() == files(name)


@every_kind
@pytest.mark.parametrize("carry", [False, True])
def test_a_loaded_state_forecasts_and_goes_on_as_the_saved_one(
    name: str, carry: bool, models: Callable[[str], Any], files: Any, tmp_path: Path
) -> None:
    kind, model = KINDS[name], models(name)
    state = model.encode(kind.history)
    path = written(tmp_path, files(name, "state"))
    loaded = tsgen.load_state(path)
    future = kind.future()
    assert_equal(
        model.predict(HORIZON, state=loaded, level=80, **future),
        model.predict(HORIZON, state=state, level=80, **future),
    )
    new = kind.frame(3, ROWS)
    later = kind.future(ROWS + 3)
    states = [model.update(each, new, carry=carry) for each in (loaded, state)]
    got, expected = (model.predict(HORIZON, state=each, **later) for each in states)
    assert_equal(got, expected)
    tsgen.save_state(states[0], tmp_path / "later.state")
    again = tsgen.load_state(tmp_path / "later.state")
    assert_equal(model.predict(HORIZON, state=again, **later), expected)
    tsgen.save_state(loaded, tmp_path / "again.state")
    assert (tmp_path / "again.state").read_bytes() == path.read_bytes()


@every_kind
@pytest.mark.parametrize("what", ["model", "state"])
def test_there_is_no_pickle_in_a_file_and_none_is_read(
    name: str,
    what: str,
    models: Callable[[str], Any],
    files: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unpickled(*_: Any, **__: Any) -> Any:
        raise AssertionError("a pickle was read")

    data = files(name, what)
    assert list(unpacked(data)) == MEMBERS
    for module, function in ((pickle, "load"), (pickle, "loads"), (torch, "load")):
        monkeypatch.setattr(module, function, unpickled)
    monkeypatch.setattr(pickle, "Unpickler", unpickled)
    path = written(tmp_path, data)
    loaded = tsgen.load_state(path) if what == "state" else type(models(name)).load(path)
    assert loaded is not None


def moons(index: pd.DatetimeIndex) -> pd.DataFrame:
    return pd.DataFrame({"moon": index.day % 29, "full": index.day % 29 > 14}, index=index)


def test_the_functions_of_a_calendar_are_given_again_after_loading(tmp_path: Path) -> None:
    df = long_frame()[["unique_id", "ds", "y"]]
    model = LSTMForecaster(**SMALL, calendar=["day_of_week", moons]).fit(df)
    with pytest.warns(UserWarning, match=r"set_params\(calendar="):
        model.save(tmp_path / "model.tsgen")
    loaded = LSTMForecaster.load(tmp_path / "model.tsgen")
    with pytest.raises(SettingError, match="calendar="):
        loaded.predict(HORIZON)
    loaded.set_params(calendar=["day_of_week", moons])
    assert_equal(loaded.predict(HORIZON), model.predict(HORIZON))
    state = model.encode(df)
    tsgen.save_state(state, tmp_path / "state")
    got = loaded.predict(HORIZON, state=tsgen.load_state(tmp_path / "state"))
    assert_equal(got, model.predict(HORIZON, state=state))


def test_the_static_covariates_of_known_series_are_remembered(
    models: Callable[[str], Any], files: Any, tmp_path: Path
) -> None:
    model, kind = models("every role"), KINDS["every role"]
    loaded = LSTMForecaster.load(written(tmp_path, files("every role")))
    without = kind.history.drop(columns=["size", "kind"])
    arguments = {"df": without} | kind.future()
    assert_equal(loaded.predict(HORIZON, **arguments), model.predict(HORIZON, **arguments))


# -------------------------------------------------------------------------------- what is refused


class Opened:
    """A file's fields and arrays, to be changed and sealed again."""

    def __init__(self, data: bytes) -> None:
        self.members = unpacked(data)
        self.manifest = json.loads(self.members["manifest.json"])
        self.arrays = dict(safetensors.numpy.load(self.members["arrays.safetensors"]))

    def record(self, *place: str | int) -> Any:
        """The fields of a record, by the names of those that lead there; into tuples by number."""
        node = self.manifest["model"]
        for step in place:
            node = node[step]
            node = inside(node)
        return node

    def array(self, *place: str | int) -> npt.NDArray[Any]:
        *outer, last = place
        return self.arrays[self.record(*outer)[last]["array"]]

    def set_array(self, values: npt.NDArray[Any], *place: str | int) -> None:
        *outer, last = place
        self.arrays[self.record(*outer)[last]["array"]] = np.ascontiguousarray(values)

    def sealed(self) -> bytes:
        arrays = safetensors.numpy.save(self.arrays)
        return packed(self.members | {"arrays.safetensors": arrays}, model=self.manifest["model"])


def assert_refused(folder: Path, data: bytes, what: str = "model") -> None:
    path = written(folder, data)
    load: Callable[[Path], Any] = tsgen.load if what == "model" else tsgen.load_state
    with pytest.raises(ModelFileError) as caught:
        load(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 1000


@every_kind
@pytest.mark.parametrize("what", ["model", "state"])
def test_a_file_that_is_opened_and_sealed_again_is_as_good(
    name: str, what: str, files: Any, tmp_path: Path
) -> None:
    """Else the refusals below would say nothing."""
    path = written(tmp_path, Opened(files(name, what)).sealed())
    loaded = tsgen.load(path) if what == "model" else tsgen.load_state(path)
    assert loaded is not None


FIELDS: list[tuple[str, tuple[str | int, ...], Any]] = [
    *(
        (name, ("panel", "channels"), value)
        for name in ("every role", "rolled system", "wide system")
        for value in (0, -1, 4, 5, 10**12, True, 1.0, "1", None)
    ),
    ("every role", ("panel", "channels"), 2),
    ("rolled system", ("panel", "channels"), 1),
    ("rolled system", ("panel", "channels"), 2),
    ("wide system", ("panel", "channels"), 1),
    *(("rolled system", ("panel", "rolled"), value) for value in (0, -1, 2, 3, 10**9, True, None)),
    ("every role", ("panel", "rolled"), 1),
    *(("every role", ("panel", "fill"), value) for value in ("evil", [], {"float": "nan"}, True)),
    *(("every role", ("panel", "covariates"), value) for value in (None, 3, {"tuple": []})),
    *(("every role", ("covariate_scaler",), value) for value in (None, 3, {"tuple": []})),
    ("every role", ("panel", "columns", "future"), {"tuple": []}),
    ("every role", ("panel", "columns", "future"), {"tuple": ["price", "promo", "other"]}),
    ("every role", ("panel", "columns", "past"), {"tuple": ["weather"]}),
    ("every role", ("panel", "columns", "static"), {"tuple": ["kind", "size"]}),
    ("every role", ("panel", "columns", "others"), {"tuple": ["z"]}),
    ("rolled system", ("panel", "columns", "others"), {"tuple": []}),
    ("rolled system", ("panel", "columns", "others"), {"tuple": ["y"]}),
    ("rolled system", ("panel", "columns", "past"), {"tuple": []}),
    ("every role", ("panel", "covariates", "schema"), {"tuple": []}),
    ("every role", ("panel", "covariates", "schema"), [1]),
    ("every role", ("covariate_scaler", "schema"), {"tuple": []}),
    ("every role", ("covariate_scaler", "scalers"), {"tuple": []}),
    ("every role", ("covariate_scaler", "scalers"), {"tuple": [None] * 7}),
    *(("every role", ("scaler", "shared"), value) for value in (2, -1, 10**9, True, None)),
    ("every role", ("scaler", "shared"), 1),
    ("rolled system", ("scaler", "shared"), 0),
    ("rolled system", ("scaler", "shared"), 2),
    ("every role", ("scaler", "target_transform"), {"TargetTransform": {"name": "?"}}),
    ("every role", ("scaler", "target_transform"), {"TargetTransform": {}}),
    ("every role", ("scaler", "target_transform"), "count"),
    ("wide system", ("scaler", "target_transform", "low"), 7.0),
    ("wide system", ("scaler", "target_transform", "high"), None),
    ("wide system", ("scaler", "target_transform", "high"), {"float": "nan"}),
    *(
        ("rolled system", ("scaler", "transformed"), value)
        for value in (
            {"tuple": []},
            {"tuple": [True, True]},
            {"tuple": [1, 1, 0]},
            {"tuple": [True] * 6},
            [True, True, False],
            True,
        )
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "place", "value"), FIELDS, ids=str)
def test_a_field_that_does_not_fit_the_rest(
    name: str, place: tuple[str | int, ...], value: Any, files: Any, tmp_path: Path
) -> None:
    opened = Opened(files(name))
    *outer, last = place
    node = opened.record(*outer)
    assert last in node
    assert json.dumps(node[last]) != json.dumps(value)
    node[last] = value
    assert_refused(tmp_path, opened.sealed())


def schema_of(opened: Opened, part: str) -> list[Any]:
    """The records of the covariates, as a panel or the scaler has them."""
    place = ("panel", "covariates", "schema") if part == "panel" else (part, "schema")
    records: list[Any] = opened.record(*place)
    return [inside(item) for item in records]


ITEMS: dict[str, tuple[str, Callable[[list[Any]], None]]] = {
    "another name": ("both", lambda items: items[0].update(name="other")),
    "another name in the panel": ("panel", lambda items: items[0].update(name="other")),
    "a role of no kind": ("both", lambda items: items[0].update(role="evil")),
    "past as future": ("both", lambda items: items[3].update(role="future")),
    "future as past": ("both", lambda items: items[0].update(role="past")),
    "future as past in the panel": ("panel", lambda items: items[0].update(role="past")),
    "static first": ("both", lambda items: items[0].update(role="static")),
    "rows as static": ("both", lambda items: items[-3].update(role="static")),
    "no categories": ("both", lambda items: items[1].update(categories=None)),
    "no categories in the scaler": (
        "covariate_scaler", lambda items: items[1].update(categories=None)),
    "no categories in the panel": ("panel", lambda items: items[1].update(categories=None)),
    "categories of a number": (
        "both", lambda items: items[0].update(categories=items[1]["categories"])),
    "categories of a number in the panel": (
        "panel", lambda items: items[3].update(categories=items[1]["categories"])),
    "more categories": ("both", lambda items: items[1].update(
        categories={"index": {"names": [None], "range": [0, 3, 1]}})),
    "more categories in the panel": ("panel", lambda items: items[1].update(
        categories={"index": {"names": [None], "range": [0, 3, 1]}})),
    "an absurd number of categories": ("both", lambda items: items[1].update(
        categories={"index": {"names": [None], "range": [0, 10**12, 1]}})),
    "fewer categories": ("both", lambda items: items[1].update(
        categories={"index": {"names": [None], "range": [0, 1, 1]}})),
    "fewer categories in the panel": ("panel", lambda items: items[1].update(
        categories={"index": {"names": [None], "range": [0, 1, 1]}})),
    "static categories in the panel": ("panel", lambda items: items[-1].update(
        categories={"index": {"names": [None], "range": [0, 9, 1]}})),
    "categories of no kind": ("both", lambda items: items[1].update(categories=[1, 2])),
}  # fmt: skip


@pytest.mark.parametrize("change", list(ITEMS))
def test_covariates_that_do_not_fit_the_rest(change: str, files: Any, tmp_path: Path) -> None:
    opened = Opened(files("every role"))
    where, act = ITEMS[change]
    for part in ("panel", "covariate_scaler") if where == "both" else (where,):
        act(schema_of(opened, part))
    assert_refused(tmp_path, opened.sealed())


def at(values: npt.NDArray[Any], column: int, value: float, row: int = 2) -> npt.NDArray[Any]:
    values = values.copy()
    values[row, column] = value
    return values


# The columns are price, promo, grade, stock, weather, four of the calendar; then size and kind.
ARRAYS: dict[str, tuple[tuple[str | int, ...], Callable[[npt.NDArray[Any]], npt.NDArray[Any]]]] = {
    "a row less": (("panel", "covariates", "rows"), lambda rows: rows[:-1]),
    "a row more": (("panel", "covariates", "rows"), lambda rows: np.concatenate([rows, rows[:1]])),
    "a column less": (("panel", "covariates", "rows"), lambda rows: rows[:, :-1]),
    "a column more": (("panel", "covariates", "rows"), lambda rows: np.hstack([rows, rows[:, :1]])),
    "one dimension": (("panel", "covariates", "rows"), np.ravel),
    "rows of integers": (("panel", "covariates", "rows"), lambda rows: rows.astype(np.int64)),
    "no rows": (("panel", "covariates", "rows"), lambda rows: rows[:0]),
    "too large a category": (("panel", "covariates", "rows"), lambda rows: at(rows, 1, 3.0)),
    "a huge category": (("panel", "covariates", "rows"), lambda rows: at(rows, 2, 1e18)),
    "a negative category": (("panel", "covariates", "rows"), lambda rows: at(rows, 4, -1.0)),
    "half a category": (("panel", "covariates", "rows"), lambda rows: at(rows, 4, 0.5)),
    "a category that is NaN": (("panel", "covariates", "rows"), lambda rows: at(rows, 1, np.nan)),
    "a series less": (("panel", "covariates", "static"), lambda rows: rows[:-1]),
    "static columns missing": (("panel", "covariates", "static"), lambda rows: rows[:, :1]),
    "static columns transposed": (("panel", "covariates", "static"), lambda rows: rows.ravel()),
    "a static category too large": (
        ("panel", "covariates", "static"), lambda rows: at(rows, 1, 3.0, 0)),
    "half a static category": (
        ("panel", "covariates", "static"), lambda rows: at(rows, 1, 1.5, 0)),
    "a centre less": (("covariate_scaler", "centre"), lambda values: values[:-1]),
    "a scale less": (("covariate_scaler", "scale"), lambda values: values[:-1]),
    "a scale of two dimensions": (("covariate_scaler", "scale"), lambda values: values[None]),
    "a scale of a column less": (
        ("covariate_scaler", "scalers", 0, "scale"), lambda values: values[:-1]),
    "a centre of a column more": (
        ("covariate_scaler", "scalers", 0, "centre"), lambda values: np.append(values, 0.0)),
    "a scale of the target less": (("scaler", "scalers", "scale"), lambda values: values[:-1]),
}  # fmt: skip


@pytest.mark.parametrize("change", list(ARRAYS))
def test_arrays_that_do_not_fit_the_rest(change: str, files: Any, tmp_path: Path) -> None:
    opened = Opened(files("every role"))
    place, act = ARRAYS[change]
    opened.set_array(act(opened.array(*place)), *place)
    assert_refused(tmp_path, opened.sealed())


def test_scalers_of_the_covariates_that_do_not_fit_the_rest(files: Any, tmp_path: Path) -> None:
    """A scaler where there are categories would make numbers of vectors that there aren't."""
    for change in (
        lambda scalers: scalers.__setitem__(1, scalers[0]),
        lambda scalers: scalers.__setitem__(0, None),
        lambda scalers: scalers.append(scalers[0]),
        lambda scalers: scalers.pop(),
    ):
        opened = Opened(files("every role"))
        change(opened.record("covariate_scaler", "scalers"))
        assert_refused(tmp_path, opened.sealed())


def test_ids_of_the_covariates_that_do_not_fit_the_rest(files: Any, tmp_path: Path) -> None:
    for plain in (
        {"index": {"names": [None], "range": [0, 3, 1]}},
        {"index": {"names": [None], "range": [0, 0, 1]}},
        [1, 2],
        None,
    ):
        opened = Opened(files("every role"))
        opened.record("covariate_scaler")["ids"] = plain
        assert_refused(tmp_path, opened.sealed())


@pytest.mark.parametrize("name", ["every role", "wide system", "static table"])
def test_the_weights_of_another_model(name: str, files: Any, tmp_path: Path) -> None:
    opened = Opened(files(name))
    weights = Opened(files("rolled system")).members["weights.safetensors"]
    opened.members["weights.safetensors"] = weights
    assert_refused(tmp_path, opened.sealed())


@pytest.mark.parametrize("what", ["model", "state"])
@pytest.mark.parametrize("name", ["rolled system", "wide system"])
@pytest.mark.parametrize("field", ["offsets", "behind"])
def test_channels_of_different_lengths(
    field: str, name: str, what: str, files: Any, tmp_path: Path
) -> None:
    opened = Opened(files(name, what))
    values = opened.array("panel", field).copy()
    values[1] += 1
    opened.set_array(values, "panel", field)
    assert_refused(tmp_path, opened.sealed(), what)


# -------------------------------------------------------------------------- states that are refused

STATES: list[tuple[str, tuple[str | int, ...], Any]] = [
    *(("rolled system", ("panel", "channels"), value) for value in (1, 2, 6, 0, True)),
    ("every role", ("panel", "channels"), 2),
    ("rolled system", ("panel", "rolled"), 0),
    ("rolled system", ("panel", "rolled"), 2),
    ("every role", ("panel", "fill"), "evil"),
    ("every role", ("panel", "covariates", "schema"), {"tuple": []}),
    ("every role", ("panel", "columns", "future"), {"tuple": ["other"]}),
    (
        "every role",
        ("scalers", "target_transform"),
        {"TargetTransform": {"name": "evil"}},
    ),
    ("every role", ("scalers", "scalers"), None),
    ("every role", ("weights",), "1"),
]


@pytest.mark.parametrize(("name", "place", "value"), STATES, ids=str)
def test_a_field_of_a_state_that_does_not_fit_the_rest(
    name: str, place: tuple[str | int, ...], value: Any, files: Any, tmp_path: Path
) -> None:
    opened = Opened(files(name, "state"))
    *outer, last = place
    node = opened.record(*outer)
    assert last in node
    node[last] = value
    assert_refused(tmp_path, opened.sealed(), "state")


@pytest.mark.parametrize(
    ("place", "act"),
    [
        (("scalers", "applies"), lambda values: values[:-1]),
        (("scalers", "applies"), lambda values: values.astype(np.int64)),
        (("scalers", "scalers", "scale"), lambda values: values[:-1]),
        (("scalers", "scalers", "centre"), lambda values: values[:, None]),
        (("panel", "covariates", "rows"), lambda rows: rows[:-1]),
        (("panel", "covariates", "rows"), lambda rows: at(rows, 1, 7.0)),
        (("panel", "covariates", "static"), lambda rows: rows[:, :0]),
    ],
    ids=range(7),
)
def test_arrays_of_a_state_that_do_not_fit_the_rest(
    place: tuple[str | int, ...],
    act: Callable[[npt.NDArray[Any]], npt.NDArray[Any]],
    files: Any,
    tmp_path: Path,
) -> None:
    opened = Opened(files("every role", "state"))
    opened.set_array(act(opened.array(*place)), *place)
    assert_refused(tmp_path, opened.sealed(), "state")
