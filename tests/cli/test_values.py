"""Ids, numbers and categories of files: as they are written, each as its role asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.command_line import Run, in_empty_folder
from support.versions import PANDAS_3

from tsgen import LSTMForecaster
from tsgen.cli.data import Known, read_first, read_further
from tsgen.cli.options import FileSpec, Roles
from tsgen.cli.values import as_covariate, as_ids, as_numbers
from tsgen.cli.wording import CommandError

IDS = {
    "zeros": ["000123", "000456"],
    "countries": ["DE", "NA", "US"],
    "ones": ["1", "1.0", "01"],
    "powers": ["1e5", "100000"],
    "words for nothing": ["null", "None", "nan", "N/A", "-", "<NA>"],
    "truth": ["True", "False"],
    "dates": ["2022-01-01", "01/02/2022"],
    "spaces": [" a", "a ", "a"],
    "infinite": ["inf", "-inf"],
    "long": ["12345678901234567890123", "12345678901234567890124"],
    "commas": ["1,5", "a;b"],
}
QUICK = ("--max-steps", 2)


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """`tsgen ...` in an empty folder."""
    return in_empty_folder(tmp_path, monkeypatch, capfd)


def write(name: str, ids: Any, rows: int = 40, **columns: Any) -> str:
    """A CSV of several series, each of them level."""
    ds = pd.date_range("2020-01-01", periods=rows).strftime("%Y-%m-%d")
    frames = [
        pd.DataFrame({"unique_id": key, "ds": ds, "y": float(i), **columns})
        for i, key in enumerate(ids)
    ]
    pd.concat(frames).to_csv(name, index=False)
    return name


def ids_of(name: str) -> list[str]:
    table = pd.read_csv(name, dtype=str, keep_default_na=False)
    return list(table["unique_id"])


# --- ids -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", IDS)
def test_ids_come_back_as_they_are_written(run: Run, case: str) -> None:
    ids = IDS[case]
    done = run("forecast", write("in.csv", ids), "--horizon", 1, "--no-check", *QUICK)
    assert (done.code, done.err) == (0, "")
    assert ids_of("forecast.csv") == ids


@pytest.mark.slow
def test_ids_of_saved_models_and_backtests(run: Run) -> None:
    ids = ["000123", "NA", "123"]
    source = write("in.csv", ids)
    assert run("fit", source, "--save", "m.tsgen", *QUICK).code == 0
    for arguments in ((), (source,)):
        done = run("predict", "m.tsgen", *arguments, "--horizon", 1, "--overwrite")
        assert (done.code, done.err) == (0, "")
        assert ids_of("forecast.csv") == ids
    options = ["--horizon", 2, "--out", "rows.csv", *QUICK]
    assert run("backtest", source, *options).code == 0
    assert list(dict.fromkeys(ids_of("rows.csv"))) == ids


def test_covariates_go_to_the_series_of_the_same_id(run: Run) -> None:
    """The plan's rows of 01 are not those of 1."""
    write("in.csv", ["1", "01"], price=2.0)
    plan = pd.DataFrame({"unique_id": ["01", "1"], "ds": "2020-02-10", "price": [2.0, 2.0]})
    options = ["--future", "price", "--future-file", "plan.csv", "--horizon", 1, "--no-check"]
    plan.to_csv("plan.csv", index=False)
    assert run("forecast", "in.csv", *options, *QUICK).code == 0
    assert ids_of("forecast.csv") == ["1", "01"]
    plan.replace("01", "1.0").to_csv("plan.csv", index=False)
    done = run("forecast", "in.csv", *options, "--overwrite", *QUICK)
    assert done.code == 2
    assert "'1.0'" in done.err


def test_an_id_is_missing_only_where_the_field_is_empty(run: Run) -> None:
    Path("in.csv").write_text("unique_id,ds,y\nNA,2020-01-01,1\n,2020-01-02,2\n")
    done = run("forecast", "in.csv", "--horizon", 1)
    assert done.code == 2
    assert "column 'unique_id' has missing ids: row 1; give every row an id" in done.err


@pytest.mark.parametrize(
    ("known", "written", "expected"),
    [
        ([1, 12], ["12", "1", "7"], [12, 1, 7]),
        ([1.5, 2.0], ["2.0", "1.5"], [2.0, 1.5]),
        ([False, True], ["True", "False"], [True, False]),
        (["1", "a"], ["01", "1"], ["01", "1"]),
        (pd.to_datetime(["2020-01-01"]), ["2020-01-01"], list(pd.to_datetime(["2020-01-01"]))),
    ],
    ids=["integers", "floats", "truth", "text", "dates"],
)
def test_ids_of_a_model(known: Any, written: list[str], expected: list[Any]) -> None:
    ids = as_ids(pd.Series(written), "'unique_id' of in.csv", pd.Index(known))
    assert list(ids) == expected
    if not isinstance(known[0], str):
        assert ids.dtype == pd.Index(known).dtype


