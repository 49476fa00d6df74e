"""Covariates, calendars and holes on the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.command_line import Run, in_empty_folder

from tsgen import LSTMForecaster

HORIZON = 5


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """`tsgen ...` in an empty folder."""
    return in_empty_folder(tmp_path, monkeypatch, capfd)


def frame(rows: int = 40) -> pd.DataFrame:
    random = np.random.default_rng(0)
    ds = pd.date_range("2024-01-01", periods=rows)
    return pd.DataFrame(
        {"unique_id": "a", "ds": ds, "y": np.sin(np.arange(rows)), "promo": "no",
         "price": random.normal(size=rows), "heat": random.normal(size=rows), "size": 3.0}
    )  # fmt: skip


def files() -> None:
    whole = frame(40 + HORIZON)
    whole.iloc[:40].to_csv("sales.csv", index=False)
    whole.iloc[40:].drop(columns=["y", "heat"]).to_csv("plan.csv", index=False)


ROLES = ("--future", "price", "--future", "promo", "--past", "heat", "--static", "size")
SHORT = ("--max-steps", 2)


@pytest.mark.slow
def test_forecast_with_covariates(run: Run) -> None:
    files()
    done = run("forecast", "sales.csv", "--horizon", HORIZON, *ROLES, "--future-file", "plan.csv",
               "--calendar", "day_of_week", *SHORT, "--plot", "sales.png")  # fmt: skip
    assert done.code == 0, done.err
    assert "MASE, last 5 rows" in done.out
    written = pd.read_csv("forecast.csv")
    assert written.columns.tolist() == ["unique_id", "ds", "y"]
    assert len(written) == HORIZON
    assert Path("sales.png").exists()


@pytest.mark.slow
def test_fit_and_predict_with_covariates(run: Run) -> None:
    files()
    assert run("fit", "sales.csv", "--save", "model.tsgen", *ROLES, *SHORT).code == 0
    done = run("predict", "model.tsgen", "sales.csv", "--horizon", HORIZON,
               "--future-file", "plan.csv")  # fmt: skip
    assert done.code == 0, done.err
    loaded = LSTMForecaster.load("model.tsgen")
    plan = pd.read_csv("plan.csv", parse_dates=["ds"])
    expected = loaded.predict(HORIZON, future_df=plan)
    np.testing.assert_allclose(pd.read_csv("forecast.csv")["y"], expected["y"], rtol=1e-9)


def test_forgotten_plan(run: Run) -> None:
    files()
    done = run("forecast", "sales.csv", "--horizon", HORIZON, *ROLES, *SHORT)
    assert done.code == 2
    assert "--future-file" in done.err
    run("fit", "sales.csv", "--save", "model.tsgen", *ROLES, *SHORT)
    done = run("predict", "model.tsgen", "--horizon", HORIZON)
    assert done.code == 2
    assert "'price'" in done.err
    assert done.err.count("\n") == 1


@pytest.mark.slow
def test_holes_on_the_command_line(run: Run) -> None:
    df = frame()[["unique_id", "ds", "y"]]
    df.loc[[7, 20, 38], "y"] = np.nan
    df.drop(index=[11, 12]).to_csv("holes.csv", index=False)
    done = run("forecast", "holes.csv", "--horizon", HORIZON, *SHORT)
    assert done.code == 2
    assert "--fill mask" in done.err
    for fill in ("mask", "ffill", "0"):
        done = run("forecast", "holes.csv", "--horizon", HORIZON, "--fill", fill, *SHORT)
        assert done.code == 0, done.err
        assert "MASE" in done.out
        assert "nan" not in done.out
        assert pd.read_csv("forecast.csv")["y"].notna().all()
    done = run("forecast", "holes.csv", "--horizon", HORIZON, "--fill", "bfill", *SHORT)
    assert done.code == 2
    assert "--fill bfill: expected 'mask', 'ffill', 'interpolate', a finite number" in done.err
    assert "None" not in done.err


def test_the_check_compares_the_same_days_where_rows_are_missing(run: Run) -> None:
    """A season that naive repeats without error, with rows missing among the last ones."""
    ds = pd.date_range("2024-01-01", periods=120)
    y = 10 + 5 * np.sin(2 * np.pi * np.arange(120) / 7)
    df = pd.DataFrame({"unique_id": "a", "ds": ds, "y": y + 0.01 * np.arange(120)})
    df.drop(index=[114, 115, 116]).to_csv("gap.csv", index=False)
    done = run("forecast", "gap.csv", "--horizon", 7, "--fill", "mask", *SHORT)
    assert done.code == 0, done.err
    naive = float(done.out.split("of seasonal naive")[1].split()[0])
    assert 0.5 < naive < 2


def test_a_check_that_cannot_be_made_is_left_out(run: Run) -> None:
    files()
    df = pd.read_csv("sales.csv")
    df.loc[37, "price"] = np.nan
    df.to_csv("sales.csv", index=False)
    done = run("forecast", "sales.csv", "--horizon", HORIZON, *ROLES, "--future-file", "plan.csv",
               "--fill", "ffill", *SHORT)  # fmt: skip
    assert done.code == 0, done.err
    assert "MASE" not in done.out


def test_a_plan_that_lacks_rows_is_refused_before_the_fit(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    files()
    pd.read_csv("plan.csv").iloc[:-1].to_csv("plan.csv", index=False)
    monkeypatch.setattr(LSTMForecaster, "fit", lambda *given, **named: pytest.fail("it was fitted"))
    done = run("forecast", "sales.csv", "--horizon", HORIZON, *ROLES, "--future-file", "plan.csv")
    assert done.code == 2
    assert "2024-02-14" in done.err
    done = run("forecast", "sales.csv", "--horizon", HORIZON, "--future-file", "plan.csv")
    assert done.code == 2
    assert "--future-file needs --future" in done.err


def test_a_plan_has_its_time_in_parts_as_the_history(run: Run) -> None:
    ds = pd.date_range("2020-01-01", periods=40, freq="MS")
    whole = pd.DataFrame(
        {"year": ds.year, "month": ds.month, "price": 1.0, "y": np.sin(np.arange(40))}
    )
    whole.iloc[:36].to_csv("ym.csv", index=False)
    whole.iloc[36:].to_csv("f.csv", index=False)
    time = ("--time-col", "year", "--time-col", "month")
    done = run("forecast", "ym.csv", "--horizon", 4, *time, "--future", "price", "--future-file",
               "f.csv", "--no-check", *SHORT)  # fmt: skip
    assert done.code == 0, done.err
    assert pd.read_csv("forecast.csv")["ds"].tolist()[0] == "2023-01-01"
