"""Where the command line writes: never over what is read, nor over another file unasked."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.command_line import Done, Run, in_empty_folder, run_process

from tsgen import LSTMForecaster
from tsgen.cli.outputs import check_outputs, write_bytes
from tsgen.cli.wording import CommandError

QUICK = ("--horizon", 2, "--max-steps", 2)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """`tsgen ...` in an empty folder."""
    return in_empty_folder(tmp_path, monkeypatch, capfd)


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def history(name: str = "sales.csv") -> str:
    ds = pd.date_range("2020-01-01", periods=60)
    pd.DataFrame({"ds": ds, "y": np.arange(60.0) % 7}).to_csv(name, index=False)
    return name


def refused(done: Done, *said: str) -> None:
    assert (done.code, done.out) == (2, "")
    assert done.err.count("\n") == 1
    for words in said:
        assert words in done.err


# --- what is read --------------------------------------------------------------------------------


@pytest.mark.parametrize("overwrite", [[], ["--overwrite"]], ids=["unasked", "asked"])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("forecast.csv", []),
        ("sales.csv", ["--out", "sales.csv"]),
        ("sales.csv", ["--out", "./folder/../sales.csv"]),
        ("sales.csv", ["--out", "symbolic.csv"]),
        ("sales.csv", ["--out", "hard.csv"]),
        ("symbolic.csv", ["--out", "sales.csv"]),
        ("sales.png", ["--plot", "sales.png"]),
        ("sales.csv", ["--plot", "hard.png"]),
    ],
    ids=str,
)
def test_a_forecast_never_replaces_its_history(
    run: Run, name: str, options: list[str], overwrite: list[str]
) -> None:
    Path("folder").mkdir()
    source = history("sales.csv" if name == "symbolic.csv" else name)
    os.symlink(source, "symbolic.csv")
    for hard in ("hard.csv", "hard.png"):
        os.link(source, hard)
    before = Path(source).read_bytes()
    refused(run("forecast", name, *QUICK, *options, *overwrite), "is read", "another name")
    assert Path(source).read_bytes() == before


def test_no_output_replaces_the_plan_or_the_model(run: Run) -> None:
    source, plan = history(), history("plan.csv")
    refused(
        run("forecast", source, *QUICK, "--future-file", plan, "--out", plan, "--overwrite"),
        "--out plan.csv is the file that is read",
    )
    refused(run("fit", source, "--save", source, "--overwrite"), "--save sales.csv")
    Path("model.tsgen").write_text("precious")
    for command in (["predict", "model.tsgen"], ["backtest", source, "--model", "model.tsgen"]):
        done = run(*command, "--horizon", 2, "--out", "model.tsgen", "--overwrite")
        refused(done, "model.tsgen", "is read")
    assert Path("model.tsgen").read_text() == "precious"


# --- what exists ---------------------------------------------------------------------------------


def test_other_files_are_replaced_only_when_asked(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = history()
    for name in ("forecast.csv", "other.csv", "picture.png", "model.tsgen"):
        Path(name).write_text("precious")
    with monkeypatch.context() as patched:
        patched.setattr(LSTMForecaster, "fit", None)  # refused before any time is spent
        for command, option, name in (
            ("forecast", [], "forecast.csv"),
            ("forecast", ["--out", "other.csv"], "other.csv"),
            ("forecast", ["--out", "new.csv", "--plot", "picture.png"], "picture.png"),
            ("backtest", ["--out", "other.csv"], "other.csv"),
            ("backtest", ["--plot", "picture.png"], "picture.png"),
        ):
            done = run(command, source, *QUICK, *option)
            refused(done, f"{name} exists", "--overwrite replaces it")
        refused(run("fit", source, "--save", "model.tsgen"), "model.tsgen exists", "--overwrite")
    assert Path("forecast.csv").read_text() == "precious"
    assert not Path("new.csv").exists()
    done = run("forecast", source, *QUICK, "--no-check", "--overwrite")
    assert (done.code, done.err) == (0, "")
    assert len(pd.read_csv("forecast.csv")) == 2
    assert Path("other.csv").read_text() == "precious"


def test_a_second_command_does_not_replace_the_first_ones_forecast(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process knows what it wrote, and another doesn't."""
    arguments = ["forecast", history(), *QUICK, "--no-check"]
    assert run(*arguments).code == 0
    monkeypatch.setattr("tsgen.cli.outputs._written", set())  # as it is in another process
    second = run(*arguments)
    assert second.code == 2
    assert second.err == (
        "tsgen: forecast.csv exists; --overwrite replaces it, or give --out another name\n"
    )


def test_a_process_replaces_what_it_wrote_itself_but_not_what_became_of_it() -> None:
    out = Path("rows.csv")
    write_bytes(b"first", out, overwrite=False)
    check_outputs({"--out": out}, [], overwrite=False)
    write_bytes(b"second", out, overwrite=False)
    assert out.read_bytes() == b"second"
    out.write_text("of another program")
    with pytest.raises(CommandError, match=r"rows\.csv exists"):
        check_outputs({"--out": out}, [], overwrite=False)


# --- two outputs, and places ---------------------------------------------------------------------