@pytest.mark.parametrize("odd", ["01", "1.0", "x", "1e5"])
def test_ids_that_the_numbers_of_a_model_cannot_be(odd: str) -> None:
    with pytest.raises(CommandError, match=r"'unique_id' of in\.csv: '.*' \(row 1\) is no id"):
        as_ids(pd.Series(["1", odd]), "'unique_id' of in.csv", pd.Index([1, 12]))


def test_a_model_with_integer_ids_from_python(run: Run) -> None:
    ds = pd.date_range("2020-01-01", periods=40)
    frames = [pd.DataFrame({"unique_id": i, "ds": ds, "y": float(i)}) for i in (2, 10)]
    df = pd.concat(frames, ignore_index=True)
    model = LSTMForecaster(max_steps=2, verbose=False).fit(df)
    model.save("m.tsgen")
    df.to_csv("in.csv", index=False)
    done = run("predict", "m.tsgen", "in.csv", "--horizon", 2)
    assert (done.code, done.err) == (0, "")
    result = pd.read_csv("forecast.csv")
    assert list(result["unique_id"]) == [2, 2, 10, 10]
    np.testing.assert_allclose(result["y"], model.predict(2)["y"], rtol=1e-9)
    known = Known.from_model(model)
    assert read_further(Path("in.csv"), FileSpec(), known)["unique_id"].dtype == np.int64


# --- numbers -------------------------------------------------------------------------------------


def numbers(values: list[str], **spec: str) -> list[float]:
    return list(as_numbers(pd.Series(values), "'y' of in.csv", FileSpec(**spec)))


def test_numbers_are_exact() -> None:
    values = list(np.random.default_rng(0).normal(size=1000) * 1e7)
    found = numbers([repr(float(value)) for value in values])
    # The last digit is that of pandas, whose version 2.2 rounds it sometimes.
    np.testing.assert_allclose(found, values, rtol=0 if PANDAS_3 else 3e-16, atol=0)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (["1", "2.5", "1e3", "-.5", "+7."], [1, 2.5, 1000, -0.5, 7]),
        (["0,5", "12,75"], [0.5, 12.75]),
        (["1.234,5", "2,25"], [1234.5, 2.25]),
        (["1,234.5", "12,345,678"], [1234.5, 12345678]),
        (["1.234.567", "2.345.678"], [1234567, 2345678]),
        ([" 5 ", "6"], [5, 6]),
        (["\u22125", "6"], [-5, 6]),
    ],
    ids=str,
)
def test_numbers_whose_marks_mean_one_thing(written: list[str], expected: list[float]) -> None:
    assert numbers(written) == expected


def test_numbers_whose_marks_mean_two_things() -> None:
    said = r"'1,234' \(row 1\) can be read in two ways: 1234 with --thousands , or 1\.234 with --d"
    with pytest.raises(CommandError, match=said):
        numbers(["7", "1,234"])
    assert numbers(["7", "1,234"], thousands=",") == [7, 1234]
    assert numbers(["7", "1,234"], decimal=",") == [7, 1.234]
    assert numbers(["1.234", "2.345"], thousands=".") == [1234, 2345]
    assert numbers(["1 234,5"], thousands=" ", decimal=",") == [1234.5]
    assert numbers(["1\u202f234,5", "1\u00a0234"], thousands=" ", decimal=",") == [1234.5, 1234]
    with pytest.raises(CommandError, match=r"'1,23' .*--thousands"):
        numbers(["1,23"], thousands=",")
    with pytest.raises(CommandError, match=r"'1\.234' \(row 1\) .*',' before decimals"):
        numbers(["1,5", "1.234"], decimal=",")
    with pytest.raises(CommandError, match="two marks"):
        numbers(["1"], decimal=".", thousands=".")
    with pytest.raises(CommandError, match=r"1'234.* isn't a number; --decimal and --thousands"):
        numbers(["1'234"])


@pytest.mark.parametrize(
    "odd", ["high", "5%", "$5", "1_000", "0x10", "True", "5,0.0", "?0.2", "１２", "١٢"]
)
def test_what_is_no_number(odd: str) -> None:
    with pytest.raises(CommandError, match=r"'y' of in\.csv: '.*' \(row 1\) isn't a number"):
        numbers(["1", odd])


@pytest.mark.parametrize("missing", ["", "-", "NA", "Nan", "NULL", "?", " - ", "..", ":", "—"])
def test_what_stands_for_a_missing_number(missing: str) -> None:
    found = numbers(["1", missing, "3"])
    assert found[::2] == [1, 3]
    assert np.isnan(found[1])


# --- covariates ----------------------------------------------------------------------------------


def covariate(values: list[str], kind: Any = None) -> pd.Series:
    return as_covariate(pd.Series(values), "'c' of in.csv", FileSpec(), kind)


def test_covariates_are_numbers_or_categories() -> None:
    assert list(covariate(["1", "2"])) == [1, 2]
    assert covariate(["1.5", "NA"]).isna().tolist() == [False, True]
    assert list(covariate(["DE", "NA", "US"])) == ["DE", "NA", "US"]
    assert list(covariate(["007", "010"])) == ["007", "010"]
    assert list(covariate(["True", "False"])) == [True, False]
    assert covariate(["x", ""]).isna().tolist() == [False, True]


def test_a_further_file_has_the_kinds_of_the_first() -> None:
    assert list(covariate(["12", "13"], "text")) == ["12", "13"]
    assert list(covariate(["1", "2"], "numbers")) == [1, 2]
    assert list(covariate(["True", "True"], "bool")) == [True, True]
    assert list(covariate(["True", "yes"], "bool")) == ["True", "yes"]  # which the model refuses
    with pytest.raises(CommandError, match=r"'x' .* isn't a number"):
        covariate(["1", "x"], "numbers")


def test_categories_of_a_plan() -> None:
    """Codes of which the plan has only some, and those without zeros."""
    write("in.csv", ["a"], rows=4, code=["007", "12", "NA", "12"], size="NA")
    roles = Roles(future=["code"], static=["size"])
    data = read_first(Path("in.csv"), FileSpec(), roles, None)
    assert list(data.frame["code"]) == ["007", "12", "NA", "12"]
    assert set(data.frame["size"]) == {"NA"}
    write("plan.csv", ["a"], rows=2, code="12")
    plan = read_further(Path("plan.csv"), FileSpec(), data.known)
    assert list(plan["code"]) == ["12", "12"]


def test_categories_of_a_saved_model(run: Run) -> None:
    write("in.csv", ["NA", "b"], region="NA", code=["01", "2"] * 20)
    options = ["--static", "region", "--future", "code"]
    assert run("fit", "in.csv", "--save", "m.tsgen", *options, *QUICK).code == 0
    ds = pd.date_range("2020-02-10", periods=2)
    pd.concat(
        [pd.DataFrame({"unique_id": key, "ds": ds, "code": "2"}) for key in ("NA", "b")]
    ).to_csv("plan.csv", index=False)
    done = run("predict", "m.tsgen", "in.csv", "--horizon", 2, "--future-file", "plan.csv")
    assert (done.code, done.err) == (0, "")
    model = LSTMForecaster.load("m.tsgen")
    schema = {item.name: list(item.categories) for item in model.panel_.covariates.schema}
    assert schema == {"region": ["NA"], "code": ["01", "2"]}


# --- ids and numbers that fit what was read before ------------------------------------------------


@pytest.mark.parametrize("dtype", ["int8", "Int8", "int8[pyarrow]"])
def test_ids_that_the_dtype_of_a_model_cannot_hold(dtype: str) -> None:
    known = pd.Index([1, 44], dtype=dtype)
    assert as_ids(pd.Series(["300", "44"]), "id", known).tolist() == [300, 44]
    assert as_ids(pd.Series(["1", "44"]), "id", known).dtype == dtype


def test_ids_of_a_second_file_are_text_where_those_of_the_first_are() -> None:
    for known in (pd.Index(["1", "2"]), pd.CategoricalIndex(["1", "2"])):
        assert as_ids(pd.Series([1, 3]), "id", known).tolist() == ["1", "3"]
        assert as_ids(pd.Series(["1", "new"]), "id", known).tolist() == ["1", "new"]


@pytest.mark.parametrize("endings", [("pq", "csv"), ("csv", "pq")])
def test_a_plan_and_its_history_may_be_written_differently(endings: tuple[str, str]) -> None:
    ds = pd.date_range("2020-01-01", periods=4)
    frame = pd.DataFrame({"unique_id": [1, 1, 2, 2], "ds": [*ds[:2]] * 2, "y": 1.0, "price": 2.0})
    for ending in endings:
        if ending == "pq":
            frame.to_parquet("in.pq")
        else:
            frame.to_csv("in.csv", index=False)
    history, plan = (Path(f"in.{ending}") for ending in endings)
    data = read_first(history, FileSpec(), Roles(future=["price"]), None)
    ahead = read_further(plan, FileSpec(), data.known)
    assert list(ahead["unique_id"]) == list(data.frame["unique_id"])


def test_thousands_or_decimals_of_a_semicolon_file() -> None:
    def numbers(*fields: str, **spec: Any) -> list[float]:
        Path("in.csv").write_text(
            "ds;y\n" + "".join(f"2020-01-{i + 1:02};{v}\n" for i, v in enumerate(fields))
        )
        return list(read_first(Path("in.csv"), FileSpec(**spec), Roles(), None).frame["y"])

    with pytest.raises(CommandError, match=r"two ways: 1234 with --thousands \. or 1\.234 with"):
        numbers("987", "1.234", "1.102")
    assert numbers("987", "1.234", "1.102", thousands=".") == [987, 1234, 1102]
    assert numbers("987", "1.234", "1.102", decimal=".") == [987, 1.234, 1.102]
    assert numbers("987", "1.234", "1.1") == [987, 1.234, 1.1]
    assert numbers("987", "0.234", "1.102") == [987, 0.234, 1.102]