@pytest.mark.parametrize("plot", ["rows.svg", "./rows.svg", "linked.svg"])
def test_two_outputs_are_two_files(plot: str) -> None:
    if plot == "linked.svg":
        os.symlink("rows.svg", plot)  # of what isn't there yet
    with pytest.raises(CommandError, match="one file; give them two names"):
        check_outputs({"--out": Path("rows.svg"), "--plot": Path(plot)}, [], overwrite=True)


@pytest.mark.parametrize(
    ("path", "said"),
    [("no/rows.csv", "there is no folder"), (".", "it is a folder")],
)
def test_places_that_cannot_be_written(path: str, said: str) -> None:
    with pytest.raises(CommandError, match=said):
        check_outputs({"--out": Path(path)}, [], overwrite=True)


@pytest.mark.parametrize("option", ["--out", "--save"])
def test_a_link_to_itself_and_a_name_too_long(option: str) -> None:
    Path("link.csv").symlink_to("link.csv")
    for name, said in (("link.csv", "a circle"), ("x" * 300, "too long")):
        with pytest.raises(CommandError, match=f"can't write {name}: .*{said}"):
            check_outputs({option: Path(name)}, [], overwrite=True)


@pytest.mark.parametrize("name", ["model.pgf", "model.raw", "model.xyz", "model", "-"])
def test_pictures_that_are_none(run: Run, name: str) -> None:
    refused(run("forecast", history(), *QUICK, "--plot", name), f"can't write {name}: a picture's")


@pytest.mark.parametrize("name", ["rows.xlsx", "rows.json", "rows.feather"])
def test_names_that_would_promise_something_else(run: Run, name: str) -> None:
    refused(run("forecast", history(), *QUICK, "--out", name), f"can't write {name}", ".parquet")


def test_a_file_is_written_whole_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    out = Path("rows.csv")
    out.write_text("what was there")
    with monkeypatch.context() as patched:
        patched.setattr("tsgen.io.archive.os.fsync", no_space)
        with pytest.raises(CommandError, match=r"can't write rows\.csv: No space left"):
            write_bytes(b"new", out, overwrite=True)
    assert [path.name for path in Path().iterdir()] == ["rows.csv"]
    assert out.read_text() == "what was there"


def no_space(*_: Any) -> None:
    raise OSError(28, "No space left on device")


def test_links_and_modes_stay() -> None:
    Path("rows.csv").write_text("old")
    Path("rows.csv").chmod(0o600)
    os.symlink("rows.csv", "link.csv")
    write_bytes(b"new", Path("link.csv"), overwrite=True)
    assert Path("link.csv").is_symlink()
    assert Path("rows.csv").read_text() == "new"
    assert Path("rows.csv").stat().st_mode & 0o777 == 0o600


def test_devices_are_written_as_they_are(run: Run) -> None:
    assert run("forecast", history(), *QUICK, "--no-check", "--out", os.devnull).code == 0
    assert not Path(os.devnull).is_file()


# --- standard input and output -------------------------------------------------------------------


def test_a_model_never_takes_the_place_of_a_pipe(run: Run) -> None:
    os.mkfifo("pipe")
    refused(run("fit", history(), "--save", "pipe", "--overwrite"), "a model needs a file")
    assert Path("pipe").is_fifo()


def test_standard_input_and_output(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    content = Path(history()).read_bytes()
    Path("sales.csv").unlink()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    done = run("forecast", "-", *QUICK, "--no-check", "--out", "-")
    assert done.code == 0
    assert_piped(done.out, done.err)
    assert not list(Path().iterdir())


@pytest.mark.slow
def test_pipes(tmp_path: Path) -> None:
    """And nothing of a progress bar in them."""
    arguments = ["forecast", "-", *QUICK, "--no-check", "--out", "-"]
    content = Path(history()).read_bytes()
    done = run_process(arguments, tmp_path, content)
    assert done.returncode == 0
    assert_piped(done.stdout.decode(), done.stderr.decode())
    assert not {*b"\r\x1b"} & {*done.stdout, *done.stderr}


def assert_piped(out: str, err: str) -> None:
    """The forecast alone on standard output, the summary on standard error."""
    rows = out.splitlines()
    assert rows[0] == "ds,y"
    assert [row.split(",")[0] for row in rows[1:]] == ["2020-03-01", "2020-03-02"]
    assert err.startswith("rows read  60\n")
    assert "written" not in err


def test_standard_input_is_read_once_and_a_model_needs_a_file(run: Run) -> None:
    options = ["--future", "price", "--future-file", "-"]
    refused(run("forecast", "-", *QUICK, *options), "standard input (-) can be read once")
    refused(run("fit", history(), "--save", "-"), "a model needs a file")
    refused(run("forecast", "sales.csv", *QUICK, "--plot", "-"), "can't write -")


def test_a_workbook_is_not_replaced_by_text(run: Run) -> None:
    Path("rep.xlsx").write_bytes(b"PK")
    done = run("forecast", "none.csv", "--horizon", 2, "--out", "rep.xlsx", "--overwrite")
    assert done.code == 2
    assert "can't write rep.xlsx: a table's name ends in one of" in done.err
    assert Path("rep.xlsx").read_bytes() == b"PK"


def test_parquet_without_an_engine_is_said_before_anything_is_read(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tsgen.cli.tables.find_spec", lambda name: None)
    done = run("forecast", "none.csv", "--horizon", 2, "--out", "x.parquet")
    assert done.code == 2
    assert "can't write x.parquet: Parquet needs pyarrow" in done.err
